"""Layers of which some filters multiply in DSP blocks, the others in LUTs, so that both kinds run out together."""

from collections.abc import Iterable, Iterator
from functools import cached_property, lru_cache
from math import ceil
from typing import Any, Self

from tomato.core.forms import Cell
from tomato.engines.base import Knobs, Site
from tomato.engines.parts import dot
from tomato.engines.parts.fold import FoldUnit
from tomato.engines.parts.rearranged import Rearranged, plain
from tomato.engines.parts.weighted import WEIGHTS
from tomato.hardware.memory import Ram, Store, delay_cost
from tomato.hardware.netlist import Memory
from tomato.ops.conv2d import Conv2d
from tomato.ops.dense import Dense
from tomato.targets import Resources

IN_LUTS = "MemFile0"
"""The parameter that names the file of the weights of filters that multiply in LUTs."""
QUARTERS = 1, 2, 3
"""Of the filters of a word those that multiply in DSP blocks, in quarters."""


class MixedFold(Rearranged):
    """The engine of one kind of multiplier, with an array of each: `in_luts` filters of a word multiply in LUTs."""

    stem = "mixed_fold"
    mixes = True

    @classmethod
    def refuses(cls, site: Site[Dense | Conv2d]) -> str:
        if reason := super().refuses(site):
            return reason
        packs = _packs(dot.offers(site.op.weight, cls.factors(site), site.target))
        if 0 not in packs:
            return "its weights are signs, which need no multipliers"
        if not any(_in_luts(whole.outputs, max(packs)) for whole in _wholes(site, max(packs))):
            return "as many filters as are needed at once share a DSP block"
        return ""

    @classmethod
    def shapes(cls, site: Site[Dense | Conv2d], offers: Iterable[Knobs]) -> Iterator[Self]:
        """Every unrolling with the densest of the packs, and filters in LUTs such that the others fill their blocks."""
        if (pack := max(_packs(offers))) == 0:
            return
        for whole in _wholes(site, pack):
            for left in _in_luts(whole.outputs, pack):
                yield cls(site, {**whole.knobs, "in_luts": left}).beside(whole)

    @property
    def filters(self) -> tuple[int, int]:
        """Filters of a read that multiply in DSP blocks, and in LUTs."""
        few = self.knobs["in_luts"]
        return self.whole.outputs - few, few

    @property
    def _luts(self) -> Knobs:
        """The knobs of the array in LUTs."""
        return {**self.knobs, "pack": 0}

    @property
    def fields(self) -> tuple[int, int]:
        """Bits of a weight of a filter in DSP blocks, in LUTs."""
        return dot.field_bits(self.weight, self.knobs), dot.field_bits(self.weight, self._luts)

    @property
    def weight_bits(self) -> int:
        return sum(store.words * store.bits for store in self.stores.values())

    @cached_property
    def _pipelines(self) -> tuple[int, int]:
        """Cycles from the last read of a pass to its result, of the array in DSP blocks, and of that in LUTs."""
        x = self.factors(self.site)
        return self.whole.pipeline, dot.pipeline(self.inputs, self.weight, x, self._luts)

    @property
    def pipeline(self) -> int:
        return max(self._pipelines)

    @cached_property
    def stores(self) -> dict[str, Store]:
        kind, names = Ram(self.knobs["weight_ram"]), (WEIGHTS, IN_LUTS)
        widths = (self.inputs * n * bits for n, bits in zip(self.filters, self.fields, strict=True))
        return {name: Store(kind, self.words, bits) for name, bits in zip(names, widths, strict=True)}

    @property
    def _in_blocks(self) -> Resources:
        """The array in DSP blocks."""
        return self._array(self.filters[0], self.knobs, self.whole.chain)

    def _array(self, outputs: int, knobs: Knobs, chain: int = 0) -> Resources:
        x = self.factors(self.site)
        return dot.cost(self.inputs, outputs, self.weight, x, self.out.codes, knobs, self.target, chain=chain)

    @cached_property
    def bare(self) -> Resources:
        """The engine of one kind, with its array replaced by two, and with what lets the faster one's results wait."""
        (blocks, luts), (early, late) = self.filters, self._pipelines
        arrays = self._in_blocks + self._array(luts, self._luts)
        waiting = (blocks if early < late else luts) * self.out.codes.bits
        shifted = abs(early - late) > 1 and self.target.memory.srl_depth
        waits = delay_cost(waiting, self.target) if shifted else Resources(ff=waiting * abs(early - late))
        return self.around + arrays + waits

    @cached_property
    def params(self) -> dict[str, int]:
        weight, x, chain = self.weight, self.factors(self.site), self.whole.chain
        return {
            **self.reading(InLuts=self.knobs["in_luts"]),
            "InBits": x.bits,
            "InSigned": int(x.signed),
            "WeightBits": self.fields[0],
            "ProdBits": dot.sum_bits(weight, x, max(1, chain)),
            "Pack": self.knobs["pack"],
            "Chain": chain,
            "LutWeightBits": self.fields[1],
            "LutProdBits": dot.product_bits(weight, x),
            "AccBits": self.out.codes.bits,
            "WeightRam": self.knobs["weight_ram"],
        }

    @cached_property
    def memories(self) -> dict[str, Memory]:
        (blocks, luts), table = self.filters, self.whole.table
        at = blocks * self.inputs
        return {
            WEIGHTS: dot.memory(table[:, :at], blocks, self.weight, self.knobs),
            IN_LUTS: dot.memory(table[:, at:], luts, self.weight, self._luts),
        }


@lru_cache(maxsize=4)  # whether there are any is asked before
def _wholes(site: Site[Any], pack: int) -> tuple[FoldUnit[Any], ...]:
    """Every sensible unrolling with all filters in DSP blocks."""
    return tuple(plain(site).shapes(site, [{"cell": Cell.FIXED, "pack": pack}]))


def _packs(offers: Iterable[Knobs]) -> set[int]:
    """How many filters may share a block, of offers that multiply what is not coded; 0: multipliers are in LUTs."""
    return {offer["pack"] for offer in offers if offer["cell"] == Cell.FIXED}


def _in_luts(outputs: int, pack: int) -> list[int]:
    """How many of the filters of a word are worth multiplying in LUTs: the others fill their DSP blocks."""
    blocks = ceil(outputs / pack)
    found = {outputs - pack * round(blocks * part / 4) for part in QUARTERS}
    return sorted(n for n in found if 0 < n < outputs)


ENGINE = MixedFold
