"""What a simulation measured, beside what was known of just these frames: interval and latency of layers that share."""

from typing import Any

from tests.hw.rtl.test_networks import Case
from tomato.build.simulation import describe
from tomato.lower import lower
from tomato.schedule.play import StuckError, play

NEAR, CYCLES = 0.02, 40
"""How much longer a frame may take than predicted: a share of it, or so many cycles of frames that are a few pixels."""
LATENCY = 0.05
"""The same of a latency."""


def check(case: Case, measured: dict[str, Any]) -> None:
    """Interval and latency are no longer than those of the frames that were played.

    Nothing is known where turns cannot be played. Frames of random networks are a few pixels: where a queue holds one
    more or less than is thought, some come sooner. How near both are otherwise is a table of docs/sharing.md.
    """
    lowered = lower(case.graph, case.plan, case.target)
    try:
        known = play(lowered.units, case.graph, lowered.routes, measured["frames"])
    except StuckError:
        return
    assert known.interval is not None
    told = (*describe(measured), f"of these frames {known.interval:,.0f} and {known.latency:,} predicted")
    assert measured["interval_cycles"] - known.interval <= max(CYCLES, NEAR * known.interval), told
    assert measured["latency_cycles"] - known.latency <= max(CYCLES, LATENCY * known.latency), told
