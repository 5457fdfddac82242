"""Whole random networks: what the hardware answers, and when, is what was known before.

TOMATO_FUZZ=N plays N networks instead of a few, from seed TOMATO_FUZZ_FROM on; the test's id is the seed.
"""

import contextlib
import os
import random
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from tests.networks.gates import GATED
from tests.networks.generator import HARDWARE, network, thinned
from tests.networks.maker import Style
from tomato import targets
from tomato.backend import project
from tomato.build.report import report
from tomato.build.simulation import csim, describe, first_difference, simulate
from tomato.core.errors import TomatoError
from tomato.core.formats import Array
from tomato.core.interpret import interpret
from tomato.core.ir import Graph
from tomato.engines.base import Knobs
from tomato.lower import lower
from tomato.ops.conv2d import Conv2d
from tomato.ops.dense import Dense
from tomato.ops.move import Pad, Reshape
from tomato.passes import CLEAN, run
from tomato.passes.gate_convolutions import gate_convolutions
from tomato.quantise.calibrate import calibrate
from tomato.quantise.post_training import quantise
from tomato.quantise.precision import LayerFormat, Precision
from tomato.schedule import Plan, options, schedule
from tomato.schedule.balance import balanced
from tomato.schedule.route import routes
from tomato.schedule.streams import edges, interval_cycles
from tomato.schedule.timing import fifo_depths
from tomato.schedule.units import bind
from tomato.targets import Target

FIRST = int(os.environ.get("TOMATO_FUZZ_FROM", "0"))
NETWORKS = int(os.environ.get("TOMATO_FUZZ", "6"))
SLOWEST = 6_000
"""Cycles a frame up to which a random choice is played."""
FRAMES = 4
ENDS_IN_A_RESHAPE = 31
"""The seed of such a network."""
TARGETS = ("u250", "zcu104", "pynq-z2", "ulx3s", "arria10-gx1150")


@dataclass(frozen=True)
class Case:
    """A quantised random network with a random plan, and codes to play."""

    graph: Graph
    plan: Plan
    target: Target
    codes: dict[str, Array]

    def write(self, folder: Path, backends: Sequence[str] = project.BACKENDS) -> None:
        lowered = lower(self.graph, self.plan, self.target)
        facts = report(self.graph, self.plan, self.target, lowered, model="random", notes=[])
        project.write(folder, lowered.netlist, facts, self.plan.to_toml(), backends)
        project.write_vectors(folder, lowered.netlist, self.codes | interpret(self.graph, self.codes))


def make(seed: int, style: Style = HARDWARE) -> Case:
    draw = random.Random(seed)
    real, net = network(seed, style)
    clean = run(thinned(real, seed) if seed % 3 == 1 else real, CLEAN)
    widths = LayerFormat(draw.choice([8, draw.randint(2, 8)]), draw.choice([8, draw.randint(2, 8)]))
    bits = Precision(overrides={"*": widths})
    graph = gate_convolutions(quantise(clean, calibrate(clean, [net.data(16)]), bits)[0])
    graph = balanced(graph, lists(graph)) if seed % 3 == 1 else graph
    graph.verify()
    target = targets.load(draw.choice(TARGETS))
    data, types = net.data(FRAMES), graph.types
    codes = {n: graph.encodings[n].encode(data[n] * 1.5, types[n].codes) for n, _ in graph.inputs}
    plan = random_plan(graph, target, draw)
    if draw.random() < 0.3:
        with contextlib.suppress(TomatoError):  # too large for a small board
            plan = schedule(graph, target)
    return Case(graph, plan, target, codes)


def lists(graph: Graph) -> dict[str, Knobs]:
    """Words for whose lists the channels of a network can be put into another order."""
    some = (n.name for n in graph if isinstance(n.op, Dense) or (isinstance(n.op, Conv2d) and n.op.groups == 1))
    return {name: {"lanes_in": 4, "lanes_out": 2} for name in some}


def random_plan(graph: Graph, target: Target, draw: random.Random) -> Plan:
    """Any choice of every layer, not only those that the scheduler would combine."""
    layers = {}
    for name, offers in options(graph, target, lean=True).items():
        quick = [o for o in offers if o.cycles <= SLOWEST] or [min(offers, key=lambda o: o.cycles)]
        layers[name] = draw.choice(quick).choice
    return with_fifos(graph, Plan(target.name, target.clock_mhz, layers), target)


def with_fifos(graph: Graph, plan: Plan, target: Target) -> Plan:
    """The plan with the FIFOs that its layers need."""
    units = bind(graph, plan.layers, target)
    links = edges(graph, units)
    return replace(plan, fifos=fifo_depths(units, graph, routes(links, target), interval_cycles(units, links)))


SEEDS = [
    pytest.param(seed, marks=pytest.mark.amd_headers if seed % 6 == 0 else ())
    for seed in range(FIRST, FIRST + NETWORKS)
]


@pytest.mark.rtl
@pytest.mark.parametrize("seed", SEEDS)
def test_hardware_agrees_with_golden_and_prediction(seed: int, tmp_path: Path) -> None:
    check(make(seed), seed, tmp_path)


@pytest.mark.rtl
def test_a_network_may_end_in_another_shape_of_a_value(tmp_path: Path) -> None:
    """A Reshape is no hardware: the port has its name, and the stream that of what it reshapes."""
    case = make(ENDS_IN_A_RESHAPE)
    assert isinstance(case.graph.producers[case.graph.outputs[0]].op, Reshape)
    check(case, ENDS_IN_A_RESHAPE, tmp_path)


@pytest.mark.rtl
@pytest.mark.parametrize("seed", range(FIRST, FIRST + -(-NETWORKS // 3)))
def test_gates_do_too(seed: int, tmp_path: Path) -> None:
    check(make(seed, GATED), seed, tmp_path)


def check(case: Case, seed: int, tmp_path: Path) -> None:
    """Bit-exact in C++ and Verilog, stalled or not; interval and latency are those that were predicted."""
    case.write(tmp_path)
    print(case.graph, case.plan.to_toml(), sep="\n")
    compared = csim(tmp_path, frames=FRAMES)
    assert compared["bit_exact"], "\n".join(describe(compared))
    free = simulate(tmp_path, frames=FRAMES, checked=True)
    if not free["bit_exact"]:
        simulate(tmp_path, frames=FRAMES, checked=True, probe=True)
        first = first_difference(tmp_path, case.graph, case.plan, case.target, FRAMES)
        pytest.fail("\n".join([*describe(free), str(first)]))
    stalled = simulate(tmp_path, frames=FRAMES, checked=True, stall=random.Random(seed).uniform(0.3, 0.6), seed=seed)
    assert stalled["bit_exact"], "\n".join(describe(stalled))
    interval, latency = free["interval_cycles_predicted"], free["latency_cycles_predicted"]
    late = max(2, interval * 0.01)
    assert free["interval_cycles"] <= interval + late, describe(free)
    exact = all(unit.exact for unit in bind(case.graph, case.plan.layers, case.target).values())
    assert free["interval_cycles"] >= interval - late or not exact, describe(free)
    slack = max(20, latency * 0.1)
    assert free["latency_cycles"] <= latency + slack, describe(free)
    # Nothing but border may be left of a frame, and that needs no input.
    early = not exact or any(isinstance(n.op, Pad) for n in case.graph)
    assert free["latency_cycles"] >= latency - slack or early, describe(free)
