"""What a network makes of a layer's results at each step, alike: one product for all steps behind the layer."""

from collections.abc import Collection, Mapping, Sequence

import numpy as np
import onnx

from tomato.core.formats import Array
from tomato.frontend.layout import Index
from tomato.frontend.recurrent.cells import NEAR, POLYNOMIAL, NoCellError, Runner

EXPECTED = "expected results that are the layer's states, times and plus constants"


def needed(
    nodes: Sequence[onnx.NodeProto], names: Collection[str], known: Collection[str] = ()
) -> list[onnx.NodeProto]:
    """The nodes that values depend on, but for those in front of what is known."""
    wanted, kept = set(names) - set(known), []
    for node in reversed(nodes):
        if wanted.intersection(node.output):
            wanted.update(i for i in node.input if i not in known)
            kept.append(node)
    return kept[::-1]


def head(
    nodes: Sequence[onnx.NodeProto], constants: Mapping[str, Array], name: str, known: Mapping[str, Index], hidden: int,
    opset: int,
) -> tuple[Array, Array]:  # fmt: skip
    """Matrix (hidden, size) and offset, in the shape of the value, by which a value is made of a layer's units.

    known: which units lie where in values that are moved from them. NoCellError where it is made in another way.
    """
    between = needed(nodes, [name], known)
    free = {i for n in between for i in n.input if i} - {o for n in between for o in n.output}
    affine = all(n.op_type in POLYNOMIAL and not n.domain for n in between)
    if not between or not affine or not free <= known.keys() | constants.keys():
        raise NoCellError(EXPECTED)
    runner = Runner(between, constants, [name], opset)

    def at(h: Array) -> Array:
        return runner({n: h[units] for n, units in known.items()})[name]

    offset = at(np.zeros(hidden))
    matrix = np.stack([(at(unit) - offset).reshape(-1) for unit in np.eye(hidden)])
    for h in np.random.default_rng(0).normal(size=(3, hidden)):
        if np.abs(at(h).reshape(-1) - (h @ matrix + offset.reshape(-1))).max() > NEAR:
            raise NoCellError(EXPECTED)
    return matrix, offset
