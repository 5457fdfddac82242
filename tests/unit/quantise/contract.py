"""An example of every operator that may stand in a network of reals, as the compiler's and as ONNX nodes."""

from collections.abc import Mapping
from importlib import import_module
from inspect import isabstract
from pkgutil import iter_modules
from typing import Any

import numpy as np

import tomato.ops
from tests.networks.operators import described
from tests.unit.quantise.example import Example, example, node
from tomato.core.formats import Array, Tensor
from tomato.core.ir import Op
from tomato.core.treatment import Treatment
from tomato.ops.conv2d import Conv2d
from tomato.ops.dense import Dense
from tomato.ops.join import Add, Multiply
from tomato.ops.move import Concat, DepthToSpace, Pad, Reshape, Slice, SpaceToDepth, Transpose, Upsample
from tomato.ops.pool import GlobalSum, MaxPool, SumPool
from tomato.ops.quantise import Bias, JoinConstant
from tomato.ops.real import Affine, Clip, Function
from tomato.ops.window import Window

FRAMES = 24
SAME = Window((3, 3), pads=(1, 1, 1, 1))
RNG = np.random.default_rng(11)
SCALES = RNG.uniform(0.5, 2, 8).astype(np.float32)


def whole(*shape: int) -> Array:
    return RNG.integers(-9, 9, shape, endpoint=True).astype(np.float64)


def quantised(weight: Array) -> dict[str, Any]:
    """Weights of a Conv with their scale and zero point."""
    codes = weight.transpose(3, 2, 0, 1).astype(np.int8)
    return {"w": codes, "ws": np.asarray(0.01, np.float32), "wz": np.asarray(0, np.int8)}


WEIGHT = node("DequantizeLinear", "w ws wz", "wr", axis=0)
KERNEL, MATRIX = whole(3, 3, 8, 5), whole(8, 5)
BEFORE, BEHIND = node("MaxPool", "a", "o", kernel_shape=[2, 1]), node("MaxPool", "t", kernel_shape=[1, 2])
"""Both need frames in their order: what only changes the order of an input or output of a network, the host does."""
NONE, TWICE = np.zeros(0, np.float32), np.array([1, 1, 2, 2], np.float32)
LIST = [
    example(Conv2d(Tensor(KERNEL), SAME), WEIGHT, node("Conv", "a wr", pads=[1, 1, 1, 1]),
            **quantised(KERNEL)),
    example(Dense(Tensor(MATRIX)), WEIGHT, node("Conv", "a wr"), **quantised(MATRIX.reshape(1, 1, 8, 5))),
    example(SumPool(SAME), node("AveragePool", "a", kernel_shape=[3, 3], pads=[1, 1, 1, 1], count_include_pad=1)),
    example(GlobalSum(), node("GlobalAveragePool", "a")),
    example(MaxPool(Window((2, 2), (2, 2))), node("MaxPool", "a", kernel_shape=[2, 2], strides=[2, 2])),
    example(Add(), node("Add", "a b")),
    example(Multiply(), node("Mul", "a b")),
    example(Concat(), node("Concat", "a b", axis=1)),
    example(Slice((1, 0, 2), (6, 4, 7), (2, 1)), node("Slice", "a begin end axes steps"),
            begin=[2, 1], end=[7, 6], axes=[1, 2], steps=[1, 2]),
    example(Pad((1, 0, 2, 1), 0.0), node("Pad", "a border"), border=[0, 0, 1, 0, 0, 0, 2, 1]),
    example(Upsample((2, 2)), node("Resize", "a none factors", mode="nearest", nearest_mode="floor",
            coordinate_transformation_mode="asymmetric"), none=NONE, factors=TWICE),
    example(DepthToSpace(2), node("DepthToSpace", "a", blocksize=2)),
    example(SpaceToDepth(2), node("SpaceToDepth", "a", blocksize=2)),
    example(Reshape((1, 24, 8)), BEFORE, node("Reshape", "o shape", "t"), BEHIND, shape=[1, 8, 1, 20]),
    example(Transpose((6, 4, 8), (1, 0, 2), (4, 6, 8)), BEFORE, node("Transpose", "o", "t", perm=[0, 1, 3, 2]),
            BEHIND),
    example(Affine(Tensor(SCALES), Tensor(np.zeros(1))), node("Mul", "a scales"), scales=SCALES.reshape(1, 8, 1, 1)),
    example(Clip(-0.5, 1.0), node("Clip", "a lo hi"), lo=np.float32(-0.5), hi=np.float32(1)),
    example(Function(("sigmoid", "x")), node("Sigmoid", "a")),
]  # fmt: skip
EXAMPLES: Mapping[type[Op], Example] = {type(e.op): e for e in (*LIST, *(d.example for d in described().values()))}
ELSEWHERE = frozenset({JoinConstant, Bias})
"""Operators of reals that only a network that comes quantised has: tests/unit/quantise/absorb has them."""


def catalogue() -> set[type[Op]]:
    """Every operator, by its file."""
    modules = [import_module(f"tomato.ops.{m.name}") for m in iter_modules(tomato.ops.__path__)]
    found = {v for m in modules for v in vars(m).values() if isinstance(v, type) and issubclass(v, Op)}
    return {kind for kind in found if not isabstract(kind)}


def of_reals() -> set[type[Op]]:
    """Those of the catalogue that may stand in a network of reals."""
    return {op for op in catalogue() if op.treatment not in (Treatment.CODES, Treatment.CROSSES)} - ELSEWHERE


def arguments(example: Example) -> Mapping[str, Array]:
    """Frames of every input; the second one is smaller. Conditions are 0 or 1."""
    rng = np.random.default_rng(5)
    drawn = {f"x{i}": rng.normal(size=(FRAMES, *example.frame)) * (1.5, 0.6, 1.1)[i] for i in range(example.count)}
    return {n: (x > 0).astype(float) if i < example.op.conditions else x for i, (n, x) in enumerate(drawn.items())}


def near(wanted: Array, got: Array) -> None:
    """Codes that are equal, or off by one next to a tie."""
    apart = np.abs(wanted - got)
    assert np.ptp(wanted) > 20, "the example uses its codes"
    assert apart.max() <= 1
    assert np.count_nonzero(apart) <= 0.02 * apart.size
