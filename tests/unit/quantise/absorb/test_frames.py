"""Constants that differ per pixel in models that come quantised: the codes of ONNX Runtime."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.networks.runtime import golden, integers, runtime
from tests.unit.quantise.absorb.test_operators import FRAMES, IN, KINDS, SHAPE, model, op, steps
from tomato.core.formats import Array
from tomato.ops.frame_requant import FrameRequant

OUT = [op("QuantizeLinear", "r ys yz", "yq"), op("DequantizeLinear", "yq ys yz", "y")]
CODED = op("DequantizeLinear", "cq cs cz", "cr")


def compared(
    folder: Path, nodes: list[Any], kind: type[np.integer], shape: tuple[int, ...] = SHAPE, scale: str = "ys"
) -> Array:
    """How many codes the integers are off the runtime's. scale: the constant that is one code of the result."""
    info, rng = np.iinfo(kind), np.random.default_rng(4)
    constants = steps(kind, x=0.05, y=0.043, c=0.03)
    codes = rng.integers(info.min, info.max, shape, endpoint=True).astype(kind)
    constants["cq"] = np.where(codes == constants["cz"], kind(info.max), codes)  # something divides by them
    constants["cf"] = rng.normal(0, 2, shape).astype(np.float32)
    path = model(folder, nodes, constants, {"x": SHAPE})
    made = integers(path)
    assert any(isinstance(node.op, FrameRequant) for node in made.graph)
    assert {node.type.pixels for node in made.graph} != {1}
    (wanted,), (got,) = runtime(path, FRAMES), golden(made, FRAMES)
    return np.asarray(np.abs(np.rint(got / constants[scale]) - np.rint(wanted / constants[scale])))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("join", ["Add", "Mul", "Sub", "Div"])
@pytest.mark.parametrize("coded", [True, False])
def test_arithmetic_is_exact(kind: type[np.integer], join: str, coded: bool, tmp_path: Path) -> None:
    inputs = "xr cr" if coded else "xr cf"
    assert not compared(tmp_path, [*IN, *([CODED] if coded else []), op(join, inputs, "r"), *OUT], kind).any()


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("join", ["QLinearAdd", "QLinearMul"])
def test_kernels_on_codes_are_exact(kind: type[np.integer], join: str, tmp_path: Path) -> None:
    nodes = [IN[0], op(join, "xq xs xz cq cs cz ys yz", "yq", "com.microsoft"), OUT[1]]
    assert not compared(tmp_path, nodes, kind).any()


def test_a_line_and_limits_behind_are_exact(tmp_path: Path) -> None:
    nodes = [*IN, CODED, op("Mul", "xr cr", "a"), op("Add", "a cf", "b"), op("Relu", "b", "r"), *OUT]
    assert not compared(tmp_path, nodes, np.uint8).any()


@pytest.mark.parametrize("axis", [1, 2, 3])
def test_constants_beside_an_activation_are_exact(axis: int, tmp_path: Path) -> None:
    shape = tuple(2 if a == axis else n for a, n in enumerate(SHAPE))
    nodes = [*IN, CODED, op("Concat", "cr xr", "r", axis=axis), *OUT]
    assert not compared(tmp_path, nodes, np.int8, shape).any()


def test_windows_of_unequal_counts_are_exact_but_for_ties(tmp_path: Path) -> None:
    nodes = [*IN, op("AveragePool", "xr", "r", kernel_shape=[3, 3], pads=[1, 1, 1, 1]), *OUT]
    apart = compared(tmp_path, nodes, np.uint8)
    assert apart.max() <= 1
    assert np.count_nonzero(apart) <= apart.size / 500


def test_windows_that_keep_the_scale_have_many_ties(tmp_path: Path) -> None:
    """A quarter of all sums of four codes lies at a tie: no table of every place is made for them."""
    same = [op("QuantizeLinear", "r xs xz", "yq"), op("DequantizeLinear", "yq xs xz", "y")]
    nodes = [*IN, op("AveragePool", "xr", "r", kernel_shape=[3, 3], pads=[1, 1, 1, 1]), *same]
    apart = compared(tmp_path, nodes, np.uint8, scale="xs")
    assert apart.max() <= 1
    assert np.count_nonzero(apart) <= apart.size / 12
