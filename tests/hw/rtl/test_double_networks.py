"""A whole network with both clocks: alone, at the cycles that are predicted, and behind the AXI shell, with a reset."""

from pathlib import Path

import numpy as np
import pytest

from tests.digits import compiled
from tests.hw.rtl.shell.test_axi import FRAMES, played
from tomato.build.simulation import describe, simulate

pytestmark = pytest.mark.rtl
SLOW = 20_000
"""Frames/s of a design that Verilator builds in seconds."""


def test_digits_with_both_clocks(tmp_path: Path) -> None:
    made = compiled("pynq-z2", SLOW, double_clock=True)
    assert made.report["double_clock"]
    folder = made.write(tmp_path / "digits")
    summary = simulate(folder, frames=4, stall=0.0)
    assert summary["bit_exact"], describe(summary)
    assert summary["interval_cycles"] == summary["interval_cycles_predicted"] == made.report["interval_cycles"]
    assert summary["latency_cycles"] == summary["latency_cycles_predicted"]
    x = np.random.default_rng(0).random((FRAMES, 1, 8, 8)).astype(np.float32)
    played(made, folder, (x,), "one_frame|reset")
