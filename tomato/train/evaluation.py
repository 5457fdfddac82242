"""What a trained network computes, exactly: the frozen graph on integers, as runtimes of quantised models round.

Sums of products are exact (float64 holds them); each Quantise rounds as docs/onnxruntime.md says of the operator in
front of it. This is the meaning that the compiled accelerator has: its codes are these.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import TypeAlias

import numpy as np
import torch

from tomato import kernels
from tomato.core.formats import Array, Codes
from tomato.core.ir import Graph, Node, Op, TensorType
from tomato.core.treatment import Line, Treatment
from tomato.kernels import Quantisation
from tomato.ops.join import Add, Multiply
from tomato.ops.matmul import MatMul
from tomato.ops.normalise import Normalise
from tomato.ops.pool import GlobalSum, SumPool
from tomato.ops.quantise import Bias, Dequantise, Quantise
from tomato.ops.real import Affine, Clip, Function
from tomato.ops.recurrent import Recurrent
from tomato.ops.softmax import Softmax
from tomato.ops.weighted import Weighted
from tomato.quantise.absorb.held import single
from tomato.train.meaning import play
from tomato.train.readback import Chain
from tomato.train.recurrent import Loops

EXACT = float(1 << 53)
BYTE = 8
INT8 = 127
"""The largest weight that kernels of 8 bits take."""


@dataclass(frozen=True, slots=True, eq=False)
class Real:
    """A real value, as far as it is computed.

    codes: of a Dequantise `back`, or what `source` made of such codes less their zero point, all integers in float64.
    args: what the source took. scale, offset: what an integer and 0 stand for, per channel; bias: in steps of the sum,
    for layers. single: the value in float32 instead of all that.
    """

    codes: torch.Tensor
    scale: Array
    offset: Array
    back: Dequantise | None = None
    source: Op | None = None
    args: tuple["Real", ...] = ()
    bias: Array | None = None
    single: torch.Tensor | None = None

    @property
    def float32(self) -> torch.Tensor:
        """The value, rounded once."""
        if self.single is not None:
            return self.single
        scale, offset = (
            torch.tensor(v, dtype=torch.float64, device=self.codes.device) for v in (self.scale, self.offset)
        )
        return (self.codes * scale + offset).float()


Value: TypeAlias = "torch.Tensor | Real"


class Evaluation:
    """Plays a frozen graph. Arrays of codes are float64 tensors of integers, (batch, height, width, channels).

    chains: of every Quantise that the compiler cannot compute exactly, what it computes instead, see `readback`.
    """

    def __init__(self, graph: Graph, chains: Mapping[str, Chain] = MappingProxyType({})) -> None:
        self.graph, self.chains, self.uses = graph, chains, graph.uses
        self._tables: dict[str, torch.Tensor] = {}
        self._loops = Loops(graph)

    @torch.no_grad()
    def play(self, values: Mapping[str, torch.Tensor]) -> tuple[dict[str, torch.Tensor], dict[str, torch.Tensor]]:
        """The graph's outputs for values of its inputs, float32, and the codes of every value that has some."""
        env: dict[str, Value] = {name: Real(x, np.ones(1), np.zeros(1), single=x.float()) for name, x in values.items()}
        for node in self.graph:
            if node.name in self.chains:
                codes = {name: value for name, value in env.items() if isinstance(value, torch.Tensor)}
                env[node.name] = self.chains[node.name].run(codes)
            elif isinstance(node.op, Recurrent):
                found = self._loops.play(node, {n: v for n, v in env.items() if isinstance(v, torch.Tensor)})
                step = np.full(1, 2.0**-node.op.fraction)
                env[node.name] = Real(found, step, np.zeros(1), source=node.op)
            else:
                env[node.name] = self._result(node, [env[a] for a in node.args])
        outputs = {name: _as_real(env[name]) for name in self.graph.outputs}
        return outputs, {name: value for name, value in env.items() if isinstance(value, torch.Tensor)}

    def _result(self, node: Node, args: Sequence[Value]) -> Value:
        op, first = node.op, args[0]
        if isinstance(first, torch.Tensor):
            return _of_codes(op, first, [a for a in args if isinstance(a, torch.Tensor)])
        reals = [a for a in args if isinstance(a, Real)]
        if isinstance(op, Quantise):
            return _quantised(op, first)
        if op.treatment is Treatment.MOVES:
            made = play(op, [r.float32 for r in reals])
            return replace(reals[op.conditions], single=made, back=None, source=None)
        if isinstance(op, Weighted | SumPool | GlobalSum | Normalise | Softmax) and first.back is not None:
            return _of_integers(op, first) if isinstance(op, Normalise | Softmax) else _summed(op, first)
        if isinstance(op, Add | Multiply | MatMul):
            return _joined(op, reals[0], reals[1])
        return self._behind(node, op, first)

    def _behind(self, node: Node, op: Op, x: Real) -> Real:
        """What stands behind a sum, or is computed from codes alone."""
        if x.source is not None and x.single is None and not isinstance(x.source, Add | Multiply):
            if isinstance(op, Affine):
                scale, offset = op.scale.values, op.offset.values
                return replace(x, scale=x.scale * scale, offset=x.offset * scale + offset)
            if isinstance(op, Bias):
                assert op.codes is not None
                return replace(x, offset=x.offset + op.real.values, bias=op.codes.values)
        readers = self.uses[node.name]
        if isinstance(op, Clip) and x.single is None and readers and _implied(op, readers[0].op):
            return x
        if isinstance(op, Function) and x.back is not None:
            return replace(x, single=self._looked_up(node, op, x), back=None, source=op)
        made = single([op], x.float32.cpu().numpy())
        return replace(x, single=torch.from_numpy(made).to(x.codes.device), back=None, source=op)

    def _looked_up(self, node: Node, op: Function, x: Real) -> torch.Tensor:
        """A function of codes, from a table of all of them."""
        assert x.back is not None
        assert x.back.kind is not None
        if node.name not in self._tables:
            codes = np.arange(x.back.kind.lo, x.back.kind.hi + 1)[:, None]
            real = (codes * x.scale + x.offset).astype(np.float32)
            with np.errstate(all="ignore"):
                self._tables[node.name] = torch.from_numpy(np.asarray(single([op], real)))
        table, index = self._tables[node.name], x.codes.long() - x.back.kind.lo
        if table.shape[1] == 1:
            return table[:, 0].to(index.device)[index]
        return table.to(index.device)[index, torch.arange(index.shape[3], device=index.device)]


