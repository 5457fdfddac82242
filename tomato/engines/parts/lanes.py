"""Engines whose only knob is their lanes, and that take or give a beat per cycle."""

from collections.abc import Iterator
from functools import cached_property
from typing import TypeVar

from tomato.core.ir import Op
from tomato.engines.base import Knobs, Site, Unit, beats, folds

OpT = TypeVar("OpT", bound=Op)


class LaneUnit(Unit[OpT]):
    """As many lanes at every port; as many cycles as the result has beats."""

    @classmethod
    def choices(cls, site: Site[OpT]) -> Iterator[Knobs]:
        return ({"lanes": n} for n in folds(site.out.channels))

    @property
    def count(self) -> int:
        """Lanes of every stream."""
        return self.knobs["lanes"]

    @property
    def lanes(self) -> tuple[tuple[int, ...], int]:
        return (self.count,) * len(self.args), self.count

    @cached_property
    def beats(self) -> int:
        """Beats per pixel of the result."""
        return beats(self.out.channels, self.count)

    @property
    def cycles(self) -> int:
        return self.out.pixels * self.beats
