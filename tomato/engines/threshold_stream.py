"""Threshold on every lane by binary search, one beat per cycle."""

from functools import cached_property

import numpy as np

from tomato.core.formats import Codes
from tomato.engines.base import Site, Timing, beats, pixelwise
from tomato.engines.parts.lanes import LaneUnit
from tomato.hardware.memory import Ram, Store, fields_bram18, rom_cost
from tomato.hardware.netlist import Memory, uniform_memory
from tomato.hardware.plumbing import QUEUE_LATENCY, queue_cost
from tomato.ops.threshold import Threshold
from tomato.targets import Resources

MOST_STEPS = 8
"""Steps of the longest search: the module has that many memories."""
LUT_DEPTH = 512
"""Depth of the largest memory that is built of LUTs."""


class ThresholdStream(LaneUnit[Threshold]):
    """Each step finds a bit of the result, the highest first: read the threshold amid what is left, compare."""

    stem = "threshold_stream"
    ops = (Threshold,)

    @classmethod
    def refuses(cls, site: Site[Threshold]) -> str:
        op, most = site.op, (1 << MOST_STEPS) - 1
        thresholds = op.thresholds.shape[1]
        if thresholds > most:
            return f"{thresholds} thresholds per channel; at most {most}"
        if not (-(1 << 31) <= op.lo and op.lo + most < 1 << 31):
            return f"results from {op.lo} exceed 32 bits"
        return ""

    @cached_property
    def timing(self) -> Timing:
        return pixelwise(self.arg, self.beats, _pipeline(self.site) + QUEUE_LATENCY)

    @cached_property
    def formula(self) -> Resources:
        x, lanes, bits = self.arg.codes, self.count, _bounds(self.site).bits
        count = beats(self.arg.channels, lanes)
        total = queue_cost(self.out.codes.bits * lanes, _pipeline(self.site) + 4, self.target)
        for step in range(_steps(self.site)):
            depth = count << step
            if step < _block_from(self.site, lanes):
                total += rom_cost(Store(Ram.LUT, depth, bits), self.target) * lanes
            else:
                total += Resources(bram18=fields_bram18(bits, lanes, depth, self.target))
            compare = Resources(lut=-(-bits // 2), ff=2 * x.bits + 2 * step + 1)
            total += compare * lanes + Resources(ff=2 * (count - 1).bit_length())
        return total

    @cached_property
    def params(self) -> dict[str, int]:
        x, lanes = self.arg.codes, self.count
        return {
            "Lanes": lanes,
            "Beats": beats(self.arg.channels, lanes),
            "InBits": x.bits,
            "InSigned": int(x.signed),
            "BoundBits": _bounds(self.site).bits,
            "Steps": _steps(self.site),
            "OutBits": self.out.codes.bits,
            "Lo": self.op.lo,
            "BlockFrom": _block_from(self.site, lanes),
        }

    @cached_property
    def stores(self) -> dict[str, Store]:
        steps, lanes, bits = _steps(self.site), self.count, _bounds(self.site).bits
        block_from = _block_from(self.site, lanes)
        return {
            f"MemFile{step}": Store(
                kind=Ram.BLOCK if block_from <= step < steps else Ram.LUT,
                words=self.beats << step if step < steps else 1,
                bits=bits * lanes,
            )
            for step in range(MOST_STEPS)
        }

    @cached_property
    def memories(self) -> dict[str, Memory]:
        """The thresholds of each step by beat, then by the bits found before."""
        thresholds, bounds, steps = self.op.thresholds.values, _bounds(self.site), _steps(self.site)
        lanes, count = self.count, self.beats
        unused = (0, count * lanes - len(thresholds)), (0, (1 << steps) - 1 - thresholds.shape[1])
        table = np.pad(np.clip(thresholds, bounds.lo, bounds.hi), unused, constant_values=bounds.hi)
        table = table.reshape(count, lanes, -1)
        memories = {}
        for step in range(MOST_STEPS):
            words = np.zeros((1, lanes), dtype=np.int64)
            if step < steps:
                size = 1 << (steps - step)  # results that are left to choose from
                words = table[:, :, size // 2 - 1 :: size].transpose(0, 2, 1).reshape(-1, lanes)
            reads = lanes if 0 < step < steps else 1  # lanes start in the same place
            name = f"MemFile{step}"
            memories[name] = uniform_memory(words, bounds.bits, reads, self.stores[name].kind)
        return memories


def _steps(site: Site[Threshold]) -> int:
    """Bits of the largest number of thresholds."""
    return site.op.thresholds.shape[1].bit_length()


def _pipeline(site: Site[Threshold]) -> int:
    """Stages from the input port to the output queue."""
    return 2 * _steps(site) + 2


def _bounds(site: Site[Threshold]) -> Codes:
    """Range of the thresholds that matter: one beyond the inputs is never reached, however far."""
    x = site.arg.codes
    return Codes(x.lo, x.hi + 1)


def _block_from(site: Site[Threshold], lanes: int) -> int:
    """The first step whose memory is block RAM."""
    return sum(beats(site.arg.channels, lanes) << step <= LUT_DEPTH for step in range(_steps(site)))


ENGINE = ThresholdStream
