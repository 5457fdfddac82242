"""A matrix product on every pixel: fully connected layers and pointwise convolutions."""

from collections.abc import Iterator
from itertools import product
from math import ceil

import numpy as np

from tomato.engines.base import Engine, Knobs, Site, Timing, beats, folds
from tomato.engines.parts import cells, dot
from tomato.engines.parts.ring import LAG, better_ram, frontier, queue_cost, rom_cost
from tomato.hardware.netlist import Memory
from tomato.hardware.plumbing import memory_cost
from tomato.ops.dense import Dense
from tomato.targets import Resources, Target


class DenseFold(Engine):
    """A ring of a few pixels in front of lanes_in x lanes_out multipliers."""

    stem = "dense_fold"
    ops = (Dense,)

    def refuses(self, site: Site, target: Target) -> str:
        return ""

    def choices(self, site: Site) -> Iterator[Knobs]:
        channels, filters = _op(site).weight.shape
        shapes = [{"lanes_in": i, "lanes_out": o} for i, o in product(folds(channels), folds(filters))]
        weight = _op(site).weight
        for cell in dot.offers(weight, site.arg.codes):
            built = ({**s, **cell} for s in shapes if cells.fills(weight, cell, channels, s["lanes_in"]))
            for shape in frontier(built, lambda k: self.cycles(site, k), lambda k: self._effort(site, k)):
                for ram in dot.rams(self.words(site, shape)):
                    yield {**shape, "weight_ram": ram}

    def _effort(self, site: Site, knobs: Knobs) -> float:
        lanes, outputs = knobs["lanes_in"], knobs["lanes_out"]
        return dot.effort(lanes, outputs, knobs) + outputs * site.out.codes.bits * 4 + lanes * 8

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

    def multipliers(self, site: Site, knobs: Knobs) -> int:
        return knobs["lanes_in"] * knobs["lanes_out"]

    def words(self, site: Site, knobs: Knobs) -> int:
        return self._pixel_cycles(site, knobs)

    def timing(self, site: Site, knobs: Knobs) -> Timing:
        cycles = self._pixel_cycles(site, knobs)
        need = np.arange(site.arg.pixels)
        latency = cycles + dot.latency(knobs["lanes_in"], site.arg.codes, knobs)
        return Timing((need,), cycles, latency, room=need - self._ring(site, knobs)[0])

    def cost(self, site: Site, knobs: Knobs, target: Target) -> Resources:
        x, acc, lanes, outputs = site.arg.codes, site.out.codes, knobs["lanes_in"], knobs["lanes_out"]
        weight = _op(site).weight
        pixels, ram = self._ring(site, knobs)
        ring = memory_cost(lanes * x.bits, pixels * beats(site.arg.channels, lanes), ram, target)
        width = lanes * outputs * dot.field_bits(weight, knobs)
        rom = rom_cost(width, self.words(site, knobs), knobs["weight_ram"], target)
        array = dot.cost(lanes, outputs, weight, x, acc, knobs, target)
        # Codes wait for their weights in shift registers, where they are LUTs.
        control = Resources(lut=55 + (lanes * x.bits if target.memory.srl_depth else 0), ff=40)
        return ring + array + rom + queue_cost(outputs * acc.bits, target) + control

    def params(self, site: Site, knobs: Knobs) -> dict[str, int]:
        pixels, ram = self._ring(site, knobs)
        return {
            "Lanes": knobs["lanes_in"],
            "Outputs": knobs["lanes_out"],
            "Beats": beats(site.arg.channels, knobs["lanes_in"]),
            "Folds": beats(site.out.channels, knobs["lanes_out"]),
            "Pixels": pixels,
            "RingRam": ram,
            **dot.params(_op(site).weight, site.arg.codes, site.out.codes, knobs),
        }

    def memories(self, site: Site, knobs: Knobs) -> dict[str, Memory]:
        weight = _op(site).weight
        kernel = weight.values.reshape(1, 1, *weight.shape)
        outputs, filler = knobs["lanes_out"], cells.form(weight, knobs).filler
        words = dot.weight_words(kernel, 1, knobs["lanes_in"], outputs, (False, False), filler)
        return {"MemFile": dot.memory(words, outputs, weight, knobs)}


def _op(site: Site) -> Dense:
    assert isinstance(site.op, Dense)
    return site.op


ENGINE = DenseFold()
