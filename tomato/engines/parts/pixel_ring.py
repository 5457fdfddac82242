"""A line buffer that keeps pixels and not rows: each leaves it behind the last window that sees it."""

from dataclasses import dataclass
from functools import cached_property, lru_cache
from math import ceil

import numpy as np

from tomato.core.formats import Array
from tomato.core.ir import TensorType
from tomato.engines.base import Leaves, Timing
from tomato.engines.parts.ring import LAG, geometry
from tomato.hardware.memory import Ram, better_ram, memory_cost
from tomato.ops.window import Window
from tomato.targets import Resources, Target

CONTROL = 83
"""LUTs of loops and addresses, from syntheses (tools/calibrate/data/depthwise_ring.json)."""
TABLE_ROW = 64
"""Words of the tables of rows that share LUTs on every family: few of them differ."""


@dataclass(frozen=True)
class PixelRing:
    """Pixels of `arg`, one behind the other in one memory, of which a window is read tap by tap.

    lanes: codes of a word. pixel_cycles: reads per output pixel, of all its words. pace: how many times as many cycles
    pass between output pixels where frames come evenly: the longer, the fewer pixels of rows beside strides wait.
    """

    target: Target
    arg: TensorType
    window: Window
    lanes: int
    pixel_cycles: int
    pace: int = 1

    @cached_property
    def beats(self) -> int:
        """Words, and input beats, per pixel."""
        return -(-self.arg.channels // self.lanes)

    @property
    def _size(self) -> tuple[int, int]:
        """Input height and width."""
        height, width, _ = self.arg.shape
        return height, width

    @property
    def taps(self) -> int:
        """Taps per read."""
        return 1

    @property
    def steps(self) -> int:
        """Reads that take all taps of a window."""
        return self.window.taps

    @cached_property
    def out(self) -> tuple[int, int]:
        """Output height and width."""
        return self.window.output(self.arg.shape)

    @cached_property
    def places(self) -> int:
        """Pixels in the ring: the fewest that never let the writer or the reader wait for the other."""
        return ring_places(self._size, self.beats, self.window, self.pixel_cycles, self.pace)

    @property
    def banks(self) -> int:
        """Separate memories."""
        return 1

    @cached_property
    def depth(self) -> int:
        """Words of the memory."""
        return self.places * self.beats

    @cached_property
    def cycles(self) -> int:
        """Cycles per frame: the reads, but at least the input beats; of a longer pace never more than that."""
        return max(self.out[0] * self.out[1] * self.pixel_cycles * self.pace, self.arg.pixels * self.beats)

    @cached_property
    def ram(self) -> Ram:
        """The memory kind that suits the ring."""
        return better_ram(self.lanes * self.arg.codes.bits, self.depth, self.target)

    def timing(self, latency: int) -> Timing:
        """When results leave; `latency` from the last read of a pixel to the output."""
        need, oldest = pixels_seen(self._size, self.window)
        frame, place = np.divmod(np.arange(self.arg.pixels) - self.places, self.arg.pixels)
        room = frame * need.size + np.searchsorted(oldest[1:], place, side="right")
        return Timing((need,), self.pixel_cycles, self.pixel_cycles + latency, (room,), leaves=Leaves.EVENLY)

    @cached_property
    def cost(self) -> Resources:
        """Memory, loop counters, addresses, and what counts pixels: by a formula."""
        width, (rows, columns) = self.lanes * self.arg.codes.bits, self.out
        memory = memory_cost(width, self.depth, self.ram, self.target)
        border = width if any(self.window.pads) else 0
        counted, addresses = self.places.bit_length(), (self.depth - 1).bit_length()
        tables = 2 * counted * self.target.luts.rom_column(max(2, rows), TABLE_ROW)
        return memory + Resources(
            lut=border + CONTROL + tables + 4 * counted,
            ff=width + 72 + 3 * addresses + 6 * counted + (rows * columns).bit_length(),
        )

    def params(self) -> dict[str, int]:
        """The parameters of the window and the ring, in the order of tom_depthwise_ring."""
        return geometry(self.arg, self.window)


def pixels_seen(size: tuple[int, int], window: Window) -> tuple[Array, Array]:
    """The pixels of a frame (row-major) that windows need.

    Of every output pixel the input pixel whose arrival lets the ring read its window; and the first input pixel that
    its window or a later one sees, with the end of the frame behind the last.
    """
    (height, width), (rows, columns) = size, window.output((*size, 1))
    top = np.append(np.maximum(np.arange(rows) * window.stride[0] - window.pads[0], 0), height)
    bottom = np.arange(rows) * window.stride[0] - window.pads[0] + window.span[0] - 1
    row = np.maximum(np.minimum(bottom, height - 1), top[1:] - 1)
    left = np.arange(columns) * window.stride[1] - window.pads[1]
    column = np.minimum(left + max(window.span[1], window.stride[1]) - 1, width - 1)
    column[-1] = width - 1
    leaves = top[1:] > top[:-1]  # the row of the window's top, which no later output row sees
    oldest = top[:-1, None] * width + np.where(leaves[:, None], np.maximum(left, 0), 0)
    return (row[:, None] * width + column).reshape(-1), np.append(oldest, height * width)


@lru_cache(maxsize=4096)
def ring_places(size: tuple[int, int], beats: int, window: Window, pixel_cycles: int, pace: int = 1) -> int:
    """Pixels that a ring must hold so that frames may come at the interval that the reads take, times `pace`.

    Plays three frames: input pixels come evenly at the interval, output pixels are read as soon as their input and the
    pixel before allow. What is held when a pixel begins to come is the ring's size.
    """
    need, oldest = pixels_seen(size, window)
    pixels = size[0] * size[1]
    gap = max(pixels * beats, need.size * pixel_cycles * pace) / pixels
    frames = np.arange(3)[:, None] * pixels
    order = np.arange(3 * need.size)
    came = ((frames + need + 1) * gap).reshape(-1) + LAG / 2
    end = np.maximum.accumulate(came - order * pixel_cycles) + (order + 1) * pixel_cycles
    begins = np.arange(3 * pixels) * gap
    gone = np.append(0, (frames + oldest[1:]).reshape(-1))[np.searchsorted(end + LAG / 2, begins, side="right")]
    held = int((np.arange(3 * pixels) - gone).max()) + 1
    return max(held, int((need - oldest[:-1]).max()) + 1 + ceil(LAG / gap))
