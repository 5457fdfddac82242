"""Convolution with a line buffer: any kernel, stride, dilation, padding and groups of whole beats."""

from collections.abc import Iterator
from itertools import product

from tomato.core.formats import Codes
from tomato.core.ir import TensorType
from tomato.engines.base import Engine, Knobs, Site, Timing, divisors, folds
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


class Conv2dWindow(Engine):
    """A line buffer in front of lanes_in x taps x lanes_out multipliers."""

    stem = "conv2d_window"
    ops = (Conv2d,)

    def refuses(self, site: Site, target: Target) -> str:
        return "depthwise has its own engine" if _op(site).depthwise else ""

    def choices(self, site: Site) -> Iterator[Knobs]:
        op = _op(site)
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
            for o, p in product(lanes_out, self._pixels(site))
        ]
        for cell in dot.offers(op.weight, _factors(site)):
            built = ({**s, **cell} for s in shapes if cells.fills(op.weight, cell, per_group, s["lanes_in"]))
            for shape in frontier(built, lambda k: self.cycles(site, k), lambda k: self._effort(site, k)):
                for ram in dot.rams(self.words(site, shape)):
                    yield {**shape, "weight_ram": ram}

    def _pixels(self, site: Site) -> list[int]:
        """How many columns may come in a beat: only a stride lets an engine use more than one."""
        op, width = _op(site), site.arg.shape[1]
        if op.groups > 1 or op.window.stride[1] == 1 or op.window.kernel[1] == 1:
            return []
        return [p for p in (2, 4, 8) if width % p == 0]

    def views(self, site: Site, knobs: Knobs) -> tuple[TensorType, ...]:
        return (self._ring(site, knobs).view,)

    def _effort(self, site: Site, knobs: Knobs) -> float:
        ring, outputs = self._ring(site, knobs), knobs["lanes_out"]
        select = ring.arg.codes.bits * ring.lanes * ring.taps * (3 if ring.taps > 1 else 1)
        return dot.effort(ring.taps * ring.lanes, outputs, knobs) + outputs * site.out.codes.bits * 4 + select

    def _ring(self, site: Site, knobs: Knobs) -> Ring:
        op = _op(site)
        rows, columns = bool(knobs["parallel_rows"]), bool(knobs["parallel_columns"])
        reads = (1 if rows else op.window.kernel[0]) * (1 if columns else op.window.kernel[1])
        reads *= -(-op.weight.shape[2] // knobs["lanes_in"])
        cycles = op.groups * self._folds(site, knobs) * reads
        return Ring(site.arg, op.window, knobs["lanes_in"], rows, columns, cycles, knobs["pixels"])

    def _folds(self, site: Site, knobs: Knobs) -> int:
        op = _op(site)
        return -(-(op.weight.shape[3] // op.groups) // knobs["lanes_out"])

    def lanes(self, site: Site, knobs: Knobs) -> tuple[tuple[int, ...], int]:
        return (knobs["lanes_in"] * knobs["pixels"],), knobs["lanes_out"]

    def cycles(self, site: Site, knobs: Knobs) -> int:
        return self._ring(site, knobs).cycles

    def multipliers(self, site: Site, knobs: Knobs) -> int:
        ring = self._ring(site, knobs)
        return ring.taps * ring.lanes * knobs["lanes_out"]

    def words(self, site: Site, knobs: Knobs) -> int:
        return self._ring(site, knobs).pixel_cycles

    def timing(self, site: Site, knobs: Knobs) -> Timing:
        ring = self._ring(site, knobs)
        return ring.timing(dot.latency(ring.taps * ring.lanes, _factors(site), knobs))

    def cost(self, site: Site, knobs: Knobs, target: Target) -> Resources:
        op, ring, x, acc = _op(site), self._ring(site, knobs), _factors(site), site.out.codes
        inputs, outputs = ring.taps * ring.lanes, knobs["lanes_out"]
        width = inputs * outputs * dot.field_bits(op.weight, knobs)
        rom = rom_cost(width, self.words(site, knobs), knobs["weight_ram"], target)
        array = dot.cost(inputs, outputs, op.weight, x, acc, knobs, target)
        return ring.cost(target, ring.ram) + array + rom + queue_cost(outputs * acc.bits, target)

    def params(self, site: Site, knobs: Knobs) -> dict[str, int]:
        op, ring = _op(site), self._ring(site, knobs)
        return {
            "Lanes": ring.lanes,
            "Outputs": knobs["lanes_out"],
            "Beats": ring.beats,
            "Groups": op.groups,
            "Folds": self._folds(site, knobs),
            **ring.params(),
            "PadValue": op.pad_value,
            **ring.bank_params(ring.ram),
            **dot.params(op.weight, _factors(site), site.out.codes, knobs),
        }

    def memories(self, site: Site, knobs: Knobs) -> dict[str, Memory]:
        op = _op(site)
        taps = bool(knobs["parallel_rows"]), bool(knobs["parallel_columns"])
        outputs, filler = knobs["lanes_out"], cells.form(op.weight, knobs).filler
        words = dot.weight_words(op.weight.values, op.groups, knobs["lanes_in"], outputs, taps, filler)
        return {"MemFile": dot.memory(words, outputs, op.weight, knobs)}


def _op(site: Site) -> Conv2d:
    assert isinstance(site.op, Conv2d)
    return site.op


def _factors(site: Site) -> Codes:
    return _op(site).factors(site.arg.codes)


ENGINE = Conv2dWindow()
