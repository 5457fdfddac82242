"""What trained networks seldom hold: every code equals that of ONNX Runtime, or a named property explains it."""

from pathlib import Path
from typing import Any

import ml_dtypes
import numpy as np
import onnx
import pytest

from tests.networks import kernels
from tests.networks.kernels import Tally
from tests.networks.runtime import golden, integers, runtime
from tests.unit.kernels.runtime import assert_equal_if_fused
from tests.unit.quantise.absorb.test_operators import FRAMES, IN, KINDS, OUT, SHAPE, model, op, steps, weights
from tomato.core.formats import Codes
from tomato.ops.conv2d import Conv2d
from tomato.quantise.absorb.realise import ORDINARY, Allowed

PAIR = [op("QuantizeLinear", "xr bs bz", "bq"), op("DequantizeLinear", "bq bs bz", "br")]
WEIGHT = op("DequantizeLinear", "w ws wz", "wr", axis=0)
CONSTANT = op("DequantizeLinear", "cq cs cz", "cr")
MEAN = [op("GlobalAveragePool", "xr", "g"), op("QuantizeLinear", "g bs bz", "bq"),
        op("DequantizeLinear", "bq bs bz", "br")]  # fmt: skip
WIDE = 21
"""The first operator set with codes of 4 and 16 bits."""
EXACT = Allowed(0)
"""Tables of any size, and no lines."""


def conv(zero: Any = None, scale: Any = None) -> dict[str, Any]:
    """The constants of an int8 convolution."""
    none = np.int8(0) if zero is None else zero
    return {"w": weights(np.int8, 8, 4, 3, 3), "ws": np.float32(0.01) if scale is None else scale, "wz": none}


def both(
    folder: Path, nodes: list[Any], constants: dict[str, Any], opset: int = 17, allowed: Allowed = ORDINARY
) -> tuple[Any, Any, Any]:
    """The network, its outputs, and ONNX Runtime's."""
    path = model(folder, nodes, constants, {"x": SHAPE})
    if opset != 17:
        changed = onnx.load(path)
        changed.opset_import[0].version, changed.ir_version = opset, 10
        onnx.save(changed, path)
    made = integers(path, allowed)
    return made, golden(made, FRAMES)[0], runtime(path, FRAMES)[0]


def limits(kind: type[np.integer]) -> dict[str, Any]:
    """Codes to clip at, around the zero points of `steps`."""
    lo = np.iinfo(kind).min
    return {"lo": kind(lo + 96), "hi": kind(lo + 111)}


