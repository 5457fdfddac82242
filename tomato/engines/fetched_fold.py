"""Matrix products and convolutions whose weights are fetched from memory beside the chip, for tiles of pixels."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import product
from math import ceil
from typing import Self

import numpy as np

from tomato.core.formats import Array, Codes
from tomato.core.forms import Cell
from tomato.core.ir import TensorType
from tomato.engines.base import Fetched, Knobs, Site, Timing, beats, divisors, folds
from tomato.engines.parts import cells, dot
from tomato.engines.parts.ring import LAG, Ring, frontier
from tomato.engines.parts.weighted import ArrayUnit
from tomato.hardware.memory import Ram, better_ram, memory_cost
from tomato.hardware.plumbing import QUEUE_LATENCY, fifo_cost, output_cost, register_cost, words_cost
from tomato.ops.conv2d import Conv2d
from tomato.ops.dense import Dense
from tomato.ops.window import Window
from tomato.targets import Resources

HANDOVER = 6
"""Cycles from the last read of the line buffer to the first read of what it read."""
READ = 2
"""Cycles from a read to tom_dot."""
DOT = 6
"""Cycles of dot.latency that are the line buffer's, in front of which this engine's memories stand."""
ORDERED = 3
"""Cycles from the last result of a pixel to its first beat, in tom_tile_order."""
QUEUED = 64
"""Beats of memory that wait for a layer, about."""
SHORT = 16
"""Words that wait where each is used once."""
TILES = (4, 16, 64, 256)
"""Tiles worth trying are the first to reach these."""
LEAST_BITS = 1 << 18
"""Weights of fewer bits stay on the chip, where they take a few block RAMs."""


@dataclass(frozen=True)
class TileRing(Ring):
    """A line buffer that is read in bursts: of a whole tile, once there is room for it."""

    tile: int = 1

    @cached_property
    def rows(self) -> int:
        """Enough for what comes in while nothing is read."""
        even = Ring(self.target, self.arg, self.window, self.lanes, False, False, self.pixel_cycles).rows
        return even + self.window.stride[0] * ceil((self.tile - 1) / self.out[1])


class PixelRing(Ring):
    """A few pixels, each an image of its own."""

    @cached_property
    def rows(self) -> int:
        return 3 + ceil(max(0, LAG - self.beats) / self.beats)


class FetchedFold(ArrayUnit[Dense | Conv2d]):
    """What pixels of a tile see is kept, words of weights come as a stream and meet all pixels of the tile.

    Its knob `tile` is how many pixels that is: a word comes once per tile.
    """

    stem = "fetched_fold"
    ops = (Dense, Conv2d)
    fetches = True

    @classmethod
    def refuses(cls, site: Site[Dense | Conv2d]) -> str:
        if site.target.off_chip is None:
            return f"{site.target.name} has no memory beside the chip that it could read"
        return "groups of channels are not read" if site.op.groups > 1 else ""

    @classmethod
    def factors(cls, site: Site[Dense | Conv2d]) -> Codes:
        """The codes that the weights are multiplied by."""
        return site.op.factors(site.arg.codes) if isinstance(site.op, Conv2d) else site.arg.codes

    @classmethod
    def choices(cls, site: Site[Dense | Conv2d]) -> Iterator[Knobs]:
        offers = dot.offers(site.op.weight, cls.factors(site), site.target)
        return (unit.knobs for unit in cls._shapes(site, offers))

    @classmethod
    def units(cls, site: Site[Dense | Conv2d]) -> Iterator[Self]:
        """Of weights that are worth it; multipliers are in LUTs, or blocks are shared by as many filters as can be."""
        weight = site.op.weight
        offers = dot.offers(weight, cls.factors(site), site.target)
        most = max(offer["pack"] for offer in offers)
        some = [offer for offer in offers if offer["pack"] in (0, most)]
        units = cls._shapes(site, some)
        return (unit for unit in units if unit.weight_bits >= LEAST_BITS)

    @classmethod
    def portable(cls, site: Site[Dense | Conv2d], knobs: Knobs) -> Iterator[Knobs]:
        """Filters may share a multiplier as they do on other boards."""
        weight, x, pack = site.op.weight, cls.factors(site), knobs["pack"]
        if pack in dot.packs(weight, x, site.target) or not 1 < pack <= dot.most_packed(weight, x):
            return iter(())
        return (unit.knobs for unit in cls._shapes(site, [{"cell": Cell.FIXED, "pack": pack}]))

    @classmethod
    def _shapes(cls, site: Site[Dense | Conv2d], offers: Iterable[Knobs]) -> Iterator[Self]:
        channels, filters = site.op.weight.shape[-2:]
        shapes = [*product(folds(channels), folds(filters))]
        for cell, tile in product(offers, tiles(site.node.type.pixels)):
            yield from frontier(
                cls(site, {"lanes_in": i, "lanes_out": o, **cell, "tile": tile})
                for i, o in shapes
                if cells.fills(site.op.weight, cell, channels, i)
            )

    @cached_property
    def kernel(self) -> Array:
        """The weights as those of a convolution: kernel rows, columns, channels in, out."""
        values = self.weight.values
        return values if values.ndim == 4 else values.reshape(1, 1, *values.shape)

    @property
    def tile(self) -> int:
        """Pixels that a word is used for."""
        return self.knobs["tile"]

    @cached_property
    def reads(self) -> int:
        """Reads of a pixel, and words of a fold."""
        rows, columns, channels, _ = self.kernel.shape
        return int(rows * columns) * beats(channels, self.knobs["lanes_in"])

    @cached_property
    def folds(self) -> int:
        """Output beats of a pixel."""
        return beats(self.kernel.shape[3], self.knobs["lanes_out"])

    @cached_property
    def pixel_cycles(self) -> int:
        """Reads of an output pixel."""
        return self.reads * self.folds

    @cached_property
    def ring(self) -> Ring:
        """The line buffer; of a matrix product every pixel is an image, and a row."""
        lanes, op = self.knobs["lanes_in"], self.op
        if isinstance(op, Conv2d):
            return TileRing(self.target, self.arg, op.window, lanes, False, False, self.pixel_cycles, tile=self.tile)
        pixel = TensorType((1, 1, self.arg.channels), self.arg.fmt)
        return PixelRing(self.target, pixel, Window((1, 1)), lanes, False, False, self.reads)

    @property
    def multipliers(self) -> int:
        products: int = self.knobs["lanes_in"] * self.knobs["lanes_out"]
        return products

    @cached_property
    def effort(self) -> float:
        """A rough measure of size, to tell shapes of the same speed apart."""
        lanes, outputs = self.knobs["lanes_in"], self.knobs["lanes_out"]
        waiting = (outputs * self.out.codes.bits * self.folds + lanes * self.arg.codes.bits * self.reads) * self.places
        word = self.multipliers * self.field * self.words
        return dot.effort(lanes, outputs, self.knobs) + outputs * self.out.codes.bits * 4 + (waiting + word) / 64

    @cached_property
    def places(self) -> int:
        """Pixels that wait for words, and pixels of results that wait for their turn: those of two tiles."""
        return 2 * self.tile + ceil(2 * LAG / self.reads)

    @cached_property
    def words(self) -> int:
        """Words that wait for their pixels: those of two folds, where a fold is used more than once."""
        return SHORT if self.tile == 1 else 2 * self.reads + LAG

    @cached_property
    def lanes(self) -> tuple[tuple[int, ...], int]:
        return (self.knobs["lanes_in"],), self.knobs["lanes_out"]

    @cached_property
    def cycles(self) -> int:
        return max(self.out.pixels * self.pixel_cycles, self.arg.pixels * self.ring.beats)

    @property
    def fetched_words(self) -> tuple[int, int]:
        return self.pixel_cycles, self.multipliers * self.field

    @property
    def fetched_bytes(self) -> int:
        words, bits = self.fetched_words
        return self.out.pixels // self.tile * words * ceil(bits / 8)

    @cached_property
    def brought(self) -> Resources:
        """Queues of all channels, and what makes words of their beats."""
        memory = self.target.off_chip
        assert memory, f"{self.target.name} has no memory beside the chip"
        beat, (_, word) = memory.side_by_side * memory.bits, self.fetched_words
        queue = fifo_cost(beat, QUEUED, better_ram(memory.bits, QUEUED, self.target), self.target)
        return queue + words_cost(beat, word)

    @cached_property
    def fetched(self) -> Fetched:
        lanes = self.knobs["lanes_in"], self.knobs["lanes_out"]
        table = dot.weight_words(self.kernel, 1, *lanes, (False, False), cells.form(self.weight, self.knobs).filler)
        words = dot.memory(table, lanes[1], self.weight, {**self.knobs, "weight_ram": Ram.LUT})
        return Fetched(words, self.out.pixels // self.tile)

    @cached_property
    def chain(self) -> int:
        """Products of a filter that are summed in a row of DSP blocks, see dot.chain_of."""
        return dot.chain_of(self.knobs["lanes_in"], self.weight, self.factors(self.site), self.knobs, self.target)

    @cached_property
    def timing(self) -> Timing:
        """Of a tile all pixels wait for the last one, and are complete one after the other in the last fold."""
        reads, pixels = self.reads, self.out.pixels
        if isinstance(self.op, Conv2d):
            ((need,), (room,)) = (t := self.ring.timing(0)).need, t.room
        else:
            need = np.arange(pixels)
            room = need - self.ring.rows
        x, inputs = self.factors(self.site), self.knobs["lanes_in"]
        after = reads + HANDOVER + READ + dot.latency(inputs, self.weight, x, self.knobs, self.chain) - DOT
        if self.tile == 1:
            return Timing((need,), self.pixel_cycles, after + self.pixel_cycles, (room,))
        last = np.repeat(need.reshape(-1, self.tile).max(axis=1), self.tile)
        place = np.arange(self.tile)
        done = reads + (max(0, self.folds - 2) * self.tile + place + 1) * reads  # behind the last pixel's first read
        if self.folds == 1:
            done = (place + 2 - self.tile) * reads
        left = np.maximum.accumulate(done - place * self.folds) + place * self.folds + self.folds
        later = np.tile(left - place * self.pixel_cycles, pixels // self.tile)
        hurried = (self.tile - 1) * reads if self.ring.beats < reads else 0  # the line buffer, behind a quick input
        latency = after + hurried + ORDERED - QUEUE_LATENCY - 1
        return Timing((last,), self.pixel_cycles, latency, (room,), later=later)

    @cached_property
    def _memories(self) -> tuple[tuple[int, int, Ram], ...]:
        """Width, depth and kind of the memories of pixels, words and results."""
        lanes, outputs = self.knobs["lanes_in"], self.knobs["lanes_out"]
        sizes = (
            (lanes * self.arg.codes.bits, self.places * self.reads),
            (self.multipliers * self.field, self.words),
            (outputs * self.out.codes.bits, self.places * self.folds),
        )
        return tuple((w, d, better_ram(w, d, self.target)) for w, d in sizes)

    @cached_property
    def formula(self) -> Resources:
        lanes, outputs = self.knobs["lanes_in"], self.knobs["lanes_out"]
        x, acc = self.factors(self.site), self.out.codes
        pixels, words, results = (memory_cost(w, d, ram, self.target) for w, d, ram in self._memories)
        array = dot.cost(lanes, outputs, self.weight, x, acc, self.knobs, self.target, chain=self.chain)
        if self.tile == 1:
            results = output_cost(outputs * acc.bits, SHORT, self.target)
        waiting = Resources(ff=lanes * self.arg.codes.bits + 2 * self.multipliers * self.field)
        counters = sum(n.bit_length() for n in (self.reads, self.tile, self.folds, self.places, self.words))
        control = Resources(lut=60 + 4 * counters, ff=40 + 4 * counters)
        ordered = register_cost(outputs * acc.bits) if self.tile > 1 else Resources()
        return self.ring.cost + pixels + words + results + array + waiting + control + ordered

    @cached_property
    def params(self) -> dict[str, int]:
        kinds = [ram for _, _, ram in self._memories]
        numbers = dot.params(
            self.weight, self.factors(self.site), self.out.codes, {**self.knobs, "weight_ram": Ram.LUT}, self.chain
        )
        return {
            "Lanes": self.knobs["lanes_in"],
            "Outputs": self.knobs["lanes_out"],
            "Beats": self.ring.beats,
            "Folds": self.folds,
            "Tile": self.tile,
            "Places": self.places,
            "TileRam": kinds[0],
            "Words": self.words,
            "WordsRam": kinds[1],
            "OrderRam": kinds[2] if self.tile > 1 else Ram.LUT,
            **self.ring.params(),
            "PadValue": self.op.pad_value if isinstance(self.op, Conv2d) else 0,
            **self.ring.bank_params(),
            **{name: n for name, n in numbers.items() if name not in ("WeightRam", "LoadBits")},
        }


def tiles(pixels: int) -> list[int]:
    """Tiles worth trying of a frame of so many pixels: they divide it."""
    known = divisors(pixels)
    return sorted({next((n for n in known if n >= least), pixels) for least in TILES})


ENGINE = FetchedFold
