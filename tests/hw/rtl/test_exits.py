"""Networks with early exits, whole: bit-exact whichever frames leave, never stuck, and as fast as predicted."""

import json
from pathlib import Path

import numpy as np
import pytest

from tests.networks.heads import frames, three_heads, two_heads
from tomato.accelerator import Accelerator
from tomato.build.simulation import csim, describe, first_difference, received, simulate
from tomato.compiler import compile_model
from tomato.core.formats import Array
from tomato.measure.leaving import leaving, passes
from tomato.measure.played import keep
from tomato.runtime import Session
from tomato.schedule import early
from tomato.schedule.plan import Order
from tomato.schedule.rates import rates_of

POOL = 160
NEAR = 0.05
"""How far off the average of a few frames may be: the model knows frames, not beats."""
CYCLES = 4
"""How far off the latency of a frame that does not wait may be."""
TWO, THREE = {"early": 0.36}, {"first": 0.36, "second": 0.04}


def arrivals(tmp_path: Path, bits: int, monkeypatch: pytest.MonkeyPatch) -> tuple[Accelerator, Path]:
    """A network whose results leave as they come, with numbers of so many bits."""
    monkeypatch.setattr("tomato.exits.NUMBER_BITS", bits)
    made = compile_model(
        two_heads(tmp_path), "zcu104", calibration=frames(128), early=TWO, early_order="arrival", fps=500_000,
        shell="none",
    )  # fmt: skip
    return made, made.write(tmp_path / "build")


