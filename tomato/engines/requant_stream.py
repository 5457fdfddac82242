"""Requant on every lane, one beat per cycle."""

from collections.abc import Iterator
from functools import cached_property
from math import ceil

import numpy as np

from tomato.core.formats import Codes, Tensor
from tomato.engines.base import Knobs, Site, Timing, beats, pixelwise
from tomato.engines.parts.lanes import LaneUnit
from tomato.hardware.memory import Ram, Store, rom_cost
from tomato.hardware.netlist import Memory
from tomato.hardware.plumbing import queue_cost
from tomato.ops.requant import Requant
from tomato.targets import Resources, Target

PIPELINE = 5
"""Stages from the input port to the output queue, with one product a lane; more products and nudges take more."""
QUEUE = 2
"""Cycles through the output queue."""
LUT_WORDS = 64
"""Constants of so many beats stay in LUTs."""


class RequantStream(LaneUnit[Requant]):
    """Multiply, add, shift, clamp: one unit per lane, constants from a small memory.

    The channels of a pixel share the lanes, beat after beat: `lanes` says how many there are. `constant_ram` says where
    the constants are; nudges, most of which are 0, are cheaper in LUTs.
    """

    stem = "requant_stream"
    ops = (Requant,)

    @classmethod
    def refuses(cls, site: Site[Requant]) -> str:
        op = site.op
        if not (-(1 << 31) <= op.lo and op.hi < 1 << 31):
            return f"results in {op.lo}..{op.hi} exceed 32 bits"
        return ""

    @classmethod
    def choices(cls, site: Site[Requant]) -> Iterator[Knobs]:
        for knobs in super().choices(site):
            few = beats(site.out.channels, knobs["lanes"]) <= LUT_WORDS or _nudges(site.op)
            yield from ({**knobs, "constant_ram": kind} for kind in ((Ram.LUT,) if few else (Ram.LUT, Ram.BLOCK)))

    @cached_property
    def timing(self) -> Timing:
        return pixelwise(self.arg, self.beats, self.stages + QUEUE)

    @property
    def value_bits(self) -> int:
        """Bits of an input as it is multiplied, signed."""
        return self.arg.codes.bits + (not self.arg.codes.signed)

    @property
    def mult_bits(self) -> int:
        """Bits of a factor; 0 where all are 1."""
        return 0 if _unit_mult(self.op) else signed_bits(self.op.mult)

    @cached_property
    def slices(self) -> tuple[int, int]:
        """Bits of an input and of a factor that one multiplier of the board takes."""
        return self.target.dsp.slices(self.value_bits, self.mult_bits) if self.mult_bits else (self.value_bits, 1)

    @property
    def parts(self) -> tuple[tuple[int, int], ...]:
        """Of every product that is summed: the lowest bit, and how many there are."""
        (a, b), value, mult = self.slices, self.value_bits, self.mult_bits
        if not mult:
            return ((0, value),)
        return tuple(
            (low + below, min(a, value - low) + min(b, mult - below))
            for low in range(0, value, a)
            for below in range(0, mult, b)
        )

    @property
    def signs(self) -> bool:
        """Whether the top slice of an input is one bit."""
        return self.mult_bits > 0 and self.slices[0] < self.value_bits and self.value_bits % self.slices[0] == 1

    @property
    def levels(self) -> int:
        """Sums of two, one behind the other, that add the products and the offset up."""
        return len(self.parts).bit_length()

    @property
    def stages(self) -> int:
        """Stages from the input port to the output queue."""
        return PIPELINE - 1 + self.levels + (_nudges(self.op) > 0) + (self.constant_ram == Ram.BLOCK)

    @property
    def constant_ram(self) -> Ram:
        """Where the constants are."""
        return Ram(self.knobs["constant_ram"])

    @cached_property
    def formula(self) -> Resources:
        op, x, lanes = self.op, self.arg.codes, self.count
        value, mult, bias, out = self.value_bits, self.mult_bits, signed_bits(op.bias), self.out.codes.bits
        total = max(value + mult, bias) + 1
        terms = [(0, bias), *self.parts]
        sums, whole = _sums(terms, total, op.shift), _sums(terms, total, 0)
        unit = Resources(
            # What sums, compares and clamps; products with a sign, which are negations.
            lut=sums.lut + out + 2 + self.signs * 2 * mult,
            ff=x.bits + sum(bits for _, bits in self.parts) + bias + sums.ff + 2 * out + 2,
            dsp=self.target.dsp_for(value, mult) if mult else 0,
        )
        constants = rom_cost(Store(self.constant_ram, self.beats, (mult + bias) * lanes), self.target)
        if self.constant_ram == Ram.BLOCK:  # registers behind it
            constants += Resources(ff=(mult + bias + x.bits) * lanes)
        queue = queue_cost(out * lanes, self.stages + 4, self.target)
        return (
            unit * lanes
            + constants
            + queue
            + _nudging_cost(self.site, lanes, self.target, total, mult, (mult + 1) * self.levels + whole.ff - sums.ff)
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
            "MultBits": self.mult_bits,
            "InSlice": self.slices[0],
            "MultSlice": self.slices[1],
            "BiasBits": signed_bits(op.bias),
            "Shift": op.shift,
            "OutBits": self.out.codes.bits,
            "Lo": op.lo,
            "Hi": op.hi,
            "Nudges": _nudges(op),
            "ConstantRam": self.constant_ram,
        }

    @cached_property
    def fields(self) -> tuple[int, ...]:
        """Bits of the constants of one lane: factor, offset, and each nudge's input and step."""
        return (self.mult_bits, signed_bits(self.op.bias)) + (self.arg.codes.bits, 2) * _nudges(self.op)

    @cached_property
    def stores(self) -> dict[str, Store]:
        return {"MemFile": Store(self.constant_ram, self.beats, sum(self.fields) * self.count)}

    @cached_property
    def memories(self) -> dict[str, Memory]:
        op, lanes = self.op, self.count
        count = beats(self.arg.channels, lanes)
        constants = [op.mult.values, op.bias.values]
        if op.nudges is not None:
            constants += list(op.nudges.values.reshape(op.mult.shape[0], -1).T)
        words = np.stack([lane_words(values, count, lanes) for values in constants], axis=2)
        return {"MemFile": Memory(words.reshape(count, -1), self.fields * lanes, ram=self.constant_ram)}


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


