"""Requant by constants that differ from pixel to pixel, one beat per cycle."""

from functools import cached_property

import numpy as np

from tomato.core.formats import Array
from tomato.engines.base import Site, Timing, pixelwise
from tomato.engines.parts.lanes import LaneUnit
from tomato.hardware.memory import Store, better_ram, rom_cost, sequencer_cost
from tomato.hardware.netlist import Memory
from tomato.hardware.plumbing import QUEUE_LATENCY, queue_cost
from tomato.ops.frame_requant import FrameRequant
from tomato.targets import Resources

PIPELINE = 4
"""Stages from the input port to the output queue."""
LIMIT = 1 << 31
"""Results and a factor that all places share are parameters of 32 bits, signed."""


class RequantFrame(LaneUnit[FrameRequant]):
    """Multiply, add, shift, clamp: one unit per lane; a memory is read once per frame.

    A factor that all places share is a parameter. Where all channels of a pixel are alike, a word serves all its beats.
    """

    stem = "requant_frame"
    ops = (FrameRequant,)

    @classmethod
    def refuses(cls, site: Site[FrameRequant]) -> str:
        op = site.op
        if not (-LIMIT <= op.lo and op.hi < LIMIT):
            return f"results in {op.lo}..{op.hi} exceed 32 bits"
        if op.mult.values.size == 1 and not -LIMIT <= int(op.mult.values.flat[0]) < LIMIT:
            return f"factor {op.mult.values.flat[0]} exceeds 32 bits"
        return ""

    @cached_property
    def timing(self) -> Timing:
        return pixelwise(self.arg, self.beats, PIPELINE + QUEUE_LATENCY)

    @cached_property
    def formula(self) -> Resources:
        op, x, out, lanes = self.op, self.arg.codes, self.out.codes.bits, self.count
        value, bias, mult = x.bits + (not x.signed), self.bias_bits, signed_bits(op.mult.values)
        multiplies = op.mult.values.size > 1 or abs(int(op.mult.values.flat[0])).bit_count() > 1
        total = max(value + mult, bias + self.bias_zeros) + 1
        unit = Resources(
            # The sum, what clamps it, what joins partial products.
            lut=total + out + 2 + (self.target.dsp.joints(value, mult) if multiplies else 0),
            ff=x.bits + bias + value + mult + total - op.shift + out,
            dsp=self.target.dsp_for(value, mult, lanes) if multiplies else 0,
        )
        store = self.stores["MemFile"]
        return (
            Resources(lut=unit.lut, ff=unit.ff) * lanes
            + Resources(dsp=unit.dsp)
            + rom_cost(store, self.target)
            + sequencer_cost(store.words)
            + queue_cost(out * lanes, PIPELINE + 4, self.target)
            + Resources(lut=8, ff=8)
        )

    @cached_property
    def params(self) -> dict[str, int]:
        op, x = self.op, self.arg.codes
        return {
            "Lanes": self.count,
            "Beats": self.beats,
            "Pixels": self.arg.pixels,
            "PerChannel": int(self.per_channel),
            "InBits": x.bits,
            "InSigned": int(x.signed),
            "MultBits": self.mult_bits,
            "Factor": 0 if self.mult_bits else int(op.mult.values.flat[0]),
            "BiasBits": self.bias_bits,
            "BiasZeros": self.bias_zeros,
            "Shift": op.shift,
            "OutBits": self.out.codes.bits,
            "Lo": op.lo,
            "Hi": op.hi,
            "Ram": self.stores["MemFile"].kind,
        }

    @property
    def per_channel(self) -> bool:
        """Whether the channels of a pixel differ."""
        return max(self.op.mult.shape[2], self.op.bias.shape[2]) > 1

    @property
    def mult_bits(self) -> int:
        """Bits of a factor in memory; 0 where all places share one."""
        return 0 if self.op.mult.values.size == 1 else signed_bits(self.op.mult.values)

    @property
    def bias_bits(self) -> int:
        """Bits of an offset in memory."""
        return signed_bits(self.op.bias.values >> self.bias_zeros)

    @cached_property
    def bias_zeros(self) -> int:
        """Bits below these, which are 0 in every offset."""
        used = int(np.bitwise_or.reduce(self.op.bias.values, axis=None))
        return (used & -used).bit_length() - 1 if used else 0

    @cached_property
    def stores(self) -> dict[str, Store]:
        words = self.arg.pixels * (self.beats if self.per_channel else 1)
        bits = (self.mult_bits + self.bias_bits) * (self.count if self.per_channel else 1)
        ram = better_ram(bits, words, self.target)
        return {"MemFile": Store(ram, words, bits)}

    @cached_property
    def memories(self) -> dict[str, Memory]:
        store, fields = self.stores["MemFile"], (self.mult_bits, self.bias_bits)
        constants = np.stack(
            [self._words(self.op.mult.values), self._words(self.op.bias.values >> self.bias_zeros)], axis=2
        )
        return {"MemFile": Memory(constants.reshape(store.words, -1), fields * constants.shape[1], store.kind)}

    def _words(self, constant: Array) -> Array:
        """A constant as (words, fields), those of unused lanes zero."""
        height, width, channels = self.arg.shape
        if not self.per_channel:
            return np.broadcast_to(constant, (height, width, 1)).reshape(-1, 1)
        padded = np.zeros((height * width, self.beats * self.count), dtype=np.int64)
        padded[:, :channels] = np.broadcast_to(constant, self.arg.shape).reshape(-1, channels)
        return padded.reshape(-1, self.count)


def signed_bits(values: Array) -> int:
    """Width of a two's-complement field that holds them."""
    return max(int(values.max()).bit_length(), (-int(values.min()) - 1).bit_length() if values.min() < 0 else 0) + 1


ENGINE = RequantFrame
