"""A layer that shares an engine, as scheduler, lowering and report see it."""

from collections.abc import Iterator, Mapping
from functools import cached_property
from math import ceil

import numpy as np

from tomato.core.formats import Codes
from tomato.engines.base import FREE, Fetched, Interval, Knobs, Site, Timing, Unit
from tomato.engines.parts import dot
from tomato.engines.parts.members import Turns
from tomato.engines.parts.shared import Group
from tomato.engines.parts.shared_fetched import FetchedGroup
from tomato.hardware.memory import Store
from tomato.hardware.netlist import SHARED_FETCHED, SHARED_FOLD, Memory
from tomato.ops.narrowed import Narrowed
from tomato.targets import Resources

STEM = SHARED_FOLD.removeprefix("tom_")
"""The name of the engine in a plan."""


class Member(Unit[Narrowed]):
    """A layer that shares an engine: what it takes is told with the first of the group."""

    stem = STEM
    ops = (Narrowed,)

    def __init__(self, group: Group, number: int) -> None:
        super().__init__(group.sites[number], group.knobs)
        self.group = group
        self.number = number

    @classmethod
    def refuses(cls, site: Site[Narrowed]) -> str:
        op, window = site.op, site.op.window
        if op.summed.groups != 1:
            return "its channels are in groups"
        if window.dilation != (1, 1):
            return "its kernel is dilated"
        if op.narrow.nudged_sums is None:
            return "its requantisation has nudges that differ from channel to channel"
        if not (-(1 << 31) <= op.narrow.lo and op.narrow.hi < 1 << 31):
            return f"results in {op.narrow.lo}..{op.narrow.hi} exceed 32 bits"
        if site.arg.shape[0] < (site.out.shape[0] - 1) * window.stride[0] + 1:
            return "its last windows lie below the frame"
        return ""

    @classmethod
    def choices(cls, site: Site[Narrowed]) -> Iterator[Knobs]:
        """None by itself: see Members.groups."""
        return iter(())

    @classmethod
    def units(cls, site: Site[Narrowed]) -> Iterator["Member"]:
        return iter(())

    @property
    def leads(self) -> bool:
        """Whether it is the first of its group."""
        return self.number == 0

    @property
    def ends(self) -> bool:
        """Whether it is the last of its group."""
        return self.number == len(self.group.sites) - 1

    @property
    def layer(self) -> Turns:
        """Its sizes."""
        return self.group.layers[self.number]

    @property
    def lanes(self) -> tuple[tuple[int, ...], int]:
        return (1,), 1

    @property
    def cycles(self) -> int:
        return self.layer.turns * self.group.turn(self.layer)

    @property
    def interval(self) -> Interval:
        return Interval(self.group.cycles, self.group.cycles)

    @property
    def multipliers(self) -> int:
        return self.group.multipliers if self.leads else 0

    @property
    def weight_format(self) -> str:
        fmt = self.op.summed.weight.fmt
        assert isinstance(fmt, Codes)
        return str(fmt.full)

    @property
    def weight_bits(self) -> int:
        return self.op.summed.weight.values.size * dot.field_bits(self.group.members.weight, self.knobs)

    @property
    def stores(self) -> Mapping[str, Store]:
        return self.group.stores if self.leads else {}

    @cached_property
    def timing(self) -> Timing:
        """Of a layer whose turns come evenly, as seldom as they may."""
        layer, turn = self.layer, self.group.turn(self.layer)
        need = np.repeat((layer.waits + 1) * layer.arg.shape[1] - 1, layer.out.shape[1])
        room = np.full(self.arg.pixels, FREE)  # where there is none, who makes it waits: others have their turns
        latency = self.group.wait + turn + self.group.delay + self.group.leaving(self.number)
        return Timing((need,), max(ceil(turn / layer.tile), self.group.cycles // self.out.pixels), latency, (room,))

    @property
    def formula(self) -> Resources:
        return self.group.formula if self.leads else Resources()

    @property
    def params(self) -> dict[str, int]:
        return self.group.params if self.leads else {}

    @property
    def memories(self) -> dict[str, Memory]:
        return self.group.memories if self.leads else {}


class FetchedMember(Member):
    """A layer that shares an engine, and whose weights are fetched for each of its turns."""

    stem = SHARED_FETCHED.removeprefix("tom_")
    fetches = True

    @classmethod
    def refuses(cls, site: Site[Narrowed]) -> str:
        if site.target.off_chip is None:
            return f"{site.target.name} has no memory beside the chip that it could read"
        return super().refuses(site)

    @property
    def _group(self) -> FetchedGroup:
        assert isinstance(self.group, FetchedGroup)
        return self.group

    @property
    def lanes(self) -> tuple[tuple[int, ...], int]:
        codes_in, codes_out = self.group.codes
        return (codes_in,), codes_out

    @property
    def weight_bits(self) -> int:
        return self.op.summed.weight.values.size * dot.field_bits(self.group.members.weight, self._group.array)

    @property
    def fetched(self) -> Fetched:
        return self._group.fetched(self.layer)

    @property
    def fetched_words(self) -> tuple[int, int]:
        return self.layer.reads, self._group.word_bits

    @property
    def fetched_bytes(self) -> int:
        return self.layer.turns * self._group.fetched_bytes(self.layer)


KINDS: Mapping[str, tuple[type[Member], type[Group]]] = {
    STEM: (Member, Group),
    FetchedMember.stem: (FetchedMember, FetchedGroup),
}
"""How layers and the engine that they share are described, by what a plan calls it."""


def units_of(group: Group) -> tuple[Member, ...]:
    """The layers of a group, in order."""
    member = FetchedMember if isinstance(group, FetchedGroup) else Member
    return tuple(member(group, number) for number in range(len(group.sites)))
