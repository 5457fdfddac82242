"""Depthwise convolution, tap by tap, that keeps no pixel longer than its windows see it."""

from collections.abc import Iterable, Iterator
from functools import cached_property
from typing import Self

from tomato.engines.base import Knobs, Site, beats, folds
from tomato.engines.parts import dot
from tomato.engines.parts.depthwise import DepthwiseFold
from tomato.engines.parts.pixel_ring import PixelRing
from tomato.ops.conv2d import Conv2d

PACES = 1, 2
"""Times the cycles of its reads that an engine may have for a frame: at twice as many a ring holds the least it can."""


class DepthwiseRing(DepthwiseFold):
    """A ring of pixels in front of a multiplier for every lane: slower than depthwise_window, in less memory."""

    stem = "depthwise_ring"
    ops = (Conv2d,)
    lean = True

    @classmethod
    def refuses(cls, site: Site[Conv2d]) -> str:
        return super().refuses(site) or ("" if site.op.window.taps > 1 else "its windows are single pixels")

    @classmethod
    def unrollings(cls, site: Site[Conv2d]) -> list[Knobs]:
        return [{"lanes": n, "pace": PACES[0]} for n in folds(site.arg.channels)]

    @classmethod
    def shapes(cls, site: Site[Conv2d], offers: Iterable[Knobs]) -> Iterator[Self]:
        for unit in super().shapes(site, offers):
            yield unit
            slower = (cls(site, {**unit.knobs, "pace": pace}) for pace in PACES[1:])
            yield from (other for other in slower if other.ring.places < unit.ring.places)

    @property
    def taps(self) -> tuple[bool, bool]:
        return False, False

    @cached_property
    def effort(self) -> float:
        lanes = self.knobs["lanes"]
        return dot.effort(1, lanes, self.knobs) + lanes * (self.out.codes.bits * 4 + self.arg.codes.bits)

    @cached_property
    def pixel_cycles(self) -> int:
        return beats(self.arg.channels, self.knobs["lanes"]) * self.op.window.taps

    @cached_property
    def ring(self) -> PixelRing:
        """The line buffer."""
        return PixelRing(
            self.target, self.arg, self.op.window, self.knobs["lanes"], self.pixel_cycles, self.knobs["pace"]
        )

    @property
    def exact(self) -> bool:
        return self.knobs["pace"] == 1

    @cached_property
    def params(self) -> dict[str, int]:
        ring = self.ring
        return {
            "Lanes": ring.lanes,
            "Beats": ring.beats,
            **ring.params(),
            "PadValue": self.op.pad_value,
            "Places": ring.places,
            "RingRam": ring.ram,
            **self.dot_params,
        }


ENGINE = DepthwiseRing
