"""Engines whose only knob is their lanes, and that take or give a beat per cycle."""

from collections.abc import Iterator
from dataclasses import replace
from functools import cached_property
from typing import TypeVar

from tomato.core.ir import Op
from tomato.engines.base import Knobs, Site, Unit, beats, folds
from tomato.engines.parts.columns import together

OpT = TypeVar("OpT", bound=Op)


class LaneUnit(Unit[OpT]):
    """As many lanes at every port; as many cycles as the result has beats.

    Where there are more lanes than channels, a beat has neighbouring columns of all channels, if the operator can.
    """

    def __init__(self, site: Site[OpT], knobs: Knobs) -> None:
        columns = knobs["lanes"] // site.out.channels
        self._columns = columns if columns > 1 and _able(site) else 1
        super().__init__(beside(site, self._columns) if self._columns > 1 else site, knobs)

    @classmethod
    def choices(cls, site: Site[OpT]) -> Iterator[Knobs]:
        channels = site.out.channels
        some = folds(channels) + [channels * n for n in wider(site)]
        return ({"lanes": n} for n in some)

    @property
    def columns(self) -> int:
        return self._columns

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


def wider(site: Site[OpT]) -> list[int]:
    """How many neighbouring columns an engine may take as one pixel, beside one."""
    return together(site.out.shape[1]) if _able(site) else []


def _able(site: Site[OpT]) -> bool:
    """Whether columns may be side by side: all arguments look like the result."""
    return all(kind.shape == site.out.shape for kind in site.args) and site.op.beside(2) is not None


def beside(site: Site[OpT], columns: int) -> Site[OpT]:
    """The site at which so many neighbouring columns are one pixel with the channels of all."""
    op = site.op.beside(columns)
    assert op is not None, f"{site.op.name} has no columns side by side"
    node = replace(site.node, op=op, type=site.out.beside(columns))
    return Site(node, tuple(kind.beside(columns) for kind in site.args), site.target)
