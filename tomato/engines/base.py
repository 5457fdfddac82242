"""The contract between an engine and the rest of the compiler."""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import Enum, auto
from functools import cached_property
from itertools import chain
from typing import Any, ClassVar, Generic, Self, TypeVar, cast

import numpy as np

from tomato.core.formats import Array, Codes
from tomato.core.forms import Cell
from tomato.core.ir import Node, Op, TensorType
from tomato.hardware.memory import Store
from tomato.hardware.netlist import Memory, pack
from tomato.targets import Resources, Target

OpT = TypeVar("OpT", bound=Op)
Knobs = Mapping[str, int]
"""The choices of one instance by name, such as lanes_in, lanes_out, taps. What plan.toml shows."""
NAMED: Mapping[str, type[Cell]] = {"cell": Cell}
"""Knobs whose values have names, which people read and write instead of the numbers."""


def spelled(knob: str, value: int) -> int | str:
    """A knob's value as people see it."""
    return NAMED[knob](value).label if knob in NAMED else value


@dataclass(frozen=True, eq=False)
class Site(Generic[OpT]):
    """A node, the types of its arguments, and the board: all that an engine may know."""

    node: Node
    args: tuple[TensorType, ...]
    target: Target

    @cached_property
    def op(self) -> OpT:
        """The operator."""
        return cast("OpT", self.node.op)

    @property
    def arg(self) -> TensorType:
        """The type of the only argument."""
        (arg,) = self.args
        return arg

    @property
    def out(self) -> TensorType:
        """The type of the result."""
        return self.node.type


@dataclass(frozen=True, slots=True)
class Interval:
    """Cycles per frame: what is never exceeded, and what is met on average, where the data decide."""

    guaranteed: int
    expected: float


class Leaves(Enum):
    """How the beats of an output pixel of an engine follow one another; its last one is `Timing.latency`'s."""

    TOGETHER = auto()  # one every cycle, at the end
    EVENLY = auto()  # over the cycles that the engine takes for the pixel
    AS_THEY_COME = auto()  # one for each beat of the arguments, which leaves when those are there


@dataclass(frozen=True, slots=True, eq=False)
class Timing:
    """When results leave, in clock cycles, given when arguments arrive.

    Output pixel p (row-major) is complete `latency` cycles after its work started; work on it starts
    when input pixel `need[i][p]` of (the view of) argument i has arrived completely, `pixel_cycles` after the work on
    p - 1 started or later.

    room[i][q]: pixel q of argument i may enter the engine once the work on output pixel room[i][q] is over (negative:
    of an earlier frame; FREE: at once). None, or no entry: it enters when the first output pixel that needs it starts.

    later[p]: cycles that output pixel p is complete later still, where pixels do not leave as evenly as they start.

    turns[i]: of an engine that takes the beats of its arguments one argument after the other, how long after that
    start the turn of argument i comes at the latest. Empty: it takes all of them together, beat by beat.

    leaves: how the beats of an output pixel follow one another.
    """

    need: tuple[Array, ...]
    pixel_cycles: int
    latency: int
    room: tuple[Array | None, ...] = ()
    turns: tuple[int, ...] = ()
    later: Array | None = None
    leaves: Leaves = Leaves.TOGETHER


