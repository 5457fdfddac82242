"""Engines with the line buffer of dense_fold or conv2d_window, and other arrays of multipliers behind it."""

from abc import abstractmethod
from dataclasses import replace
from functools import cached_property
from typing import Any, ClassVar, Self

from tomato.core.formats import Codes
from tomato.core.ir import TensorType
from tomato.engines.base import Site, Timing, beats
from tomato.engines.conv2d_window import Conv2dWindow
from tomato.engines.dense_fold import DenseFold
from tomato.engines.parts.fold import FoldUnit
from tomato.engines.parts.ring import queue_places
from tomato.engines.parts.weighted import WeightedUnit
from tomato.hardware.memory import Ram, rom_cost
from tomato.hardware.plumbing import output_cost
from tomato.ops.conv2d import Conv2d
from tomato.ops.dense import Dense
from tomato.targets import Resources


class Rearranged(WeightedUnit[Dense | Conv2d]):
    """The reads of a plain engine, `whole`, of the same knobs; what multiplies them is another."""

    ops = (Dense, Conv2d)
    loads: ClassVar[bool] = False

    @classmethod
    def refuses(cls, site: Site[Dense | Conv2d]) -> str:
        depthwise = isinstance(site.op, Conv2d) and site.op.depthwise
        return "filters of one channel share no inputs" if depthwise else ""

    @classmethod
    def factors(cls, site: Site[Dense | Conv2d]) -> Codes:
        return plain(site).factors(site)

    def stored(self, kind: Ram) -> Self:
        """Likewise; what it takes is found out when it is asked for."""
        return type(self)(self.site, {**self.knobs, "weight_ram": kind}).beside(self.whole)

    def beside(self, whole: FoldUnit[Any]) -> Self:
        """The same unit; the plain engine is known, and what was found out about it."""
        self.__dict__["whole"] = whole
        return self

    @cached_property
    def whole(self) -> FoldUnit[Any]:
        """The plain engine: its ring and its reads are the same."""
        return plain(self.site)(self.site, self.knobs)

    @property
    def inputs(self) -> int:
        """Products of a read and filter."""
        return self.whole.inputs

    @property
    def lanes(self) -> tuple[tuple[int, ...], int]:
        return self.whole.lanes

    @property
    def views(self) -> tuple[TensorType, ...]:
        return self.whole.views

    @property
    def cycles(self) -> int:
        return self.whole.cycles

    @property
    def multipliers(self) -> int:
        return self.whole.multipliers

    @property
    def words(self) -> int:
        return self.whole.words

    @property
    @abstractmethod
    def pipeline(self) -> int:
        """Cycles from the last read of a pass to its result at the queue."""

    @cached_property
    def timing(self) -> Timing:
        timing = self.whole.timing
        return replace(timing, latency=timing.latency + self.pipeline + 1 - self.whole.delay)

    @cached_property
    def places(self) -> int:
        """Places of the output queue."""
        return queue_places(self.pipeline, self._reads)

    @property
    def _reads(self) -> int:
        """Reads of a pass."""
        return self.whole.pixel_cycles // beats(self.out.channels, self.whole.outputs)

    @cached_property
    def around(self) -> Resources:
        """What is neither in an array nor a memory of weights: that in front of the plain one, and the queue."""
        results = self.whole.outputs * self.out.codes.bits
        return self.whole.front + output_cost(results, self.places, self.target)

    @property
    def formula(self) -> Resources:
        return sum((rom_cost(store, self.target) for store in self.stores.values()), start=self.bare)

    def reading(self, **more: int) -> dict[str, int]:
        """The parameters from the lanes to the line buffer; `more` are behind the number of filters."""
        whole, groups = self.whole, groups_of(self.site)
        (in_lanes,) = whole.lanes[0]
        return {
            "Lanes": in_lanes // self.knobs.get("pixels", 1),
            "Outputs": whole.outputs,
            **more,
            "Beats": beats(self.arg.channels, self.knobs["lanes_in"]),
            "Groups": groups,
            "Folds": beats(self.out.channels // groups, whole.outputs),
            "Depth": self.places,
            **whole.window_params,
        }


def plain(site: Site[Any]) -> type[FoldUnit[Any]]:
    """The engine with a single array."""
    return DenseFold if isinstance(site.op, Dense) else Conv2dWindow


def groups_of(site: Site[Any]) -> int:
    """Groups of channels."""
    return site.op.groups if isinstance(site.op, Conv2d) else 1
