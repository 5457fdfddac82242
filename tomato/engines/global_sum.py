"""The sum of every channel over the frame, one input beat per cycle."""

from collections.abc import Iterator

import numpy as np

from tomato.engines.base import FREE, Engine, Knobs, Site, Timing, beats, folds
from tomato.hardware.plumbing import QUEUE_LATENCY, queue_cost
from tomato.ops.pool import GlobalSum
from tomato.targets import Resources, Target

PIPELINE = 2
"""Stages from the input port to the output queue."""


class GlobalSumStream(Engine):
    """An accumulator per channel, in a small memory; sums leave with the beats of the last pixel."""

    stem = "global_sum"
    ops = (GlobalSum,)

    def refuses(self, site: Site, target: Target) -> str:
        return ""

    def choices(self, site: Site) -> Iterator[Knobs]:
        return ({"lanes": n} for n in folds(site.arg.channels))

    def lanes(self, site: Site, knobs: Knobs) -> tuple[tuple[int, ...], int]:
        return (knobs["lanes"],), knobs["lanes"]

    def cycles(self, site: Site, knobs: Knobs) -> int:
        return site.arg.pixels * beats(site.arg.channels, knobs["lanes"])

    def timing(self, site: Site, knobs: Knobs) -> Timing:
        need = np.array([site.arg.pixels - 1])
        room = np.full(site.arg.pixels, FREE)
        return Timing((need,), self.cycles(site, knobs), PIPELINE + QUEUE_LATENCY, room)

    def cost(self, site: Site, knobs: Knobs, target: Target) -> Resources:
        width = site.out.codes.bits * knobs["lanes"]
        depth = beats(site.arg.channels, knobs["lanes"])
        memory = Resources(lut=target.lutram_for(width, depth)) if depth > 1 else Resources(ff=width)
        rows = width * (-(-depth // 64) - 1) // 2
        # A register starts anew with multiplexers; a carry chain of LUTs with four inputs takes others before it.
        memory_sums, register_sums = (width, width * 8 // 5) if target.wide_luts else (width * 2, width * 17 // 5)
        sums = memory_sums if depth > 1 else register_sums
        adders = Resources(lut=sums + rows, ff=(depth > 1) * width + site.arg.codes.bits * knobs["lanes"])
        bits = site.arg.pixels.bit_length() + 2 * depth.bit_length()
        control = Resources(lut=bits + 2, ff=bits + 6)
        return memory + adders + control + queue_cost(width, depth + PIPELINE + 4, target)

    def params(self, site: Site, knobs: Knobs) -> dict[str, int]:
        return {
            "Lanes": knobs["lanes"],
            "Beats": beats(site.arg.channels, knobs["lanes"]),
            "Pixels": site.arg.pixels,
            "InBits": site.arg.codes.bits,
            "InSigned": int(site.arg.codes.signed),
            "OutBits": site.out.codes.bits,
        }


ENGINE = GlobalSumStream()
