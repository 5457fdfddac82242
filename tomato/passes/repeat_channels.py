"""Say the repetition of the channels of a vector as one of pixels, which is no arithmetic."""

import numpy as np

from tomato.core.formats import Array
from tomato.core.ir import Builder, Graph, Node
from tomato.ops.dense import Dense
from tomato.ops.move import Reshape, Transpose, Upsample
from tomato.passes.rewrite import defining


def repeat_channels(graph: Graph) -> Graph:
    """A value of one pixel, every channel of it repeated as often: its channels are pixels meanwhile.

    1. Dense whose columns each pick one channel;
    2. Transpose of an Upsample of one pixel.
    """

    def rewrite(node: Node, build: Builder) -> str | None:
        found = _picked(node, build)
        if found is None:
            return None
        source, places = found
        channels = build.types[source].channels
        times, rest = divmod(places.size, channels)
        if rest or times < 2 or np.any(places != np.repeat(np.arange(channels), times)):
            return None
        apart = build.add(Reshape((1, channels, 1)), (source,), f"{node.name}_apart", node.origin)
        again = build.add(Upsample((1, times)), (apart,), f"{node.name}_again", node.origin)
        return build.add(Reshape(node.type.shape), (again,), node.name, node.origin)

    return graph.rebuild(rewrite).prune()


def _picked(node: Node, build: Builder) -> tuple[str, Array] | None:
    """A value of one pixel, and the channel of it that every place of the node's result is, if that is all it does."""
    match node.op:
        case Dense(weight) if not weight.is_codes and build.types[node.args[0]].pixels == 1:
            ones = weight.values == 1
            if np.all(ones.sum(axis=0) == 1) and np.all(ones | (weight.values == 0)):
                return node.args[0], ones.argmax(axis=0)
        case Transpose() as op:
            made = defining(build, node.args[0])
            if made is not None and isinstance(made.op, Upsample) and build.types[made.args[0]].pixels == 1:
                channels = np.arange(build.types[made.args[0]].channels).reshape(1, 1, 1, -1)
                return made.args[0], op.golden([made.op.golden([channels])]).reshape(-1)
    return None
