"""The digits example, compiled once for all tests that look at it."""

from functools import cache
from pathlib import Path
from typing import Literal

import numpy as np

import tomato
from tomato.accelerator import Accelerator
from tomato.core.formats import Array

FOLDER = Path(__file__).parents[1] / "examples/digits"
MODEL = FOLDER / "digits.onnx"
CALIBRATION = FOLDER / "digits_calibration.npz"
TEST = FOLDER / "digits_test.npz"


def frames() -> tuple[Array, Array]:
    """The held-out pictures and their labels."""
    with np.load(TEST) as stored:
        return stored["x"], stored["labels"]


@cache
def compiled(
    target: str = "u250",
    fps: float | None = None,
    share: Literal["auto", "never"] = "never",
    *,
    double_clock: bool = False,
) -> Accelerator:
    """The accelerator, calibrated as the README does it; every layer has an engine of its own, as C++ wants it."""
    with np.load(CALIBRATION) as stored:
        return tomato.compile(MODEL, target, calibration=stored["x"], fps=fps, share=share, double_clock=double_clock)


def small() -> Accelerator:
    """A design that Verilator builds in seconds."""
    return compiled("pynq-z2", 1000)
