"""Borders that the stream of a window's input cannot carry become operators of their own."""

from dataclasses import replace

from tomato.core.formats import Codes
from tomato.core.ir import Builder, Graph, Node, TensorType
from tomato.ops.conv2d import Conv2d
from tomato.ops.move import Pad
from tomato.ops.pool import SumPool

UNPADDED = (0, 0, 0, 0)


def separate_borders(graph: Graph) -> Graph:
    """On codes: put a Pad in front of a window whose border has a code that its input's bits cannot hold.

    An engine inserts the border into the stream of its input, which may be narrower than the format that it
    was quantised to: sigmoid never gives the code of 0 when its values all lie above a quarter, say.
    """

    def rewrite(node: Node, build: Builder) -> str | None:
        op = node.op
        if not isinstance(op, Conv2d | SumPool) or carries(build.types[node.args[0]], op):
            return None
        padded = build.add(Pad(op.window.pads, op.pad_value), node.args, f"{node.name}_pad", node.origin)
        return build.add(_unpadded(op), (padded,), node.name, node.origin)

    return graph.rebuild(rewrite)


def carries(kind: TensorType, op: Conv2d | SumPool) -> bool:
    """Whether a stream of `kind` has the bits for the border of `op`."""
    codes = kind.codes
    full = Codes.of(codes.bits, signed=codes.signed)
    return not any(op.window.pads) or full.lo <= op.pad_value <= full.hi


def _unpadded(op: Conv2d | SumPool) -> Conv2d | SumPool:
    return replace(op, window=replace(op.window, pads=UNPADDED), pad_value=0)
