"""The engine that layers share whose weights are fetched, tom_shared_fetched: how fast it is, and what it takes."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import product
from math import ceil

import numpy as np

from tomato.core.forms import Cell
from tomato.engines.base import Fetched, Knobs
from tomato.engines.parts import dot
from tomato.engines.parts.members import Members, Tiles, Turns
from tomato.engines.parts.rounds import Round, fair
from tomato.engines.parts.shared import ASKED, GROUP, READ, Group
from tomato.hardware.memory import Ram, Source, Store, better_ram, memory_cost, rom_cost
from tomato.hardware.netlist import Memory
from tomato.hardware.plumbing import fifo_cost
from tomato.hardware.shell import MEMORY_LATENCY, MOST_BEATS
from tomato.targets import OffChip, Resources

AGAIN = 4
"""Cycles from a term of a sum to the next, at least."""
SLOTS = 4
"""Folds of which sums are computed, or wait."""
AHEAD = 4
"""Turns that are picked and have not begun."""
BURSTS = 32
"""Bursts of a channel that are on their way."""
DEPTH = 2 * MEMORY_LATENCY
"""Beats of a channel that have been asked for, or wait."""
APART = 4
"""Cycles from one time that a layer is asked for a result to the next."""
LANES, TILES = (2, 4, 8, 16, 32, 64), (4, 8, 16, 32, 64)
"""Lanes and pixels of a turn worth trying."""
MOST = 4096
"""Products of a cycle, at most."""
ENOUGH = 1.02
"""How much slower an engine may be for fewer results of a beat."""
ULTRA_DEPTH = 2048
"""Words from which on rows and results are in UltraRAM, where there is any."""


@dataclass(frozen=True, eq=False)
class FetchedGroup(Group):
    """The engine that layers share, by the knobs that they all have: weights come once for the pixels of a turn.

    Its knob `tile` is how many pixels that is, at most; `codes` how many results leave at once.
    """

    @property
    def memory(self) -> OffChip:
        """What weights come from."""
        beside = self.target.off_chip
        assert beside, f"{self.target.name} has no memory beside the chip"
        return beside

    @cached_property
    def layers(self) -> tuple[Turns, ...]:
        return tuple(Tiles(site, *self.lanes, self.knobs["tile"]) for site in self.sites)

    @property
    def codes(self) -> tuple[int, int]:
        return self.knobs["lanes_in"], self.knobs["codes"]

    @property
    def array(self) -> Knobs:
        return {**self.knobs, "weight_ram": Ram.LUT}

    @cached_property
    def word_bits(self) -> int:
        """Bits of a word of weights."""
        return self.multipliers * dot.field_bits(self.members.weight, self.array)

    @property
    def channels_read(self) -> int:
        """Channels of the memory, side by side."""
        return self.memory.side_by_side

    @cached_property
    def ratio(self) -> float:
        """Beats of memory of a word."""
        return self.word_bits / (self.channels_read * self.memory.bits)

    def fetched_bytes(self, layer: Turns) -> int:
        """Bytes of weights of a turn."""
        return layer.reads * self.word_bits // 8

    def fetched(self, layer: Turns) -> Fetched:
        """The words of a layer's weights, as often as they come."""
        table = dot.weight_words(layer.site.op.kernel, 1, *self.lanes, (False, False))
        return Fetched(dot.memory(table, self.lanes[1], self.members.weight, self.array), layer.turns)

    def _pass(self, layer: Turns) -> int:
        """Cycles of a fold: of its reads; or its sums leave so long that those of a later one have no place."""
        reads, leave = layer.words * max(layer.tile, AGAIN), layer.tile * (self.lanes[1] // self.codes[1])
        return max(reads, leave, ceil((reads + leave + self.lag) / SLOTS))

    def turn(self, layer: Turns) -> int:
        """Cycles of a turn: of its folds, or until its weights have come."""
        comes = self.target.fetch_cycles(self.fetched_bytes(layer))
        return max(layer.folds * self._pass(layer), comes, len(self.sites) + ASKED)

    @cached_property
    def cycles(self) -> int:
        """Cycles per frame of all: their turns one after the other; beats pass in the order of `ins` and `outs`."""
        turns = [self.turn(layer) for layer in self.layers]
        alone = len(self.sites) + MEMORY_LATENCY + self.delay  # and its results leave before the next one is picked
        trips = [alone + turn + self.leaving(n) for n, turn in enumerate(turns)]
        every = [layer.turns for layer in self.layers]
        ins, outs = zip(self._beats[0], self.ins.gaps, strict=True), zip(self._beats[1], self.outs.gaps, strict=True)
        return max(
            int(np.dot(every, turns)), *(n * gap for n, gap in (*ins, *outs)),
            *(n * trip for n, trip in zip(every, trips, strict=True)),
        )  # fmt: skip

    def leaving(self, number: int) -> int:
        """Cycles in which the results of a turn leave."""
        layer = self.layers[number]
        return layer.tile * self.chunks(layer) * self.outs.gaps[number]

    @cached_property
    def _beats(self) -> tuple[tuple[int, ...], tuple[int, ...]]:
        """Beats a frame of every layer, in and out."""
        ins = tuple(layer.site.arg.pixels * layer.beats for layer in self.layers)
        return ins, tuple(layer.site.out.pixels * self.chunks(layer) for layer in self.layers)

    @cached_property
    def ins(self) -> Round:
        return fair(self._beats[0], 1)

    @cached_property
    def outs(self) -> Round:
        return fair(self._beats[1], APART)

    def kept(self, layer: Turns) -> int:
        return layer.tile * self.chunks(layer)

    @cached_property
    def lag(self) -> int:
        """Cycles from the last read of a fold to the first of its sums that leaves."""
        return READ + 2 + self.sum_cycles + 4

    @cached_property
    def delay(self) -> int:
        """Cycles from the last read of a turn until all its results are there, beside those in which they leave."""
        most = max(layer.tile for layer in self.layers) * (self.lanes[1] // self.codes[1])
        return self.lag + most + 1 + self.narrow_cycles

    @property
    def wait(self) -> int:
        """Cycles from a turn's being picked to its beginning, about: turns in front of it, and its first weights."""
        turns = sum(layer.turns for layer in self.layers)
        return (AHEAD + 1) * self.cycles // turns + MEMORY_LATENCY + len(self.sites)

    @property
    def results(self) -> int:
        """Words of results of a turn of each layer."""
        return sum(layer.tile * self.chunks(layer) for layer in self.layers)

    @property
    def constants(self) -> int:
        """Words of constants."""
        return sum(self.chunks(layer) for layer in self.layers)

    @property
    def rams(self) -> tuple[Ram, Ram, Ram]:
        return (
            self._ram(self.lanes[0] * self.members.x.bits, self.rings),
            self._ram(self.codes[1] * self.members.out_bits, self.results),
            Ram.BLOCK if self.constants > dot.LUT_WORDS else Ram.LUT,
        )

    def _ram(self, width: int, depth: int) -> Ram:
        if self.target.usable.uram and depth >= ULTRA_DEPTH:
            return Ram.ULTRA
        return better_ram(width, depth, self.target)

    @property
    def beat_ram(self) -> Ram:
        """The memory kind of beats of weights that wait."""
        return better_ram(self.memory.bits, DEPTH, self.target)

    @cached_property
    def stores(self) -> dict[str, Store]:
        """The constants of the requantisations."""
        bits = self.codes[1] * sum(self.members.narrow_bits)
        return {"NarrowFile": Store(self.rams[2], self.constants, bits, Source.BITSTREAM)}

    @cached_property
    def memories(self) -> dict[str, Memory]:
        """Constants, layer behind layer."""
        codes, rows = self.codes[1], []
        for site in self.sites:
            pairs = np.stack([site.op.narrow.mult.values, site.op.narrow.bias.values], axis=1)
            padded = np.pad(pairs, ((0, -len(pairs) % codes), (0, 0)))
            rows.append(padded.reshape(-1, 2 * codes))
        return {"NarrowFile": Memory(np.concatenate(rows), self.members.narrow_bits * codes, ram=self.rams[2])}

    @property
    def _regions(self) -> list[int]:
        """Bursts of the weights of every layer."""
        return [ceil(layer.reads * self.ratio / MOST_BEATS) for layer in self.layers]

    @cached_property
    def formula(self) -> Resources:
        members, target = self.members, self.target
        array = dot.cost(
            *self.lanes, members.weight, members.x, members.acc, self.array, target, chain=self.chain
        )  # fmt: skip
        rings = memory_cost(self.lanes[0] * members.x.bits, self.rings, self.rams[0], target)
        results = memory_cost(self.codes[1] * members.out_bits, self.results, self.rams[1], target)
        (store,) = self.stores.values()
        constants = rom_cost(store, target)
        narrowing = self._narrowed * self.codes[1]
        return array + rings + results + constants + narrowing + self._sums + self._control + self._reader

    @property
    def _control(self) -> Resources:
        """As where weights are on the chip; a beat of the layers' is selected, and each has a register for results."""
        count, luts = len(self.sites), self.target.luts
        words = self.lanes[0] * self.members.x.bits * luts.select(count)
        results = self.codes[1] * sum(site.out.codes.bits for site in self.sites)
        return super()._control + Resources(lut=words, ff=results)

    @property
    def _sums(self) -> Resources:
        """Sums of a turn's pixels, in LUT memory, and those that leave."""
        width, luts = self.lanes[1] * self.members.acc.bits, self.target.luts
        places = 1 << (max(layer.tile for layer in self.layers) - 1).bit_length()
        kept = self.target.lutram_for(width, places) + self.target.lutram_for(width, SLOTS * places)
        left = self.codes[1] * self.members.acc.bits
        return Resources(
            lut=kept + width + left * luts.select(self.lanes[1] // self.codes[1]) + 60, ff=2 * width + left + 100
        )

    @property
    def _reader(self) -> Resources:
        """What reads the memory, and gathers words of weights."""
        queue = fifo_cost(self.memory.bits, DEPTH, self.beat_ram, self.target)
        control = Resources(lut=160 + 8 * len(self.sites), ff=260 + 8)
        return (queue + control) * self.channels_read + Resources(lut=80, ff=3 * self.word_bits)

    @cached_property
    def params(self) -> dict[str, int]:
        """Parameters of tom_shared_fetched in the order of its header, without those that name memory files."""
        ring, place, narrow = self.rams
        numbers = dot.params(self.members.weight, self.members.x, self.members.acc, self.array, self.chain)
        del numbers["LoadBits"], numbers["WeightRam"]
        mult, bias = self.members.narrow_bits
        codes_in, codes_out = self.codes
        return {
            "Members": len(self.sites),
            "Layers": self.table,
            "Rings": self.rings,
            "Chunks": self.constants,
            "Results": self.results,
            "Tile": max(layer.tile for layer in self.layers),
            "InW": codes_in * sum(site.arg.codes.bits for site in self.sites),
            "OutW": codes_out * sum(site.out.codes.bits for site in self.sites),
            **self.sizes,
            "PlaceBits": max(layer.tile * self.chunks(layer) for layer in self.layers).bit_length(),
            "Lanes": self.lanes[0],
            "Outputs": self.lanes[1],
            "Codes": codes_out,
            "InRounds": len(self.ins.order),
            "InOrder": self.ins.packed,
            "OutRounds": len(self.outs.order),
            "OutOrder": self.outs.packed,
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
            "Channels": self.channels_read,
            "DataBytes": self.memory.bits // 8,
            "MaxBeats": MOST_BEATS,
            "Depth": DEPTH,
            "Bursts": BURSTS,
            "BeatRam": self.beat_ram,
        }


def fetched_groups(members: Members, number: int) -> Iterator[FetchedGroup]:
    """Every engine that they could share whose weights are fetched; the number is that of the group."""
    if members.target.off_chip is None:
        return
    packs = dot.packs(members.weight, members.x, members.target)
    for lanes_in, lanes_out, pack, tile in product(LANES, LANES, sorted({0, packs[-1]}), TILES):
        if lanes_in * lanes_out > MOST or pack > lanes_out:
            continue
        some = []
        for codes in (n for n in LANES if n <= lanes_out):
            knobs = {GROUP: number, "lanes_in": lanes_in, "lanes_out": lanes_out, "codes": codes, "tile": tile,
                     "cell": Cell.FIXED, "pack": pack}  # fmt: skip
            group = FetchedGroup(members, knobs)
            if group.ratio % 1 == 0:
                some.append(group)
        least = min((group.cycles for group in some), default=0)
        yield from [group for group in some if group.cycles <= ENOUGH * least][:1]
