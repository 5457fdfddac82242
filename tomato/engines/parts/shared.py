"""Several layers that take turns on one array of multipliers, tom_shared_fold."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from math import ceil

import numpy as np

from tomato.core.formats import Array, Codes, Tensor
from tomato.core.forms import Cell
from tomato.engines.base import Interval, Knobs, Site, Timing, Unit, beats, folds
from tomato.engines.parts import dot
from tomato.hardware.memory import Ram, Source, Store, better_ram, memory_cost, rom_cost
from tomato.hardware.netlist import Memory
from tomato.ops.narrowed import Narrowed
from tomato.targets import Resources, Target

STEM = "shared_fold"
"""The name of the engine: its module is tom_shared_fold."""
GROUP = "group"
"""The knob that says which layers share an engine: those of one number."""
ASKED = 3
"""Cycles of a turn, beside one a layer, in which the next one is found whoever's it is."""
ROUND = 4
"""The fewest cycles in which a layer is asked for a result once."""
READ = 3
"""Cycles from a read to its factors."""
FIELD = 32
"""Bits of a size in the parameter Layers."""
WIDEST = 32
"""Bits of the widest results."""


@dataclass(frozen=True)
class Turns:
    """A layer on an engine with so many lanes: its sizes.

    rows: input rows that are kept: those that an output row waits for, and those of the next one.
    """

    site: Site[Narrowed]
    lanes_in: int
    lanes_out: int

    @property
    def beats(self) -> int:
        """Input beats per pixel."""
        return beats(self.site.arg.channels, self.lanes_in)

    @property
    def folds(self) -> int:
        """Output beats per pixel."""
        return beats(self.site.out.channels, self.lanes_out)

    @property
    def reads(self) -> int:
        """Reads of an output pixel, and words of weights."""
        return self.folds * self.site.op.window.taps * self.beats

    @cached_property
    def waits(self) -> Array:
        """For each output row the last input row that it waits for: the last one of all waits for the whole frame."""
        window, height = self.site.op.window, self.site.arg.shape[0]
        needed = max(window.kernel[0], window.stride[0])
        last = np.arange(self.site.out.shape[0]) * window.stride[0] - window.pads[0] + needed - 1
        last[-1] = height - 1
        return np.asarray(np.minimum(last, height - 1))

    @cached_property
    def rows(self) -> int:
        """Input rows that are kept."""
        window = self.site.op.window
        tops = np.arange(self.site.out.shape[0]) * window.stride[0] - window.pads[0]
        return int((self.waits - tops).max()) + 1 + window.stride[0]

    @property
    def ring(self) -> int:
        """Words of the rows that are kept."""
        return self.rows * self.site.arg.shape[1] * self.beats


