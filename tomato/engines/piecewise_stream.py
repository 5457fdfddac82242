"""Lines on segments of equal width, one beat per cycle."""

from functools import cached_property

import numpy as np

from tomato.core.formats import Array
from tomato.engines.base import Site, Timing, pixelwise
from tomato.engines.parts.lanes import LaneUnit
from tomato.engines.requant_stream import signed_bits
from tomato.hardware.memory import LUTS_PER_BRAM, Ram, Store, rom_cost, rom_rows
from tomato.hardware.netlist import Memory
from tomato.hardware.plumbing import QUEUE_LATENCY, queue_cost
from tomato.ops.piecewise import Piecewise
from tomato.targets import Resources

PIPELINE = 6
"""Stages from the input port to the output queue."""
LUT_DEPTH = 256
"""Lines that multiplexers beside the LUTs still join."""
PORT_BITS = 32
"""Bits of the numbers that say where segments begin, and what results are clipped to."""


class PiecewiseStream(LaneUnit[Piecewise]):
    """A table of lines and a multiplier per lane."""

    stem = "piecewise_stream"
    ops = (Piecewise,)

    @classmethod
    def refuses(cls, site: Site[Piecewise]) -> str:
        op, most = site.op, 1 << (PORT_BITS - 1)
        if not (-most <= op.first < most):
            return f"segments that begin at {op.first} exceed {PORT_BITS} bits"
        if not (-most <= op.lo and op.hi < most):
            return f"results in {op.lo}..{op.hi} exceed {PORT_BITS} bits"
        return ""

    @cached_property
    def timing(self) -> Timing:
        return pixelwise(self.arg, self.beats, PIPELINE + QUEUE_LATENCY)

    @cached_property
    def formula(self) -> Resources:
        lanes, out, x = self.count, self.out.codes.bits, self.arg.codes.bits
        slope, offset, rest = (self.params[f"{name}Bits"] for name in ("Slope", "Offset", "Rest"))
        store, shifted = self.stores["MemFile"], bool(self.target.memory.srl_depth)
        # What waits for the product; a block holds the first of its registers.
        waiting, stages = offset + rest, 3 - (store.kind == Ram.BLOCK)
        lane = Resources(
            lut=x + out * 5 // 3 + (offset * (store.kind == Ram.LUT) + rest if shifted else 0),
            ff=x + 2 * slope + out * 13 // 4 + waiting * (int(store.kind == Ram.BLOCK) if shifted else stages),
            dsp=self.target.dsp_for(slope, rest + 1),
        )
        rows = rom_rows(store.words, self.target)
        lines = Resources(lut=store.bits * rows) if store.kind == Ram.LUT else rom_cost(store, self.target)
        return (lane + lines) * lanes + Resources(lut=1, ff=1) + queue_cost(out * lanes, PIPELINE + 4, self.target)

    @cached_property
    def params(self) -> dict[str, int]:
        op, x = self.op, self.arg.codes
        offset, slope = line_bits(op)
        return {
            "Lanes": self.count,
            "InBits": x.bits,
            "InSigned": int(x.signed),
            "First": op.first,
            "IndexBits": op.segments.bit_length() - 1,
            "RestBits": op.rest,
            "SlopeBits": slope,
            "OffsetBits": offset,
            "Shift": op.shift,
            "OutBits": self.out.codes.bits,
            "Lo": op.lo,
            "Hi": op.hi,
            "Ram": self.stores["MemFile"].kind,
        }

    @cached_property
    def stores(self) -> dict[str, Store]:
        bits, depth = sum(line_bits(self.op)), self.op.segments
        block = self.target.bram18_for(bits, depth) * LUTS_PER_BRAM
        luts = bits * rom_rows(depth, self.target)
        return {"MemFile": Store(Ram.LUT if depth <= LUT_DEPTH and luts <= block else Ram.BLOCK, depth, bits)}

    @cached_property
    def memories(self) -> dict[str, Memory]:
        op = self.op
        return {"MemFile": Memory(line_words(op), line_bits(op), self.count, self.stores["MemFile"].kind)}


def line_words(op: Piecewise) -> Array:
    """The words of a memory of lines: (segments, offset and slope)."""
    return np.stack([op.offset.values, op.slope.values], axis=1)


def line_bits(op: Piecewise) -> tuple[int, int]:
    """Widths of an offset and of a slope."""
    return signed_bits(op.offset), signed_bits(op.slope)


ENGINE = PiecewiseStream
