"""Depthwise convolution with a line buffer: every lane has its own multipliers."""

from collections.abc import Iterator
from itertools import product

from tomato.core.formats import Codes
from tomato.engines.base import Engine, Knobs, Site, Timing, folds
from tomato.engines.parts import cells, dot
from tomato.engines.parts.ring import (
    Ring,
    frontier,
    queue_cost,
    rom_cost,
)
from tomato.hardware.netlist import Memory
from tomato.ops.conv2d import Conv2d
from tomato.targets import Resources, Target


class DepthwiseWindow(Engine):
    """A line buffer in front of taps x lanes multipliers."""

    stem = "depthwise_window"
    ops = (Conv2d,)

    def refuses(self, site: Site, target: Target) -> str:
        return "" if _op(site).depthwise else "only depthwise: one filter per channel"

    def choices(self, site: Site) -> Iterator[Knobs]:
        taps = [(0, 0), (0, 1), (1, 1)] if _op(site).window.taps > 1 else [(0, 0)]
        shapes = [
            {"lanes": n, "parallel_rows": r, "parallel_columns": c}
            for n, (r, c) in product(folds(site.arg.channels), taps)
        ]
        for cell in dot.offers(_op(site).weight, _factors(site), shared=False):
            built = ({**shape, **cell} for shape in shapes)
            for shape in frontier(built, lambda k: self.cycles(site, k), lambda k: self._effort(site, k)):
                for ram in dot.rams(self.words(site, shape)):
                    yield {**shape, "weight_ram": ram}

    def _effort(self, site: Site, knobs: Knobs) -> float:
        ring = self._ring(site, knobs)
        select = ring.arg.codes.bits * ring.lanes * ring.taps * (3 if ring.taps > 1 else 1)
        return dot.effort(ring.taps, ring.lanes, knobs) + ring.lanes * site.out.codes.bits * 4 + select

    def _ring(self, site: Site, knobs: Knobs) -> Ring:
        window = _op(site).window
        rows, columns = bool(knobs["parallel_rows"]), bool(knobs["parallel_columns"])
        reads = (1 if rows else window.kernel[0]) * (1 if columns else window.kernel[1])
        cycles = -(-site.arg.channels // knobs["lanes"]) * reads
        return Ring(site.arg, window, knobs["lanes"], rows, columns, cycles)

    def lanes(self, site: Site, knobs: Knobs) -> tuple[tuple[int, ...], int]:
        return (knobs["lanes"],), knobs["lanes"]

    def cycles(self, site: Site, knobs: Knobs) -> int:
        return self._ring(site, knobs).cycles

    def multipliers(self, site: Site, knobs: Knobs) -> int:
        ring = self._ring(site, knobs)
        return ring.taps * ring.lanes

    def words(self, site: Site, knobs: Knobs) -> int:
        return self._ring(site, knobs).pixel_cycles

    def timing(self, site: Site, knobs: Knobs) -> Timing:
        ring = self._ring(site, knobs)
        return ring.timing(dot.latency(ring.taps, _factors(site), knobs, shared=False))

    def cost(self, site: Site, knobs: Knobs, target: Target) -> Resources:
        op, ring, x, acc = _op(site), self._ring(site, knobs), _factors(site), site.out.codes
        width = ring.taps * ring.lanes * dot.field_bits(op.weight, knobs)
        rom = rom_cost(width, self.words(site, knobs), knobs["weight_ram"], target)
        array = dot.cost(ring.taps, ring.lanes, op.weight, x, acc, knobs, target, shared=False)
        return ring.cost(target, ring.ram) + array + rom + queue_cost(ring.lanes * acc.bits, target)

    def params(self, site: Site, knobs: Knobs) -> dict[str, int]:
        op, ring = _op(site), self._ring(site, knobs)
        return {
            "Lanes": ring.lanes,
            "Beats": ring.beats,
            **ring.params(),
            "PadValue": op.pad_value,
            **ring.bank_params(ring.ram),
            **dot.params(op.weight, _factors(site), site.out.codes, knobs),
        }

    def memories(self, site: Site, knobs: Knobs) -> dict[str, Memory]:
        op, lanes = _op(site), knobs["lanes"]
        taps = bool(knobs["parallel_rows"]), bool(knobs["parallel_columns"])
        # Channels take the place of filters: one input channel, `lanes` filters per word.
        words = dot.weight_words(op.weight.values, 1, 1, lanes, taps, cells.form(op.weight, knobs).filler)
        return {"MemFile": dot.memory(words, lanes, op.weight, knobs)}


def _op(site: Site) -> Conv2d:
    assert isinstance(site.op, Conv2d)
    return site.op


def _factors(site: Site) -> Codes:
    return _op(site).factors(site.arg.codes)


ENGINE = DepthwiseWindow()