@pytest.mark.rtl
def test_results_leave_as_they_come_and_numbers_wrap(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same results in the order of the frames, though the hardware gave them in another; 32 numbers will do."""
    made, folder = arrivals(tmp_path, 5, monkeypatch)
    played = frames(40, seed=7)
    passed = np.array(passes(made, [played], 40))
    order = np.concatenate([np.flatnonzero(passed == 1)[:8], np.flatnonzero(passed == 0)[:8], np.arange(40)])
    made.write_vectors(folder, played[order])
    summary = simulate(folder, frames=3 * len(order), probe=True, checked=True)
    assert summary["bit_exact"], summary
    golden = made.run(made.encode(played[order]))[made.graph.outputs[0]]
    (port,) = made.lowered.netlist.outputs
    got = received(folder, port)
    assert np.array_equal(got[: len(order), ..., :-1], golden[..., :-1])
    (probe,) = (folder / "sim" / "work" / "probes").glob("early_q_exit.hex")
    words = np.array([int(word, 16) for word in probe.read_text().split()]).reshape(-1, port.frame_beats)
    numbers = words[:, -1] >> port.bits * ((port.shape[2] - 1) % port.lanes) & 31
    ahead = (numbers - np.arange(len(numbers)) + 16) % 32 - 16
    made_of = early.levels(made.graph, made.lowered.units, made.lowered.routes, rates_of(made.graph))
    assert 0 < np.max(np.abs(ahead)) <= early.overtaken(made_of)
    assert first_difference(folder, made.graph, made.plan, made.target, 3 * len(order)) is None


@pytest.mark.rtl
def test_a_host_puts_results_in_order(tmp_path: Path) -> None:
    """Through the AXI shell, run by run: results lie in memory as they came."""
    made = compile_model(
        three_heads(tmp_path), "pynq-z2", calibration=frames(128), early=THREE, early_order="arrival", fps=300_000
    )
    with Session(made.write(tmp_path / "build"), "sim") as session:
        for played in (frames(40, seed=3), frames(7, seed=4)):
            assert np.array_equal(session.run(played)["third"], made.golden(played))


@pytest.mark.rtl
def test_a_broken_numbering_is_caught_and_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A counter that stops at 3 bits: numbers come twice, and the layer that counts is named."""
    made, folder = arrivals(tmp_path, 16, monkeypatch)
    top = folder / "rtl" / "tom_number_frame.sv"
    text = top.read_text()
    assert "number_q + 1'b1" in text
    top.write_text(text.replace("number_q + 1'b1", "(number_q + 1'b1) & 7"))
    made.write_vectors(folder, frames(24, seed=7))
    summary = simulate(folder, frames=24, probe=True)
    assert not summary["bit_exact"]
    wrong = summary["first_mismatches"][0]
    assert wrong["number"] < 8
    assert "which is done or does not exist" in describe(summary)[1]
    found = first_difference(folder, made.graph, made.plan, made.target, 24)
    assert found is not None
    assert (found.layer, found.frame, found.got, found.expected) == ("frame_number", 8, 0, 8)


def sequences(accelerator: Accelerator, pool: Array) -> Array:
    """Frames that all go on, that all leave at once, by turns, and in bursts."""
    passed = np.array(passes(accelerator, [pool], len(pool)))
    hard, easy = np.flatnonzero(passed == passed.max()), np.flatnonzero(passed == 0)
    rest = np.flatnonzero((passed > 0) & (passed < passed.max()))
    turns = np.stack([np.resize(hard, 8), np.resize(easy, 8)], axis=1).reshape(-1)
    bursts = np.concatenate([easy[:9], hard[:5], rest[:4], easy[:1], hard[:3]])
    return np.asarray(pool[np.concatenate([hard[:12], easy[:24], turns, bursts, np.arange(20)])])


@pytest.mark.rtl
@pytest.mark.parametrize("order", ["frames", "arrival"])
@pytest.mark.parametrize("case", ["two", "three"])
def test_hardware_is_exact_and_as_fast_as_predicted(case: str, order: Order, tmp_path: Path) -> None:
    model = two_heads(tmp_path, skip=True) if case == "two" else three_heads(tmp_path)
    margins = TWO if case == "two" else THREE
    made = compile_model(
        model, "zcu104", calibration=frames(128), early=margins, early_order=order, fps=1_000_000, shell="none"
    )
    folder = made.write(tmp_path / "build", backends=("verilog", "hls"))
    played = sequences(made, frames(POOL, seed=5))
    made.write_vectors(folder, played)
    count = len(played)
    assert set(passes(made, [played], count)) == set(range(len(margins) + 1))
    for stall in (0.0, 0.4):
        summary = simulate(folder, frames=count, stall=stall, checked=True)
        assert summary["bit_exact"], summary
    made.write_vectors(folder, frames(60, seed=7))
    summary = simulate(folder, frames=60, checked=True)
    left = leaving(made, [frames(60, seed=7)], 60)
    assert left is not None
    assert summary["interval_cycles"] == pytest.approx(left.interval_cycles, rel=NEAR)
    assert summary["latency_cycles"] == pytest.approx(left.latency_cycles, abs=CYCLES)
    assert keep(folder, summary, left)["played"]["interval_cycles"] == left.interval_cycles
    assert csim(folder, frames=70)["bit_exact"]


@pytest.mark.rtl
def test_a_wrong_bit_is_found_where_it_arises(tmp_path: Path) -> None:
    """The stream behind an exit has frames that go on only; the first that differs is told by its own number."""
    model = two_heads(tmp_path)
    made = compile_model(model, "zcu104", calibration=frames(128), early=TWO, fps=500_000, shell="none")
    folder = made.write(tmp_path / "build")
    played = frames(24, seed=7)
    made.write_vectors(folder, played)
    design = json.loads((folder / "sim" / "design.json").read_text())
    assert design["exits"]
    simulate(folder, frames=24, probe=True)
    assert first_difference(folder, made.graph, made.plan, made.target, 24) is None
    (probe,) = (folder / "sim" / "work" / "probes").glob("c0_q_goes_on.hex")
    lines = probe.read_text().split()
    beats = len(lines) // sum(n > 0 for n in passes(made, [played], 24))
    lines[beats * 3] = f"{int(lines[beats * 3], 16) ^ 1:x}"
    probe.write_text("\n".join(lines) + "\n")
    found = first_difference(folder, made.graph, made.plan, made.target, 24)
    assert found is not None
    assert (found.layer, found.row, found.column) == ("c0_q_goes_on", 0, 0)
    assert found.frame == np.flatnonzero(passes(made, [played], 24))[3]
