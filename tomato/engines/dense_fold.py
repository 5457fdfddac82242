"""A matrix product on every pixel: fully connected layers and pointwise convolutions."""

from functools import cached_property
from itertools import product
from math import ceil

import numpy as np

from tomato.core.formats import Array, Codes
from tomato.core.ir import TensorType
from tomato.engines.base import Knobs, Leaves, Site, Timing, beats, folds
from tomato.engines.parts import cells, dot
from tomato.engines.parts.fold import FoldUnit
from tomato.engines.parts.ring import LAG, Ring, queue_places
from tomato.hardware.memory import Ram, better_ram, delay_cost, memory_cost
from tomato.hardware.plumbing import output_cost
from tomato.ops.dense import Dense
from tomato.ops.window import Window
from tomato.targets import Resources

LANES = ("lanes_in", "lanes_out")


class DenseFold(FoldUnit[Dense]):
    """A ring of a few pixels in front of lanes_in x lanes_out multipliers."""

    stem = "dense_fold"
    ops = (Dense,)

    @classmethod
    def refuses(cls, site: Site[Dense]) -> str:
        return ""

    @classmethod
    def factors(cls, site: Site[Dense]) -> Codes:
        return site.arg.codes

    @classmethod
    def unrollings(cls, site: Site[Dense]) -> list[Knobs]:
        channels, filters = site.op.weight.shape
        return [{"lanes_in": i, "lanes_out": o} for i, o in product(folds(channels), folds(filters))]

    @classmethod
    def fills(cls, site: Site[Dense], shape: Knobs, cell: Knobs) -> bool:
        return cells.fills(site.op.weight, cell, site.op.weight.shape[0], shape["lanes_in"])

    @property
    def inputs(self) -> int:
        return self.knobs["lanes_in"]

    @property
    def outputs(self) -> int:
        return self.knobs["lanes_out"]

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
        reads = beats(self.arg.channels, self.inputs)
        cycles = max(self.pixel_cycles, reads)
        pixels = 2 + max(reads == cycles, ceil(max(0, LAG - cycles) / cycles))
        return pixels, better_ram(self.inputs * self.arg.codes.bits, pixels * reads, self.target)

    @cached_property
    def lanes(self) -> tuple[tuple[int, ...], int]:
        return (self.knobs["lanes_in"],), self.knobs["lanes_out"]

    @cached_property
    def cycles(self) -> int:
        return self.arg.pixels * max(self.pixel_cycles, beats(self.arg.channels, self.knobs["lanes_in"]))

    @cached_property
    def timing(self) -> Timing:
        cycles = self.pixel_cycles
        need = np.arange(self.arg.pixels)
        return Timing((need,), cycles, cycles + self.delay, room=(need - self.ring[0],), leaves=Leaves.EVENLY)

    @cached_property
    def places(self) -> int:
        """Places of the output queue."""
        lanes = self.knobs["lanes_in"]
        return queue_places(self.pipeline, beats(self.arg.channels, lanes))

    @property
    def ring_memory(self) -> tuple[int, int, Ram, int]:
        pixels, ram = self.ring
        return self.inputs * self.arg.codes.bits, pixels * beats(self.arg.channels, self.inputs), ram, 1

    @property
    def buffer(self) -> Resources:
        width, depth, ram, _ = self.ring_memory
        return memory_cost(width, depth, ram, self.target) + delay_cost(width, self.target)  # codes wait for weights

    @cached_property
    def bare(self) -> Resources:
        queue = output_cost(self.outputs * self.out.codes.bits, self.places, self.target)
        return self.front + self.array + queue

    @property
    def front(self) -> Resources:
        return self.buffer + self._control

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
            **self.dot_params,
        }

    @property
    def window_params(self) -> dict[str, int]:
        """Every pixel is an image."""
        pixels, ram = self.ring
        kind = TensorType((1, 1, self.arg.channels), self.arg.fmt)
        image = Ring(self.target, kind, Window((1, 1)), self.inputs, False, False, self.pixel_cycles)
        return {**image.params(), "PadValue": 0, **image.bank_params(), "Rows": pixels, "RingRam": ram}

    @cached_property
    def table(self) -> Array:
        kernel = self.weight.values.reshape(1, 1, *self.weight.shape)
        return dot.weight_words(kernel, 1, self.inputs, self.outputs, self.taps, self.filler)


ENGINE = DenseFold
