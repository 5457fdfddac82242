"""Engines that join the early frames of a head with the late ones: what they have in common."""

from functools import cached_property

from tomato.engines.parts.lanes import LaneUnit
from tomato.ops.exits import Exit


class Join(LaneUnit[Exit]):
    """A bit for every frame, beside the streams of early and of late frames."""

    ops = (Exit,)

    @property
    def lanes(self) -> tuple[tuple[int, ...], int]:
        return (1, self.count, self.count), self.count

    @cached_property
    def params(self) -> dict[str, int]:
        _, early, late = (kind.codes for kind in self.args)
        return {
            "Lanes": self.count,
            "EarlyBits": early.bits,
            "EarlySigned": int(early.signed),
            "LateBits": late.bits,
            "LateSigned": int(late.signed),
            "OutBits": self.out.codes.bits,
            "Beats": self.cycles,
        }
