"""Frames that take turns in a loop, so that none waits for its own result: when, and what that takes."""

from dataclasses import dataclass
from functools import cached_property
from math import ceil

from tomato.hardware.memory import Ram, better_ram, memory_cost
from tomato.hardware.plumbing import QUEUE_LATENCY
from tomato.targets import Resources, Target


@dataclass(frozen=True)
class Interleave:
    """`frames` frames in tom_loop_interleave: each has a pass in every `frames`-th window of `window` cycles.

    passes: of a frame.
    busy: cycles of a pass in which it reads.
    loop: cycles from a pass to the next one of its frame, at the least.
    beats: of a frame, of inputs and of results.
    late: cycles from a pass to when its last result may be read, and a beat of a step for each before the last.
    turned: cycles from a pass to when it has taken its last input.
    """

    frames: int
    passes: int
    busy: int
    loop: int
    beats: int
    late: int
    turned: int

    @cached_property
    def window(self) -> int:
        """Cycles from a pass to the next one, of another frame."""
        return max(self.busy, ceil(self.loop / self.frames))

    @property
    def pause(self) -> int:
        """Those in which nothing is read."""
        return self.window - self.busy

    @cached_property
    def cycles(self) -> int:
        """Cycles per frame, exactly: the windows of its passes, all others belong to other frames."""
        return self.passes * self.window

    @cached_property
    def delay(self) -> int:
        """Cycles from when a frame is taken in to its results.

        It begins `frames` windows later at the latest, and has a pass in each `frames`-th of them. Its results leave
        without a break, so that its last one waits for nothing if it is the latest.
        """
        return max(2, self.frames * self.cycles + self.late - 1 - self.beats)

    @property
    def latency(self) -> int:
        """Cycles from the last beat of a frame to its first results."""
        return 1 + self.delay + QUEUE_LATENCY

    @cached_property
    def slots(self) -> int:
        """Frames that have room at this rate.

        A frame's inputs are there for as long as the frame comes, waits for its place and has passes; its results
        until whoever takes them has done so, at this rate.
        """
        inputs = (self.frames + 1) * self.cycles + self.turned + 3
        results = self.delay + self.cycles + 3
        return ceil(max(inputs, results) / self.cycles)

    def rams(self, widths: tuple[int, int], target: Target) -> tuple[Ram, Ram]:
        """Kinds of the memories of inputs and of results, whose beats have so many bits."""
        in_ram, out_ram = (better_ram(width, self.slots * self.beats, target) for width in widths)
        return in_ram, out_ram

    def cost(self, widths: tuple[int, int], target: Target) -> Resources:
        """Both memories."""
        depth = self.slots * self.beats
        pairs = zip(widths, self.rams(widths, target), strict=True)
        first, second = (memory_cost(width, depth, ram, target) for width, ram in pairs)
        return first + second

    def control(self, steps: int, rows: int, words: int, on_way: int, target: Target) -> Resources:
        """Counters, places, what is known of passes on their way, and when results are due.

        steps: of a frame. rows: of the memory that is fed back. words: of what units keep. on_way: passes.
        """
        address = (self.slots * self.beats - 1).bit_length()
        row, word, step = ((n - 1).bit_length() for n in (rows, words, steps))
        entry = 1 + step + address
        held = entry * (self.frames - 1)
        shifted = target.memory.srl_depth and self.frames > 3
        places = Resources(
            lut=entry * (2 + (ceil(self.frames / 32) if shifted else 0)) + row + word + self.frames,
            ff=2 * entry + row + word + self.frames + address + (entry if shifted else held),
        )
        way = memory_cost(1 + address + word, on_way, Ram.LUT, target) + memory_cost(
            address + row, on_way, Ram.LUT, target
        )
        time = self.delay.bit_length()
        due = memory_cost(time, self.slots, Ram.LUT, target)
        slot = self.slots.bit_length()
        counters = 3 * address + 5 * slot + 2 * (self.beats - 1).bit_length() + self.cycles.bit_length() + 2 * time
        return places + way + due + Resources(lut=2 * counters, ff=counters + 3 * address)