EQUAL: dict[str, tuple[list[Any], dict[str, Any]]] = {
    "two_pairs": ([*IN, *PAIR, op("QuantizeLinear", "br ys yz", "yq"), OUT[1]], {}),
    "two_pairs_in_front_of_relu": ([*IN, *PAIR, op("Relu", "br", "r"), *OUT], {}),
    "two_pairs_with_a_move_between": (
        [*IN, op("Flatten", "xr", "f"), op("QuantizeLinear", "f ys yz", "yq"), OUT[1]], {}),
    "three_pairs": ([*IN, *PAIR, op("QuantizeLinear", "br cs cz", "dq"), op("DequantizeLinear", "dq cs cz", "dr"),
                     op("Relu", "dr", "r"), *OUT], {}),
    "two_pairs_with_two_readers_behind": ([*IN, *PAIR, op("Mul", "br br", "r"), *OUT], {}),
    "two_pairs_of_which_more_is_read": ([*IN, *PAIR, op("Add", "br xr", "r"), *OUT], {}),
    "weights_with_a_zero_point": ([*IN, WEIGHT, op("Conv", "xr wr", "r"), *OUT], conv(np.int8(-11))),
    "weights_with_zero_points_per_channel": (
        [*IN, WEIGHT, op("Conv", "xr wr", "r"), *OUT],
        conv(np.arange(-4, 4).astype(np.int8), np.linspace(0.005, 0.01, 8, dtype=np.float32)),
    ),
    "sum_with_itself": ([*IN, op("Add", "xr xr", "r"), *OUT], {}),
    "product_with_itself": ([*IN, op("Mul", "xr xr", "r"), *OUT], {}),
    "product_with_itself_and_relu": ([*IN, op("Mul", "xr xr", "m"), op("Clip", "m low high", "r"), *OUT],
                                     {"low": np.float32(0.1), "high": np.float32(2)}),
    "difference_with_itself": ([*IN, op("Sub", "xr xr", "r"), *OUT], {}),
    "float_gain": ([*IN, op("Mul", "xr gain", "r"), *OUT],
                   {"gain": np.linspace(0.5, 2, 4, dtype=np.float32).reshape(1, 4, 1, 1)}),
    "codes_limited": ([IN[0], op("Clip", "xq lo hi", "xc"), op("DequantizeLinear", "xc xs xz", "xr"),
                       op("Sigmoid", "xr", "r"), *OUT], {}),
    "codes_limited_behind_a_convolution": (
        [*IN, WEIGHT, op("Conv", "xr wr", "r"), OUT[0], op("Clip", "yq lo hi", "yc"),
         op("DequantizeLinear", "yc ys yz", "y")],
        conv(),
    ),
    "codes_limited_behind_a_maximum": (
        [IN[0], op("MaxPool", "xq", "m", kernel_shape=[2, 2]), op("Clip", "m lo hi", "xc"),
         op("DequantizeLinear", "xc xs xz", "y")],
        {},
    ),
    "limited_weights": ([*IN, op("Clip", "w wlo whi", "wc"), op("DequantizeLinear", "wc ws wz", "wr", axis=0),
                         op("Conv", "xr wr", "r"), *OUT], {**conv(), "wlo": np.int8(-8), "whi": np.int8(7)}),
    "border": ([*IN, op("Pad", "xr pads", "r"), *OUT], {"pads": np.array([0, 0, 1, 1, 0, 0, 1, 1])}),
    **{f"{kind.lower()}_of_a_constant_{'first' if first else 'second'}": (
        [*IN, CONSTANT, op(kind, "cr xr" if first else "xr cr", "r"), *OUT], {})
       for kind in ("Add", "Mul", "Sub") for first in (True, False)},
    **{f"qlinear_{kind.lower()}_of_a_constant_{'first' if first else 'second'}": (
        [IN[0], op(f"QLinear{kind}", f"{'cq cs cz xq xs xz' if first else 'xq xs xz cq cs cz'} ys yz", "yq",
                   "com.microsoft"), OUT[1]], {})
       for kind in ("Add", "Mul") for first in (True, False)},
}  # fmt: skip


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", EQUAL)
def test_equal(name: str, kind: type[np.integer], tmp_path: Path) -> None:
    nodes, special = EQUAL[name]
    constants = steps(kind, x=0.05, y=0.043, b=0.071, c=0.03) | limits(kind)
    constants |= {"cq": weights(kind, 1, 4, 1, 1)} | special
    made, got, wanted = both(tmp_path, nodes, constants)
    assert np.array_equal(got, wanted)
    assert all(p.differing == 0 for p in made.proofs)


@pytest.mark.parametrize("kind", [np.uint16, np.int16])
@pytest.mark.parametrize("name", ["two_pairs", "two_pairs_with_two_readers_behind", "three_pairs"])
def test_pairs_of_wide_codes(name: str, kind: type[np.integer], tmp_path: Path) -> None:
    """They become one, as those of 8 bits do."""
    nodes, _ = EQUAL[name]
    given = steps(kind, x=0.0005, y=0.00043, b=0.00071, c=0.0003)
    made, got, wanted = both(tmp_path, nodes, given, opset=WIDE, allowed=EXACT if "readers" in name else ORDINARY)
    assert np.array_equal(got, wanted)
    assert all(p.differing == 0 for p in made.proofs)


def test_a_clip_of_codes_costs_nothing(tmp_path: Path) -> None:
    nodes, special = EQUAL["codes_limited_behind_a_convolution"]
    made, _, _ = both(tmp_path, nodes, steps(np.uint8, x=0.05, y=2.5) | limits(np.uint8) | special)
    product, narrowing = made.graph.nodes
    assert isinstance(product.op, Conv2d)
    assert narrowing.type.codes == Codes(96, 111)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("first", ["xr br", "br xr"])
