"""What the engines of depthwise convolutions have in common."""

from functools import cached_property

from tomato.core.formats import Array
from tomato.engines.base import Knobs, Site
from tomato.engines.parts import dot
from tomato.engines.parts.fold import WindowFold
from tomato.engines.parts.ring import queue_places
from tomato.ops.conv2d import Conv2d


class DepthwiseFold(WindowFold):
    """Lanes are channels, each with multipliers of its own."""

    @classmethod
    def refuses(cls, site: Site[Conv2d]) -> str:
        return "" if site.op.depthwise else "only depthwise: one filter per channel"

    @classmethod
    def shares(cls, site: Site[Conv2d]) -> bool:
        return False

    @classmethod
    def fills(cls, site: Site[Conv2d], shape: Knobs, cell: Knobs) -> bool:
        return True

    @property
    def inputs(self) -> int:
        return self.ring.taps

    @property
    def outputs(self) -> int:
        return self.knobs["lanes"]

    @cached_property
    def lanes(self) -> tuple[tuple[int, ...], int]:
        return (self.knobs["lanes"],), self.knobs["lanes"]

    @cached_property
    def places(self) -> int:
        """Places of the output queue."""
        return queue_places(self.pipeline, self.ring.steps)

    @cached_property
    def table(self) -> Array:
        """One input channel, and channels in the place of filters."""
        return dot.weight_words(self.op.weight.values, 1, 1, self.knobs["lanes"], self.taps, self.filler)
