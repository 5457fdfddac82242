"""Operators that only reorder: a band of the frame is written in order and read by nested loops."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from math import gcd, prod

import numpy as np

from tomato.engines.base import Knobs, Site, Timing, Unit, beats, divisors, folds
from tomato.hardware.memory import Ram, memory_cost
from tomato.hardware.plumbing import QUEUE_LATENCY, queue_cost
from tomato.ops.move import DepthToSpace, Flip, SpaceToDepth, Transpose, Upsample
from tomato.targets import Resources

PIPELINE = 3
"""Cycles from the last beat of a band to the first result in the output queue."""
LUT_DEPTH, BLOCK_DEPTH = 512, 64
"""The deepest memory that is offered in LUTs, and the shallowest that is offered in block RAM."""

Loop = tuple[int, int]
"""Passes, and distance from pass to pass."""
Reordering = Upsample | Flip | DepthToSpace | SpaceToDepth | Transpose


@dataclass(frozen=True, slots=True)
class Band:
    """The fewest whole input rows that give whole output rows, `out_rows` of them.

    loops: read order, innermost first, distances in beats. begin: the beat that is read first.
    """

    beats_in: int
    out_rows: int
    in_pixels: int
    loops: tuple[Loop, ...]
    begin: int = 0

    @property
    def beats_out(self) -> int:
        """Beats read."""
        return prod(count for count, _ in self.loops)


class ReorderBand(Unit[Reordering]):
    """A double-buffered band memory and a nest of counters."""

    stem = "reorder_band"
    ops = (Upsample, Flip, DepthToSpace, SpaceToDepth, Transpose)

    @classmethod
    def refuses(cls, site: Site[Reordering]) -> str:
        return ""

    @classmethod
    def choices(cls, site: Site[Reordering]) -> Iterator[Knobs]:
        for lanes in _lanes(site):
            depth = 2 * _band(site, lanes).beats_in
            kinds = [k for k, fits in ((Ram.LUT, depth <= LUT_DEPTH), (Ram.BLOCK, depth >= BLOCK_DEPTH)) if fits]
            yield from ({"lanes": lanes, "ram": kind} for kind in kinds)

    @cached_property
    def lanes(self) -> tuple[tuple[int, ...], int]:
        return (self.knobs["lanes"],), self.knobs["lanes"]

    @cached_property
    def cycles(self) -> int:
        band = _band(self.site, self.knobs["lanes"])
        return max(band.beats_in, band.beats_out) * (self.out.shape[0] // band.out_rows)

    @cached_property
    def timing(self) -> Timing:
        band, per_pixel = _band(self.site, self.knobs["lanes"]), beats(self.out.channels, self.knobs["lanes"])
        rows = np.repeat(np.arange(self.out.shape[0]), self.out.shape[1])
        need = (rows // band.out_rows + 1) * band.in_pixels - 1
        # A pixel may enter when the band before the last one has been read.
        bands = np.arange(self.arg.pixels) // band.in_pixels - 1
        room = bands * (band.out_rows * self.out.shape[1]) - 1
        return Timing((need,), per_pixel, PIPELINE + QUEUE_LATENCY + per_pixel - 1, (room,))

    @cached_property
    def formula(self) -> Resources:
        band, width = _band(self.site, self.knobs["lanes"]), self.arg.codes.bits * self.knobs["lanes"]
        address = (2 * band.beats_in).bit_length()
        counters = sum(count.bit_length() for count, _ in band.loops)
        control = Resources(lut=2 * address + counters + 2 * len(band.loops) + 8, ff=2 * address + counters + 8)
        memory = memory_cost(width, 2 * band.beats_in, Ram(self.knobs["ram"]), self.target)
        return control + memory + Resources(ff=width) + queue_cost(width, 6, self.target)

    @cached_property
    def params(self) -> dict[str, int]:
        band = _band(self.site, self.knobs["lanes"])
        return {
            "Lanes": self.knobs["lanes"],
            "Bits": self.arg.codes.bits,
            "BandIn": band.beats_in,
            "BandOut": band.beats_out,
            "Begin": band.begin,
            "Levels": len(band.loops),
            "Counts": sum(count << (32 * i) for i, (count, _) in enumerate(band.loops)),
            "Strides": sum((stride & 0xFFFFFFFF) << (32 * i) for i, (_, stride) in enumerate(band.loops)),
            "Ram": self.knobs["ram"],
        }


def _lanes(site: Site[Reordering]) -> list[int]:
    """Lanes that never put codes into one beat which the reordering separates."""
    match site.op:
        case Upsample() | Flip():
            return folds(site.arg.channels)
        case SpaceToDepth():
            return divisors(site.arg.channels)
        case DepthToSpace():
            return divisors(site.out.channels)
        case Transpose() as op:
            (count, stride), *_ = _transposed(op)
            return divisors(gcd(count if stride == 1 else 1, site.arg.channels, site.out.channels))
        case _:
            raise AssertionError(f"{site.op} does not reorder")


def _band(site: Site[Reordering], lanes: int) -> Band:
    _, width, channels = site.arg.shape
    count = beats(channels, lanes)
    match site.op:
        case Upsample(factor):
            loops = ((count, 1), (factor[1], 0), (width, count), (factor[0], 0))
            return Band(width * count, factor[0], width, _merged(loops))
        case Flip(rows, columns):
            height = site.arg.shape[0] if rows else 1
            along, across = (-count if columns else count), (-width * count if rows else width * count)
            begin = (width - 1) * count * columns + (height - 1) * width * count * rows
            order = _merged(((count, 1), (width, along), (height, across)))
            return Band(height * width * count, height, height * width, order, begin)
        case SpaceToDepth(block):
            loops = ((count, 1), (block, count), (block, width * count), (width // block, block * count))
            return Band(block * width * count, 1, block * width, _merged(loops))
        case DepthToSpace(block):
            part = site.out.channels // lanes
            loops = ((part, 1), (block, part), (width, count), (block, block * part))
            return Band(width * count, block, width, _merged(loops))
        case Transpose() as op:
            bands = gcd(op.view[0], site.arg.shape[0], site.out.shape[0]) if op.perm[0] == 0 else 1
            (inner, stride), *outer = _transposed(replace(op, view=(op.view[0] // bands, *op.view[1:])))
            first = (inner // lanes, 1) if stride == 1 else (inner, stride // lanes)
            codes = _merged((first, *((n, s // lanes) for n, s in outer)))
            pixels = site.arg.pixels // bands
            return Band(pixels * count, site.out.shape[0] // bands, pixels, codes)
        case _:
            raise AssertionError(f"{site.op} does not reorder")


def _transposed(op: Transpose) -> tuple[Loop, ...]:
    """The loops that read the frame in its new order, distances in codes."""
    strides = [prod(op.view[axis + 1 :]) for axis in range(len(op.view))]
    return _merged([(op.view[axis], strides[axis]) for axis in reversed(op.perm)])


def _merged(loops: Sequence[Loop]) -> tuple[Loop, ...]:
    """The same nest with fewer levels: no single passes, no level that only continues the one below."""
    merged: list[Loop] = []
    for count, stride in loops:
        if count == 1:
            continue
        if merged and stride == merged[-1][0] * merged[-1][1]:
            merged[-1] = (merged[-1][0] * count, merged[-1][1])
        else:
            merged.append((count, stride))
    return tuple(merged) or ((1, 1),)


ENGINE = ReorderBand
