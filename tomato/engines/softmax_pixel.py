"""Softmax over runs of channels of every pixel, one beat per cycle."""

from collections.abc import Iterator
from functools import cached_property

import numpy as np

from tomato.engines.base import Knobs, Site, Timing, beats, divisors
from tomato.engines.parts.lanes import LaneUnit
from tomato.hardware.memory import Ram, Store, memory_cost, rom_cost
from tomato.hardware.netlist import Memory
from tomato.hardware.plumbing import QUEUE_LATENCY, queue_cost
from tomato.ops import softmax
from tomato.ops.softmax import Softmax
from tomato.targets import Resources

MOST_STAGES = 4
"""Cycles from the last beat of a run to its greatest code at the other side of a queue, but for a tree over lanes."""
SUM_STAGES = 9
"""Cycles from the power of its last code to the inverse of the sum at the other side of a queue, but for a tree."""
POWER_STAGES, DIRECT_STAGES = 7, 3
"""Cycles from a code to its power, by lines and by a table of all."""
PIPELINE = 4
"""Stages from there to the output queue."""
DIRECT_BITS = 8
"""Bits of the widest code whose powers are all in a table."""
WAITING, POWERS_WAITING = 6, 20
"""Beats that may wait besides those of a run and of the trees, for the greatest code and for the sum."""
LUT_DEPTH = 512
"""The deepest memory of codes that is offered in LUTs."""
POWER_WIDTH, INVERSE_WIDTH = softmax.POWER_BITS + 1, softmax.INVERSE_BITS + 1
WHOLE_BITS = softmax.FAR.bit_length()
POWER_FALL_BITS = int(softmax.powers()[1].max()).bit_length()
INVERSE_FALL_BITS = int(softmax.inverses()[1].max()).bit_length()
"""Widths of what lines of the tables fall."""


