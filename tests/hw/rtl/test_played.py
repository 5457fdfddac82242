"""Small networks whose layers share an engine: interval and latency are those that playing their turns gives."""

from pathlib import Path

import pytest

from tomato.build.simulation import describe, simulate
from tomato.schedule.play import play
from tools.bench.turns import CASES, made

FRAMES = 4
NEAR = 0.02


@pytest.mark.rtl
@pytest.mark.parametrize("name", ["chain-memory", "residual-wide"])
def test_turns_take_what_was_played(name: str, tmp_path: Path) -> None:
    accelerator = made(CASES[name], tmp_path / "model.onnx")
    folder = accelerator.write(tmp_path / name)
    lowered = accelerator.lowered
    known = play(lowered.units, accelerator.graph, lowered.routes, FRAMES)
    ran = simulate(folder, frames=FRAMES)
    assert ran["bit_exact"], describe(ran)
    assert ran["interval_cycles"] == pytest.approx(known.interval, rel=NEAR), describe(ran)
    assert ran["latency_cycles"] == pytest.approx(known.latency, rel=NEAR), describe(ran)
