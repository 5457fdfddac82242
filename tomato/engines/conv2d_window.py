"""Convolution with a line buffer: any kernel, stride, dilation, padding and groups of whole beats."""

from collections.abc import Iterable, Iterator
from functools import cached_property
from itertools import product
from typing import Self

from tomato.core.formats import Codes
from tomato.core.ir import TensorType
from tomato.engines.base import Knobs, Site, Timing, divisors, folds
from tomato.engines.parts import cells, dot
from tomato.engines.parts.ring import Ring, frontier
from tomato.engines.parts.weighted import WEIGHTS, WeightedUnit
from tomato.hardware.netlist import Memory
from tomato.hardware.plumbing import output_cost
from tomato.ops.conv2d import Conv2d
from tomato.targets import Resources


class Conv2dWindow(WeightedUnit[Conv2d]):
    """A line buffer in front of lanes_in x taps x lanes_out multipliers."""

    stem = "conv2d_window"
    ops = (Conv2d,)
    shared = True

    @classmethod
    def refuses(cls, site: Site[Conv2d]) -> str:
        return "depthwise has its own engine" if site.op.depthwise else ""

    @classmethod
    def factors(cls, site: Site[Conv2d]) -> Codes:
        return site.op.factors(site.arg.codes)

    @classmethod
    def shapes(cls, site: Site[Conv2d], offers: Iterable[Knobs]) -> Iterator[Self]:
        op = site.op
        per_group, out = op.weight.shape[2], op.weight.shape[3] // op.groups
        # Groups are whole beats, on both sides.
        lanes_in = folds(per_group) if op.groups == 1 else divisors(per_group)
        lanes_out = folds(out) if op.groups == 1 else divisors(out)
        taps = [(0, 0, 1), (0, 1, 1), (1, 1, 1)] if op.window.taps > 1 else [(0, 0, 1)]
        shapes = [
            {"lanes_in": i, "lanes_out": o, "parallel_rows": r, "parallel_columns": c, "pixels": p}
            for i, o, (r, c, p) in product(lanes_in, lanes_out, taps)
        ]
        shapes += [
            {"lanes_in": lanes_in[-1], "lanes_out": o, "parallel_rows": 1, "parallel_columns": 1, "pixels": p}
            for o, p in product(lanes_out, cls._pixels(site))
        ]
        for cell in offers:
            built = ({**s, **cell} for s in shapes if cells.fills(op.weight, cell, per_group, s["lanes_in"]))
            yield from frontier(cls(site, knobs) for knobs in built)

    @staticmethod
    def _pixels(site: Site[Conv2d]) -> list[int]:
        """How many columns may come in a beat: only a stride lets an engine use more than one."""
        op, width = site.op, site.arg.shape[1]
        if op.groups > 1 or op.window.stride[1] == 1 or op.window.kernel[1] == 1:
            return []
        return [p for p in (2, 4, 8) if width % p == 0]

    @cached_property
    def views(self) -> tuple[TensorType, ...]:
        return (self.ring.view,)

    @cached_property
    def effort(self) -> float:
        ring, outputs = self.ring, self.knobs["lanes_out"]
        select = ring.arg.codes.bits * ring.lanes * ring.taps * (3 if ring.taps > 1 else 1)
        return dot.effort(ring.taps * ring.lanes, outputs, self.knobs) + outputs * self.out.codes.bits * 4 + select

    @cached_property
    def ring(self) -> Ring:
        op = self.op
        rows, columns = bool(self.knobs["parallel_rows"]), bool(self.knobs["parallel_columns"])
        reads = (1 if rows else op.window.kernel[0]) * (1 if columns else op.window.kernel[1])
        reads *= -(-op.weight.shape[2] // self.knobs["lanes_in"])
        cycles = op.groups * self.folds * reads
        return Ring(
            self.target, self.arg, op.window, self.knobs["lanes_in"], rows, columns, cycles, self.knobs["pixels"]
        )

    @cached_property
    def folds(self) -> int:
        op = self.op
        return -(-(op.weight.shape[3] // op.groups) // self.knobs["lanes_out"])

    @cached_property
    def lanes(self) -> tuple[tuple[int, ...], int]:
        return (self.knobs["lanes_in"] * self.knobs["pixels"],), self.knobs["lanes_out"]

    @cached_property
    def cycles(self) -> int:
        return self.ring.cycles

    @cached_property
    def multipliers(self) -> int:
        ring = self.ring
        return ring.taps * ring.lanes * self.knobs["lanes_out"]

    @cached_property
    def words(self) -> int:
        return self.ring.pixel_cycles

    @cached_property
    def timing(self) -> Timing:
        ring = self.ring
        return ring.timing(dot.latency(ring.taps * ring.lanes, self.factors(self.site), self.knobs))

    @cached_property
    def places(self) -> int:
        """Places of the output queue."""
        ring = self.ring
        return dot.queue_depth(ring.taps * ring.lanes, ring.steps * (ring.beats // self.op.groups))

    @cached_property
    def bare(self) -> Resources:
        ring, x, acc = self.ring, self.factors(self.site), self.out.codes
        inputs, outputs = ring.taps * ring.lanes, self.knobs["lanes_out"]
        array = dot.cost(inputs, outputs, self.weight, x, acc, self.knobs, self.target)
        return ring.cost + array + output_cost(outputs * acc.bits, self.places, self.target)

    @cached_property
    def params(self) -> dict[str, int]:
        op, ring = self.op, self.ring
        return {
            "Lanes": ring.lanes,
            "Outputs": self.knobs["lanes_out"],
            "Beats": ring.beats,
            "Groups": op.groups,
            "Folds": self.folds,
            **ring.params(),
            "PadValue": op.pad_value,
            **ring.bank_params(),
            **dot.params(self.weight, self.factors(self.site), self.out.codes, self.knobs),
        }

    @cached_property
    def memories(self) -> dict[str, Memory]:
        op = self.op
        taps = bool(self.knobs["parallel_rows"]), bool(self.knobs["parallel_columns"])
        outputs, filler = self.knobs["lanes_out"], cells.form(self.weight, self.knobs).filler
        words = dot.weight_words(op.weight.values, op.groups, self.knobs["lanes_in"], outputs, taps, filler)
        return {WEIGHTS: dot.memory(words, outputs, self.weight, self.knobs)}


ENGINE = Conv2dWindow