@pytest.mark.parametrize("other", ["same shape", "one pixel"])
@pytest.mark.parametrize("scales", [(0.05, 0.1000003, 0.2), (0.05, 0.0249998, 0.1)])
def test_the_order_of_summands(
    scales: tuple[float, float, float], other: str, first: str, kind: type[np.integer], tmp_path: Path
) -> None:
    """Next to powers of two it decides ties: the kernel takes them as they come, but for one that is broadcast."""
    function = [op("HardSwish", "xr", "s"), op("QuantizeLinear", "s bs bz", "bq"), PAIR[1]]
    nodes = [*IN, *(MEAN if other == "one pixel" else function), op("Add", first, "r"), *OUT]
    x, b, y = scales
    made, got, wanted = both(tmp_path, nodes, steps(kind, x=x, b=b, y=y))
    (entry,) = made.inputs
    (port,) = made.outputs
    tally = Tally()
    codes = {entry.value: entry.run(entry.to_graph(FRAMES, dict(made.graph.inputs)[entry.value].shape))}
    reals = port.run(kernels.values(made, codes, tally)[port.value])
    kernel = np.asarray(port.finish(port.from_graph(reals)), np.float32)
    assert np.count_nonzero(got != kernel) == tally.differing["sum of ties"]
    assert_equal_if_fused(*(np.rint(c / np.float32(y)) for c in (kernel, wanted)))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("tail", ["Relu", "Clip", "LeakyRelu", "none"])
def test_float_fallback_differs_next_to_ties_alone(tail: str, kind: type[np.integer], tmp_path: Path) -> None:
    """A convolution that is not fused sums in float32: limits that the type does not imply, or 4-bit weights."""
    inputs = "c low high" if tail == "Clip" else "c"
    nodes = [*IN, WEIGHT, op("Conv", "xr wr", "r" if tail == "none" else "c")]
    nodes += [] if tail == "none" else [op(tail, inputs, "r")]
    constants = steps(kind, x=0.05, y=0.3) | {"low": np.float32(-1), "high": np.float32(2.5)} | conv()
    if tail == "none":
        codes = np.random.default_rng(0).integers(-8, 7, (8, 4, 3, 3), endpoint=True)
        constants |= {
            "w": codes.astype(ml_dtypes.int4),
            "ws": np.float32(0.1),
            "wz": np.array(0).astype(ml_dtypes.int4),
        }
    made, got, wanted = both(tmp_path, [*nodes, *OUT], constants, WIDE)
    assert all(p.differing == 0 for p in made.proofs), "of sums that are exact, rounded once"
    apart = np.abs(got - wanted) / np.float32(0.3)
    assert apart.max() < 1.001
    ties = 40 if tail == "none" else 4  # steps in the ratio 1 to 60: a sixtieth of all sums lies at a half
    assert np.count_nonzero(apart > 0.5) <= ties, "float fallback"


@pytest.mark.parametrize("kind", [np.int16, np.uint16])
@pytest.mark.parametrize("node", ["Relu", "Sigmoid", "GlobalAveragePool", "Add", "Conv"])
def test_16_bit_codes(node: str, kind: type[np.integer], tmp_path: Path) -> None:
    middle = kind(0 if kind is np.int16 else 1 << 15)
    constants = {"xs": np.float32(0.0004), "xz": middle, "ys": np.float32(0.0007), "yz": middle, **conv()}
    inputs = {"Add": "xr xr", "Conv": "xr wr"}.get(node, "xr")
    allowed = EXACT if node == "Sigmoid" else ORDINARY
    _, got, wanted = both(tmp_path, [*IN, WEIGHT, op(node, inputs, "r"), *OUT], constants, WIDE, allowed)
    apart = np.abs(got - wanted) / np.float32(0.0007)
    assert apart.max() < 1.5
    assert np.count_nonzero(apart > 0.5) <= (got.size // 100 if node == "Conv" else 0), "float fallback"
