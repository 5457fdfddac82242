"""Constants that enlarge what they meet, stacks of constant matrices, frames inside that are several pictures."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import ArrayLike

from tests.unit.frontend.tiny import Tiny, agree, op, randoms
from tomato.core.formats import Array

BEHIND = [op("Conv", "x", "k", to="c")]
"""A layer, so that what follows has an order."""
IMAGE = {"x": (1, 4, 6, 5)}
LAYER = {"k": randoms(4, 4, 1, 1, seed=3)}


def shaped(shape: tuple[int, ...], node: Any, **constants: Array) -> Tiny:
    """A node that reads `r`, which has this shape; its result as a vector."""
    size = int(np.prod(shape))
    node.output[0] = "p"
    nodes = [op("MatMul", "x", "l", to="m"), op("Reshape", "m", "t", to="r"), node, op("Reshape", "p", "f")]
    given = {"l": randoms(size, size, seed=4), "t": np.array(shape), "f": np.array([1, -1]), **constants}
    return Tiny(nodes, {"x": (1, size)}, given)


def gathered(axis: int, indices: ArrayLike, shape: tuple[int, ...] = (1, 4, 6, 5)) -> Tiny:
    index = np.array(indices)
    return Tiny([*BEHIND, op("Gather", "c", "i", axis=axis)], {"x": shape}, LAYER | {"i": index})


CASES = {
    **{f"enlarged_by_{kind}": shaped((1, 1, 4), op(kind, "r", "d"), d=np.abs(randoms(6, 4)) + 0.5)
       for kind in ("Add", "Sub", "Mul", "Div")},
    "enlarged_from_the_left": shaped((1, 5, 1), op("Sub", "d", "r"), d=randoms(4)),
    "a_number_enlarged": shaped((1, 1), op("Mul", "r", "d"), d=randoms(8)),
    "enlarged_input": Tiny([op("Sub", "x", "d")], {"x": (1, 1, 4)}, {"d": randoms(6, 4)}),
    "enlarged_to_five_axes": shaped((1, 3, 4), op("Mul", "r", "d"), d=randoms(1, 2, 1, 3, 4)),
    "repeated_in_front": shaped((1, 4, 6, 5), op("Expand", "r", "s"), s=np.array([3, 4, 6, 5])),
    "stack_on_the_right": shaped((1, 3, 5, 4), op("MatMul", "r", "d"), d=randoms(3, 4, 2)),
    "stack_on_the_left": shaped((1, 3, 5, 4), op("MatMul", "d", "r"), d=randoms(3, 2, 5)),
    "stack_that_shares_rows": shaped((1, 5, 4), op("MatMul", "r", "d"), d=randoms(3, 4, 2)),
    "stack_of_one_axis": shaped((2, 3, 5, 4), op("MatMul", "r", "d"), d=randoms(2, 1, 4, 2)),
    "stack_larger_than_rows": shaped((1, 2, 1, 5, 4), op("MatMul", "r", "d"), d=randoms(2, 3, 4, 2)),
    "stack_times_vector": shaped((4,), op("MatMul", "r", "d"), d=randoms(3, 4, 2)),
    "stack_of_input": Tiny([op("MatMul", "x", "d")], {"x": (1, 3, 5, 4)}, {"d": randoms(3, 4, 2)}),
    "einsum_of_stack": shaped((1, 3, 5, 4), op("Einsum", "r", "d", equation="bhij,hjk->bhik"), d=randoms(3, 4, 2)),
    "einsum_of_rows": shaped((1, 3, 5, 4), op("Einsum", "r", "d", equation="bhwc,hkc->bhwk"), d=randoms(3, 6, 4)),
    "sliding_rows": gathered(2, [[0, 1, 2, 3], [1, 2, 3, 4], [2, 3, 4, 5]]),
    "sliding_columns": gathered(3, [[0, 1, 2, 3], [1, 2, 3, 4]]),
    "strided_rows": gathered(2, [[0, 2, 4], [1, 3, 5]]),
    "rows_in_any_order": gathered(2, [3, 0, 4]),
    "row_twice": gathered(2, [1, 4, 4, 2]),
    "pictures_convolved": shaped((3, 4, 5, 6), op("Conv", "r", "w", "b", pads=[1, 1, 1, 1]),
                                 w=randoms(2, 4, 3, 3), b=randoms(2)),
    "pictures_by_channel": shaped((3, 4, 5, 6), op("Conv", "r", "w", group=4, strides=[2, 2]), w=randoms(4, 1, 3, 3)),
    "pictures_mixed": shaped((3, 4, 5, 6), op("Conv", "r", "w", "b"), w=randoms(2, 4, 1, 1), b=randoms(2)),
    "lines_convolved": shaped((3, 4, 6), op("Conv", "r", "w"), w=randoms(2, 4, 3)),
    "pictures_pooled": shaped((3, 4, 6, 6), op("MaxPool", "r", kernel_shape=[2, 2], strides=[2, 2])),
    "pictures_enlarged": shaped((3, 4, 2, 3), op("Resize", "r", "", "z", mode="nearest"),
                                z=np.array([1, 1, 2, 2], np.float32)),
    "pictures_averaged": shaped((3, 4, 6, 6), op("GlobalAveragePool", "r")),
}  # fmt: skip

STRIPS = [
    op("Conv", "x", "k", to="c"),
    op("Reshape", "c", "apart", to="a"),
    op("Transpose", "a", to="b", perm=[0, 2, 1, 3, 4]),
    op("Reshape", "b", "t", to="r"),
    op("Conv", "r", "w", to="p", pads=[1, 1, 1, 1]),
    op("Reshape", "p", "f"),
]
CASES["strips_convolved"] = Tiny(
    STRIPS, {"x": (1, 4, 15, 6)},
    LAYER | {"apart": np.array([1, 4, 3, 5, 6]), "t": np.array([3, 4, 5, 6]), "w": randoms(2, 4, 3, 3),
             "f": np.array([1, -1])},
)  # fmt: skip
"""Pictures that lie one below the other in the stream, as the rows of one."""


def assigned(part: tuple[slice, ...], data: str, updates: str) -> Tiny:
    """x[part] = z, of activations (c, r) or constants (d, e)."""
    index = np.stack(np.meshgrid(*(np.arange(s)[p] for s, p in zip(PART, part, strict=True)), indexing="ij"), -1)
    shape = index.shape[:-1]
    nodes = [
        op("Relu", "x", to="c"),
        op("Slice", "z", "begin", "end", to="u"),
        op("Sigmoid", "u", to="r"),
        op("ScatterND", data, "i", updates),
    ]
    constants = {"i": index, "begin": np.zeros(4, np.int64), "end": np.array(shape)}
    constants |= {n: a for n, a in (("d", randoms(*PART)), ("e", randoms(*shape))) if n in (data, updates)}
    used = {name for node in nodes for name in node.input} | {"y"}
    return Tiny(nodes, {"x": PART, "z": PART}, {n: a for n, a in constants.items() if n in used}, opset=16)


PART, ALL = (1, 4, 6, 5), slice(None)
CASES |= {
    "all_assigned": assigned((ALL,) * 4, "c", "r"),
    "rows_assigned": assigned((ALL, ALL, slice(1, 4), ALL), "c", "r"),
    "rectangle_assigned": assigned((ALL, ALL, slice(1, 4), slice(2, 5)), "c", "r"),
    "channels_assigned": assigned((ALL, slice(1, 3), ALL, ALL), "c", "r"),
    "assigned_to_constants": assigned((ALL, ALL, slice(1, 4), slice(2, 5)), "d", "r"),
    "constants_assigned": assigned((ALL, ALL, slice(1, 4), slice(2, 5)), "c", "e"),
}


@pytest.mark.parametrize("name", CASES)
def test_equals_onnx_runtime(name: str, tmp_path: Path) -> None:
    agree(CASES[name].save(tmp_path))


FOLDED = {
    "ScatterND": ([op("ScatterND", "c", "i", "u", to="s")], {"u": randoms(450, seed=1)}),
    "GatherND": ([op("GatherND", "c", "i", to="g"), op("Reshape", "g", "t", to="s")], {"t": np.array([150, 3])}),
    "BatchNormalization": ([op("BatchNormalization", "c", *"abde", to="s")], {n: np.abs(randoms(150)) for n in "abde"}),
}


@pytest.mark.parametrize("kind", FOLDED)
def test_large_constants_are_computed_at_once(kind: str, tmp_path: Path) -> None:
    nodes, more = FOLDED[kind]
    index = np.stack(np.meshgrid(np.arange(150), np.arange(3), indexing="ij"), -1).reshape(-1, 2) - 1
    used = {name for node in nodes for name in node.input}
    given = {n: a for n, a in {"c": randoms(150, 150), "i": index, **more}.items() if n in used}
    agree(Tiny([*nodes, op("MatMul", "x", "s")], {"x": (1, 150)}, given, opset=16).save(tmp_path))
