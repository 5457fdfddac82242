"""What is predicted for just the frames that a simulation played, where layers share an engine."""

from pathlib import Path

from tests import digits
from tests.fetched import fetched
from tomato.build.simulation import describe
from tomato.measure.played import Filling, Turns, keep, played

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


def test_the_first_frames_wait_while_queues_of_weights_fill(tmp_path: Path) -> None:
    accelerator = fetched(tmp_path)
    interval, memory = accelerator.report["interval_cycles"], accelerator.report["memory"]
    known = played(accelerator, accelerator.samples, 4)
    assert known == Filling(interval + memory["filling_cycles"] / 2)
    lines = describe(keep(tmp_path, SUMMARY, known))
    most = f"up to {known.interval_cycles_most:,.0f} for these frames, in which queues of weights fill"
    assert lines[1] == f"interval: 90 cycles measured, 100 predicted, {most}"
    assert lines[2] == "latency: 300 cycles measured, 310 predicted"
    assert played(accelerator, accelerator.samples, 1) is None, "a frame has no interval"
    assert played(accelerator, accelerator.samples, 1_000_000) is None, "of so many nobody sees it"


def test_elsewhere_what_is_predicted_holds_for_any() -> None:
    accelerator = digits.compiled("pynq-z2", 1000)
    assert played(accelerator, accelerator.samples, 4) is None
