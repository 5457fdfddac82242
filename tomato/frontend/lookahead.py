"""Which layout the readers of a model input want, so that the host permutes instead of the hardware."""

from collections import deque

import numpy as np

from tomato.core.ir import Shape
from tomato.frontend import layout, reorder
from tomato.frontend.layout import Index
from tomato.frontend.model import Model, RefusedError

_KEEPS_LAYOUT_TEXT = """
    Add Sub Mul Div Neg Relu Clip Cast Abs Sqrt Pow Sigmoid Tanh LeakyRelu Min Max HardSwish Elu Exp Log
    And Equal Greater GreaterOrEqual Less LessOrEqual Not Or Shrink Softsign ThresholdedRelu Where
    QuantizeLinear DequantizeLinear Quant BipolarQuant IntQuant Trunc FloatQuant
"""
KEEPS_LAYOUT = frozenset(_KEEPS_LAYOUT_TEXT.split())
CHANNELS_LAST = frozenset({"Gemm", "MatMul", "QGemm", "QLinearMatMul", "MatMulInteger"})


def wanted(model: Model, name: str, order: Index) -> tuple[Shape, Index]:
    """Stream shape and, at each place, the element of the unbound input whose view is `order`.

    Follows the value through operators that keep or only rename the order, up to the first that needs one.
    """
    queue = deque([(name, order)])
    while queue:
        name, seen = queue.popleft()
        for node in model.consumers.get(name, ()):
            if node.op_type in reorder.MAPS:
                try:
                    queue.append((node.outputs[0], reorder.moved(model, node, seen)))
                except RefusedError:
                    continue
            elif node.op_type in KEEPS_LAYOUT:
                if model.shapes.get(node.outputs[0]) == seen.shape:
                    queue.append((node.outputs[0], seen))
            else:
                return _stream(seen, last=node.op_type in CHANNELS_LAST)
    return _stream(order, last=False)


def _stream(order: Index, *, last: bool) -> tuple[Shape, Index]:
    channel = 1 if order.ndim >= 3 and not last else max(order.ndim - 1, 0)
    if last and order.shape and order.size == order.shape[-1]:
        order = order.reshape(1, -1)
        channel = 1
    shape, index = layout.standard(order.shape, channel)
    return shape, np.asarray(order.reshape(-1)[index])