class SoftmaxPixel(LaneUnit[Softmax]):
    """Codes wait in a queue for the greatest of their run, its powers of 2 in another for the inverse of their sum.

    Codes of up to DIRECT_BITS bits have all their powers in a table, which saves a lane the two multipliers of lines;
    both give the same numbers.
    """

    stem = "softmax_pixel"
    ops = (Softmax,)

    @classmethod
    def refuses(cls, site: Site[Softmax]) -> str:
        return ""

    @classmethod
    def choices(cls, site: Site[Softmax]) -> Iterator[Knobs]:
        run = site.out.channels // site.op.groups
        for knobs in super().choices(site) if site.op.groups == 1 else ({"lanes": n} for n in divisors(run)):
            depth = beats(run, knobs["lanes"]) + POWERS_WAITING + _quads(knobs["lanes"])
            yield {**knobs, "ram": Ram.LUT if depth <= LUT_DEPTH else Ram.BLOCK}

    @property
    def run(self) -> int:
        """Channels of a run."""
        return self.arg.channels // self.op.groups

    @property
    def direct(self) -> bool:
        """Whether there is a table of all powers."""
        return self.arg.codes.bits <= DIRECT_BITS

    @cached_property
    def timing(self) -> Timing:
        run, pixels = beats(self.run, self.count), np.arange(self.out.pixels)
        stages = DIRECT_STAGES if self.direct else POWER_STAGES
        stages += MOST_STAGES + _pairs(self.count) + SUM_STAGES + _quads(self.count) + PIPELINE
        latency = stages + QUEUE_LATENCY + 2 * (run - 1)
        room = pixels - 1 - max(1, self.params["Depth"] // self.beats)  # runs of a pixel leave while it comes
        return Timing((pixels,), self.beats, latency, (room,))

    @cached_property
    def formula(self) -> Resources:
        x, lanes, params = self.arg.codes.bits, self.count, self.params
        total = softmax.SUM_BITS + 1 + (self.run - 1).bit_length()
        pair, term = POWER_WIDTH + WHOLE_BITS, softmax.SUM_BITS + 1
        lane = Resources(
            lut=3 * x + 5 * term // 2 + total + 3 * self.out.codes.bits + WHOLE_BITS,
            ff=3 * x + term + pair + POWER_WIDTH + 3 * self.out.codes.bits + WHOLE_BITS,
            dsp=self.target.dsp_for(POWER_WIDTH + 1, INVERSE_WIDTH + 1),
        ) + rom_cost(self.stores["MemFile0"], self.target)
        if not self.direct:
            exponent = WHOLE_BITS + softmax.POWER_BITS
            lane += Resources(
                lut=x // 2 + 30 + WHOLE_BITS,
                ff=exponent + 45 + POWER_WIDTH + softmax.POWER_REST_BITS + 2 * WHOLE_BITS,
                dsp=self.target.dsp_for(x + 1, params["MultBits"] + 1)
                + self.target.dsp_for(POWER_FALL_BITS + 1, softmax.POWER_REST_BITS + 1),
            )
        inverse = Resources(
            lut=4 * total - 20,
            ff=3 * total + 150,
            dsp=self.target.dsp_for(INVERSE_FALL_BITS + 1, softmax.INVERSE_REST_BITS + 1),
        ) + rom_cost(self.stores["MemFile1"], self.target)
        ram, run = Ram(self.knobs["ram"]), beats(self.run, lanes)
        queues = memory_cost(x * lanes, params["Depth"], ram, self.target)
        queues += memory_cost(pair * lanes, params["PowerDepth"], ram, self.target)
        queues += queue_cost(x + 1, (params["Depth"] + 1) // run + 2, self.target)
        queues += queue_cost(INVERSE_WIDTH + 4, params["PowerDepth"] // run + 2, self.target)
        return lane * lanes + inverse + queues + queue_cost(self.out.codes.bits * lanes, PIPELINE + 4, self.target)

    @cached_property
    def params(self) -> dict[str, int]:
        op, x, run = self.op, self.arg.codes, beats(self.run, self.count)
        return {
            "Lanes": self.count,
            "Channels": self.run,
            "InBits": x.bits,
            "InSigned": int(x.signed),
            "Falls": int(op.mult < 0),
            "Direct": int(self.direct),
            "MultBits": max(1, abs(op.mult).bit_length()),
            "Mult": abs(op.mult),
            "Shift": op.shift,
            "Far": op.far(x),
            "PowerBits": softmax.POWER_BITS,
            "PowerIndexBits": softmax.POWER_INDEX_BITS,
            "PowerFallBits": POWER_FALL_BITS,
            "SumBits": softmax.SUM_BITS,
            "InverseBits": softmax.INVERSE_BITS,
            "InverseIndexBits": softmax.INVERSE_INDEX_BITS,
            "InverseRestBits": softmax.INVERSE_REST_BITS,
            "InverseFallBits": INVERSE_FALL_BITS,
            "Fraction": self.out.codes.bits - 1,
            "Depth": run + WAITING + _pairs(self.count),
            "PowerDepth": run + POWERS_WAITING + _quads(self.count),
            "Ram": self.knobs["ram"],
        }

    @cached_property
    def stores(self) -> dict[str, Store]:
        powers = (
            Store(Ram.LUT, 1 << self.arg.codes.bits, POWER_WIDTH + WHOLE_BITS)
            if self.direct
            else Store(Ram.LUT, 1 << softmax.POWER_INDEX_BITS, POWER_WIDTH + POWER_FALL_BITS)
        )
        inverses = Store(Ram.LUT, 1 << softmax.INVERSE_INDEX_BITS, INVERSE_WIDTH + INVERSE_FALL_BITS)
        return {"MemFile0": powers, "MemFile1": inverses}

    @cached_property
    def memories(self) -> dict[str, Memory]:
        if self.direct:
            powers = self.op.power(np.arange(1 << self.arg.codes.bits))
            first = Memory(np.stack(powers, axis=1), (POWER_WIDTH, WHOLE_BITS), self.count)
        else:
            first = Memory(np.stack(softmax.powers(), axis=1), (POWER_WIDTH, POWER_FALL_BITS), self.count)
        return {
            "MemFile0": first,
            "MemFile1": Memory(np.stack(softmax.inverses(), axis=1), (INVERSE_WIDTH, INVERSE_FALL_BITS)),
        }


def _pairs(lanes: int) -> int:
    """Levels of a tree that joins two to one."""
    return (lanes - 1).bit_length()


def _quads(lanes: int) -> int:
    """Levels of a tree that joins four to one."""
    return (_pairs(lanes) + 1) // 2


ENGINE = SoftmaxPixel
