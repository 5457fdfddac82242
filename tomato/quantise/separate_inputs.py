"""Give data movement a copy of the network's inputs where it joins them with other values."""

from collections import Counter

import numpy as np

from tomato.core.formats import Tensor
from tomato.core.ir import Builder, Graph, Node
from tomato.core.treatment import Treatment
from tomato.ops.real import Affine
from tomato.quantise.share_encodings import tie


def separate_inputs(graph: Graph) -> Graph:
    """Put an identity `<input>_own` between an input and the movement that ties it to other values.

    The input then keeps an encoding of its own, and the identity becomes a requant to the shared one.
    """
    tied = tie(graph)
    sources = Counter(tied[n.name] for n in graph if n.op.treatment is not Treatment.MOVES)
    sources.update(tied[name] for name, _ in graph.inputs)
    crowded = {name for name, _ in graph.inputs if sources[tied[name]] > 1}
    copies: dict[str, str] = {}

    def rewrite(node: Node, build: Builder) -> str | None:
        moved = node.args[node.op.conditions :]
        if node.op.treatment is not Treatment.MOVES or not crowded.intersection(moved):
            return None
        identity = Affine(Tensor(np.ones(1)), Tensor(np.zeros(1)))
        for arg in crowded.intersection(moved) - copies.keys():
            copies[arg] = build.add(identity, (arg,), f"{arg}_own", node.origin)
        args = [*node.args[: node.op.conditions], *(copies.get(a, a) for a in moved)]
        return build.add(node.op, args, node.name, node.origin)

    return graph.rebuild(rewrite)
