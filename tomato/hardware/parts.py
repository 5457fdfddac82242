"""Parts between engines: the modules that forks, crossings, converters, queues and ends are, each described once."""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import ClassVar

from tomato.hardware.memory import LOAD_BITS, Ram, better_ram
from tomato.hardware.plumbing import (
    FIFO_LATENCY,
    FORK_LATENCY,
    REGISTER_LATENCY,
    Width,
    fifo_cost,
    fork_cost,
    frame_check_cost,
    frame_end_cost,
    loader_cost,
    register_cost,
    width_cost,
    width_cycles,
)
from tomato.targets import Resources, Target


@dataclass(frozen=True, slots=True)
class Part(ABC):
    """An instance of tom_<stem>. `latency`: cycles from a beat at its input to the same beat at its output."""

    stem: ClassVar[str]

    @property
    @abstractmethod
    def params(self) -> dict[str, int]:
        """Parameters of the module, in the order of its header."""

    @property
    @abstractmethod
    def latency(self) -> int:
        """Cycles through the part."""

    @abstractmethod
    def formula(self, target: Target) -> Resources:
        """What it takes, by a formula."""

    def cost(self, target: Target) -> Resources:
        """What it takes on the board."""
        return target.fitted(self.stem, self.formula(target))


@dataclass(frozen=True, slots=True)
class Fork(Part):
    """A stream of beats of `width` bits that goes to several readers."""

    stem = "fork"
    outputs: int
    width: int

    @property
    def params(self) -> dict[str, int]:
        return {"Outputs": self.outputs, "Width": self.width}

    @property
    def latency(self) -> int:
        return FORK_LATENCY

    def formula(self, target: Target) -> Resources:
        return fork_cost(self.outputs, self.width, target)


@dataclass(frozen=True, slots=True)
class Register(Part):
    """A register in both directions, where a stream crosses from one region of the chip to the next."""

    stem = "register"
    width: int

    @property
    def params(self) -> dict[str, int]:
        return {"Width": self.width}

    @property
    def latency(self) -> int:
        return REGISTER_LATENCY

    def formula(self, target: Target) -> Resources:
        return register_cost(self.width)


@dataclass(frozen=True, slots=True)
class Converter(Part):
    """Other lanes, and other pixels where the frame is the same sequence of codes in another shape."""

    stem = "width"
    bits: int
    lanes: Width

    @property
    def params(self) -> dict[str, int]:
        lanes = self.lanes
        return {
            "Bits": self.bits,
            "InChannels": lanes.in_channels,
            "InLanes": lanes.in_lanes,
            "OutChannels": lanes.out_channels,
            "OutLanes": lanes.out_lanes,
        }

    @property
    def latency(self) -> int:
        lanes = self.lanes
        return width_cycles(lanes.in_channels, lanes.in_lanes, lanes.out_channels, lanes.out_lanes)

    def formula(self, target: Target) -> Resources:
        lanes = self.lanes
        return width_cost(lanes.in_channels, lanes.in_lanes, lanes.out_channels, lanes.out_lanes, self.bits, target)


@dataclass(frozen=True, slots=True)
class Fifo(Part):
    """A queue of `depth` beats of `width` bits."""

    stem = "fifo"
    width: int
    depth: int
    ram: Ram

    @classmethod
    def of(cls, width: int, depth: int, target: Target) -> "Fifo":
        """In the kind of memory that suits it."""
        return cls(width, depth, better_ram(width, depth, target))

    @property
    def params(self) -> dict[str, int]:
        return {"Width": self.width, "Depth": self.depth, "Ram": self.ram}

    @property
    def latency(self) -> int:
        return FIFO_LATENCY

    def formula(self, target: Target) -> Resources:
        return fifo_cost(self.width, self.depth, self.ram, target)


@dataclass(frozen=True, slots=True)
class FrameEnd(Part):
    """Marks the last of `frame_beats` beats of `width` bits, at an output."""

    stem = "frame_end"
    width: int
    frame_beats: int

    @classmethod
    def of(cls, width: int, frame_beats: int) -> "FrameEnd":
        """For beats of `width` bits, which leave in whole bytes."""
        return cls(-(-width // 8) * 8, frame_beats)

    @property
    def params(self) -> dict[str, int]:
        return {"Width": self.width, "Beats": self.frame_beats}

    @property
    def latency(self) -> int:
        return REGISTER_LATENCY

    def formula(self, target: Target) -> Resources:
        return frame_end_cost(self.width, self.frame_beats)


@dataclass(frozen=True, slots=True)
class FrameCheck(Part):
    """Watches an input: whether the last of every `frame_beats` beats is marked, and no other."""

    stem = "frame_check"
    frame_beats: int

    @property
    def params(self) -> dict[str, int]:
        return {"Beats": self.frame_beats}

    @property
    def latency(self) -> int:
        return 0

    def formula(self, target: Target) -> Resources:
        return frame_check_cost(self.frame_beats)


@dataclass(frozen=True, slots=True)
class Loader(Part):
    """Fills a chain of `memories` with `beats` beats, once, and holds back the inputs until then."""

    stem = "loader"
    beats: int
    memories: int

    @property
    def params(self) -> dict[str, int]:
        return {"LoadBits": LOAD_BITS, "Beats": self.beats, "Drain": self.memories + 4}

    @property
    def latency(self) -> int:
        return 1

    def formula(self, target: Target) -> Resources:
        return loader_cost(self.beats)
