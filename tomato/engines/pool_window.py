"""Maximum and sum over a sliding window."""

from collections.abc import Iterator
from functools import cached_property
from itertools import product

from tomato.core.ir import TensorType
from tomato.engines.base import Knobs, Site, Timing, Unit, folds
from tomato.engines.parts.columns import together
from tomato.engines.parts.ring import Ring, frontier, queue_places
from tomato.hardware.plumbing import output_cost
from tomato.ops.pool import MaxPool, SumPool
from tomato.ops.window import Window
from tomato.targets import Resources

PIPELINE = 6
"""Cycles from the last read of a pixel to its result at the output, tree not counted."""


class PoolWindow(Unit[MaxPool | SumPool]):
    """A line buffer in front of a tree of maxima or adders per lane.

    Where there are more lanes than channels, an input beat has neighbouring columns of all channels.
    """

    stem = "pool_window"
    ops = (MaxPool, SumPool)

    @classmethod
    def refuses(cls, site: Site[MaxPool | SumPool]) -> str:
        return ""

    @classmethod
    def choices(cls, site: Site[MaxPool | SumPool]) -> Iterator[Knobs]:
        taps = [(0, 0), (0, 1), (1, 1)] if _window(site).taps > 1 else [(0, 0)]
        for lanes, some in ((folds(site.arg.channels), taps), (_wide(site), taps[1:])):
            shapes = ({"lanes": n, "parallel_rows": r, "parallel_columns": c} for n, (r, c) in product(lanes, some))
            yield from (unit.knobs for unit in frontier(cls(site, knobs) for knobs in shapes))

    @property
    def columns(self) -> int:
        return self.ring.pixels

    @cached_property
    def effort(self) -> float:
        ring = self.ring
        return ring.lanes * ring.taps * (3 if ring.taps > 1 else 1) * 8 + ring.lanes * 8

    @cached_property
    def ring(self) -> Ring:
        window = _window(self.site)
        rows, columns = bool(self.knobs["parallel_rows"]), bool(self.knobs["parallel_columns"])
        reads = (1 if rows else window.kernel[0]) * (1 if columns else window.kernel[1])
        channels, lanes = self.arg.channels, self.knobs["lanes"]
        cycles, pixels = -(-channels // lanes) * reads, max(1, lanes // channels)
        return Ring(self.target, self.arg, window, lanes // pixels, rows, columns, cycles, pixels)

    @cached_property
    def lanes(self) -> tuple[tuple[int, ...], int]:
        return (self.knobs["lanes"],), self.ring.lanes

    @cached_property
    def views(self) -> tuple[TensorType, ...]:
        return (self.ring.view,)

    @cached_property
    def cycles(self) -> int:
        return self.ring.cycles

    @cached_property
    def timing(self) -> Timing:
        ring = self.ring
        return ring.timing(PIPELINE + (ring.taps - 1).bit_length())

    @cached_property
    def places(self) -> int:
        """Places of the output queue."""
        return queue_places(PIPELINE - 1 + (self.ring.taps - 1).bit_length(), self.ring.steps)

    @cached_property
    def formula(self) -> Resources:
        ring, bits = self.ring, self.out.codes.bits
        step = 3 * bits // 2 if isinstance(self.op, MaxPool) else bits
        steps = ring.taps - (ring.taps == ring.window.taps)  # reads of one cycle need no running result
        tree = Resources(lut=step, ff=bits) * (steps * ring.lanes)
        return ring.cost + tree + output_cost(ring.lanes * bits, self.places, self.target)

    @cached_property
    def params(self) -> dict[str, int]:
        ring, x = self.ring, self.arg.codes
        return {
            "Lanes": ring.lanes,
            "Beats": ring.beats,
            **ring.params(),
            "PadValue": self.op.pad_value if isinstance(self.op, SumPool) else x.lo,
            **ring.bank_params(),
            "InBits": x.bits,
            "InSigned": int(x.signed),
            "OutBits": self.out.codes.bits,
            "Max": int(isinstance(self.op, MaxPool)),
        }


def _wide(site: Site[MaxPool | SumPool]) -> list[int]:
    """Lanes that are all channels of several columns: only a stride lets the engine use them."""
    window, (_, width, channels) = _window(site), site.arg.shape
    return [n * channels for n in together(width)] if window.stride[1] > 1 and window.kernel[1] > 1 else []


def _window(site: Site[MaxPool | SumPool]) -> Window:
    assert isinstance(site.op, MaxPool | SumPool)
    return site.op.window


ENGINE = PoolWindow
