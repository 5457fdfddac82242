"""Layers of which many weight words are zero: only the others are read, from a list."""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from functools import cached_property
from typing import Any, Self

import numpy as np

from tomato.core.formats import Array, Codes
from tomato.engines.base import Knobs, Leaves, Site, Timing, beats
from tomato.engines.conv2d_window import Conv2dWindow
from tomato.engines.dense_fold import DenseFold
from tomato.engines.depthwise_window import DepthwiseWindow
from tomato.engines.parts import cells, dot, kept, unrolling
from tomato.engines.parts.fold import FoldUnit, WindowFold
from tomato.engines.parts.ring import frontier
from tomato.engines.parts.weighted import WEIGHTS, WeightedUnit
from tomato.hardware.memory import LUTS_PER_BRAM, Ram, Store, better_ram, memory_cost, rom_cost
from tomato.hardware.netlist import Memory
from tomato.hardware.plumbing import output_cost
from tomato.ops.conv2d import Conv2d
from tomato.ops.dense import Dense
from tomato.targets import Resources

LIST = "MemFile0"
"""The parameter that names the file of the list of reads."""


class SparseFold(WeightedUnit[Dense | Conv2d]):
    """The engine that reads all words, with a list in the place of its counters.

    A beat of the input has `parts` times the lanes of a word, so that it comes as fast as the few words are read. With
    `lists` each lane has a list of its own, and reads what it needs: words are a lane wide where zeros are looked for.
    """

    stem = "sparse_fold"
    ops = (Dense, Conv2d)

    @classmethod
    def refuses(cls, site: Site[Dense | Conv2d]) -> str:
        few = kept.fewest(site.op.weight) <= unrolling.WORTH * site.op.weight.values.size
        return "" if few else "hardly any of its weights are zero"

    @classmethod
    def shares(cls, site: Site[Dense | Conv2d]) -> bool:
        return _engine(site).shares(site)

    @classmethod
    def factors(cls, site: Site[Dense | Conv2d]) -> Codes:
        return _engine(site).factors(site)

    @classmethod
    def shapes(cls, site: Site[Dense | Conv2d], offers: Iterable[Knobs]) -> Iterator[Self]:
        engine = _engine(site)
        shapes = unrolling.shapes(site, engine.unrollings)
        for cell in offers:
            empty = cells.zero(site.op.weight, cell)
            yield from frontier(
                cls(site, {**shape, **cell}).reading(passes)
                for shape, passes in shapes
                if engine.fills(site, shape, cell) and (empty or shape["lists"] == 1)
            )

    def reading(self, passes: Array) -> Self:
        """The same unit; what its list leaves is known."""
        self.__dict__["passes"] = passes
        return self

    @cached_property
    def words(self) -> int:
        return int(self.passes.sum())

    @cached_property
    def passes(self) -> Array:
        """Reads of every pass of an output pixel, in order."""
        folded = kept.of_filters(
            unrolling.zeros(self.site).within(unrolling.taps(self.knobs)), unrolling.lanes_out(self.knobs)
        )
        lanes = self.knobs.get("lanes_in", 1)
        return (
            kept.passes_apart(kept.of_inputs(folded), lanes) if self.knobs["lists"] > 1 else kept.passes(folded, lanes)
        )

    @property
    def _engine(self) -> type[FoldUnit[Any]]:
        return _engine(self.site)

    @cached_property
    def whole(self) -> FoldUnit[Any]:
        """The engine whose words have the lanes of this one's: its array is the same."""
        return self._engine(self.site, self.knobs).listed(self.words)

    @cached_property
    def wide(self) -> FoldUnit[Any]:
        """The engine whose input has the lanes of this one's: its ring is the same."""
        parts = self.knobs["parts"]
        if parts == 1:
            return self.whole
        return self._engine(self.site, {**self.knobs, "lanes_in": self.knobs["lanes_in"] * parts}).listed(self.words)

    @property
    def effort(self) -> float:
        """A rough measure of size, to tell shapes of the same speed apart."""
        return self.whole.effort + self._select + self._apart.lut

    @property
    def _select(self) -> int:
        """What selects a part of the taps: LUTs."""
        if self.knobs["parts"] == 1:
            return 0
        bits = self.whole.inputs * self.arg.codes.bits
        return bits * self.target.luts.select(self.knobs["parts"])

    @property
    def lanes(self) -> tuple[tuple[int, ...], int]:
        return self.wide.lanes[0], self.whole.lanes[1]

    @cached_property
    def cycles(self) -> int:
        return self.wide.cycles

    @property
    def multipliers(self) -> int:
        return self.whole.multipliers

    @property
    def weight_bits(self) -> int:
        return self.words * self.multipliers * self.field

    @property
    def timing(self) -> Timing:
        timing = self.wide.timing
        delay = timing.latency - self.wide.delay + self.whole.delay
        return replace(timing, latency=delay, leaves=Leaves.TOGETHER)  # no two folds take as long

    @cached_property
    def places(self) -> int:
        """Places of the output queue."""
        return kept.queue_places(self.passes, self.whole.pipeline)

    @property
    def list_bits(self) -> tuple[int, ...]:
        """Fields of a read: it ends a pass, the pixel; of each list the part of a beat, beat, kernel column and row."""
        rows, columns, count = self._steps
        place = [max(1, (n - 1).bit_length()) for n in (self.knobs["parts"], count, columns, rows)]
        return 1, 1, *place * self.knobs["lists"]

    @cached_property
    def list_ram(self) -> Ram:
        """The memory of the list: LUTs while they are cheaper."""
        kinds = [rom_cost(Store(ram, self.words, sum(self.list_bits)), self.target) for ram in (Ram.LUT, Ram.BLOCK)]
        return Ram.LUT if kinds[0].lut <= kinds[1].lut + LUTS_PER_BRAM * kinds[1].bram18 else Ram.BLOCK

    @cached_property
    def stores(self) -> dict[str, Store]:
        return {**super().stores, LIST: Store(self.list_ram, self.words, sum(self.list_bits))}

    @cached_property
    def bare(self) -> Resources:
        bits = sum(self.list_bits)
        queue = output_cost(self.whole.outputs * self.out.codes.bits, self.places, self.target)
        listed = Resources(ff=bits) + rom_cost(Store(self.list_ram, self.words, bits), self.target)
        # What is behind the taps of `wide` is behind one part of them only.
        spare = Resources(lut=(self.knobs["parts"] - 1) * self.whole.inputs * self.arg.codes.bits)
        return self.wide.buffer - spare + self._apart + self.whole.array + queue + listed + self._control

    @property
    def _control(self) -> Resources:
        """What says when a pixel is read, and selects in the list: a fit. In a convolution the buffer counts it."""
        select = self._select + (self.words // 5 if self.list_ram == Ram.LUT else 0)
        going = 3 * (self.knobs["parts"] - 1).bit_length() * self.knobs["lists"]  # with the taps
        return Resources(lut=select, ff=45 + going) + Resources(lut=40) * isinstance(self.whole, DenseFold)

    @cached_property
    def _apart(self) -> Resources:
        """What lists beyond the first take: memories and addresses of their own."""
        lists, (width, depth, ram, banks) = self.knobs["lists"], self.wide.ring_memory
        if lists == 1:
            return Resources()
        rows, columns, _ = self._steps
        address = (depth - 1).bit_length()
        select = self.target.luts.select(rows) + self.target.luts.select(columns)
        one = Resources(lut=address * (1 + (select + 1) // 2) + 4, ff=address + 2)
        memories = memory_cost(width // lists, depth, self.ring_ram, self.target) * (banks * lists)
        return memories - memory_cost(width, depth, ram, self.target) * banks + one * (lists - 1)

    @cached_property
    def ring_ram(self) -> Ram:
        """The kind of the memories of the ring."""
        width, depth, ram, _ = self.wide.ring_memory
        return ram if self.knobs["lists"] == 1 else better_ram(width // self.knobs["lists"], depth, self.target)

    @cached_property
    def params(self) -> dict[str, int]:
        lanes = self.lanes[0][0]
        return {
            "Lanes": lanes,
            "Parts": self.knobs["parts"],
            "Lists": self.knobs["lists"],
            "Outputs": self.whole.outputs,
            "Beats": beats(self.arg.channels, lanes),
            "Folds": len(self.passes),
            "Shared": int(self.shares(self.site)),
            "Kept": self.words,
            "ListRam": self.list_ram,
            "Depth": self.places,
            **self.wide.window_params,
            "RingRam": self.ring_ram,
            **dot.params(self.weight, self.factors(self.site), self.out.codes, self.knobs, self.whole.chain),
        }

    @property
    def _steps(self) -> tuple[int, int, int]:
        """Kernel rows and columns that are read one after the other, and beats of a pixel."""
        rows, columns = self.whole.steps if isinstance(self.whole, WindowFold) else (1, 1)
        return rows, columns, beats(self.arg.channels, self.lanes[0][0])

    @cached_property
    def memories(self) -> dict[str, Memory]:
        words, turn, places = self._gathered if self.knobs["lists"] > 1 else self._left
        last = np.append(np.diff(turn) > 0, True)
        ends = np.arange(len(turn)) == len(turn) - 1
        entries = np.concatenate([np.stack([last, ends], axis=1), places], axis=1).astype(np.int64)
        return {
            WEIGHTS: dot.memory(words, self.whole.outputs, self.weight, self.knobs),
            LIST: Memory(entries, self.list_bits, ram=self.list_ram),
        }

    @property
    def _left(self) -> tuple[Array, Array, Array]:
        """Words that are not zero, or the first of a pass of which none is: weights, passes, places."""
        table, count = self.whole.table, len(self.passes)
        there = table.any(axis=1).reshape(count, -1)
        there[:, 0] |= ~there.any(axis=1)
        turn, read = np.nonzero(there)
        rows, columns, all_beats = self._steps
        parts, per_pass = self.knobs["parts"], there.shape[1] // (rows * columns)
        row, column, word = np.unravel_index(read, (rows, columns, per_pass))
        groups = 1 if parts > 1 else all_beats // per_pass  # of beats that passes share
        beat, part = np.divmod(turn * groups // count * per_pass + word, parts)
        return table[there.reshape(-1)], turn, np.stack([part, beat, column, row], axis=1)

    @property
    def _gathered(self) -> tuple[Array, Array, Array]:
        """The same where every lane reads on its own; a lane that has nothing left meets zeros."""
        lanes, parts, count = self.knobs["lanes_in"], self.knobs["parts"], len(self.passes)
        rows, columns, _ = self._steps
        one = self._engine(self.site, {**self.knobs, "lanes_in": 1}).table
        table = one.reshape(count, rows * columns, self.arg.channels, -1)
        turn, places = kept.gathered(table, lanes)
        step, channel = places[..., 0], places[..., 1]
        weights = np.where((step >= 0)[..., None], table[turn[:, None], step, channel], 0)  # reads, lanes, codes
        step, channel = step.clip(min=0), channel.clip(min=0)
        beat, part = np.divmod(channel // lanes, parts)
        fields = np.stack([part, beat, step % columns, step // columns], axis=2)
        return weights.transpose(0, 2, 1).reshape(len(turn), -1), turn, fields.reshape(len(turn), -1)


def _engine(site: Site[Any]) -> type[FoldUnit[Any]]:
    """The engine that reads all words of a layer."""
    if isinstance(site.op, Dense):
        return DenseFold
    return DepthwiseWindow if site.op.depthwise else Conv2dWindow


ENGINE = SparseFold
