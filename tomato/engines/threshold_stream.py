"""Threshold on every lane by binary search, one beat per cycle."""

from collections.abc import Iterator

import numpy as np

from tomato.core.formats import Codes
from tomato.engines.base import Engine, Knobs, Site, Timing, beats, folds, pixelwise
from tomato.engines.parts.ring import rom_cost
from tomato.hardware.netlist import Memory, uniform_memory
from tomato.hardware.plumbing import BLOCK, LUTRAM, QUEUE_LATENCY, queue_cost
from tomato.ops.threshold import Threshold
from tomato.targets import Resources, Target

MOST_STEPS = 8
"""Steps of the longest search: the module has that many memories."""
LUT_DEPTH = 512
"""Depth of the largest memory that is built of LUTs."""


class ThresholdStream(Engine):
    """Each step finds a bit of the result, the highest first: read the threshold amid what is left, compare."""

    stem = "threshold_stream"
    ops = (Threshold,)

    def refuses(self, site: Site, target: Target) -> str:
        op, most = _op(site), (1 << MOST_STEPS) - 1
        thresholds = op.thresholds.shape[1]
        if thresholds > most:
            return f"{thresholds} thresholds per channel; at most {most}"
        if not (-(1 << 31) <= op.lo and op.lo + most < 1 << 31):
            return f"results from {op.lo} exceed 32 bits"
        return ""

    def choices(self, site: Site) -> Iterator[Knobs]:
        return ({"lanes": n} for n in folds(site.arg.channels))

    def lanes(self, site: Site, knobs: Knobs) -> tuple[tuple[int, ...], int]:
        return (knobs["lanes"],), knobs["lanes"]

    def cycles(self, site: Site, knobs: Knobs) -> int:
        return site.arg.pixels * beats(site.arg.channels, knobs["lanes"])

    def timing(self, site: Site, knobs: Knobs) -> Timing:
        return pixelwise(site.arg, beats(site.arg.channels, knobs["lanes"]), _pipeline(site) + QUEUE_LATENCY)

    def cost(self, site: Site, knobs: Knobs, target: Target) -> Resources:
        x, lanes, bits = site.arg.codes, knobs["lanes"], _bounds(site).bits
        count = beats(site.arg.channels, lanes)
        total = queue_cost(site.out.codes.bits * lanes, _pipeline(site) + 4, target)
        for step in range(_steps(site)):
            depth = count << step
            if step < _block_from(site, lanes):
                total += rom_cost(bits, depth, LUTRAM, target) * lanes
            else:
                total += Resources(bram18=_blocks(bits, lanes, depth, target))
            compare = Resources(lut=-(-bits // 2), ff=2 * x.bits + 2 * step + 1)
            total += compare * lanes + Resources(ff=2 * (count - 1).bit_length())
        return total

    def params(self, site: Site, knobs: Knobs) -> dict[str, int]:
        x, lanes = site.arg.codes, knobs["lanes"]
        return {
            "Lanes": lanes,
            "Beats": beats(site.arg.channels, lanes),
            "InBits": x.bits,
            "InSigned": int(x.signed),
            "BoundBits": _bounds(site).bits,
            "Steps": _steps(site),
            "OutBits": site.out.codes.bits,
            "Lo": _op(site).lo,
            "BlockFrom": _block_from(site, lanes),
        }

    def memories(self, site: Site, knobs: Knobs) -> dict[str, Memory]:
        """The thresholds of each step by beat, then by the bits found before."""
        thresholds, bounds, steps = _op(site).thresholds.values, _bounds(site), _steps(site)
        lanes, count = knobs["lanes"], beats(site.arg.channels, knobs["lanes"])
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
            ram = BLOCK if _block_from(site, lanes) <= step < steps else LUTRAM
            memories[f"MemFile{step}"] = uniform_memory(words, bounds.bits, reads, ram)
        return memories


def _steps(site: Site) -> int:
    """Bits of the largest number of thresholds."""
    return _op(site).thresholds.shape[1].bit_length()


def _pipeline(site: Site) -> int:
    """Stages from the input port to the output queue."""
    return 2 * _steps(site) + 2


def _bounds(site: Site) -> Codes:
    """Range of the thresholds that matter: one beyond the inputs is never reached, however far."""
    x = site.arg.codes
    return Codes(x.lo, x.hi + 1)


def _block_from(site: Site, lanes: int) -> int:
    """The first step whose memory is block RAM."""
    return sum(beats(site.arg.channels, lanes) << step <= LUT_DEPTH for step in range(_steps(site)))


def _blocks(bits: int, lanes: int, depth: int, target: Target) -> int:
    """Block RAMs of one step: each lane has a copy of those in which its field of the common word lies.

    Synthesis cuts the word into blocks, or pairs of blocks where that takes no more, and drops what is not read.
    """
    word, memory = bits * lanes, target.memory
    ways = [(-(-depth // words), width) for words, width in memory.bram18]
    rows, width = min(
        ways, key=lambda way: -(-way[0] * word // way[1]) if memory.end_to_end else way[0] * -(-word // way[1])
    )
    pair = 2 if memory.paired and -(-word // width) % 2 == 0 else 1
    block = pair * width
    row = word if memory.end_to_end else -(-word // block) * block
    fields = [r * row + lane * bits for r in range(rows) for lane in range(lanes)]
    return pair * sum((begin + bits - 1) // block - begin // block + 1 for begin in fields)


def _op(site: Site) -> Threshold:
    assert isinstance(site.op, Threshold)
    return site.op


ENGINE = ThresholdStream()
