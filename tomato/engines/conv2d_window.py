"""Convolution with a line buffer: any kernel, stride, dilation, padding and groups of whole beats."""

from collections.abc import Iterator
from itertools import product

from tomato.engines.base import Engine, Knobs, Site, Timing, divisors, folds
from tomato.engines.requant_stream import signed_bits
from tomato.engines.windowed import (
    BLOCK,
    LUT,
    Ring,
    dot_cost,
    dot_stages,
    frontier,
    queue_cost,
    rom_cost,
    weight_words,
)
from tomato.netlist import Memory, uniform_memory
from tomato.ops.conv2d import Conv2d
from tomato.targets import Resources, Target

PIPELINE = 9
"""Cycles from the last read of a pixel to its result at the output, adder tree not counted."""
LUT_WORDS = 32
"""Weight memories of up to this many words are never block RAM."""


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
        taps = [(0, 0), (0, 1), (1, 1)] if op.window.taps > 1 else [(0, 0)]
        shapes = (
            {"lanes_in": i, "lanes_out": o, "parallel_rows": r, "parallel_columns": c}
            for i, o, (r, c) in product(lanes_in, lanes_out, taps)
        )
        for shape in frontier(shapes, lambda k: self.cycles(site, k), lambda k: self._effort(site, k)):
            words = self._words(site, shape)
            for dsp, ram in product((1, 0), (LUT, BLOCK) if words > LUT_WORDS else (LUT,)):
                yield {**shape, "dsp": dsp, "weight_ram": ram}

    def _effort(self, site: Site, knobs: Knobs) -> float:
        ring = self._ring(site, knobs)
        multipliers = ring.taps * ring.lanes * knobs["lanes_out"]
        bits = ring.arg.codes.bits * ring.lanes * ring.taps
        return multipliers * 60 + knobs["lanes_out"] * site.out.codes.bits * 4 + bits * (3 if ring.taps > 1 else 1)

    def _ring(self, site: Site, knobs: Knobs) -> Ring:
        op = _op(site)
        rows, columns = bool(knobs["parallel_rows"]), bool(knobs["parallel_columns"])
        reads = (1 if rows else op.window.kernel[0]) * (1 if columns else op.window.kernel[1])
        reads *= -(-op.weight.shape[2] // knobs["lanes_in"])
        cycles = op.groups * self._folds(site, knobs) * reads
        return Ring(site.arg, op.window, knobs["lanes_in"], rows, columns, cycles)

    def _folds(self, site: Site, knobs: Knobs) -> int:
        op = _op(site)
        return -(-(op.weight.shape[3] // op.groups) // knobs["lanes_out"])

    def _words(self, site: Site, knobs: Knobs) -> int:
        return self._ring(site, knobs).pixel_cycles

    def lanes(self, site: Site, knobs: Knobs) -> tuple[tuple[int, ...], int]:
        return (knobs["lanes_in"],), knobs["lanes_out"]

    def cycles(self, site: Site, knobs: Knobs) -> int:
        return self._ring(site, knobs).cycles

    def timing(self, site: Site, knobs: Knobs) -> Timing:
        ring = self._ring(site, knobs)
        return ring.timing(PIPELINE + dot_stages(ring.taps * ring.lanes))

    def cost(self, site: Site, knobs: Knobs, target: Target) -> Resources:
        op, ring, x = _op(site), self._ring(site, knobs), site.arg.codes
        inputs, outputs, weight = ring.taps * ring.lanes, knobs["lanes_out"], signed_bits(op.weight)
        acc = site.out.codes.bits
        value = x.bits + (not x.signed)
        rom = rom_cost(inputs * outputs * weight, self._words(site, knobs), knobs["weight_ram"], target)
        dot = dot_cost(inputs, outputs, value, weight, acc, bool(knobs["dsp"]), target)
        return ring.cost(target, ring.ram) + dot + rom + queue_cost(outputs * acc)

    def params(self, site: Site, knobs: Knobs) -> dict[str, int]:
        op, ring, x = _op(site), self._ring(site, knobs), site.arg.codes
        return {
            "Lanes": ring.lanes,
            "Outputs": knobs["lanes_out"],
            "Beats": ring.beats,
            "Groups": op.groups,
            "Folds": self._folds(site, knobs),
            **ring.params(),
            "PadValue": op.pad_value,
            **ring.bank_params(ring.ram),
            "InBits": x.bits,
            "InSigned": int(x.signed),
            "WeightBits": signed_bits(op.weight),
            "AccBits": site.out.codes.bits,
            "UseDsp": knobs["dsp"],
            "WeightRam": knobs["weight_ram"],
        }

    def memories(self, site: Site, knobs: Knobs) -> dict[str, Memory]:
        op = _op(site)
        taps = bool(knobs["parallel_rows"]), bool(knobs["parallel_columns"])
        words = weight_words(op.weight.values, op.groups, knobs["lanes_in"], knobs["lanes_out"], taps)
        return {"MemFile": uniform_memory(words, signed_bits(op.weight))}


def _op(site: Site) -> Conv2d:
    assert isinstance(site.op, Conv2d)
    return site.op


ENGINE = Conv2dWindow()
