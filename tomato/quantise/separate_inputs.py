"""Give data movement a copy of the network's inputs where it joins them with other values, and conditions one too."""

from collections import Counter

import numpy as np

from tomato.core.formats import Tensor
from tomato.core.ir import Builder, Graph, Node
from tomato.core.treatment import Treatment
from tomato.ops.real import Affine
from tomato.quantise.share_encodings import tie, truths


def separate_inputs(graph: Graph) -> Graph:
    """Put an identity `<input>_own` between an input and the movement that ties it to other values.

    The input then keeps an encoding of its own, and the identity becomes a requant to the shared one. So it is with a
    condition that shares its codes with what is not 0 or 1, such as a mask that is also joined to other channels.
    """
    tied = tie(graph)
    sources = Counter(tied[n.name] for n in graph if n.op.treatment is not Treatment.MOVES)
    sources.update(tied[name] for name, _ in graph.inputs)
    crowded = {name for name, _ in graph.inputs if sources[tied[name]] > 1}
    whole = truths(graph, tied)
    mixed = {arg for node in graph for arg in node.args[: node.op.conditions] if tied[arg] not in whole}
    copies: dict[tuple[str, bool], str] = {}

    def rewrite(node: Node, build: Builder) -> str | None:
        if node.op.treatment is not Treatment.MOVES:
            return None
        asked = node.op.conditions
        own = [arg in (mixed if i < asked else crowded) for i, arg in enumerate(node.args)]
        if not any(own):
            return None
        identity = Affine(Tensor(np.ones(1)), Tensor(np.zeros(1)))
        args = list(node.args)
        for i, arg in enumerate(node.args):
            if own[i]:
                key = arg, i < asked
                if key not in copies:
                    copies[key] = build.add(identity, (arg,), f"{arg}_own", node.origin)
                args[i] = copies[key]
        return build.add(node.op, args, node.name, node.origin)

    return graph.rebuild(rewrite)
