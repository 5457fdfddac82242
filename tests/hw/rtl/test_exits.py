"""Networks with early exits, whole: bit-exact whichever frames leave, never stuck, and as fast as predicted."""

import json
from pathlib import Path

import numpy as np
import pytest

from tests.networks.heads import frames, three_heads, two_heads
from tomato.accelerator import Accelerator
from tomato.build.simulation import csim, first_difference, simulate
from tomato.compiler import compile_model
from tomato.core.formats import Array
from tomato.measure.leaving import leaving, passes

POOL = 160
NEAR = 0.05
"""How far off the average of a few frames may be: the model knows frames, not beats."""
TWO, THREE = {"early": 0.36}, {"first": 0.36, "second": 0.04}


def sequences(accelerator: Accelerator, pool: Array) -> Array:
    """Frames that all go on, that all leave at once, by turns, and in bursts."""
    passed = np.array(passes(accelerator, [pool], len(pool)))
    hard, easy = np.flatnonzero(passed == passed.max()), np.flatnonzero(passed == 0)
    rest = np.flatnonzero((passed > 0) & (passed < passed.max()))
    turns = np.stack([np.resize(hard, 8), np.resize(easy, 8)], axis=1).reshape(-1)
    bursts = np.concatenate([easy[:9], hard[:5], rest[:4], easy[:1], hard[:3]])
    return np.asarray(pool[np.concatenate([hard[:12], easy[:24], turns, bursts, np.arange(20)])])


@pytest.mark.rtl
@pytest.mark.parametrize("case", ["two", "three"])
def test_hardware_is_exact_and_as_fast_as_predicted(case: str, tmp_path: Path) -> None:
    model = two_heads(tmp_path, skip=True) if case == "two" else three_heads(tmp_path)
    early = TWO if case == "two" else THREE
    made = compile_model(model, "zcu104", calibration=frames(128), early=early, fps=1_000_000, shell="none")
    folder = made.write(tmp_path / "build", backends=("verilog", "hls"))
    played = sequences(made, frames(POOL, seed=5))
    made.write_vectors(folder, played)
    count = len(played)
    assert set(passes(made, [played], count)) == set(range(len(early) + 1))
    for stall in (0.0, 0.4):
        summary = simulate(folder, frames=count, stall=stall, checked=True)
        assert summary["bit_exact"], summary
    made.write_vectors(folder, frames(60, seed=7))
    summary = simulate(folder, frames=60, checked=True)
    left = leaving(made, [frames(60, seed=7)], 60)
    assert left is not None
    assert summary["interval_cycles"] == pytest.approx(left.interval, rel=NEAR)
    assert csim(folder, frames=20)["bit_exact"]


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
