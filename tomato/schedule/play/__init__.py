"""A network whose layers share engines, played as events: turns, their weights, rows and results, and what is between.

The closed forms of `Group.cycles` plan a design; how long turns wait for each other only playing them tells. No time is
looked for that is not settled: turns are found in the order of time, one engine before the other, and whatever
follows from them is known then.
"""

from dataclasses import dataclass
from math import ceil

from tomato.core.ir import Graph
from tomato.engines.parts.shared_unit import Member
from tomato.schedule.play.network import Network
from tomato.schedule.route import Routes
from tomato.schedule.timing import Times
from tomato.schedule.units import Units

MOST = 200
"""Frames that are played until an interval is known, at most."""
SETTLED, FRAMES = 1.5, 6
"""From so many times the latency on, over the work of so many frames, the work that is done shows the interval."""


class StuckError(Exception):
    """Frames do not come through what is played, as hardware would let them.

    A queue is thought to hold a beat less than it does there, which matters to a few networks of tiny frames.
    """


@dataclass(frozen=True, slots=True)
class Played:
    """Frames back to back: the cycle, from the first input beat on, in which each is out."""

    ends: tuple[int, ...]

    @property
    def latency(self) -> int:
        """Cycles from the first input beat to the last output beat of the first frame."""
        return self.ends[0]

    @property
    def interval(self) -> float | None:
        """The interval as a simulation has it: without the first frame, where there are more than two."""
        ends = self.ends[1:] if len(self.ends) > 2 else self.ends
        return (ends[-1] - ends[0]) / (len(ends) - 1) if len(ends) > 1 else None


@dataclass(frozen=True, slots=True)
class Steady:
    """Frames without end: cycles a frame, those through the network of the first one, and all times of that."""

    interval: int
    latency: int
    times: Times


def shares(units: Units) -> bool:
    """Whether layers share an engine, so that a network has to be played."""
    return any(isinstance(unit, Member) for unit in units.values())


def play(units: Units, graph: Graph, ways: Routes, frames: int) -> Played:
    """So many frames and no more: the last of them have the engines for themselves. Raises StuckError."""
    network = Network(units, graph, ways, frames)
    while network.step():
        pass
    if network.frames_out < frames:
        raise StuckError
    return Played(network.ends(frames))


def steady(units: Units, graph: Graph, ways: Routes) -> Steady:
    """Frames without end, as many as it takes to know the interval. Raises StuckError."""
    network = Network(units, graph, ways, MOST)
    while not network.frames_out and network.step():
        pass
    if not network.frames_out:
        raise StuckError
    (latency,) = network.ends(1)
    frame = sum(engine.group.turns for engine in network.engines)
    begin = network.begun + SETTLED * latency
    while network.now < begin and network.step():
        pass
    before, since = network.work, network.now
    until = since + max(latency, FRAMES * frame)
    while network.now < until and network.step():
        pass
    if network.now < until and network.frames_out < MOST:
        raise StuckError
    return Steady(ceil((network.now - since) * frame / (network.work - before)), latency, network.times())
