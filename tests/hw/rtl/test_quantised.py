"""Networks that come quantised, and of mixed arithmetic, through RTL and HLS C++: every beat is the golden model's."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import tomato
from tests import digits
from tests.models import model_path
from tests.unit.quantise.absorb.test_operators import model, op, steps
from tomato.accelerator import Accelerator
from tomato.backend.project import BACKENDS
from tomato.build.simulation import csim, describe, simulate

pytestmark = pytest.mark.rtl
FRAMES = 3
MIXED = (
    "w8a8, block1_body_body_0*=shift4a8, block1_body_body_2*=ternarya8, "
    "block2_body_body_0*=binarya8, block2_body_body_2*=codebook4a8"
)
"""Layers of the digits network in five arithmetics."""


def exact_and_in_time(compiled: Accelerator, folder: Path) -> None:
    """Play a few frames: through the C++, and through the RTL unstalled and stalled."""
    built = compiled.write(folder, backends=BACKENDS)
    compared = csim(built, frames=FRAMES)
    assert compared["bit_exact"], describe(compared)
    free = simulate(built, frames=FRAMES)
    assert free["bit_exact"], describe(free)
    assert abs(free["interval_cycles"] - free["interval_cycles_predicted"]) <= 0.01 * free["interval_cycles_predicted"]
    stalled = simulate(built, frames=FRAMES, stall=0.3)
    assert stalled["bit_exact"], describe(stalled)


def test_one_network_of_many_arithmetics(tmp_path: Path) -> None:
    x, labels = digits.frames()
    with np.load(digits.CALIBRATION) as stored:
        compiled = tomato.compile(
            digits.MODEL, "pynq-z2", calibration=stored["x"], precision=MIXED, fps=20_000, ranges="mse"
        )
    cells = {layer["unrolling"].get("cell") for layer in compiled.report["layers"]} - {None}
    assert {"fixed", "shift", "ternary", "binary"} <= cells
    assert np.mean(compiled.golden(x).argmax(axis=1) == labels) > 0.95
    exact_and_in_time(compiled, tmp_path / "mixed")


@pytest.mark.models
@pytest.mark.parametrize(
    ("name", "fps"),
    [("kws_qdq", 2000), ("resnet8_qdq", 2000), ("mnist8_qdq", 5000), ("tfc_1w1a_qonnx", 50_000)],
)
def test_models_that_come_quantised(name: str, fps: float, tmp_path: Path) -> None:
    compiled = tomato.compile(model_path(f"{name}.onnx"), "zcu104", fps=fps)
    assert all(proof["differing"] == 0 for proof in compiled.report["exactness"])
    exact_and_in_time(compiled, tmp_path / name)


def test_sums_differences_and_products_with_functions_behind(tmp_path: Path) -> None:
    """Factors of both signs, thresholds of sums, and tables behind them."""
    constants = steps(np.int8, a=0.061, b=0.037, d=0.041, s=0.0045, m=0.05, y=0.05)
    nodes = [
        *quantised("a", "a"), *quantised("b", "b"),
        op("Sub", "ar br", "d"), op("Abs", "d", "da"), *quantised("da", "d"),
        op("Add", "ar br", "s"), op("Sigmoid", "s", "sa"), *quantised("sa", "s"),
        op("Mul", "ar br", "m"), op("HardSwish", "m", "ma"), *quantised("ma", "m"),
        op("Concat", "dar sar mar", "c", axis=1), op("QuantizeLinear", "c ys yz", "yq"),
        op("DequantizeLinear", "yq ys yz", "y"),
    ]  # fmt: skip
    path = model(tmp_path, nodes, constants, {"a": (1, 3, 4, 5), "b": (1, 3, 4, 5)})
    compiled = tomato.compile(path, "u250")
    used = {node.op.name for node in compiled.graph}
    assert {"add", "multiply", "table"} <= used
    exact_and_in_time(compiled, tmp_path / "joined")


def quantised(name: str, codes: str) -> list[Any]:
    """QuantizeLinear and DequantizeLinear of a value, with the steps of `codes`."""
    given = f"{codes}s {codes}z"
    return [op("QuantizeLinear", f"{name} {given}", f"{name}q"), op("DequantizeLinear", f"{name}q {given}", f"{name}r")]
