"""A matrix product on every pixel: fully connected layers and pointwise convolutions."""

from collections.abc import Iterator
from itertools import product
from math import ceil

import numpy as np

from tomato.engines.base import Engine, Knobs, Site, Timing, beats, folds
from tomato.engines.requant_stream import signed_bits
from tomato.engines.windowed import (
    BLOCK,
    LAG,
    LUT,
    better_ram,
    dot_cost,
    dot_stages,
    frontier,
    memory_cost,
    queue_cost,
    rom_cost,
    weight_words,
)
from tomato.netlist import Memory, uniform_memory
from tomato.ops.dense import Dense
from tomato.targets import Resources, Target

PIPELINE = 9
"""Cycles from the last read of a pixel to its result at the output, adder tree not counted."""
LUT_WORDS = 32
"""Weight memories of up to this many words are never block RAM."""


class DenseFold(Engine):
    """A ring of a few pixels in front of lanes_in x lanes_out multipliers."""

    stem = "dense_fold"
    ops = (Dense,)

    def refuses(self, site: Site, target: Target) -> str:
        return ""

    def choices(self, site: Site) -> Iterator[Knobs]:
        channels, filters = _op(site).weight.shape
        shapes = ({"lanes_in": i, "lanes_out": o} for i, o in product(folds(channels), folds(filters)))
        for shape in frontier(shapes, lambda k: self.cycles(site, k), lambda k: self._effort(site, k)):
            words = self._pixel_cycles(site, shape)
            for dsp, ram in product((1, 0), (LUT, BLOCK) if words > LUT_WORDS else (LUT,)):
                yield {**shape, "dsp": dsp, "weight_ram": ram}

    def _effort(self, site: Site, knobs: Knobs) -> float:
        multipliers = knobs["lanes_in"] * knobs["lanes_out"]
        return multipliers * 60 + knobs["lanes_out"] * site.out.codes.bits * 4 + knobs["lanes_in"] * 8

    def _pixel_cycles(self, site: Site, knobs: Knobs) -> int:
        channels, filters = _op(site).weight.shape
        return beats(channels, knobs["lanes_in"]) * beats(filters, knobs["lanes_out"])

    def _ring(self, site: Site, knobs: Knobs) -> tuple[int, int]:
        """Pixels in the ring, and its memory kind."""
        cycles = self._pixel_cycles(site, knobs)
        pixels = 2 + ceil(max(0, LAG - cycles) / cycles)
        depth = pixels * beats(site.arg.channels, knobs["lanes_in"])
        return pixels, better_ram(knobs["lanes_in"] * site.arg.codes.bits, depth, lut_depth=32)

    def lanes(self, site: Site, knobs: Knobs) -> tuple[tuple[int, ...], int]:
        return (knobs["lanes_in"],), knobs["lanes_out"]

    def cycles(self, site: Site, knobs: Knobs) -> int:
        return site.arg.pixels * self._pixel_cycles(site, knobs)

    def timing(self, site: Site, knobs: Knobs) -> Timing:
        cycles = self._pixel_cycles(site, knobs)
        need = np.arange(site.arg.pixels)
        latency = cycles + PIPELINE + dot_stages(knobs["lanes_in"])
        return Timing((need,), cycles, latency, room=need - self._ring(site, knobs)[0])

    def cost(self, site: Site, knobs: Knobs, target: Target) -> Resources:
        x, lanes, outputs = site.arg.codes, knobs["lanes_in"], knobs["lanes_out"]
        weight, acc = signed_bits(_op(site).weight), site.out.codes.bits
        pixels, ram = self._ring(site, knobs)
        ring = memory_cost(lanes * x.bits, pixels * beats(site.arg.channels, lanes), ram, target)
        rom = rom_cost(lanes * outputs * weight, self._pixel_cycles(site, knobs), knobs["weight_ram"], target)
        dot = dot_cost(lanes, outputs, x.bits + (not x.signed), weight, acc, bool(knobs["dsp"]), target)
        return ring + dot + rom + queue_cost(outputs * acc) + Resources(lut=60, ff=50 + lanes * x.bits)

    def params(self, site: Site, knobs: Knobs) -> dict[str, int]:
        x = site.arg.codes
        pixels, ram = self._ring(site, knobs)
        return {
            "Lanes": knobs["lanes_in"],
            "Outputs": knobs["lanes_out"],
            "Beats": beats(site.arg.channels, knobs["lanes_in"]),
            "Folds": beats(site.out.channels, knobs["lanes_out"]),
            "Pixels": pixels,
            "RingRam": ram,
            "InBits": x.bits,
            "InSigned": int(x.signed),
            "WeightBits": signed_bits(_op(site).weight),
            "AccBits": site.out.codes.bits,
            "UseDsp": knobs["dsp"],
            "WeightRam": knobs["weight_ram"],
        }

    def memories(self, site: Site, knobs: Knobs) -> dict[str, Memory]:
        weight = _op(site).weight
        kernel = weight.values.reshape(1, 1, *weight.shape)
        words = weight_words(kernel, 1, knobs["lanes_in"], knobs["lanes_out"], (False, False))
        return {"MemFile": uniform_memory(words, signed_bits(weight))}


def _op(site: Site) -> Dense:
    assert isinstance(site.op, Dense)
    return site.op


ENGINE = DenseFold()
