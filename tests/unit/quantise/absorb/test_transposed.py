"""Transposed convolutions of models that come quantised: the codes of ONNX Runtime, biases rounded as it does."""

from pathlib import Path

import numpy as np
import pytest

from tests.networks.runtime import golden, integers, runtime
from tests.unit.quantise.absorb.test_operators import model
from tests.unit.quantise.example import node

STEP, OUT = np.float32(0.031), np.float32(0.21)


@pytest.mark.parametrize("bias", ["none", "real", "codes"])
@pytest.mark.parametrize(("groups", "kernel"), [(1, 4), (1, 3), (2, 3)])
def test_codes_are_those_of_the_runtime(bias: str, groups: int, kernel: int, tmp_path: Path) -> None:
    rng = np.random.default_rng([groups, kernel])
    channels = 3 * groups
    steps = rng.uniform(0.002, 0.02, channels if groups == 1 else ()).astype(np.float32)
    constants = {
        "xs": STEP, "xz": np.int8(-7), "ys": OUT, "yz": np.int8(5),
        "w": rng.integers(-127, 128, (4, 3, kernel, kernel)).astype(np.int8),
        "ws": steps, "wz": np.zeros_like(steps, np.int8),
        "b": rng.normal(0, 3, channels).astype(np.float32),
        "bq": rng.integers(-3000, 3000, channels).astype(np.int32),
        "bs": STEP * steps, "bz": np.zeros_like(steps, np.int32),
    }  # fmt: skip
    name = {"none": "", "real": "b", "codes": "br"}[bias]
    nodes = [
        node("QuantizeLinear", "x xs xz", "q"),
        node("DequantizeLinear", "q xs xz", "d"),
        node("DequantizeLinear", "w ws wz", "wr", axis=1),
        *([node("DequantizeLinear", "bq bs bz", "br", axis=0)] if bias == "codes" else []),
        node("ConvTranspose", f"d wr {name}", "c", strides=[2, 2], pads=[1, 1, 1, 1], group=groups),
        node("Relu", "c", "r"),
        node("QuantizeLinear", "r ys yz", "yq"),
        node("DequantizeLinear", "yq ys yz", "y"),
    ]
    path = model(tmp_path, nodes, constants, {"x": (1, 4, 5, 6)}, outputs=("y",))
    x = rng.normal(0, 1.5, (20, 4, 5, 6)).astype(np.float32)
    made = integers(path)
    (wanted,), (got,) = runtime(path, x), golden(made, x)
    apart = np.abs(np.rint(got / OUT) - np.rint(wanted / OUT))
    assert apart.max() <= 1
    assert np.count_nonzero(apart) <= 1, "a tie, where the order of the runtime's sums decides"
