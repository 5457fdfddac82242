"""A matrix product on every pixel: fully connected layers and pointwise convolutions."""

from collections.abc import Iterable, Iterator
from functools import cached_property
from itertools import product
from math import ceil
from typing import Self

import numpy as np

from tomato.core.formats import Codes
from tomato.engines.base import Knobs, Site, Timing, beats, folds
from tomato.engines.parts import cells, dot
from tomato.engines.parts.ring import LAG, frontier
from tomato.engines.parts.weighted import WEIGHTS, WeightedUnit
from tomato.hardware.memory import Ram, better_ram, delay_cost, memory_cost
from tomato.hardware.netlist import Memory
from tomato.hardware.plumbing import output_cost
from tomato.ops.dense import Dense
from tomato.targets import Resources

LANES = ("lanes_in", "lanes_out")


class DenseFold(WeightedUnit[Dense]):
    """A ring of a few pixels in front of lanes_in x lanes_out multipliers."""

    stem = "dense_fold"
    ops = (Dense,)
    shared = True

    @classmethod
    def refuses(cls, site: Site[Dense]) -> str:
        return ""

    @classmethod
    def factors(cls, site: Site[Dense]) -> Codes:
        return site.arg.codes

    @classmethod
    def shapes(cls, site: Site[Dense], offers: Iterable[Knobs]) -> Iterator[Self]:
        channels, filters = site.op.weight.shape
        shapes = [{"lanes_in": i, "lanes_out": o} for i, o in product(folds(channels), folds(filters))]
        for cell in offers:
            built = ({**s, **cell} for s in shapes if cells.fills(site.op.weight, cell, channels, s["lanes_in"]))
            yield from frontier(cls(site, knobs) for knobs in built)

    @cached_property
    def effort(self) -> float:
        lanes, outputs = self.knobs["lanes_in"], self.knobs["lanes_out"]
        return dot.effort(lanes, outputs, self.knobs) + outputs * self.out.codes.bits * 4 + lanes * 8

    @cached_property
    def pixel_cycles(self) -> int:
        channels, filters = self.weight.shape
        return beats(channels, self.knobs["lanes_in"]) * beats(filters, self.knobs["lanes_out"])

    @cached_property
    def ring(self) -> tuple[int, Ram]:
        """Pixels in the ring, and its memory kind; one is free besides where they come as slowly as they are read."""
        cycles, reads = self.pixel_cycles, beats(self.arg.channels, self.knobs["lanes_in"])
        pixels = 2 + max(reads == cycles, ceil(max(0, LAG - cycles) / cycles))
        depth = pixels * reads
        return pixels, better_ram(self.knobs["lanes_in"] * self.arg.codes.bits, depth, self.target)

    @cached_property
    def lanes(self) -> tuple[tuple[int, ...], int]:
        return (self.knobs["lanes_in"],), self.knobs["lanes_out"]

    @cached_property
    def cycles(self) -> int:
        return self.arg.pixels * self.pixel_cycles

    @cached_property
    def multipliers(self) -> int:
        return self.knobs["lanes_in"] * self.knobs["lanes_out"]

    @cached_property
    def words(self) -> int:
        return self.pixel_cycles

    @cached_property
    def timing(self) -> Timing:
        cycles = self.pixel_cycles
        need = np.arange(self.arg.pixels)
        latency = cycles + dot.latency(self.knobs["lanes_in"], self.arg.codes, self.knobs)
        return Timing((need,), cycles, latency, room=(need - self.ring[0],))

    @cached_property
    def places(self) -> int:
        """Places of the output queue."""
        lanes = self.knobs["lanes_in"]
        return dot.queue_depth(lanes, beats(self.arg.channels, lanes))

    @cached_property
    def bare(self) -> Resources:
        x, acc, lanes, outputs = self.arg.codes, self.out.codes, self.knobs["lanes_in"], self.knobs["lanes_out"]
        weight = self.weight
        pixels, ram = self.ring
        ring = memory_cost(lanes * x.bits, pixels * beats(self.arg.channels, lanes), ram, self.target)
        array = dot.cost(lanes, outputs, weight, x, acc, self.knobs, self.target)
        waiting = delay_cost(lanes * x.bits, self.target)  # codes, for their weights
        queue = output_cost(outputs * acc.bits, self.places, self.target)
        return ring + array + queue + waiting + self._control

    @cached_property
    def _control(self) -> Resources:
        """Counters of beats and folds, and addresses in the ring: a fit, from counters of three, two and four bits."""
        inputs, outputs = (beats(n, self.knobs[lanes]) for n, lanes in zip(self.weight.shape, LANES, strict=True))
        words = self.ring[0] * inputs
        counter, fold, address = ((n - 1).bit_length() - usual for n, usual in ((inputs, 3), (outputs, 2), (words, 4)))
        turning = self.target.luts.ring_address(words)
        return Resources(lut=55 + 3 * (counter + address) + turning, ff=40 + 7 * (counter + address) + 2 * fold)

    @cached_property
    def params(self) -> dict[str, int]:
        pixels, ram = self.ring
        return {
            "Lanes": self.knobs["lanes_in"],
            "Outputs": self.knobs["lanes_out"],
            "Beats": beats(self.arg.channels, self.knobs["lanes_in"]),
            "Folds": beats(self.out.channels, self.knobs["lanes_out"]),
            "Pixels": pixels,
            "RingRam": ram,
            **dot.params(self.weight, self.arg.codes, self.out.codes, self.knobs),
        }

    @cached_property
    def memories(self) -> dict[str, Memory]:
        weight = self.weight
        kernel = weight.values.reshape(1, 1, *weight.shape)
        outputs, filler = self.knobs["lanes_out"], cells.form(weight, self.knobs).filler
        words = dot.weight_words(kernel, 1, self.knobs["lanes_in"], outputs, (False, False), filler)
        return {WEIGHTS: dot.memory(words, outputs, weight, self.knobs)}


ENGINE = DenseFold
