"""Weights from memory as they are asked for: region after region in any order, as fast as the memory gives.

Many cases, each tom_bring with memories of its own, are one design, which plays scenarios of fetch_scenarios.py.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import pytest

from tests.hw.rtl.fetch.test_fetch import STOPPED, Case, play

ALL = "nothing|full_speed|pause|error|stops"
pytestmark = pytest.mark.rtl


@dataclass(frozen=True, slots=True)
class Asked(Case):
    """Regions that one reader asks for at random: a round is as many beats as all have together."""

    reader: ClassVar = "tom_bring"

    @property
    def clients(self) -> Sequence[int]:
        return [sum(self.counts)]

    @property
    def regions(self) -> dict[str, int]:
        return {"Regions": len(self.counts)}


CASES = {
    "one": Asked(16, 8, [1000], 160, least=0.97),
    "pair": Asked(16, 8, [100, 48], 160, least=0.97),
    "many": Asked(4, 4, [12] * 60 + [4, 8, 20, 4], 160, least=0.97),
    "small": Asked(
        4, 4, [1, 61, 2, 3, 5, 8, 1, 37, 4, 30, 33, 1, 1, 16, 9, 60, 2], 16, channels=2, ram=1,
        memory={"StallPerMille": 200, "Latency": 20},
    ),
    "throttled": Asked(16, 16, [100, 333, 16], 160, channels=4, memory={"PerMille": 800}, least=0.792, most=0.808),
    "refreshed": Asked(
        16, 8, [40, 200, 1], 160, channels=3, ram=1,
        memory={"RefreshEvery": 400, "RefreshFor": 40, "Latency": 60, "Outstanding": 12}, least=0.85, most=0.91,
    ),
    "broken": Asked(32, 128, [70, 1, 33], 64, ram=2, memory={"Broken": 65, "Latency": 2}, least=0.97),
}  # fmt: skip


def test_regions_come_in_the_order_in_which_they_are_asked_for(tmp_path: Path) -> None:
    play(CASES, tmp_path, ALL)


FEW = {
    "pair": CASES["pair"],
    "tiny": Asked(4, 4, [9, 1, 30], 16, channels=2, memory={"StallPerMille": 200, "Latency": 20}),
}
CHANNEL = "tom_bring_channel"
WRONG = {
    "a place that is not there": (CHANNEL, "room_q >= RoomBits'(MaxBeats)", "room_q != '0", STOPPED),
    "a region that ends early": (
        CHANNEL,
        "mores[r]  = NumberBits'((Count[r] - 1) >> BeatBits)",
        "mores[r] = '0",
        "wrong beats",
    ),
    "a last burst as long as others": (CHANNEL, "last ? rest_q : 8'(MaxBeats - 1)", "8'(MaxBeats - 1)", STOPPED),
    "beats of one channel alone": ("tom_bring", "&valid", "valid[0]", "wrong beats: {'tiny': "),
}


@pytest.mark.parametrize("name", WRONG)
def test_one_wrong_thing_is_found(name: str, tmp_path: Path) -> None:
    *wrong, said = WRONG[name]
    module, old, new = wrong
    with pytest.raises(AssertionError, match=re.escape(said)):
        play(FEW, tmp_path, "full_speed|pause", (module, old, new))
