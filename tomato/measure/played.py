"""How fast the hardware should have been for just the frames that a simulation played, where that is another matter."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from tomato.accelerator import Accelerator
from tomato.core.files import write_text
from tomato.core.formats import Array
from tomato.measure.leaving import Leaving, leaving
from tomato.schedule.play import StuckError, play, shares

PLAYED = "played"
"""What is known of the frames that were played, in simulation.json."""
FELT = 0.01
"""The share of an interval from which on it is told how late frames are."""


@dataclass(frozen=True, slots=True)
class Turns:
    """What is predicted for frames back to back, of which the last have a shared engine for themselves.

    interval_cycles: None for a single frame. latency_cycles: of the first result.
    """

    interval_cycles: float | None
    latency_cycles: int


@dataclass(frozen=True, slots=True)
class Filling:
    """Frames of which the first are late, as the memory beside the chip fills the queues of all layers meanwhile.

    interval_cycles_most: of frames back to back, which many of them come near `interval_cycles` of the report.
    """

    interval_cycles_most: float


def played(accelerator: Accelerator, frames: Sequence[Array], count: int) -> Leaving | Turns | Filling | None:
    """What is known of `count` frames, as the chip takes them, again and again.

    None for a network without exits, without layers that share an engine, and without frames that are late because
    queues of weights fill: what is predicted holds for any frames. Likewise where turns cannot be played.
    """
    lowered = accelerator.lowered
    if not shares(lowered.units):
        return leaving(accelerator, frames, count) or _filling(accelerator.report, count)
    try:
        found = play(lowered.units, accelerator.graph, lowered.routes, count)
    except StuckError:
        return None
    return Turns(None if found.interval is None else round(found.interval, 2), found.latency)


def _filling(report: Mapping[str, Any], count: int) -> Filling | None:
    """The most that an interval of so many frames may be; None where that is hardly more than predicted."""
    interval, steady = report["interval_cycles"], count - 2 if count > 2 else count - 1  # as a simulation has it
    late = report["memory"]["filling_cycles"] / steady if report["memory"] and steady else 0
    return Filling(round(interval + late, 2)) if late > FELT * interval else None


def keep(folder: Path, summary: Mapping[str, Any], known: Leaving | Turns | Filling) -> dict[str, Any]:
    """The summary of a simulation with what is predicted for its frames, as simulation.json says it from now on."""
    found = {**summary, PLAYED: asdict(known)}
    write_text(folder / "simulation.json", json.dumps(found, indent=2) + "\n")
    return found
