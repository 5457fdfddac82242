"""Links between boards: every stream gets its beats, as fast as the link carries them, whoever stalls.

Many cases, each both ends and a link of its own, are one design, which plays link_scenarios.py.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from tests.hw.rtl import scenarios
from tomato.backend.verilog import literal
from tomato.cluster.links import PACKET, Crossing
from tomato.core.assets import asset
from tomato.targets import Link

HERE = Path(__file__).parent
BENCH, PORTS = "tom_link_bench", 8
pytestmark = pytest.mark.rtl


@dataclass(frozen=True, slots=True)
class Case:
    """A link at 100 MHz: its streams have beats of `width` bits. lost: the word that gets lost; 0: none does."""

    streams: int
    width: int
    gbits_per_s: float
    latency_ns: float
    lost: int = 0

    @property
    def crossing(self) -> Crossing:
        link = Link("any", self.gbits_per_s, self.latency_ns)
        return Crossing("x", (12, 10, 1), self.width, False, 1, (12, 10, 1), 1, link, 100.0)

    @property
    def rate(self) -> float:
        """Beats a cycle that the link carries, or the sources make."""
        found = self.crossing
        return min(
            self.streams, found.link.per_mille(100.0) / 1000 * PACKET / (PACKET + 1) * found.beats / found.packing.words
        )

    def parameters(self) -> dict[str, int]:
        found = self.crossing
        return {
            "Streams": self.streams, "WordBits": found.word_bits, "Room": found.room, "Packet": PACKET,
            "Width": self.width, "Gather": found.packing.gather, "Latency": found.link.latency(100.0),
            "PerMille": found.link.per_mille(100.0), **({"Lost": self.lost} if self.lost else {}),
        }  # fmt: skip


CASES = {
    "alone": Case(1, 64, 6.4, 1000),
    "narrow": Case(1, 12, 6.4, 300),  # five beats in a word
    "wide": Case(2, 200, 12.8, 500),  # two words a beat
    "several": Case(5, 40, 6.4, 700),
    "slow": Case(3, 128, 9.0, 40),
    "lost": Case(2, 64, 6.4, 200, lost=777),
}


def top(cases: Mapping[str, Case]) -> str:
    """The cases side by side: inputs for all of them, outputs in vectors, case 0 in the low bits."""
    parts = []
    for i, (name, case) in enumerate(cases.items()):
        values = ", ".join(f".{key}({literal(value)})" for key, value in case.parameters().items())
        parts.append(
            f"  tom_link_case #({values}) u_{name} (.clk_i, .rst_i, .rst_far_i, .stall_i,\n"
            f"    .read_i({case.streams}'(read_i)), .got_o(got_o[{i}][{case.streams - 1}:0]), .wrong_o(wrong_o[{i}]),\n"
            f"    .sent_o(), .error_o(error_o[{i}]));\n"
        )
    n = len(cases)
    ports = f"input wire logic clk_i, rst_i, rst_far_i, input wire logic [{PORTS - 1}:0] read_i, \
input wire logic [31:0] stall_i,\n  output wire logic [{n - 1}:0][{PORTS - 1}:0][31:0] got_o, \
output wire logic [{n - 1}:0][31:0] wrong_o,\n  output wire logic [{n - 1}:0] error_o"
    return f"module {BENCH} ({ports});\n{''.join(parts)}endmodule\n"


def play(
    cases: Mapping[str, Case], folder: Path, only: str = "", wrong: scenarios.Wrong | None = None, stall: int = 0
) -> None:
    """Build the cases and play the scenarios, or some; the link pauses in `stall` of a thousand cycles."""
    job = [
        {"name": name, "streams": case.streams, "rate": case.rate * (1 - stall / 1000) ** 2, "lost": bool(case.lost),
         "gather": case.crossing.packing.gather, "packet": PACKET}
        for name, case in cases.items()
    ]  # fmt: skip
    modules = ["tom_link_tx", "tom_link_rx", "tom_pack", "tom_unpack"]
    beside = [asset("sim", "tom_link.sv"), HERE / "tom_link_case.sv"]
    script = HERE / "link_scenarios.py"
    scenarios.play(BENCH, top(cases), modules, beside, script, folder, job, only, wrong, {"tom_pauses": stall})


def test_every_stream_gets_its_beats_at_the_speed_of_the_link(tmp_path: Path) -> None:
    play(CASES, tmp_path)


def test_a_link_that_pauses_loses_nothing(tmp_path: Path) -> None:
    play(CASES, tmp_path, "pause|turns", stall=300)


FEW = {name: CASES[name] for name in ("narrow", "several")}
WRONG = {
    "too little room": ("tom_link_rx", "Told = Room / 4", "Told = Room", "slow: "),
    "more than there is room for": (
        "tom_link_tx",
        "16'(Room) - (sent_q",
        "16'(2 * Room) - (sent_q",
        "ended prematurely",
    ),
    "nobody's turn ends": ("tom_link_tx", "some_q[i] && i > int'(stream_q)", "some_q[i] && i == 0", "never"),
    "a number twice": ("tom_link_tx", "number_q <= number_q + 1'b1", "number_q <= number_q", "errors: "),
}


@pytest.mark.parametrize("name", WRONG)
def test_one_wrong_thing_is_found(name: str, tmp_path: Path) -> None:
    *wrong, said = WRONG[name]
    module, old, new = wrong
    with pytest.raises(AssertionError, match=re.escape(said)):
        play(FEW, tmp_path, "full_speed|never", (module, old, new))


def test_room_follows_from_the_way() -> None:
    case = CASES["alone"].crossing
    longer = replace(case, link=replace(case.link, latency_ns=2000))
    assert longer.room - case.room == pytest.approx(4 / 3 * 2 * 100, abs=64)
    assert case.packing.gather == 1
    assert CASES["narrow"].crossing.packing.gather == 5
