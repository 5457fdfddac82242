"""Depthwise convolution with a line buffer: every lane has its own multipliers."""

from collections.abc import Iterator
from itertools import product

from tomato.engines.base import Engine, Knobs, Site, Timing, folds
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


class DepthwiseWindow(Engine):
    """A line buffer in front of taps x lanes multipliers."""

    stem = "depthwise_window"
    ops = (Conv2d,)

    def refuses(self, site: Site, target: Target) -> str:
        return "" if _op(site).depthwise else "only depthwise: one filter per channel"

    def choices(self, site: Site) -> Iterator[Knobs]:
        taps = [(0, 0), (0, 1), (1, 1)] if _op(site).window.taps > 1 else [(0, 0)]
        shapes = (
            {"lanes": n, "parallel_rows": r, "parallel_columns": c}
            for n, (r, c) in product(folds(site.arg.channels), taps)
        )
        for shape in frontier(shapes, lambda k: self.cycles(site, k), lambda k: self._effort(site, k)):
            words = self._ring(site, shape).pixel_cycles
            for dsp, ram in product((1, 0), (LUT, BLOCK) if words > LUT_WORDS else (LUT,)):
                yield {**shape, "dsp": dsp, "weight_ram": ram}

    def _effort(self, site: Site, knobs: Knobs) -> float:
        ring = self._ring(site, knobs)
        bits = ring.arg.codes.bits * ring.lanes * ring.taps
        return ring.taps * ring.lanes * 60 + ring.lanes * site.out.codes.bits * 4 + bits * (3 if ring.taps > 1 else 1)

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

    def timing(self, site: Site, knobs: Knobs) -> Timing:
        ring = self._ring(site, knobs)
        return ring.timing(PIPELINE + dot_stages(ring.taps))

    def cost(self, site: Site, knobs: Knobs, target: Target) -> Resources:
        op, ring, x = _op(site), self._ring(site, knobs), site.arg.codes
        weight, acc = signed_bits(op.weight), site.out.codes.bits
        value = x.bits + (not x.signed)
        rom = rom_cost(ring.taps * ring.lanes * weight, ring.pixel_cycles, knobs["weight_ram"], target)
        dot = dot_cost(ring.taps, ring.lanes, value, weight, acc, bool(knobs["dsp"]), target)
        return ring.cost(target, ring.ram) + dot + rom + queue_cost(ring.lanes * acc)

    def params(self, site: Site, knobs: Knobs) -> dict[str, int]:
        op, ring, x = _op(site), self._ring(site, knobs), site.arg.codes
        return {
            "Lanes": ring.lanes,
            "Beats": ring.beats,
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
        op, lanes = _op(site), knobs["lanes"]
        taps = bool(knobs["parallel_rows"]), bool(knobs["parallel_columns"])
        # Channels take the place of filters: one input channel, `lanes` filters per word.
        words = weight_words(op.weight.values, 1, 1, lanes, taps)
        return {"MemFile": uniform_memory(words, signed_bits(op.weight))}


def _op(site: Site) -> Conv2d:
    assert isinstance(site.op, Conv2d)
    return site.op


ENGINE = DepthwiseWindow()
