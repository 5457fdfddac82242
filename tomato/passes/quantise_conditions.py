"""Conditions of a network that comes quantised as codes 0 and 1, so that they are exact."""

import numpy as np

from tomato.core.formats import Tensor
from tomato.core.ir import Builder, Graph, Node
from tomato.ops.quantise import Quantise

ONE, NONE = Tensor(np.ones(1)), Tensor(np.zeros(1))


def quantise_conditions(graph: Graph) -> Graph:
    """A Quantise in steps of 1 in front of every argument that chooses between others."""
    first = next((n.op for n in graph if isinstance(n.op, Quantise)), None)
    op = Quantise(ONE, NONE, 0, 1, arithmetic=first.arithmetic if first else "onnxruntime")
    made: dict[str, str] = {}

    def coded(build: Builder, arg: str, origin: tuple[str, ...]) -> str:
        if arg not in made:
            made[arg] = build.add(op, (arg,), f"{arg}_holds", origin)
        return made[arg]

    def rewrite(node: Node, build: Builder) -> str | None:
        count = node.op.conditions
        if all(build.types[arg].is_codes for arg in node.args[:count]):
            return None
        codes = [arg if build.types[arg].is_codes else coded(build, arg, node.origin) for arg in node.args[:count]]
        return build.add(node.op, (*codes, *node.args[count:]), node.name, node.origin)

    return graph.rebuild(rewrite)
