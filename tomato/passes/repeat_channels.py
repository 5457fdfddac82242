"""Say the repetition of the channels of a vector as one of pixels, which is no arithmetic."""

import numpy as np

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
        match node.op:
            case Dense(weight):
                picks = np.asarray(weight.values)
                if weight.is_codes or np.any(picks.sum(axis=0) != 1) or np.any((picks != 0) & (picks != 1)):
                    return None
                source, places = node.args[0], picks.argmax(axis=0)
            case Transpose() as op:
                made = defining(build, node.args[0])
                if made is None or not isinstance(made.op, Upsample):
                    return None
                source = made.args[0]
                channels = np.arange(build.types[source].channels).reshape(1, 1, 1, -1)
                places = op.golden([made.op.golden([channels])]).reshape(-1)
            case _:
                return None
        kind = build.types[source]
        times, rest = divmod(places.size, kind.channels)
        if kind.pixels > 1 or rest or times < 2 or np.any(places != np.repeat(np.arange(kind.channels), times)):
            return None
        apart = build.add(Reshape((1, kind.channels, 1)), (source,), f"{node.name}_apart", node.origin)
        again = build.add(Upsample((1, times)), (apart,), f"{node.name}_again", node.origin)
        return build.add(Reshape(node.type.shape), (again,), node.name, node.origin)

    return graph.rebuild(rewrite).prune()
