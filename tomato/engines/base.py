"""The contract between an engine and the rest of the compiler."""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from tomato.core.formats import Array
from tomato.core.forms import Cell
from tomato.core.ir import Node, Op, TensorType
from tomato.hardware.netlist import Memory
from tomato.targets import Resources, Target

Knobs = Mapping[str, int]
"""The choices of one instance by name, such as lanes_in, lanes_out, taps. What plan.toml shows."""
NAMED: Mapping[str, type[Cell]] = {"cell": Cell}
"""Knobs whose values have names, which people read and write instead of the numbers."""


def spelled(knob: str, value: int) -> int | str:
    """A knob's value as people see it."""
    return NAMED[knob](value).label if knob in NAMED else value


@dataclass(frozen=True, slots=True)
class Site:
    """A node and the types of its arguments: all that an engine may know of the network."""

    node: Node
    args: tuple[TensorType, ...]

    @property
    def op(self) -> Op:
        """The operator."""
        return self.node.op

    @property
    def arg(self) -> TensorType:
        """The type of the only argument."""
        (arg,) = self.args
        return arg

    @property
    def out(self) -> TensorType:
        """The type of the result."""
        return self.node.type


@dataclass(frozen=True, slots=True, eq=False)
class Timing:
    """When results leave, in clock cycles, given when arguments arrive.

    Output pixel p (row-major) is complete `latency` cycles after its work started; work on it starts
    when input pixel `need[i][p]` of (the view of) argument i has arrived completely and `cycles` after the work on
    p - 1 started.

    room[q]: input pixel q may enter the engine once the work on output pixel room[q] is over (negative:
    of an earlier frame; FREE: at once). None: it enters when the first output pixel that needs it starts.

    turns[i]: of an engine that takes the beats of its arguments one argument after the other, how long after that
    start the turn of argument i comes at the latest. Empty: it takes all of them together, beat by beat.
    """

    need: tuple[Array, ...]
    cycles: int
    latency: int
    room: Array | None = None
    turns: tuple[int, ...] = ()


FREE = -(1 << 40)
"""An output pixel that was over long ago: the engine takes its input whenever it comes."""


class Engine(ABC):
    """A streaming implementation of one or more operators.

    stem: names everything that belongs to the engine: engines/<stem>.py, hw/rtl/engines/tom_<stem>.sv,
    hw/hls/engines/tom_<stem>.hpp and tests/rtl/test_<stem>.py.
    ops: the operators it implements.
    """

    stem: str
    ops: tuple[type[Op], ...]

    @abstractmethod
    def refuses(self, site: Site, target: Target) -> str:
        """Why this engine cannot do the node on the target, or "" if it can."""

    @abstractmethod
    def choices(self, site: Site) -> Iterator[Knobs]:
        """Every sensible setting of the knobs, in any order."""

    def refuses_knobs(self, site: Site, knobs: Knobs) -> str:
        """Why a user's knobs cannot be built, or "": by default whatever is not among the choices."""
        known = list(self.choices(site))
        if dict(knobs) in [dict(k) for k in known]:
            return ""
        values = {name: sorted({k[name] for k in known}) for name in knobs}
        wrong = [
            f"{name} = {spelled(name, knobs[name])} (one of {', '.join(str(spelled(name, n)) for n in v)})"
            for name, v in values.items()
            if knobs[name] not in v
        ]
        return "; ".join(wrong) or "this combination is beaten by another of the same speed"

    @abstractmethod
    def lanes(self, site: Site, knobs: Knobs) -> tuple[tuple[int, ...], int]:
        """Lanes of each input stream (codes of a beat, of the view of it), and of the output stream."""

    def views(self, site: Site, knobs: Knobs) -> tuple[TensorType, ...]:
        """How the engine sees each input stream: its arguments, unless it takes several pixels as one."""
        return site.args

    @abstractmethod
    def cycles(self, site: Site, knobs: Knobs) -> int:
        """Cycles per frame when never stalled: the closed form. At least the beats at every port."""

    def multipliers(self, site: Site, knobs: Knobs) -> int:
        """Products of a weight and an input per cycle; 0 for an engine that has no weights."""
        return 0

    def words(self, site: Site, knobs: Knobs) -> int:
        """Words of the memory of its weights; 0 for an engine that has no weights."""
        return 0

    @abstractmethod
    def timing(self, site: Site, knobs: Knobs) -> Timing:
        """When results leave, for latency and FIFO depths."""

    @abstractmethod
    def cost(self, site: Site, knobs: Knobs, target: Target) -> Resources:
        """What one instance takes."""

    @abstractmethod
    def params(self, site: Site, knobs: Knobs) -> dict[str, int]:
        """Parameters of tom_<stem> in the order of its header, without those that name memory files."""

    def memories(self, site: Site, knobs: Knobs) -> dict[str, Memory]:
        """Contents behind each parameter that names a memory file; these come last in the header."""
        return {}


def beats(channels: int, lanes: int) -> int:
    """Beats that carry `channels` codes over `lanes` lanes."""
    return -(-channels // lanes)


def folds(size: int) -> list[int]:
    """The useful unrollings of a loop of `size`: for each number of passes the fewest lanes, ascending."""
    return sorted({beats(size, passes) for passes in range(1, size + 1)})


def divisors(size: int) -> list[int]:
    """Divisors, ascending."""
    return [n for n in range(1, size + 1) if size % n == 0]


def pixelwise(kind: TensorType, cycles: int, latency: int, arguments: int = 1) -> Timing:
    """Timing of an engine whose output pixel p needs input pixel p."""
    need = np.arange(kind.pixels)
    return Timing((need,) * arguments, cycles, latency)