def _implied(limits: Clip, behind: Op) -> bool:
    """Whether codes of a Quantise behind limits reach no further than these."""
    if not isinstance(behind, Quantise):
        return False
    least, most = ((end - behind.zero.values[0]) * behind.scale.values[0] for end in (behind.lo, behind.hi))
    return bool(limits.lo <= least and most <= limits.hi)


def _of_codes(op: Op, first: torch.Tensor, codes: list[torch.Tensor]) -> Value:
    """Codes as reals, or moved."""
    if isinstance(op, Dequantise):
        return Real(first, op.scale.values, -op.zero.values * op.scale.values, back=op)
    moved: torch.Tensor = play(op, codes)
    return moved


def _summed(op: Op, x: Real) -> Real:
    """An exact sum of codes less their zero point."""
    assert x.back is not None
    total: torch.Tensor = play(op, [x.codes - float(x.back.zero.values[0])])
    assert total.abs().max() < EXACT, "a sum exceeds what float64 holds exactly"
    return Real(total, x.scale, np.zeros(1), source=op, args=(x,))


def _of_integers(op: Normalise | Softmax, x: Real) -> Real:
    """Integers, as the accelerator makes them of codes."""
    assert x.back is not None
    assert x.back.kind is not None
    channels = x.codes.shape[3]
    given = Line(np.broadcast_to(x.scale, channels), np.broadcast_to(x.offset, channels), 0.0)
    kind = TensorType((1, 1, channels), x.back.kind)
    exact = op.on_codes([given], [kind])
    line = exact.line([given], [kind])
    assert isinstance(line, Line), line
    made = torch.from_numpy(exact.golden([x.codes.cpu().numpy().astype(np.int64)]).astype(np.float64))
    return Real(made.to(x.codes.device), line.scale, line.offset, source=op, args=(x,))