def _nudging_cost(site: Site[Requant], lanes: int, target: Target, total: int, mult: int, ff: int) -> Resources:
    """What nudges add: one register more in all lanes; comparison, addition and memory in lanes that have some.

    `ff`: flip-flops that let a step wait for the sum, and keep the sum whole. Words without nudges are alike, so a
    memory with few others has few different columns.
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
            adder = Resources(lut=total + 1 + mult + entries * (ceil(bits / 3) + 2), ff=mult + 2 + ff)
            cost += adder + rom_cost(Store(Ram.LUT, count, columns), target)
    return cost


def _sums(terms: list[tuple[int, int]], total: int, shift: int) -> Resources:
    """What sums terms, two at a time, with registers between: each has a lowest bit, below which it is 0, and bits.

    The sum has `total` bits, those below `shift` are not kept, nor those of its two terms that only they depend on.
    """
    lut = ff = 0
    while len(terms) > 1:
        if len(terms) == 2 and ff:
            needed = min(max(low for low, _ in terms), shift)
            ff -= sum(max(needed - low, 0) for low, _ in terms)
        pairs = [terms[i : i + 2] for i in range(0, len(terms), 2)]
        terms = []
        for pair in pairs:
            low, high = min(low for low, _ in pair), max(low + bits for low, bits in pair)
            high = min(high + len(pair) - 1, total)
            lut += (high - max(low for low, _ in pair)) * (len(pair) - 1)
            ff += high - (low if len(pairs) > 1 else max(low, shift))
            terms.append((low, high - low))
    return Resources(lut=lut, ff=ff)


ENGINE = RequantStream
