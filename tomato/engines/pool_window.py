"""Maximum and sum over a sliding window."""

from collections.abc import Iterator
from itertools import product

from tomato.engines.base import Engine, Knobs, Site, Timing, folds
from tomato.engines.parts.ring import Ring, frontier, queue_cost
from tomato.ops.pool import MaxPool, SumPool
from tomato.ops.window import Window
from tomato.targets import Resources, Target

PIPELINE = 6
"""Cycles from the last read of a pixel to its result at the output, tree not counted."""


class PoolWindow(Engine):
    """A line buffer in front of a tree of maxima or adders per lane."""

    stem = "pool_window"
    ops = (MaxPool, SumPool)

    def refuses(self, site: Site, target: Target) -> str:
        return ""

    def choices(self, site: Site) -> Iterator[Knobs]:
        taps = [(0, 0), (0, 1), (1, 1)] if _window(site).taps > 1 else [(0, 0)]
        shapes = (
            {"lanes": n, "parallel_rows": r, "parallel_columns": c}
            for n, (r, c) in product(folds(site.arg.channels), taps)
        )
        return frontier(shapes, lambda k: self.cycles(site, k), lambda k: self._effort(site, k))

    def _effort(self, site: Site, knobs: Knobs) -> float:
        ring = self._ring(site, knobs)
        return ring.lanes * ring.taps * (3 if ring.taps > 1 else 1) * 8 + ring.lanes * 8

    def _ring(self, site: Site, knobs: Knobs) -> Ring:
        window = _window(site)
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
        return ring.timing(PIPELINE + (ring.taps - 1).bit_length())

    def cost(self, site: Site, knobs: Knobs, target: Target) -> Resources:
        ring, bits = self._ring(site, knobs), site.out.codes.bits
        step = 3 * bits // 2 if isinstance(site.op, MaxPool) else bits
        steps = ring.taps - (ring.taps == ring.window.taps)  # reads of one cycle need no running result
        tree = Resources(lut=step, ff=bits) * (steps * ring.lanes)
        return ring.cost(target, ring.ram) + tree + queue_cost(ring.lanes * bits, target)

    def params(self, site: Site, knobs: Knobs) -> dict[str, int]:
        ring, x = self._ring(site, knobs), site.arg.codes
        return {
            "Lanes": ring.lanes,
            "Beats": ring.beats,
            **ring.params(),
            "PadValue": site.op.pad_value if isinstance(site.op, SumPool) else x.lo,
            **ring.bank_params(ring.ram),
            "InBits": x.bits,
            "InSigned": int(x.signed),
            "OutBits": site.out.codes.bits,
            "Max": int(isinstance(site.op, MaxPool)),
        }


def _window(site: Site) -> Window:
    assert isinstance(site.op, MaxPool | SumPool)
    return site.op.window


ENGINE = PoolWindow()
