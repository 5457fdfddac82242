"""What engines with a line buffer and an array of multipliers share: geometry, weights, cost."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property, lru_cache
from math import ceil
from typing import Protocol, TypeVar

import numpy as np

from tomato.core.formats import Array
from tomato.core.ir import Shape, TensorType
from tomato.engines.base import Leaves, Timing
from tomato.hardware.memory import Ram, better_ram, memory_cost
from tomato.ops.window import Window
from tomato.targets import Resources, Target
from tomato.targets.luts import TapReader

LAG = 8
"""Cycles between a pixel's arrival and the freeing of its place that a short row must cover."""


@dataclass(frozen=True)
class Ring:
    """A line buffer over `arg`: its window, lanes, how many taps it reads at once, and how often.

    pixel_cycles: reads per output pixel, all folds and groups together.
    pixels: neighbouring columns that come in one beat; they need all kernel columns to be read at once,
    all channels in a beat, and a width that they divide.
    """

    target: Target
    arg: TensorType
    window: Window
    lanes: int
    parallel_rows: bool
    parallel_columns: bool
    pixel_cycles: int
    pixels: int = 1

    @cached_property
    def view(self) -> TensorType:
        """The input as it streams: `pixels` columns look like one with as many times the channels."""
        height, width, channels = self.arg.shape
        return TensorType((height, width // self.pixels, channels * self.pixels), self.arg.fmt)

    @cached_property
    def beats(self) -> int:
        """Input beats per pixel, or per group of pixels."""
        return -(-self.arg.channels // self.lanes)

    @cached_property
    def taps(self) -> int:
        """Taps per read."""
        rows, columns = self.window.kernel
        return (rows if self.parallel_rows else 1) * (columns if self.parallel_columns else 1)

    @cached_property
    def steps(self) -> int:
        """Reads that take all taps of a window."""
        return self.window.taps // self.taps

    @cached_property
    def out(self) -> tuple[int, int]:
        """Output height and width."""
        return self.window.output(self.arg.shape)

    @cached_property
    def rows(self) -> int:
        """Rows in the ring: the fewest that never let the writer or the reader wait for the other."""
        row_beats = self.view.shape[1] * self.beats
        return ring_rows(self.arg.shape, row_beats, self.out, self.window, self.pixel_cycles)

    @cached_property
    def columns(self) -> int:
        """Column banks: the fewest that hold the taps of one row, and the pixels of a beat, in different banks."""
        if not self.parallel_columns:
            return 1
        taps, dilation = self.window.kernel[1], self.window.dilation[1]
        count = -(-taps // self.pixels) * self.pixels
        while len({t * dilation % count for t in range(taps)}) < taps:
            count += self.pixels
        return count

    @cached_property
    def banks(self) -> int:
        """Separate memories."""
        return (self.rows if self.parallel_rows else 1) * self.columns

    @cached_property
    def depth(self) -> int:
        """Words per memory."""
        row = ceil(self.arg.shape[1] / self.columns) * self.beats
        return row if self.parallel_rows else row * self.rows

    @cached_property
    def cycles(self) -> int:
        """Cycles per frame: the reads, but at least the input beats."""
        return max(self.out[0] * self.out[1] * self.pixel_cycles, self.view.pixels * self.beats)

    @cached_property
    def ram(self) -> Ram:
        """The memory kind that suits the ring."""
        return better_ram(self.lanes * self.arg.codes.bits, self.depth, self.target)

    def timing(self, latency: int) -> Timing:
        """When results leave; `latency` from the last read of a pixel to the output."""
        need = last_needed(self.arg.shape[0], self.arg.shape[1], self.window) // self.pixels
        room = freed_by(self.arg.shape[0], self.arg.shape[1], self.window, self.rows)[:: self.pixels]
        return Timing((need,), self.pixel_cycles, self.pixel_cycles + latency, (room,), leaves=Leaves.EVENLY)

    @cached_property
    def cost(self) -> Resources:
        """Memories, tap multiplexers, loop counters and address generators."""
        width = self.lanes * self.arg.codes.bits
        memory = memory_cost(width, self.depth, self.ram, self.target) * self.banks
        luts = self.target.luts.taps(self.reader)
        return memory + Resources(lut=luts, ff=self.taps * width + 110 + 10 * self.columns)

    @property
    def turning(self) -> bool:
        """Whether a column of the kernel comes from one bank after the other, not always from the same."""
        return self.window.stride[1] % self.columns != 0

    @cached_property
    def reader(self) -> TapReader:
        """What reads the memories."""
        rows, columns = self._ways
        return TapReader(
            bits=self.taps * self.lanes * self.arg.codes.bits,
            row_ways=rows,
            column_ways=columns,
            columns=self.columns,
            all_rows=self.parallel_rows,
            all_columns=self.parallel_columns,
            padded=any(self.window.pads),
            turning=self.turning,
        )

    @cached_property
    def _ways(self) -> tuple[int, int]:
        """Ways of the multiplexers behind the row banks, and behind the column banks."""
        rows = self.rows if self.parallel_rows and self.window.kernel[0] > 1 else 1
        pair = self.parallel_rows and self.columns == 2  # the multiplexers of a slice select one of two for nothing
        return rows, 1 if pair else self.columns

    def params(self) -> dict[str, int]:
        """The geometry parameters that every tom_*_window module has, in their order."""
        return geometry(self.arg, self.window)

    def bank_params(self) -> dict[str, int]:
        """The parameters of the ring that every tom_*_window module has, in their order."""
        return {
            "ParallelH": int(self.parallel_rows),
            "ParallelW": int(self.parallel_columns),
            "Rows": self.rows,
            "Columns": self.columns,
            "Pixels": self.pixels,
            "RingRam": self.ram,
        }


def geometry(arg: TensorType, window: Window) -> dict[str, int]:
    """The parameters that say which windows of a frame are read, as all modules order them."""
    height, width = window.output(arg.shape)
    return {
        "Height": arg.shape[0],
        "Width": arg.shape[1],
        "OutHeight": height,
        "OutWidth": width,
        "KernelH": window.kernel[0],
        "KernelW": window.kernel[1],
        "StrideH": window.stride[0],
        "StrideW": window.stride[1],
        "DilationH": window.dilation[0],
        "DilationW": window.dilation[1],
        "PadTop": window.pads[0],
        "PadLeft": window.pads[1],
    }


def last_needed(height: int, width: int, window: Window) -> Array:
    """For every output pixel the input pixel (row-major) whose arrival lets the line buffer start on it."""
    rows, columns = window.output((height, width, 1))
    top = np.arange(rows) * window.stride[0] - window.pads[0]
    base = np.append(np.maximum(top, 0), height)
    base[rows] = height
    row = np.maximum(np.minimum(top + window.span[0] - 1, height - 1), base[1:] - 1)
    left = np.arange(columns) * window.stride[1] - window.pads[1]
    column = np.minimum(left + window.span[1] - 1, width - 1)
    column[-1] = width - 1
    return np.asarray((row[:, None] * width + column[None, :]).reshape(-1))


@lru_cache(maxsize=4096)
def ring_rows(shape: Shape, row_beats: int, out: tuple[int, int], window: Window, pixel_cycles: int) -> int:
    """Rows that a line buffer must hold so that the engine reaches its closed-form interval.

    Plays three frames row by row: input rows come evenly at the interval, output rows are read as soon
    as their input and the previous row allow. What is held when a row has been read is the ring's size.
    Never less than a window and the rows of the next one, and slack where rows are only a few cycles, or
    where already the first pixels of a row need its end, so that nothing hides the cycles in between.
    """
    height, width, _ = shape
    read = out[1] * pixel_cycles
    interval = max(height * row_beats, out[0] * read)
    top = np.arange(out[0]) * window.stride[0] - window.pads[0]
    base = np.maximum(top, 0)
    last = np.maximum(np.minimum(top + window.span[0] - 1, height - 1), np.append(base[1:], height) - 1)
    frame = np.arange(3)[:, None] * interval
    column = np.minimum(np.arange(out[1]) * window.stride[1] - window.pads[1] + window.span[1], width)
    column[-1] = width
    late = (column * (interval / height / width) - np.arange(out[1]) * pixel_cycles).max() + LAG
    row_time = interval / height
    arrived = (frame + (last * row_time + max(late, row_time))[None, :]).reshape(-1)
    ramp = np.arange(arrived.size) * read
    end = np.maximum.accumulate(arrived - ramp) + ramp + read
    first = (np.arange(3)[:, None] * height + base[None, :]).reshape(-1)
    held = int(np.ceil(end * height / interval - first - 1e-9).max())
    row_cycles = max(row_beats, read // window.stride[0], 1)
    return max(held, window.span[0] + window.stride[0]) + ceil(max(0, LAG - row_cycles) / row_cycles)


def freed_by(height: int, width: int, window: Window, ring: int) -> Array:
    """For every input pixel the output pixel whose end frees its place in a ring of `ring` rows."""
    rows, columns = window.output((height, width, 1))
    top = np.arange(1, rows + 1) * window.stride[0] - window.pads[0]
    top[-1] = height  # the last output row frees the rest of the frame
    frame, row = np.divmod(np.arange(height) - ring, height)
    last = frame * rows + np.searchsorted(top, row, side="right")
    return np.repeat((last + 1) * columns - 1, width)


def queue_places(pipeline: int, reads: int) -> int:
    """Places of the queue at the end of a pipeline that takes a result every `reads` cycles: under way or waiting."""
    return ceil(pipeline / reads) + 4


class Shaped(Protocol):
    """A unit that tells its speed and, roughly, its size."""

    @property
    def cycles(self) -> int:
        """Cycles per frame."""

    @property
    def effort(self) -> float:
        """A rough measure of size, to tell shapes of the same speed apart."""


ShapedT = TypeVar("ShapedT", bound=Shaped)


def frontier(units: Iterable[ShapedT]) -> Iterator[ShapedT]:
    """The units for which no other one is as fast with less effort, fastest first."""
    best: dict[int, ShapedT] = {}
    for unit in units:
        if unit.cycles not in best or unit.effort < best[unit.cycles].effort:
            best[unit.cycles] = unit
    least = float("inf")
    for cycles in sorted(best):
        if best[cycles].effort < least:
            least = best[cycles].effort
            yield best[cycles]
