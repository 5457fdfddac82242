"""Requant on every lane, one beat per cycle."""

from functools import cached_property
from math import ceil

import numpy as np

from tomato.core.formats import Codes, Tensor
from tomato.engines.base import Site, Timing, beats, pixelwise
from tomato.engines.parts.lanes import LaneUnit
from tomato.hardware.memory import Ram, Store, rom_cost
from tomato.hardware.netlist import Memory
from tomato.hardware.plumbing import queue_cost
from tomato.ops.requant import Requant
from tomato.targets import Resources, Target

PIPELINE = 4
"""Stages from the input port to the output queue; nudges take one more."""
QUEUE = 2
"""Cycles through the output queue."""


class RequantStream(LaneUnit[Requant]):
    """Multiply, add, shift, clamp: one unit per lane, constants from a small memory."""

    stem = "requant_stream"
    ops = (Requant,)

    @classmethod
    def refuses(cls, site: Site[Requant]) -> str:
        op = site.op
        if not (-(1 << 31) <= op.lo and op.hi < 1 << 31):
            return f"results in {op.lo}..{op.hi} exceed 32 bits"
        return ""

    @cached_property
    def timing(self) -> Timing:
        return pixelwise(self.arg, self.beats, _stages(self.op) + QUEUE)

    @cached_property
    def formula(self) -> Resources:
        op, x, lanes = self.op, self.arg.codes, self.count
        value, bias, out = x.bits + (not x.signed), signed_bits(op.bias), self.out.codes.bits
        mult = 0 if _unit_mult(op) else signed_bits(op.mult)
        total = max(value + mult, bias) + 1
        tiles = self.target.dsp_for(value, mult) if mult else 0
        unit = Resources(
            # The sum, what clamps it, what joins partial products.
            lut=total + out + 2 + (self.target.dsp.joints(value, mult) if mult else 0),
            ff=x.bits + bias + value + mult + total - op.shift + out,
            dsp=tiles,
        )
        constants = rom_cost(Store(Ram.LUT, self.beats, (mult + bias) * lanes), self.target)
        queue = queue_cost(out * lanes, _stages(op) + 4, self.target)
        return (
            unit * lanes
            + constants
            + queue
            + _nudging_cost(self.site, lanes, self.target, total, mult)
            + Resources(lut=8, ff=8)
        )

    @cached_property
    def params(self) -> dict[str, int]:
        op, x = self.op, self.arg.codes
        return {
            "Lanes": self.count,
            "Beats": self.beats,
            "InBits": x.bits,
            "InSigned": int(x.signed),
            "MultBits": 0 if _unit_mult(op) else signed_bits(op.mult),
            "BiasBits": signed_bits(op.bias),
            "Shift": op.shift,
            "OutBits": self.out.codes.bits,
            "Lo": op.lo,
            "Hi": op.hi,
            "Nudges": _nudges(op),
        }

    @cached_property
    def fields(self) -> tuple[int, ...]:
        """Bits of the constants of one lane: factor, offset, and each nudge's input and step."""
        mult_bits = 0 if _unit_mult(self.op) else signed_bits(self.op.mult)
        return (mult_bits, signed_bits(self.op.bias)) + (self.arg.codes.bits, 2) * _nudges(self.op)

    @cached_property
    def stores(self) -> dict[str, Store]:
        return {"MemFile": Store(Ram.LUT, self.beats, sum(self.fields) * self.count)}

    @cached_property
    def memories(self) -> dict[str, Memory]:
        op, lanes = self.op, self.count
        count = beats(self.arg.channels, lanes)
        constants = [op.mult.values, op.bias.values]
        if op.nudges is not None:
            constants += list(op.nudges.values.reshape(op.mult.shape[0], -1).T)
        words = np.stack([lane_words(values, count, lanes) for values in constants], axis=2)
        return {"MemFile": Memory(words.reshape(count, -1), self.fields * lanes)}


def lane_words(values: np.ndarray, count: int, lanes: int) -> np.ndarray:
    """Values per channel as (beats, lanes), the unused lanes zero."""
    padded = np.zeros(count * lanes, dtype=np.int64)
    padded[: values.size] = values
    return padded.reshape(count, lanes)


def signed_bits(constant: Tensor) -> int:
    """Width of a two's-complement field that holds a constant of codes."""
    fmt = constant.fmt
    assert isinstance(fmt, Codes)
    return fmt.bits + (0 if fmt.signed else 1)


def _unit_mult(op: Requant) -> bool:
    return bool(np.all(op.mult.values == 1))


def _nudges(op: Requant) -> int:
    return 0 if op.nudges is None else op.nudges.shape[1]


def _nudging_cost(site: Site[Requant], lanes: int, target: Target, total: int, mult: int) -> Resources:
    """What nudges add: one register more in all lanes; comparison, addition and memory in lanes that have some.

    Words without nudges are alike, so a memory with few others has few different columns.
    """
    op, bits = site.op, site.arg.codes.bits
    if op.nudges is None:
        return Resources()
    count = beats(site.arg.channels, lanes)
    used = np.stack([lane_words(d != 0, count, lanes) for d in op.nudges.values[:, :, 1].T], axis=2)
    cost = Resources(ff=(total - op.shift) * lanes)
    for lane in np.moveaxis(used, 1, 0):
        entries, words = int(lane.any(axis=0).sum()), int(lane.any(axis=1).sum())
        if entries:
            columns = min(entries * (bits + 2), (1 << min(words, 16)) - 1)
            adder = Resources(lut=total + 1 + mult + entries * (ceil(bits / 3) + 2), ff=op.shift + 2 * mult + 3)
            cost += adder + rom_cost(Store(Ram.LUT, count, columns), target)
    return cost


def _stages(op: Requant) -> int:
    return PIPELINE + (_nudges(op) > 0)


ENGINE = RequantStream
