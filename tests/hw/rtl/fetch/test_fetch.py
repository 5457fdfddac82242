"""Weights from memory: every client gets its region again and again, as fast as the memory gives, whoever stalls.

Many cases, each tom_fetch with memories and clients of its own, are one design, which plays fetch_scenarios.py.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from math import lcm
from pathlib import Path
from typing import ClassVar

import numpy as np
import pytest

from tests.hw.rtl import scenarios
from tests.hw.rtl.harness import Port, run
from tomato.backend.verilog import literal
from tomato.core.assets import asset

HERE = Path(__file__).parent
BENCH, PORTS = "tom_fetch_bench", 64
pytestmark = pytest.mark.rtl


@dataclass(frozen=True, slots=True)
class Case:
    """Parameters of the reader, and those of tom_memory that are not its defaults.

    least, most: beats a cycle of every channel, if clients read; where nothing is said of them the memory pauses at
    random, or bursts are shorter than what it takes to ask for one.
    """

    beats: int
    bytes: int
    counts: Sequence[int]
    depth: int
    channels: int = 1
    ram: int = 0
    memory: Mapping[str, int] = field(default_factory=dict)
    least: float = 0.0
    most: float = 1.0
    reader: ClassVar = "tom_fetch"

    @property
    def clients(self) -> Sequence[int]:
        """Beats that each of those who read gets in a round."""
        return self.counts

    @property
    def regions(self) -> dict[str, int]:
        """How many there are, by the reader's parameter."""
        return {"Clients": len(self.counts)}

    @property
    def begins(self) -> list[int]:
        """Regions lie one behind the other."""
        spans = [-(-n // self.beats) * self.beats for n in self.counts]
        return [sum(spans[:i]) for i in range(len(spans))]

    @property
    def words(self) -> int:
        return self.begins[-1] + self.counts[-1]

    def parameters(self, name: str) -> dict[str, int | str]:
        return {
            "Channels": self.channels, "DataBytes": self.bytes, "MaxBeats": self.beats, **self.regions,
            "Depth": self.depth, "Ram": self.ram, "Begin": table(self.begins), "Count": table(self.counts),
            "File": name, "Words": self.words, **self.memory,
        }  # fmt: skip

    def contents(self, channel: int) -> str:
        """A channel's memory, see `content` of tom_fetch_case.sv."""
        lanes = np.arange(1, self.words * self.bytes // 4 + 1, dtype=np.uint64)
        values = (lanes * np.uint64(2654435761) + np.uint64(40503 * channel)).astype("<u4")
        return "".join(f"{row.tobytes()[::-1].hex()}\n" for row in values.reshape(self.words, -1))


def table(numbers: Sequence[int]) -> int:
    return sum(n << 32 * i for i, n in enumerate(numbers))


CASES = {
    "alone": Case(16, 8, [1000], 160, least=0.97),
    "pair": Case(16, 8, [100, 17], 128, least=0.97),
    "many": Case(4, 4, [12] * 60 + [4, 8, 20, 4], 8, least=0.97),
    "small": Case(
        4, 4, [1, 61, 2, 3, 5, 8, 1, 37, 4, 30, 33, 1, 1, 16, 9, 60, 2], 16, channels=2, ram=1,
        memory={"StallPerMille": 200, "Latency": 20},
    ),
    "throttled": Case(16, 16, [100, 333, 16], 128, channels=4, memory={"PerMille": 800}, least=0.792, most=0.808),
    "refreshed": Case(
        16, 8, [40, 200, 1], 128, channels=3, ram=1,
        memory={"RefreshEvery": 400, "RefreshFor": 40, "Latency": 60, "Outstanding": 12}, least=0.88, most=0.91,
    ),
    "broken": Case(32, 128, [70, 1, 33], 64, ram=2, memory={"Broken": 65, "Latency": 2}, least=0.97),
}  # fmt: skip


def top(cases: Mapping[str, Case]) -> str:
    """The cases side by side: inputs for all of them, outputs in vectors, case 0 in the low bits."""
    parts = []
    for i, (name, case) in enumerate(cases.items()):
        values = ", ".join(f".{key}({literal(value)})" for key, value in case.parameters(name).items())
        clients = len(case.clients)
        parts.append(
            f"  {case.reader}_case #({values}) u_{name} (.clk_i, .rst_i, .go_i, .shift_i, .stall_i,\n"
            f"    .read_i({clients}'(read_i)), .got_o(got_o[{i}][{clients - 1}:0]), .wrong_o(wrong_o[{i}]),\n"
            f"    .asked_o(asked_o[{i}]), .error_o(error_o[{i}]), .idle_o(idle_o[{i}]));\n"
        )
    n = len(cases)
    ports = f"input wire logic clk_i, rst_i, go_i, input wire logic [63:0] shift_i, read_i, input wire logic [31:0] \
stall_i,\n  output wire logic [{n - 1}:0][{PORTS - 1}:0][31:0] got_o, output wire logic [{n - 1}:0][31:0] wrong_o, \
asked_o,\n  output wire logic [{n - 1}:0] error_o, idle_o"
    return f"module {BENCH} ({ports});\n{''.join(parts)}endmodule\n"


def play(cases: Mapping[str, Case], folder: Path, only: str = "", wrong: scenarios.Wrong | None = None) -> None:
    """Build the cases and play the scenarios, or some, see `scenarios.play`."""
    for name, case in cases.items():
        for channel in range(case.channels):
            (folder / f"{name}{channel}.hex").write_text(case.contents(channel))
    job = [
        {"name": name, "counts": list(case.clients), "least": case.least, "most": case.most,
         "broken": "Broken" in case.memory}
        for name, case in cases.items()
    ]  # fmt: skip
    (reader,) = {case.reader for case in cases.values()}
    beside = [asset("sim", "tom_memory.sv"), HERE / f"{reader}_case.sv"]
    scenarios.play(BENCH, top(cases), [reader], beside, HERE / "fetch_scenarios.py", folder, job, only, wrong)


def test_every_client_gets_its_region_again_and_again(tmp_path: Path) -> None:
    play(CASES, tmp_path, "^(?!.*beside)")


FEW = {
    "pair": CASES["pair"],
    "tiny": Case(4, 4, [9, 1, 30], 16, channels=2, memory={"StallPerMille": 200, "Latency": 20}),
}
CHANNEL, STOPPED = "tom_fetch_channel", "the simulation ended prematurely"
WRONG = {
    "a place that is not there": (CHANNEL, "room_q >= beats;", "room_q + 1'b1 >= beats;", STOPPED),
    "a region that ends late": (CHANNEL, "number == before_q", "number == before_q + 1", STOPPED),
    "nobody's turn ends": (CHANNEL, "int'(choice_q) < c;", "1'b1;", "client 2 of tiny: 0 beats of 30"),
    "beats of one channel alone": ("tom_fetch", "&all", "all[0]", "wrong beats: {'tiny': "),
}


@pytest.mark.parametrize("name", WRONG)
def test_one_wrong_thing_is_found(name: str, tmp_path: Path) -> None:
    *wrong, said = WRONG[name]
    module, old, new = wrong
    with pytest.raises(AssertionError, match=re.escape(said)):
        play(FEW, tmp_path, "full_speed|pause|never", (module, old, new))


def test_what_lies_beside_the_memory_is_told(tmp_path: Path) -> None:
    with pytest.raises(AssertionError, match=STOPPED):
        play(FEW, tmp_path, "beside")
    said = (tmp_path / "play.log").read_text()
    assert "u_memory has no burst of 128 bytes at address 'h0000000100101000" in said


@pytest.mark.parametrize(("beat", "word"), [(64, 12), (24, 200), (512, 72)])
def test_words(beat: int, word: int) -> None:
    """Words of whole bytes lie over the borders of beats; as many cycles as there are beats, or words."""
    size = -(-word // 8)
    words = 3 * lcm(beat // 8, size) // size
    data = np.random.default_rng(word).bytes(2 * words * size)
    beats, found = cut(data, beat // 8), cut(data, size)
    measured = run("tom_words", {"InBits": beat, "WordBits": word}, [Port(beat, beats)],
                   [Port(word, [w & (1 << word) - 1 for w in found])], frames=2)  # fmt: skip
    assert measured.interval == max(len(beats), len(found)) // 2


def cut(data: bytes, size: int) -> list[int]:
    return [int.from_bytes(data[i : i + size], "little") for i in range(0, len(data), size)]
