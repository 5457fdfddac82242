"""Networks with the operator that docs/adding-an-engine.md adds, compiled, checked and played in a tree that has it.

Usage: python -m tests.whole.adding FOLDER COMMAND, one of check (against ONNX Runtime), verilog, hls (bit-exact).
"""

import sys
from collections.abc import Mapping
from pathlib import Path

import numpy as np

import tomato
from tests.networks.runtime import runtime
from tests.unit.quantise.absorb.test_operators import IN, OUT, model, op, steps, weights
from tomato.accelerator import Accelerator
from tomato.build.simulation import csim
from tomato.core.formats import Array

ENGINE = "maximum_stream"
SHAPE = (1, 4, 6, 5)
FRAMES = np.random.default_rng(1).normal(size=(16, *SHAPE[1:])).astype(np.float32)
KERNEL = np.random.default_rng(2).normal(size=(4, 4, 3, 3)).astype(np.float32) / 6


def real(folder: Path) -> tuple[Path, Accelerator]:
    """The greater of a value and a layer on it, of reals, calibrated."""
    nodes = [op("Relu", "x", "a"), op("Conv", "a w", "b", pads=[1, 1, 1, 1]), op("Max", "a b", "y")]
    path = model(folder, nodes, {"w": KERNEL}, {"x": SHAPE})
    return path, tomato.compile(path, "u250", calibration=FRAMES)


def quantised(folder: Path) -> tuple[Path, Accelerator]:
    """The same as QDQ, both arguments in steps of their own."""
    nodes = [
        *IN,
        op("DequantizeLinear", "w ws wz", "wr"),
        op("Conv", "xr wr", "c", pads=[1, 1, 1, 1]),
        op("QuantizeLinear", "c cs cz", "cq"),
        op("DequantizeLinear", "cq cs cz", "cr"),
        op("Max", "xr cr", "r"),
        *OUT,
    ]
    layer = {"w": weights(np.int8, 4, 4, 3, 3), "ws": np.float32(0.002), "wz": np.int8(0)}
    path = model(folder, nodes, steps(np.int8, x=0.025, c=0.031, y=0.029) | layer, {"x": SHAPE})
    return path, tomato.compile(path, "u250")


def check(made: Mapping[str, tuple[Path, Accelerator]]) -> None:
    """Right in reals to a few hundredths, and code for code."""
    for name, (path, accelerator) in made.items():
        assert ENGINE in {layer["engine"] for layer in accelerator.report["layers"]}, name
        (wanted,), got = runtime(path, FRAMES), np.asarray(accelerator.golden(FRAMES))
        apart: Array = np.abs(wanted - got)
        allowed = 0.03 * np.ptp(wanted) if name == "real" else 0.0
        assert apart.max() <= allowed, f"{name}: off by {apart.max()}"


def main(folder: Path, command: str) -> None:
    """Make both networks, and do what the command says."""
    made = {}
    for make in (real, quantised):
        (folder / make.__name__).mkdir(parents=True)
        made[make.__name__] = make(folder / make.__name__)
    if command == "check":
        check(made)
    for name, (_, accelerator) in made.items():
        if command == "verilog":
            accelerator.simulate(FRAMES[:2], stall=0.3)
        if command == "hls":
            accelerator.write(folder / name / "build", backends=("hls",))
            assert csim(folder / name / "build", frames=2)["bit_exact"], name


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2])
