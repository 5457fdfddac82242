"""What is predicted for just the frames that a simulation played, where layers share an engine."""

from pathlib import Path

from tests import digits
from tomato.build.simulation import describe
from tomato.measure.played import Turns, keep, played

SUMMARY = {
    "bit_exact": True, "frames": 4, "stall": 0.0, "interval_cycles": 90.0, "interval_cycles_predicted": 100,
    "latency_cycles": 300, "latency_cycles_predicted": 310,
}  # fmt: skip


def test_few_frames_are_other_than_many(tmp_path: Path) -> None:
    accelerator = digits.compiled("pynq-z2", 1000, "auto")
    report = accelerator.report
    known = played(accelerator, accelerator.samples, 4)
    assert isinstance(known, Turns)
    assert known.interval_cycles is not None
    assert known.interval_cycles < report["interval_cycles"], "the last frame has the engine for itself"
    assert known.latency_cycles <= report["latency_cycles"]
    lines = describe(keep(tmp_path, SUMMARY, known))
    predicted = f"{known.interval_cycles:,.0f} predicted for these frames, 100 predicted"
    assert lines[:2] == ["bit-exact: 4 frames", f"interval: 90 cycles measured, {predicted}"]


def test_elsewhere_what_is_predicted_holds_for_any() -> None:
    accelerator = digits.compiled("pynq-z2", 1000)
    assert played(accelerator, accelerator.samples, 4) is None