@dataclass(frozen=True, slots=True, eq=False)
class Fetched:
    """Words of weights that come as a stream behind the arguments: all of `memory` in order, `times` a frame."""

    memory: Memory
    times: int

    @property
    def stream(self) -> TensorType:
        """A frame of them, as if the fields of a word were the channels of a pixel."""
        (bits,) = set(self.memory.bits)
        return TensorType((self.times, self.memory.depth, len(self.memory.bits)), Codes.of(bits, signed=False))

    @property
    def codes(self) -> Array:
        """A frame of them: (1, times, words, fields)."""
        (bits,) = set(self.memory.bits)
        return np.broadcast_to(self.memory.fields & ((1 << bits) - 1), (1, *self.stream.shape))

    @property
    def word_bytes(self) -> int:
        """Bytes that a word takes in memory."""
        return -(-self.memory.width // 8)

    def image(self) -> bytes:
        """The words as they lie in memory, one behind the other, each in whole bytes, low bytes first."""
        (bits,) = set(self.memory.bits)
        parts = np.array_split(self.memory.fields, -(-self.memory.fields.size // (1 << 20)))
        if bits == 8:
            return b"".join(part.astype(np.uint8).tobytes() for part in parts)
        words = (word for part in parts for word in pack(part, self.memory.bits))
        return b"".join(word.to_bytes(self.word_bytes, "little") for word in words)


FREE = -(1 << 40)
"""An output pixel that was over long ago: the engine takes its input whenever it comes."""


class Unit(ABC, Generic[OpT]):
    """An engine at a site, with its knobs. A subclass is an engine: a streaming implementation of some operators.

    stem: names everything that belongs to the engine: engines/<stem>.py, hw/rtl/engines/tom_<stem>.sv,
    hw/hls/engines/tom_<stem>.hpp and tests/hw/rtl/test_<stem>.py.
    ops: the operators it implements.

    fetches: its weights come from memory beside the chip, so that it is offered only where that is wanted.
    lean: it takes less memory than another engine for its operators, and is offered only where nothing fits without, or
    block RAM holds a design up.
    mixes: its multipliers are of two kinds, so that it is offered only where one kind holds a design up.
    doubles: its module has a second clock of twice the rate, so that it is offered only where there is one.
    """

    stem: ClassVar[str]
    ops: ClassVar[tuple[type[Op], ...]]
    fetches: ClassVar[bool] = False
    lean: ClassVar[bool] = False
    mixes: ClassVar[bool] = False
    doubles: ClassVar[bool] = False

    def __init__(self, site: Site[OpT], knobs: Knobs) -> None:
        assert isinstance(site.node.op, self.ops), f"{self.stem} does not implement {site.node.op.name}"
        self.site = site
        self.knobs = knobs

    @classmethod
    @abstractmethod
    def refuses(cls, site: Site[OpT]) -> str:
        """Why this engine cannot do the node on this board, or "" if it can."""

    @classmethod
    @abstractmethod
    def choices(cls, site: Site[OpT]) -> Iterator[Knobs]:
        """Every sensible setting of the knobs, in any order."""

    @classmethod
    def portable(cls, site: Site[OpT], knobs: Knobs) -> Iterator[Knobs]:
        """The settings that are accepted besides the choices where a user asks for `knobs`: those of other boards."""
        return iter(())

    @classmethod
    def refuses_knobs(cls, site: Site[OpT], knobs: Knobs) -> str:
        """Why a user's knobs cannot be built, or "": whatever is neither a choice here nor one that is portable."""
        if any(dict(knobs) == dict(k) for k in chain(cls.choices(site), cls.portable(site, knobs))):
            return ""
        known = [*cls.choices(site), *cls.portable(site, knobs)]
        values = {name: sorted({k[name] for k in known}) for name in knobs}
        wrong = [
            f"{name} = {spelled(name, knobs[name])} (one of {', '.join(str(spelled(name, n)) for n in v)})"
            for name, v in values.items()
            if knobs[name] not in v
        ]
        return "; ".join(wrong) or "this combination is beaten by another of the same speed"

    @classmethod
    def units(cls, site: Site[OpT]) -> Iterator[Self]:
        """The engine with every sensible setting of its knobs."""
        return (cls(site, knobs) for knobs in cls.choices(site))

    @property
    def op(self) -> OpT:
        """The operator."""
        return self.site.op

    @property
    def args(self) -> tuple[TensorType, ...]:
        """The types of the arguments."""
        return self.site.args

    @property
    def arg(self) -> TensorType:
        """The type of the only argument."""
        return self.site.arg

    @property
    def out(self) -> TensorType:
        """The result as it streams: its type, unless the engine makes several columns at once as one."""
        return self.site.out

    @property
    def columns(self) -> int:
        """How many columns are side by side in a beat, of what comes or goes, so that it has several pixels a cycle."""
        return 1

    @property
    def target(self) -> Target:
        """The board."""
        return self.site.target

    @property
    @abstractmethod
    def lanes(self) -> tuple[tuple[int, ...], int]:
        """Lanes of each input stream (codes of a beat, of the view of it), and of the output stream."""

    @property
    def views(self) -> tuple[TensorType, ...]:
        """How the engine sees each input stream: its arguments, unless it takes several pixels as one."""
        return self.args

    @property
    @abstractmethod
    def cycles(self) -> int:
        """Cycles per frame when never stalled: the closed form. At least the beats at every port."""

    @property
    def exact(self) -> bool:
        """Whether a frame takes that many cycles, and not fewer."""
        return True

    @property
    def fast(self) -> bool:
        """Of one that `doubles`: whether what has the second clock may reach that of its blocks by the data sheet."""
        return True

    @property
    def loop_cycles(self) -> int:
        """The same of the HLS C++, where it differs: a loop hands a memory over within a cycle."""
        return self.cycles

    @property
    def interval(self) -> Interval:
        """Cycles per frame, guaranteed and expected: equal unless what an engine does depends on the data."""
        return Interval(self.cycles, self.cycles)

    @property
    def multipliers(self) -> int:
        """Products of a weight and an input per cycle; 0 for an engine that has no weights."""
        return 0

    @property
    def weight_format(self) -> str | None:
        """How a weight is stored; None for an engine that has none."""
        return None

    @property
    def weight_bits(self) -> int:
        """Bits that the weights take as they are stored."""
        return 0

    @property
    def fetched(self) -> Fetched | None:
        """Words that come as a stream behind those of the arguments."""
        return None

    @property
    def fetched_words(self) -> tuple[int, int]:
        """How many they are, and their bits, without making them."""
        return 0, 0

    @property
    def fetched_bytes(self) -> int:
        """Bytes that they take in every frame, without making them."""
        return 0

    @property
    def brought(self) -> Resources:
        """About what brings them to the engine, beside it."""
        return Resources()

    @property
    def stores(self) -> Mapping[str, Store]:
        """What memories of constants hold and where it comes from, by the name of each in `memories`."""
        return {}

    @property
    @abstractmethod
    def timing(self) -> Timing:
        """When results leave, for latency and FIFO depths."""

    @property
    @abstractmethod
    def formula(self) -> Resources:
        """What one instance takes, by a formula."""

    @cached_property
    def cost(self) -> Resources:
        """What one instance takes: the formula, corrected where it is not fitted to the family of the board."""
        return self.target.fitted(self.stem, self.formula)

    @property
    @abstractmethod
    def params(self) -> dict[str, int]:
        """Parameters of tom_<stem> in the order of its header, without those that name memory files."""

    @property
    def memories(self) -> dict[str, Memory]:
        """Contents behind each parameter that names a memory file; these come last in the header."""
        return {}


AnyUnit = Unit[Any]
"""A unit of any operator."""


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
    return Timing((need,) * arguments, cycles, latency, leaves=Leaves.AS_THEY_COME)
