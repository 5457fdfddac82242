"""temporary"""
from collections.abc import Sequence
import numpy as np
import torch
import torch.nn.functional as F
from tomato.core.ir import Op
from tomato.ops.conv2d import Conv2d
from tomato.ops.dense import Dense
from tomato.ops.join import Add, Multiply
from tomato.ops.move import *
from tomato.ops.pool import GlobalSum, MaxPool, SumPool
from tomato.ops.real import Affine, Clip, Function
from tomato.ops.window import Window

def differentiable(op: Op) -> str | None:
    return None

def _pad(x, w: Window, v):
    t,l,b,r = w.pads
    return F.pad(x, (l,r,t,b), value=v) if any(w.pads) else x

def play(op: Op, args: Sequence[torch.Tensor], weight: torch.Tensor | None = None) -> torch.Tensor:
    x = args[0]
    match op:
        case Conv2d():
            w = torch.from_numpy(np.array(op.weight.values)).to(x) if weight is None else weight
            p = _pad(x.permute(0,3,1,2), op.window, float(op.pad_value))
            return F.conv2d(p, w.to(x.dtype).permute(3,2,0,1), None, op.window.stride, 0, op.window.dilation, op.groups).permute(0,2,3,1)
        case Dense():
            w = torch.from_numpy(np.array(op.weight.values)).to(x) if weight is None else weight
            return x @ w.to(x.dtype)
        case Add(): return args[0]*op.scale_a+args[1]*op.scale_b
        case Multiply(): return (args[0]-op.zero_a)*(args[1]-op.zero_b)
        case Concat(): return torch.cat(list(args), 3)
        case Slice():
            s=(*op.step,1)
            return x[(slice(None), *(slice(b,e,t) for b,e,t in zip(op.begin,op.end,s)))]
        case Pad():
            t,l,b,r=op.pads
            return F.pad(x,(0,0,l,r,t,b),value=float(op.value))
        case Upsample(): return x.repeat_interleave(op.factor[0],1).repeat_interleave(op.factor[1],2)
        case Reshape(): return x.reshape(len(x),*op.shape)
        case Transpose(): return x.reshape(len(x),*op.view).permute(0,*(p+1 for p in op.perm)).reshape(len(x),*op.shape)
        case MaxPool():
            p=_pad(x.permute(0,3,1,2), op.window, -float('inf'))
            return F.max_pool2d(p, op.window.kernel, op.window.stride, 0, op.window.dilation).permute(0,2,3,1)
        case SumPool():
            p=_pad(x.permute(0,3,1,2), op.window, float(op.pad_value))
            return (F.avg_pool2d(p, op.window.kernel, op.window.stride)*op.window.taps).permute(0,2,3,1)
        case GlobalSum(): return x.sum((1,2),keepdim=True)
        case Affine(s,o): return x*torch.from_numpy(np.array(s.values)).to(x)+torch.from_numpy(np.array(o.values)).to(x)
        case Clip(): return x.clamp(op.lo,op.hi)
        case Function(e): return ev(e,x)
        case DepthToSpace(b):
            n,h,w,c=x.shape
            return x.reshape(n,h,w,b,b,c//(b*b)).permute(0,1,3,2,4,5).reshape(n,h*b,w*b,c//(b*b))
        case SpaceToDepth(b):
            n,h,w,c=x.shape
            return x.reshape(n,h//b,b,w//b,b,c).permute(0,1,3,2,4,5).reshape(n,h//b,w//b,c*b*b)
    raise AssertionError(op)

FN={'add':torch.add,'sub':torch.sub,'mul':torch.mul,'div':torch.div,'min':torch.minimum,'max':torch.maximum,'neg':torch.neg,'abs':torch.abs,'exp':torch.exp,'log':torch.log,'sqrt':torch.sqrt,'pow':torch.pow,'tanh':torch.tanh,'sigmoid':torch.sigmoid,'softplus':F.softplus,'erf':torch.erf}
def ev(e,x):
    if isinstance(e,tuple): return FN[e[0]](*(ev(o,x) for o in e[1:]))
    if isinstance(e,str): return x
    from tomato.core.formats import Tensor
    if isinstance(e,Tensor): return torch.from_numpy(np.array(e.values)).to(x)
    return torch.tensor(float(e)).to(x)