@dataclass(frozen=True, eq=False)
class Group:
    """Layers that share an engine, in the order of the graph, with the knobs that they all have."""

    sites: tuple[Site[Narrowed], ...]
    knobs: Knobs

    @property
    def target(self) -> Target:
        """The board."""
        return self.sites[0].target

    @property
    def lanes(self) -> tuple[int, int]:
        """Codes of a beat of every input, and of every output."""
        return self.knobs["lanes_in"], self.knobs["lanes_out"]

    @cached_property
    def layers(self) -> tuple[Turns, ...]:
        """The layers by their sizes."""
        return tuple(Turns(site, *self.lanes) for site in self.sites)

    @cached_property
    def weight(self) -> Tensor:
        """All weights."""
        return Tensor(np.concatenate([site.op.summed.weight.values.reshape(-1) for site in self.sites]))

    @cached_property
    def x(self) -> Codes:
        """The codes of all inputs and borders, as they are kept."""
        first, *others = (site.op.factors(site.arg.codes) for site in self.sites)
        for other in others:
            first = first.union(other)
        return first

    @cached_property
    def acc(self) -> Codes:
        """All accumulators, with a sign."""
        found = Codes(-1, 0)
        for site in self.sites:
            found = found.union(site.op.accumulators(site.args).codes)
        return found

    @property
    def multipliers(self) -> int:
        """Products of a cycle."""
        return self.knobs["lanes_in"] * self.knobs["lanes_out"]

    @cached_property
    def chain(self) -> int:
        """Products of a filter that are summed in a row of DSP blocks, see dot.chain_of."""
        return dot.chain_of(self.lanes[0], self.weight, self.x, self.knobs, self.target)

    def turn(self, layer: Turns) -> int:
        """Cycles of an output pixel, at most."""
        return max(layer.reads, len(self.sites) + ASKED)

    @cached_property
    def cycles(self) -> int:
        """Cycles per frame of all: their turns one after the other; a beat of a layer passes once a round."""
        count = len(self.sites)
        turns = sum(layer.site.out.pixels * self.turn(layer) for layer in self.layers)
        ins = max(layer.site.arg.pixels * layer.beats for layer in self.layers) * count
        outs = max(layer.site.out.pixels * layer.folds for layer in self.layers) * max(count, ROUND)
        return max(turns, ins, outs)

    @cached_property
    def rings(self) -> int:
        """Words of all rows that are kept."""
        return sum(layer.ring for layer in self.layers)

    @cached_property
    def words(self) -> int:
        """Words of all weights."""
        return sum(layer.reads for layer in self.layers)

    @cached_property
    def passes(self) -> int:
        """Words of constants."""
        return sum(layer.folds for layer in self.layers)

    @cached_property
    def places(self) -> int:
        """Results of a layer that are kept: those of two pixels, a power of two."""
        return max(ROUND, 1 << (2 * max(layer.folds for layer in self.layers) - 1).bit_length())

    @cached_property
    def out_bits(self) -> int:
        """Bits of a result as it is kept."""
        return max(site.out.codes.bits for site in self.sites)

    @cached_property
    def narrow_bits(self) -> tuple[int, int]:
        """Bits of a factor and of an offset of the requantisations, two's complement."""
        mults, biases = ([getattr(site.op.narrow, name) for site in self.sites] for name in ("mult", "bias"))
        return max(2, *map(signed_bits, mults)), max(map(signed_bits, biases))

    @cached_property
    def shifts(self) -> tuple[int, int]:
        """The right shift that all requantisations have, and the most that one has beyond it."""
        found = [site.op.narrow.shift for site in self.sites]
        return min(found), max(found) - min(found)

    @property
    def rams(self) -> tuple[Ram, Ram, Ram]:
        """Kinds of memory: of input rows, of results, of the constants of requantisations."""
        lanes_in, lanes_out = self.lanes
        kept = len(self.sites) * self.places
        constants = Ram.BLOCK if self.passes > dot.LUT_WORDS else Ram.LUT
        return (
            better_ram(lanes_in * self.x.bits, self.rings, self.target),
            better_ram(lanes_out * self.out_bits, kept, self.target),
            constants,
        )

    @cached_property
    def stores(self) -> dict[str, Store]:
        """The weights, and the constants of the requantisations."""
        field = dot.field_bits(self.weight, self.knobs)
        bits = self.multipliers * field, self.lanes[1] * sum(self.narrow_bits)
        kinds = Ram(self.knobs["weight_ram"]), self.rams[2]
        return {
            "MemFile": Store(kinds[0], self.words, bits[0], Source.BITSTREAM),
            "NarrowFile": Store(kinds[1], self.passes, bits[1], Source.BITSTREAM),
        }

    @cached_property
    def memories(self) -> dict[str, Memory]:
        """Weights and constants, layer behind layer."""
        tables = [dot.weight_words(s.op.kernel, 1, *self.lanes, (False, False)) for s in self.sites]
        lanes, (mult, bias) = self.lanes[1], self.narrow_bits
        rows = [_lane_words(s.op.narrow.mult.values, s.op.narrow.bias.values, lanes) for s in self.sites]
        return {
            "MemFile": dot.memory(np.concatenate(tables), lanes, self.weight, self.knobs),
            "NarrowFile": Memory(np.concatenate(rows), (mult, bias) * lanes, ram=self.rams[2]),
        }

    @property
    def slices(self) -> tuple[int, int]:
        """Bits of an accumulator and of a factor that one multiplier of the board takes."""
        return self.target.dsp.slices(self.acc.bits, self.narrow_bits[0])

    @cached_property
    def delay(self) -> int:
        """Cycles from the last read of a pixel to its last beat on the stream, at most."""
        a, b = self.slices
        products = ceil(self.acc.bits / a) * ceil(self.narrow_bits[0] / b)
        narrow = 5 + products.bit_length()
        return READ + dot.pipeline(self.lanes[0], self.weight, self.x, self.knobs, self.chain) + narrow + self.round + 3

    @property
    def round(self) -> int:
        """Cycles in which each layer is asked for a result once."""
        return max(ROUND, len(self.sites))

    @cached_property
    def sizes(self) -> dict[str, int]:
        """Widths of the counters that all layers fit."""
        windows = [layer.site.op.window for layer in self.layers]
        rows = max(
            max(la.rows, la.site.arg.shape[0] + w.pads[0] + w.kernel[0] + w.stride[0])
            for la, w in zip(self.layers, windows, strict=True)
        )
        columns = max(
            la.site.arg.shape[1] + w.pads[1] + w.kernel[1] + w.stride[1]
            for la, w in zip(self.layers, windows, strict=True)
        )
        steps = max(max(la.beats, la.folds, *w.kernel) for la, w in zip(self.layers, windows, strict=True))
        return {
            "RowBits": max(layer.rows for layer in self.layers).bit_length() + 1,
            "HeightBits": rows.bit_length() + 2,
            "WidthBits": columns.bit_length() + 1,
            "OffsetBits": max(layer.ring for layer in self.layers).bit_length() + 2,
            "StepBits": steps.bit_length(),
        }

    @cached_property
    def table(self) -> int:
        """The sizes of all layers as the parameter Layers has them, the first layer in the low bits."""
        packed = ring = word = first = in_bit = out_bit = 0
        for number, layer in enumerate(self.layers):
            site, op, window = layer.site, layer.site.op, layer.site.op.window
            (height, width, _), x, out = site.arg.shape, site.arg.codes, site.out.codes
            fields = (
                height, width, layer.beats, *window.kernel, *window.stride, *window.pads[:2], op.pad_value,
                *site.out.shape[:2], layer.folds, layer.rows, x.bits, int(x.signed), out.bits, op.narrow.lo,
                op.narrow.hi, op.narrow.shift - self.shifts[0], ring, word, first, in_bit, out_bit,
            )  # fmt: skip
            entry = 0
            for field in fields:
                entry = entry << FIELD | field & ((1 << FIELD) - 1)
            packed |= entry << (number * FIELD * len(fields))
            ring, word, first = ring + layer.ring, word + layer.reads, first + layer.folds
            in_bit, out_bit = in_bit + self.lanes[0] * x.bits, out_bit + self.lanes[1] * out.bits
        return packed

    @cached_property
    def params(self) -> dict[str, int]:
        """Parameters of tom_shared_fold in the order of its header, without those that name memory files."""
        ring, place, narrow = self.rams
        numbers = dot.params(self.weight, self.x, self.acc, self.knobs, self.chain)
        del numbers["LoadBits"]
        mult, bias = self.narrow_bits
        return {
            "Members": len(self.sites),
            "Layers": self.table,
            "Rings": self.rings,
            "Reads": self.words,
            "Passes": self.passes,
            "InW": sum(self.lanes[0] * site.arg.codes.bits for site in self.sites),
            "OutW": sum(self.lanes[1] * site.out.codes.bits for site in self.sites),
            **self.sizes,
            "Lanes": self.lanes[0],
            "Outputs": self.lanes[1],
            "Places": self.places,
            "RingRam": ring,
            "PlaceRam": place,
            **numbers,
            "MultBits": mult,
            "InSlice": self.slices[0],
            "MultSlice": self.slices[1],
            "BiasBits": bias,
            "Shift": self.shifts[0],
            "MoreBits": max(1, self.shifts[1].bit_length()),
            "OutBits": self.out_bits,
            "NarrowRam": narrow,
        }


def signed_bits(constant: Tensor) -> int:
    """Width of a two's-complement field that holds a constant of codes."""
    assert isinstance(constant.fmt, Codes)
    return constant.fmt.bits + (not constant.fmt.signed)


def _lane_words(mult: Array, bias: Array, lanes: int) -> Array:
    """Factor and offset of every lane, fold by fold; those of lanes without a channel are zero."""
    both = np.stack([mult, bias], axis=1)
    padded = np.pad(both, ((0, -len(both) % lanes), (0, 0)))
    return padded.reshape(-1, 2 * lanes)
