"""Layers that multiply at twice the clock: half as many multipliers take the halves of a read one after the other."""

from collections.abc import Iterable, Iterator
from functools import cached_property
from math import ceil
from typing import Self

import numpy as np

from tomato.core.formats import Array
from tomato.engines.base import Knobs, Site
from tomato.engines.parts import dot
from tomato.engines.parts.rearranged import Rearranged, plain
from tomato.engines.parts.ring import frontier
from tomato.engines.parts.weighted import WEIGHTS
from tomato.hardware.memory import Ram, Store
from tomato.hardware.netlist import Memory
from tomato.ops.conv2d import Conv2d
from tomato.ops.dense import Dense
from tomato.targets import Resources

CROSSING = 3
"""Cycles that tom_double takes beside those of tom_dot, which are half as long."""
OUTSIDE = 5
"""Of dot.PIPELINE the cycles that are not tom_dot's: of the line buffer in front, and from the result to the output."""


class DoubleFold(Rearranged):
    """The plain engine, with an array for half of a read that sees both halves of it within a cycle."""

    stem = "double_fold"
    doubles = True

    @classmethod
    def refuses(cls, site: Site[Dense | Conv2d]) -> str:
        if reason := super().refuses(site):
            return reason
        if site.arg.channels * (site.op.window.taps if isinstance(site.op, Conv2d) else 1) == 1:
            return "a single product has no halves"
        return ""

    @classmethod
    def shapes(cls, site: Site[Dense | Conv2d], offers: Iterable[Knobs]) -> Iterator[Self]:
        engine = plain(site)
        unrollings = engine.unrollings(site)
        for cell in offers:
            wholes = (engine(site, {**shape, **cell}) for shape in unrollings if engine.fills(site, shape, cell))
            yield from frontier(cls(site, whole.knobs).beside(whole) for whole in wholes if whole.inputs > 1)

    def stored(self, kind: Ram) -> Self:
        stored = super().stored(kind)
        stored.__dict__["shape"] = self
        return stored

    @cached_property
    def shape(self) -> Self:
        """The unit with its weights in any memory: what all of these take is found out once, if it is asked for."""
        return self

    @property
    def half(self) -> int:
        """Products of half a read and filter."""
        return ceil(self.inputs / 2)

    @property
    def effort(self) -> float:
        """A rough measure of size: that of the plain engine, with an array of half the size."""
        whole = self.whole
        arrays = (dot.effort(inputs, whole.outputs, self.knobs) for inputs in (self.half, self.inputs))
        return whole.effort + next(arrays) - next(arrays)

    @property
    def words(self) -> int:
        """Half a read has a word."""
        return 2 * self.whole.words

    @cached_property
    def chain(self) -> int:
        """Products of a filter that are summed in a row of DSP blocks, see dot.chain_of."""
        return dot.chain_of(self.half, self.weight, self.factors(self.site), self.knobs, self.target)

    @property
    def fast(self) -> bool:
        """Whether blocks that sum up, which have all their registers, multiply, by weights in blocks or a LUT a bit."""
        depth = self.target.memory.lutram_depth
        return self.chain > 0 and all(s.kind != Ram.LUT or s.words <= depth for s in self.stores.values())

    @cached_property
    def pipeline(self) -> int:
        delay = dot.latency(self.half, self.weight, self.factors(self.site), self.knobs, self.chain)
        return OUTSIDE - 1 + CROSSING + ceil((delay - OUTSIDE) / 2)

    @cached_property
    def stores(self) -> dict[str, Store]:
        bits = self.half * self.whole.outputs * self.field
        return {WEIGHTS: Store(Ram(self.knobs["weight_ram"]), self.words, bits)}

    @property
    def array(self) -> Resources:
        """The multipliers and sums."""
        x, acc = self.factors(self.site), self.out.codes
        return dot.cost(self.half, self.whole.outputs, self.weight, x, acc, self.knobs, self.target, chain=self.chain)

    @property
    def crossing(self) -> Resources:
        """What is read, its halves and results in registers, a multiplexer between both halves: see tom_double."""
        bits, results = self.factors(self.site).bits, self.whole.outputs * self.out.codes.bits
        late = (self.inputs - self.half) * bits
        return Resources(lut=late + 4, ff=(self.inputs + self.half) * bits + 2 * results + 13)

    @cached_property
    def bare(self) -> Resources:
        if self.shape is not self:
            return self.shape.bare
        return self.around + self.array + self.crossing

    @cached_property
    def params(self) -> dict[str, int]:
        known = dot.params(self.weight, self.factors(self.site), self.out.codes, self.knobs, self.chain)
        return self.reading() | {name: value for name, value in known.items() if name != "LoadBits"}

    @property
    def halves(self) -> Array:
        """The weights of each half of a read: (words, filters * products of a filter)."""
        table = self.whole.table.reshape(self.whole.words, self.whole.outputs, self.inputs)
        full = np.pad(table, ((0, 0), (0, 0), (0, 2 * self.half - self.inputs)), mode="edge")  # codes there are 0
        split = full.reshape(self.whole.words, self.whole.outputs, 2, self.half).transpose(0, 2, 1, 3)
        return np.ascontiguousarray(split).reshape(self.words, -1)

    @cached_property
    def memories(self) -> dict[str, Memory]:
        return {WEIGHTS: dot.memory(self.halves, self.whole.outputs, self.weight, self.knobs)}


ENGINE = DoubleFold
