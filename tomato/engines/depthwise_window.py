"""Depthwise convolution with a line buffer: every lane has its own multipliers."""

from collections.abc import Iterable, Iterator
from functools import cached_property
from itertools import product
from typing import Self

from tomato.core.formats import Codes
from tomato.engines.base import Knobs, Site, Timing, folds
from tomato.engines.parts import cells, dot
from tomato.engines.parts.ring import Ring, frontier
from tomato.engines.parts.weighted import WEIGHTS, WeightedUnit
from tomato.hardware.netlist import Memory
from tomato.hardware.plumbing import output_cost
from tomato.ops.conv2d import Conv2d
from tomato.targets import Resources


class DepthwiseWindow(WeightedUnit[Conv2d]):
    """A line buffer in front of taps x lanes multipliers."""

    stem = "depthwise_window"
    ops = (Conv2d,)
    shared = False

    @classmethod
    def refuses(cls, site: Site[Conv2d]) -> str:
        return "" if site.op.depthwise else "only depthwise: one filter per channel"

    @classmethod
    def factors(cls, site: Site[Conv2d]) -> Codes:
        return site.op.factors(site.arg.codes)

    @classmethod
    def shapes(cls, site: Site[Conv2d], offers: Iterable[Knobs]) -> Iterator[Self]:
        taps = [(0, 0), (0, 1), (1, 1)] if site.op.window.taps > 1 else [(0, 0)]
        shapes = [
            {"lanes": n, "parallel_rows": r, "parallel_columns": c}
            for n, (r, c) in product(folds(site.arg.channels), taps)
        ]
        for cell in offers:
            built = ({**shape, **cell} for shape in shapes)
            yield from frontier(cls(site, knobs) for knobs in built)

    @cached_property
    def effort(self) -> float:
        ring = self.ring
        select = ring.arg.codes.bits * ring.lanes * ring.taps * (3 if ring.taps > 1 else 1)
        return dot.effort(ring.taps, ring.lanes, self.knobs) + ring.lanes * self.out.codes.bits * 4 + select

    @cached_property
    def ring(self) -> Ring:
        window = self.op.window
        rows, columns = bool(self.knobs["parallel_rows"]), bool(self.knobs["parallel_columns"])
        reads = (1 if rows else window.kernel[0]) * (1 if columns else window.kernel[1])
        cycles = -(-self.arg.channels // self.knobs["lanes"]) * reads
        return Ring(self.target, self.arg, window, self.knobs["lanes"], rows, columns, cycles)

    @cached_property
    def lanes(self) -> tuple[tuple[int, ...], int]:
        return (self.knobs["lanes"],), self.knobs["lanes"]

    @cached_property
    def cycles(self) -> int:
        return self.ring.cycles

    @cached_property
    def multipliers(self) -> int:
        ring = self.ring
        return ring.taps * ring.lanes

    @cached_property
    def words(self) -> int:
        return self.ring.pixel_cycles

    @cached_property
    def timing(self) -> Timing:
        ring = self.ring
        return ring.timing(dot.latency(ring.taps, self.factors(self.site), self.knobs, shared=False))

    @cached_property
    def places(self) -> int:
        """Places of the output queue."""
        return dot.queue_depth(self.ring.taps, self.ring.steps)

    @cached_property
    def bare(self) -> Resources:
        ring, x, acc = self.ring, self.factors(self.site), self.out.codes
        array = dot.cost(ring.taps, ring.lanes, self.weight, x, acc, self.knobs, self.target, shared=False)
        return ring.cost + array + output_cost(ring.lanes * acc.bits, self.places, self.target)

    @cached_property
    def params(self) -> dict[str, int]:
        op, ring = self.op, self.ring
        return {
            "Lanes": ring.lanes,
            "Beats": ring.beats,
            **ring.params(),
            "PadValue": op.pad_value,
            **ring.bank_params(),
            **dot.params(self.weight, self.factors(self.site), self.out.codes, self.knobs),
        }

    @cached_property
    def memories(self) -> dict[str, Memory]:
        op, lanes = self.op, self.knobs["lanes"]
        taps = bool(self.knobs["parallel_rows"]), bool(self.knobs["parallel_columns"])
        # Channels take the place of filters: one input channel, `lanes` filters per word.
        words = dot.weight_words(op.weight.values, 1, 1, lanes, taps, cells.form(self.weight, self.knobs).filler)
        return {WEIGHTS: dot.memory(words, lanes, self.weight, self.knobs)}


ENGINE = DepthwiseWindow
