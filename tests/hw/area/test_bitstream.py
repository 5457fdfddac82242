"""A small network all the way to a bitstream with open tools, and its netlist against the golden vectors."""

import json
from pathlib import Path

import numpy as np
import pytest

from tests.networks.codenets import residual
from tomato import board, targets
from tomato.backend import project
from tomato.build import bitstream, gates
from tomato.build.folder import TARGET
from tomato.build.report import report
from tomato.core.interpret import interpret
from tomato.core.ir import Graph
from tomato.lower import lower
from tomato.schedule import schedule

FRAMES = 2


def written(tmp_path: Path, graph: Graph, board_name: str) -> Path:
    """The build folder of a network, small and slow, with random frames."""
    target = targets.load(board_name)
    plan = schedule(graph, target, fps=1_000)
    lowered = lower(graph, plan, target)
    facts = report(graph, plan, target, lowered, model="residual", notes=[])
    project.write(tmp_path, lowered.netlist, facts, plan.to_toml())
    board.write(tmp_path, lowered, target, facts, "axi")
    x = {"x": np.random.default_rng(0).integers(-128, 127, (FRAMES, *graph.types["x"].shape), endpoint=True)}
    project.write_vectors(tmp_path, lowered.netlist, x | interpret(graph, x))
    (tmp_path / TARGET).parent.mkdir()
    (tmp_path / TARGET).write_text(json.dumps(targets.describe(target)))
    return tmp_path


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A network with a shortcut, on an ECP5."""
    return written(tmp_path, residual(), "colorlight-i5")


@pytest.mark.slow
def test_a_bitstream_takes_what_was_predicted_and_is_fast_enough(folder: Path) -> None:
    result = bitstream.build(folder)
    placed, predicted = result["placed"], result["predicted"]
    assert (placed["dsp"], placed["bram18"]) == (predicted["dsp"], predicted["bram18"])
    for kind in ("lut", "ff"):
        assert abs(predicted[kind] - placed[kind]) <= 0.2 * placed[kind], result
    assert result["clock_mhz"]["reached"] >= result["clock_mhz"]["asked"] == 50
    assert (folder / result["bitstream"]).stat().st_size > 10_000
    assert json.loads((folder / "build.json").read_text()) == result


@pytest.mark.slow
@pytest.mark.parametrize("board_name", ["kv260"])
def test_the_cells_of_amd_compute_what_golden_does(board_name: str, tmp_path: Path) -> None:
    outcome = gates.check(written(tmp_path, residual(4, 2), board_name), frames=FRAMES)
    assert outcome["bit_exact"], outcome
    assert (outcome["frames"], outcome["interval_cycles"]) == (FRAMES, outcome["interval_cycles_predicted"])


@pytest.mark.area
def test_the_cells_that_synthesis_made_compute_what_golden_does(folder: Path) -> None:
    outcome = gates.check(folder, frames=FRAMES)
    assert outcome["bit_exact"], outcome
    assert outcome["frames"] == FRAMES


@pytest.mark.area
def test_a_wrong_cell_is_found(folder: Path) -> None:
    memory = folder / "mem" / "c2.mem"
    words = memory.read_text().split()
    words[0] = f"{int(words[0], 16) ^ 1:0{len(words[0])}x}"
    memory.write_text("\n".join(words) + "\n")
    assert not gates.check(folder, frames=FRAMES)["bit_exact"]
