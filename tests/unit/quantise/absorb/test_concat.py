"""A concatenation of codes with scales and zero points of their own, and the layer behind that takes them."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.networks.runtime import golden, integers, runtime
from tests.unit.quantise.absorb.test_operators import FRAMES, IN, OUT, SHAPE, model, op, steps, weights
from tomato import frontend
from tomato.core.errors import TomatoError
from tomato.core.formats import Array
from tomato.quantise.absorb import Allowed
from tomato.quantise.integers import from_quantised

TWO = [
    op("QuantizeLinear", "x as az", "aq"), op("DequantizeLinear", "aq as az", "a"),
    op("QuantizeLinear", "z bs bz", "bq"), op("DequantizeLinear", "bq bs bz", "b"),
    op("DequantizeLinear", "w ws wz", "wr"),
]  # fmt: skip
LAYERS: dict[str, tuple[str, dict[str, Any], tuple[int, ...]]] = {
    "conv": ("Conv", {}, (4, 8, 3, 3)),
    "padded": ("Conv", {"pads": [1, 1, 1, 1]}, (4, 8, 3, 3)),
    "groups": ("Conv", {"group": 2, "pads": [1, 1, 1, 1]}, (4, 4, 3, 3)),
    "depthwise": ("Conv", {"group": 8, "pads": [1, 1, 1, 1]}, (8, 1, 3, 3)),
}


def save(folder: Path, name: str, kind: type[np.integer], a: float, b: float) -> Path:
    layer, attributes, shape = LAYERS[name]
    nodes: list[Any] = [*TWO, op("Concat", "a b", "c", axis=1), op(layer, "c wr", "r", **attributes), *OUT]
    constants = steps(kind, a=a, b=b, y=0.1) | {
        "w": weights(np.int8, *shape), "ws": np.float32(0.004), "wz": np.int8(0),
        "bz": kind(7),
    }  # fmt: skip
    return model(folder, nodes, constants, {"x": SHAPE, "z": SHAPE})


def pair() -> tuple[Array, Array]:
    return FRAMES, FRAMES[::-1].copy() * np.float32(0.7)


@pytest.mark.parametrize("name", LAYERS)
@pytest.mark.parametrize("kind", [np.uint8, np.int8])
@pytest.mark.parametrize(("a", "b"), [(0.03, 0.021), (0.0313, 0.0171)])
def test_codes_are_within_one_step_and_what_differs_is_told(
    name: str, kind: type[np.integer], a: float, b: float, tmp_path: Path
) -> None:
    path = save(tmp_path, name, kind, a, b)
    made = integers(path)
    (got,), (wanted,) = golden(made, *pair()), runtime(path, *pair())
    off = np.abs(got - wanted) / 0.1
    assert np.ptp(wanted) > 0
    assert off.max() < 1.01
    assert np.count_nonzero(off > 0.5) <= 0.001 * off.size
    assert all(p.caveat for p in made.proofs if p.value == made.graph.outputs[0])


def test_a_small_ratio_takes_small_weights(tmp_path: Path) -> None:
    made = integers(save(tmp_path, "conv", np.uint8, 0.03, 0.021))
    (weight,) = (c for n in made.graph for c in n.op.constants if n.op.name == "conv2d")
    assert np.abs(weight.values).max() <= 10 * 128


def test_what_may_differ_counts(tmp_path: Path) -> None:
    path = save(tmp_path, "conv", np.uint8, 0.0313, 0.0171)
    (proof,) = integers(path).proofs
    assert 0 < proof.differing <= 0.01 * proof.checked
    with pytest.raises(TomatoError, match="a sum over channels of unlike scales is off by up to 1 at"):
        from_quantised(frontend.load(path), path, Allowed(0.0))


@pytest.mark.parametrize("pads", [[0] * 4, [1] * 4])
def test_a_constant_beside_codes_has_its_own_border(pads: list[int], tmp_path: Path) -> None:
    nodes = [
        *IN, op("Concat", "xr k", "c", axis=1), op("DequantizeLinear", "w ws wz", "wr"),
        op("Conv", "c wr", "r", pads=pads), *OUT,
    ]  # fmt: skip
    constants = steps(np.uint8, x=0.05, y=0.1) | {
        "w": weights(np.int8, 4, 6, 3, 3), "ws": np.float32(0.004), "wz": np.int8(0),
        "k": np.array([1.37, -0.5], np.float32).reshape(1, 2, 1, 1) * np.ones((1, 1, *SHAPE[2:]), np.float32),
    }  # fmt: skip
    path = model(tmp_path, nodes, constants, {"x": SHAPE})
    (got,), (wanted,) = golden(integers(path), FRAMES), runtime(path, FRAMES)
    off = np.abs(got - wanted) / 0.1
    assert off.max() < 1.01
    assert np.count_nonzero(off > 0.5) <= 0.003 * off.size
