"""The engine that layers share, tom_shared_fold: how fast it is, what it takes, and what it is told of each."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import product
from math import ceil

import numpy as np

from tomato.core.formats import Array
from tomato.core.forms import Cell
from tomato.core.ir import TensorType
from tomato.engines.base import Knobs, Site, beats, folds
from tomato.engines.parts import dot
from tomato.engines.parts.members import Members, Turns
from tomato.engines.parts.rounds import NOBODY, Round
from tomato.hardware.memory import Ram, Source, Store, better_ram, memory_cost, rom_cost
from tomato.hardware.netlist import Memory
from tomato.ops.narrowed import Narrowed
from tomato.targets import Resources, Target

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
NUDGE, STEP = 128, 2
"""Bits of a nudge in the parameter Nudged, and those of its step, which are the highest."""
MOST = 64
"""Products of a cycle, at most: beyond that, engines of their own are as small."""
LUT_ROWS = 8
"""Rows of LUTs that weights take at most where they are in LUTs."""


@dataclass(frozen=True, eq=False)
class Group:
    """The engine that layers share, by the knobs that they all have."""

    members: Members
    knobs: Knobs

    @property
    def sites(self) -> tuple[Site[Narrowed], ...]:
        """The layers."""
        return self.members.sites

    @property
    def target(self) -> Target:
        """The board."""
        return self.members.target

    @property
    def lanes(self) -> tuple[int, int]:
        """Codes of a beat of every input, and of every output."""
        return self.knobs["lanes_in"], self.knobs["lanes_out"]

    @cached_property
    def layers(self) -> tuple[Turns, ...]:
        """The layers by their sizes."""
        return tuple(Turns(site, *self.lanes) for site in self.sites)

    @property
    def array(self) -> Knobs:
        """The knobs of the array of multipliers."""
        return self.knobs

    @property
    def multipliers(self) -> int:
        """Products of a cycle."""
        return self.knobs["lanes_in"] * self.knobs["lanes_out"]

    @cached_property
    def chain(self) -> int:
        """Products of a filter that are summed in a row of DSP blocks, see dot.chain_of."""
        return dot.chain_of(self.lanes[0], self.members.weight, self.members.x, self.knobs, self.target)

    def turn(self, layer: Turns) -> int:
        """Cycles of an output pixel, at most."""
        return max(layer.reads, len(self.sites) + ASKED)

    @property
    def turns(self) -> int:
        """Cycles per frame of the turns of all layers."""
        return sum(layer.turns * self.turn(layer) for layer in self.layers)

    @cached_property
    def cycles(self) -> int:
        """Cycles per frame of all: their turns one after the other; a beat of a layer passes once a round."""
        count, turns = len(self.sites), self.turns
        ins = max(layer.site.arg.pixels * layer.site.arg.channels for layer in self.layers) * count
        outs = max(layer.site.out.pixels * layer.site.out.channels for layer in self.layers) * self.round
        return max(turns, ins, outs, *(self._alone(layer) for layer in self.layers))

    def _alone(self, layer: Turns) -> int:
        """Cycles of a layer whose turn always comes at once: its results have left before more find room."""
        out = layer.site.out
        trip = self.turn(layer) + self.delay + out.channels * self.round
        return out.pixels * ceil(trip / (self.places // out.channels))

    @cached_property
    def rings(self) -> int:
        """Words of all rows that are kept."""
        return sum(layer.ring for layer in self.layers)

    @cached_property
    def words(self) -> int:
        """Words of all weights."""
        return sum(layer.reads for layer in self.layers)

    @cached_property
    def channels(self) -> int:
        """Output channels, and words of constants."""
        return sum(site.out.channels for site in self.sites)

    @cached_property
    def places(self) -> int:
        """Results of a layer that are kept: the codes of two pixels, a power of two."""
        return max(ROUND, 1 << (2 * max(site.out.channels for site in self.sites) - 1).bit_length())

    @property
    def rams(self) -> tuple[Ram, Ram, Ram]:
        """Kinds of memory: of input rows, of results, of the constants of requantisations."""
        kept = len(self.sites) * self.places
        constants = Ram.BLOCK if self.channels > dot.LUT_WORDS else Ram.LUT
        return (
            better_ram(self.members.x.bits, self.rings, self.target),
            better_ram(self.members.out_bits, kept, self.target),
            constants,
        )

    @cached_property
    def stores(self) -> dict[str, Store]:
        """The weights, and the constants of the requantisations."""
        field = dot.field_bits(self.members.weight, self.knobs)
        bits = self.multipliers * field, sum(self.members.narrow_bits)
        kinds = Ram(self.knobs["weight_ram"]), self.rams[2]
        return {
            "MemFile": Store(kinds[0], self.words, bits[0], Source.BITSTREAM),
            "NarrowFile": Store(kinds[1], self.channels, bits[1], Source.BITSTREAM),
        }

    @cached_property
    def memories(self) -> dict[str, Memory]:
        """Weights and constants, layer behind layer."""
        tables = [dot.weight_words(s.op.kernel, 1, *self.lanes, (False, False)) for s in self.sites]
        narrows = [site.op.narrow for site in self.sites]
        rows = np.concatenate([np.stack([n.mult.values, n.bias.values], axis=1) for n in narrows])
        return {
            "MemFile": dot.memory(np.concatenate(tables), self.lanes[1], self.members.weight, self.knobs),
            "NarrowFile": Memory(rows, self.members.narrow_bits, ram=self.rams[2]),
        }

    @property
    def slices(self) -> tuple[int, int]:
        """Bits of an accumulator and of a factor that one multiplier of the board takes."""
        return self.target.dsp.slices(self.members.acc.bits, self.members.narrow_bits[0])

    @cached_property
    def sum_cycles(self) -> int:
        """Cycles from the last read of a sum to the sum, see dot.pipeline."""
        return dot.pipeline(self.lanes[0], self.members.weight, self.members.x, self.array, self.chain)

    @cached_property
    def narrow_cycles(self) -> int:
        """Cycles from a sum to its result."""
        return 5 + self._products.bit_length() + (self.members.nudged > 0)

    @property
    def delay(self) -> int:
        """Cycles from the last read of a pixel to its last beat on the stream, at most."""
        return READ + self.sum_cycles + self.narrow_cycles + self.round + 4

    @property
    def wait(self) -> int:
        """Cycles in which a turn that is picked waits for those in front of it, beyond the one that is computed."""
        return 0

    def leaving(self, number: int) -> int:
        """Cycles in which the results of a turn leave."""
        return self.layers[number].site.out.channels * self.round

    @property
    def round(self) -> int:
        """Cycles in which each layer is asked for a result once."""
        return max(ROUND, len(self.sites))

    @property
    def ins(self) -> Round:
        """In which order layers are asked for a beat."""
        return Round(tuple(range(len(self.sites))))

    @property
    def outs(self) -> Round:
        """In which order layers are asked for a beat of results."""
        return Round((*range(len(self.sites)), *[NOBODY] * (self.round - len(self.sites))))

    def kept(self, layer: Turns) -> int:
        """Beats of results of a layer that are kept."""
        return self.places

    @cached_property
    def formula(self) -> Resources:
        """What it takes, by a formula that was compared with few syntheses."""
        members, target = self.members, self.target
        array = dot.cost(
            *self.lanes, members.weight, members.x, members.acc, self.knobs, target, chain=self.chain
        )  # fmt: skip
        rings = memory_cost(members.x.bits, self.rings, self.rams[0], target) * self.lanes[0]
        results = memory_cost(members.out_bits, len(self.sites) * self.places, self.rams[1], target)
        constants = (rom_cost(store, target) for store in self.stores.values())
        return sum(constants, start=array + rings + results + self._narrowing + self._control)

    @property
    def _narrowing(self) -> Resources:
        """Of a result at a time, and the sums of a pass, which wait for it."""
        waiting = self.members.acc.bits * self.lanes[1]
        return self._narrowed + Resources(lut=waiting, ff=waiting)

    @property
    def _narrowed(self) -> Resources:
        """Of one result: sums of products, a shift that is the layer's, two comparisons."""
        members, (mult, bias) = self.members, self.members.narrow_bits
        total = max(members.acc.bits + mult, bias) + 1
        shifted = total - members.shifts[0]
        shift = shifted * members.shifts[1].bit_length() // 2
        compared = members.nudged * ceil(total / 3) + (shifted if members.nudged else 0)
        return Resources(
            lut=total * self._products + shift + 2 * shifted + 2 * members.out_bits + compared,
            ff=total * (self._products + 2) + 3 * shifted + (shifted if members.nudged else 0),
            dsp=self.target.dsp_for(members.acc.bits, mult),
        )

    @property
    def _control(self) -> Resources:
        """State of the layers, in LUT memory, what moves it, and sizes, which are constants that a layer selects."""
        sizes, ring, count = self.sizes, self.rings.bit_length(), len(self.sites)
        state = 4 * (sizes["HeightBits"] + sizes["RowBits"] + self.places.bit_length())
        state += 2 * (sizes["WidthBits"] + sizes["OffsetBits"] + ring) + sizes["ChannelBits"]
        moved = state + self.words.bit_length() + sizes["OffsetBits"] + 2 * ring
        luts, bits = self.target.luts, self.members.x.bits
        codes = bits * (luts.select(count) + self.lanes[0])  # one of those that come in, or the border
        nudges = self.members.nudged * (self.members.acc.bits + self.members.narrow_bits[0])  # those of a layer
        return Resources(
            lut=self.target.lutram_for(state, count) + luts.turns(moved, count) + codes + nudges + 4 * count,
            ff=2 * state + 2 * moved + sum(site.out.codes.bits + 1 for site in self.sites),
        )

    @property
    def _products(self) -> int:
        """Of a narrowing, which are summed."""
        a, b = self.slices
        return ceil(self.members.acc.bits / a) * ceil(self.members.narrow_bits[0] / b)

    @cached_property
    def sizes(self) -> dict[str, int]:
        """Widths of the counters that all layers fit."""
        rows, columns, steps = (max(n) for n in zip(*(layer.extents for layer in self.layers), strict=True))
        return {
            "RowBits": max(layer.rows for layer in self.layers).bit_length() + 1,
            "HeightBits": rows.bit_length() + 2,
            "WidthBits": columns.bit_length() + 1,
            "OffsetBits": max(layer.ring for layer in self.layers).bit_length() + 2,
            "ChannelBits": max(1, (max(site.arg.channels for site in self.sites) - 1).bit_length()),
            "StepBits": steps.bit_length(),
        }

    @cached_property
    def table(self) -> int:
        """The sizes of all layers as the parameter Layers has them, the first layer in the low bits."""
        (codes_in, codes_out), first, in_bit, out_bit = self.codes, self._firsts, 0, 0
        packed = 0
        for number, layer in enumerate(self.layers):
            site, op, window = layer.site, layer.site.op, layer.site.op.window
            (height, width, channels), x, out = layer.arg.shape, site.arg.codes, site.out.codes
            ring, word, constant, place = (int(n[number]) for n in first)
            fields = (
                height, width, channels, layer.beats, *window.kernel, *window.stride, *window.pads[:2], op.pad_value,
                *layer.out.shape, layer.folds, layer.rows, x.bits, int(x.signed), out.bits, op.narrow.lo,
                op.narrow.hi, op.narrow.shift - self.members.shifts[0], ring, word, constant, in_bit, out_bit,
                layer.tile, place,
            )  # fmt: skip
            entry = 0
            for field in fields:
                entry = entry << FIELD | field & ((1 << FIELD) - 1)
            packed |= entry << (number * FIELD * len(fields))
            in_bit, out_bit = in_bit + codes_in * x.bits, out_bit + codes_out * out.bits
        return packed

    @cached_property
    def nudge_params(self) -> dict[str, int]:
        """The sums that are nudged as parameters of tom_shared_requant, the first layer in the low bits."""
        most, packed = self.members.nudged, 0
        for number, nudges in enumerate(self.members.nudges):
            for place, (total, step) in enumerate(nudges):
                value, way = total & ((1 << (NUDGE - STEP)) - 1), step & ((1 << STEP) - 1)
                packed |= (way << (NUDGE - STEP) | value) << NUDGE * (number * most + place)
        return {"Nudges": most, "Nudged": packed}

    @property
    def codes(self) -> tuple[int, int]:
        """Codes of a beat of every input, and of every output."""
        return 1, 1

    def chunks(self, layer: Turns) -> int:
        """Beats of an output pixel, and words of constants."""
        return beats(layer.site.out.channels, self.codes[1])

    @property
    def _firsts(self) -> tuple[Array, Array, Array, Array]:
        """Where the input rows, weights, constants and results of every layer begin."""
        chunks = [self.chunks(layer) for layer in self.layers]
        places = [layer.tile * n for layer, n in zip(self.layers, chunks, strict=True)]
        sizes = ([layer.ring for layer in self.layers], self._regions, chunks, places)
        rings, words, constants, results = (np.cumsum([0, *some[:-1]]) for some in sizes)
        return rings, words, constants, results

    @property
    def _regions(self) -> list[int]:
        """Words of weights of every layer."""
        return [layer.reads for layer in self.layers]

    @cached_property
    def params(self) -> dict[str, int]:
        """Parameters of tom_shared_fold in the order of its header, without those that name memory files."""
        ring, place, narrow = self.rams
        numbers = dot.params(self.members.weight, self.members.x, self.members.acc, self.knobs, self.chain)
        del numbers["LoadBits"]
        mult, bias = self.members.narrow_bits
        return {
            "Members": len(self.sites),
            "Layers": self.table,
            "Rings": self.rings,
            "Reads": self.words,
            "Channels": self.channels,
            "InW": sum(site.arg.codes.bits for site in self.sites),
            "OutW": sum(site.out.codes.bits for site in self.sites),
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
            "Shift": self.members.shifts[0],
            "MoreBits": max(1, self.members.shifts[1].bit_length()),
            "OutBits": self.members.out_bits,
            **self.nudge_params,
            "NarrowRam": narrow,
        }


def groups(members: Members, number: int) -> Iterator[Group]:
    """Every engine that they could share; the number is that of the group."""
    ins, outs = ({n for s in members.sites for n in folds(kind(s).channels)} for kind in (_arg, _out))
    some = dot.packs(members.weight, members.x, members.target)
    for lanes_in, lanes_out, pack in product(sorted(ins), sorted(outs), some):
        if lanes_in * lanes_out > MOST or pack > lanes_out:
            continue
        for kind in (Ram.LUT, Ram.BLOCK):
            knobs = {GROUP: number, "lanes_in": lanes_in, "lanes_out": lanes_out, "cell": Cell.FIXED,
                     "pack": pack, "weight_ram": kind}  # fmt: skip
            group = Group(members, knobs)
            quick = any(layer.reads < layer.folds * lanes_out for layer in group.layers)  # results leave one by one
            if not quick and (kind == Ram.BLOCK or group.words <= dot.LUT_WORDS * LUT_ROWS):
                yield group


def _arg(site: Site[Narrowed]) -> TensorType:
    return site.arg


def _out(site: Site[Narrowed]) -> TensorType:
    return site.out