def _joined(op: Add | Multiply | MatMul, a: Real, b: Real) -> Real:
    """Two values together: a matrix product of codes less their zero points is exact, all else is float32."""
    if isinstance(op, MatMul) and a.back is not None and b.back is not None:
        total: torch.Tensor = play(op, [a.codes - float(a.back.zero.values[0]), b.codes - float(b.back.zero.values[0])])
        assert total.abs().max() < EXACT, "a sum exceeds what float64 holds exactly"
        return Real(total, a.scale * b.scale, np.zeros(1), source=op, args=(a, b))
    joined: torch.Tensor = play(op, [a.float32, b.float32])
    return Real(a.codes, a.scale, a.offset, source=op, args=(a, b), single=joined)


def _as_real(value: Value) -> torch.Tensor:
    return value.float32 if isinstance(value, Real) else value.float()


def _quantised(op: Quantise, x: Real) -> torch.Tensor:
    """Codes of a value: the runtime's kernel of what is in front, or division in float32."""
    assert op.kind is not None
    scale, zero = np.float32(op.scale.values[0]), int(op.zero.values[0])
    y = Quantisation(float(scale), zero, op.kind)
    if _is_byte(op.kind) and x.args and all(_is_byte(a.back.kind) if a.back else False for a in x.args):
        match x.source:
            case Weighted() if x.single is None and float(np.abs(x.source.weight.values).max(initial=0)) <= INT8:
                return _limited(_fused(x, y), op)
            case GlobalSum() if x.single is None and _is_mean(x):
                return _limited(_mean(x, y), op)
            case SumPool() if x.single is None:
                return _limited((x.float32 / _number(scale, x)).add(zero).round(), op)
            case Add() | Multiply() if x.single is not None:
                return _limited(_pair(x, y), op)
    codes = (x.float32 / _number(scale, x)).double().round() + zero
    return _limited(codes, op)


def _number(value: np.float32, x: Real) -> torch.Tensor:
    return torch.tensor(value, device=x.codes.device)


def _is_byte(kind: Codes | None) -> bool:
    return kind is not None and kind.bits == BYTE


def _limited(codes: torch.Tensor, op: Quantise) -> torch.Tensor:
    return codes.double().clamp(op.lo, op.hi)


def _fused(x: Real, y: Quantisation) -> torch.Tensor:
    """QLinearConv and its like: float32(sum + bias) * (sx * sw / sy), halves to even."""
    bias = torch.from_numpy(np.asarray(0.0 if x.bias is None else x.bias, np.float64)).to(x.codes.device)
    (given,) = x.args
    weight = x.scale / given.scale
    scale = torch.from_numpy(np.asarray(kernels.product_scale(float(given.scale[0]), weight, y.scale)))
    return ((x.codes + bias).float() * scale.to(x.codes.device)).double().round() + y.zero


def _is_mean(x: Real) -> bool:
    """Whether what is behind the sum of a whole frame is the division by its pixels, and nothing else."""
    pixels = float(x.args[0].scale[0] / x.scale[0])
    return x.scale.size == 1 and not np.any(x.offset) and abs(pixels - round(pixels)) < 1e-6 * pixels


def _mean(x: Real, y: Quantisation) -> torch.Tensor:
    """QLinearGlobalAveragePool."""
    (given,) = x.args
    pixels = np.float32(round(float(given.scale[0] / x.scale[0])))
    factor = np.float32(given.scale[0]) / (y.step * pixels)
    return (x.codes.float() * _number(factor, x)).double().round() + y.zero


def _pair(x: Real, y: Quantisation) -> torch.Tensor:
    """QLinearAdd and QLinearMul."""
    kernel = kernels.add if isinstance(x.source, Add) else kernels.multiply
    parts = [(r.codes.cpu().numpy().astype(np.int64), _quantisation(r)) for r in x.args]
    codes = kernel(parts[0][0], parts[1][0], parts[0][1], parts[1][1], y)
    return torch.from_numpy(codes).to(x.codes.device).double()


def _quantisation(x: Real) -> Quantisation:
    assert x.back is not None
    assert x.back.kind is not None
    return Quantisation(float(x.back.scale.values[0]), int(x.back.zero.values[0]), x.back.kind)
