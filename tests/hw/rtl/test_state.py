"""Hardware with a state: tom_running_sum, alone and through plan, netlist, printed Verilog and simulation."""

from pathlib import Path

import numpy as np
import pytest

from tests.hw.rtl.harness import check_rtl
from tests.hw.stateful import RunningSum, running_sum
from tomato.backend import project
from tomato.build.report import report
from tomato.build.simulation import describe, first_difference, received, simulate
from tomato.core.formats import Codes, Tensor
from tomato.core.interpret import interpret
from tomato.core.ir import Builder, Graph, TensorType
from tomato.lower import Lowered, lower
from tomato.ops.requant import Requant
from tomato.schedule import Plan, schedule
from tomato.targets import load

TARGET = load("zcu104")
X = TensorType((4, 3, 5), Codes.of(8, signed=True))
STORED, PLAYED = 3, 8
"""Frames of the vectors, and frames that are played: twice the whole sequence and a part of it."""
CASES = {
    "rows": RunningSum(9, 0, lasting=False),
    "rows_on_and_on": RunningSum(9, 0, lasting=True),
    "frames": RunningSum(10, None, lasting=True),
}

__all__ = ["running_sum"]


@pytest.mark.rtl
@pytest.mark.usefixtures("running_sum")
@pytest.mark.parametrize("lanes", [2, 5])
@pytest.mark.parametrize("name", CASES)
def test_rtl_matches_golden(name: str, lanes: int) -> None:
    """Frames back to back; every pattern of stalls is a sequence of its own, which starts at a reset."""
    check_rtl("running_sum", CASES[name], [X], {"lanes": lanes}, frames=6)


def network(op: RunningSum) -> Graph:
    """The operator twice, with a requantisation between."""
    build = Builder([("x", X)])
    build.add(op, ["x"], "first")
    scale = Tensor(np.full(X.channels, 3))
    build.add(Requant(scale, Tensor(np.full(X.channels, 2)), 3, -128, 127), ["first"], "narrow")
    build.add(op, ["narrow"], "second")
    graph = Graph("net", (("x", X),), tuple(build.nodes), ("second",))
    graph.verify()
    return graph


def written(folder: Path, graph: Graph) -> tuple[Plan, Lowered]:
    """A build folder with the vectors of a sequence of a few frames."""
    plan = schedule(graph, TARGET)
    lowered = lower(graph, plan, TARGET)
    facts = report(graph, plan, TARGET, lowered, model="state", notes=[])
    project.write(folder, lowered.netlist, facts, plan.to_toml())
    x = {"x": np.random.default_rng(0).integers(-128, 127, (STORED, *X.shape), endpoint=True)}
    project.write_vectors(folder, lowered.netlist, x | interpret(graph, x))
    return plan, lowered


@pytest.mark.rtl
@pytest.mark.usefixtures("running_sum")
@pytest.mark.parametrize("name", ["rows", "frames"])
def test_a_network_with_states_plays_sequence_after_sequence(name: str, tmp_path: Path) -> None:
    """Vectors that are repeated are a new sequence, which starts at a reset; without one the second would differ."""
    graph = network(CASES[name])
    plan, lowered = written(tmp_path, graph)
    free = simulate(tmp_path, frames=PLAYED, checked=True)
    assert free["bit_exact"], "\n".join(describe(free))
    assert free["frames"] == PLAYED
    assert free["interval_cycles"] == free["interval_cycles_predicted"]
    assert abs(free["latency_cycles"] - free["latency_cycles_predicted"]) <= 5
    out = received(tmp_path, lowered.netlist.outputs[0])
    assert np.array_equal(out[STORED : 2 * STORED], out[:STORED])
    probed = simulate(tmp_path, frames=PLAYED, stall=0.4, probe=True)
    assert probed["bit_exact"], "\n".join(describe(probed))
    assert first_difference(tmp_path, graph, plan, TARGET, PLAYED) is None
