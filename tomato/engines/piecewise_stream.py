"""Lines on segments of equal width, one beat per cycle."""

from functools import cached_property

import numpy as np

from tomato.engines.base import Site, Timing, pixelwise
from tomato.engines.parts.lanes import LaneUnit
from tomato.engines.requant_stream import signed_bits
from tomato.hardware.memory import LUTS_PER_BRAM, Ram, Store, delay_cost, rom_cost
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
        lanes, out, sizes = self.count, self.out.codes.bits, self.params
        slope, offset, rest, index = (sizes[f"{name}Bits"] for name in ("Slope", "Offset", "Rest", "Index"))
        total = max(slope + rest + 1, offset) + 1
        lane = Resources(
            lut=self.arg.codes.bits + rest + index + total + out,
            ff=self.arg.codes.bits + 2 * (rest + 1) + 2 * (slope + offset) + offset + slope + rest + total + out,
            dsp=self.target.dsp_for(slope, rest + 1),
        )
        queue = queue_cost(out * lanes, PIPELINE + 4, self.target)
        return (lane + rom_cost(self.stores["MemFile"], self.target)) * lanes + delay_cost(1, self.target) + queue

    @cached_property
    def params(self) -> dict[str, int]:
        op, x = self.op, self.arg.codes
        return {
            "Lanes": self.count,
            "InBits": x.bits,
            "InSigned": int(x.signed),
            "First": op.first,
            "IndexBits": op.segments.bit_length() - 1,
            "RestBits": op.rest,
            "SlopeBits": signed_bits(op.slope),
            "OffsetBits": signed_bits(op.offset),
            "Shift": op.shift,
            "OutBits": self.out.codes.bits,
            "Lo": op.lo,
            "Hi": op.hi,
            "Ram": self.stores["MemFile"].kind,
        }

    @cached_property
    def stores(self) -> dict[str, Store]:
        bits, depth = signed_bits(self.op.offset) + signed_bits(self.op.slope), self.op.segments
        block = self.target.bram18_for(bits, depth) * LUTS_PER_BRAM
        luts = rom_cost(Store(Ram.LUT, depth, bits), self.target).lut
        return {"MemFile": Store(Ram.LUT if depth <= LUT_DEPTH and luts <= block else Ram.BLOCK, depth, bits)}

    @cached_property
    def memories(self) -> dict[str, Memory]:
        op = self.op
        words = np.stack([op.offset.values, op.slope.values], axis=1)
        fields = (signed_bits(op.offset), signed_bits(op.slope))
        return {"MemFile": Memory(words, fields, self.count, self.stores["MemFile"].kind)}


ENGINE = PiecewiseStream
