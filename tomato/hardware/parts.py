"""Parts between engines: the modules that forks, crossings, converters, queues and ends are, each described once."""

from abc import ABC, abstractmethod
from dataclasses import dataclass, replace
from math import ceil
from typing import ClassVar

import numpy as np

from tomato.core.formats import Array
from tomato.hardware.memory import LOAD_BITS, Ram, better_ram
from tomato.hardware.plumbing import (
    FIFO_LATENCY,
    FORK_LATENCY,
    REGISTER_LATENCY,
    Packing,
    Width,
    fifo_cost,
    fork_cost,
    frame_check_cost,
    frame_end_cost,
    loader_cost,
    register_cost,
    width_cost,
    width_cycles,
    width_times,
)
from tomato.hardware.shell import MEMORY_LATENCY, MOST_BEATS
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

    def times(self, spread: int) -> tuple[int, int]:
        """Latency, and cycles over which a pixel leaves, where it comes over `spread` cycles."""
        return width_times(self.lanes, spread)

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
    def bits(self) -> int:
        """Of everything that it holds."""
        return self.width * self.depth

    @property
    def params(self) -> dict[str, int]:
        return {"Width": self.width, "Depth": self.depth, "Ram": self.ram}

    @property
    def latency(self) -> int:
        return FIFO_LATENCY

    def formula(self, target: Target) -> Resources:
        return fifo_cost(self.width, self.depth, self.ram, target)


SLOTS = 4
"""Bursts of a queue in memory beside what it has to hold: those that are written and read."""


@dataclass(frozen=True, slots=True)
class Spill(Part):
    """A queue of `depth` beats of `width` bits in memory beside the chip, for frames of `frame_beats`.

    data_bits: of a beat of that memory.
    """

    stem = "spill"
    width: int
    depth: int
    frame_beats: int
    data_bits: int
    ram: Ram

    @classmethod
    def of(cls, width: int, depth: int, frame_beats: int, target: Target) -> "Spill":
        """In the memory beside a board's chip, which it has."""
        assert target.off_chip, f"{target.name} has no memory beside the chip"
        made = cls(width, depth, frame_beats, target.off_chip.bits, Ram.LUT)
        return replace(made, ram=better_ram(made.data_bits, made.waiting, target))

    @property
    def packing(self) -> Packing:
        """How beats lie in those of the memory."""
        return Packing(self.width, self.data_bits, self.frame_beats)

    @property
    def slots(self) -> int:
        """Bursts that the memory holds: a frame ends with a shorter one."""
        per_beat = self.packing.words / self.frame_beats
        return SLOTS + ceil(self.depth * per_beat / MOST_BEATS) + ceil(self.depth / self.frame_beats)

    @property
    def complete(self) -> Array:
        """For every beat of a frame, with which beat the burst is complete that it is in, or the last it is in."""
        beats, parts, gather = np.arange(self.frame_beats), -(-self.width // self.data_bits), self.packing.gather
        word = (beats + 1) * parts // gather - 1 if gather == 1 else beats // gather
        last = np.minimum(word // MOST_BEATS * MOST_BEATS + MOST_BEATS, self.packing.words)
        return np.asarray(-(-last * gather // parts) - 1)

    @property
    def bytes(self) -> int:
        """Bytes of memory."""
        return self.slots * MOST_BEATS * self.data_bits // 8

    @property
    def frame_bytes(self) -> int:
        """Bytes that are written a frame, and read."""
        return self.packing.words * self.data_bits // 8

    @property
    def waiting(self) -> int:
        """Beats of memory that may be asked for: what covers its latency."""
        rate = min(1.0, self.packing.words / self.frame_beats)
        return 2 * MOST_BEATS + ceil(MEMORY_LATENCY * rate / MOST_BEATS) * MOST_BEATS

    @property
    def params(self) -> dict[str, int]:
        return {
            "Width": self.width,
            "Gather": self.packing.gather,
            "Words": self.packing.words,
            "DataBytes": self.data_bits // 8,
            "MaxBeats": MOST_BEATS,
            "Slots": self.slots,
            "Depth": self.waiting,
            "Ram": self.ram,
        }

    @property
    def latency(self) -> int:
        """Until a burst has come, been written, and read."""
        return 2 * MEMORY_LATENCY + MOST_BEATS * max(1, self.packing.gather) + 2 * FIFO_LATENCY + 8

    def formula(self, target: Target) -> Resources:
        queues = fifo_cost(self.data_bits, 2 * MOST_BEATS, Ram.LUT, target)
        queues += fifo_cost(self.data_bits, self.waiting, self.ram, target)
        return queues + self.packing.cost(target) + Resources(lut=260, ff=420)


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
