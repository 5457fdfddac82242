"""Random networks whose weights are partly in memory beside the chip: bit-exact, never stuck, as fast as predicted.

TOMATO_FUZZ=N plays N networks instead of a few, from seed TOMATO_FUZZ_FROM on; the test's id is the seed.
"""

import json
import os
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from math import ceil
from pathlib import Path
from typing import Any

import pytest

from tests.hw.rtl.test_networks import FIRST, FRAMES, SLOWEST, Case, make, with_fifos
from tomato import targets
from tomato.backend import project
from tomato.build.report import report
from tomato.build.simulation import describe, simulate
from tomato.core.interpret import interpret
from tomato.engines.fetched_fold import FetchedFold
from tomato.lower import lower
from tomato.schedule.fetching import image
from tomato.schedule.plan import Choice, Plan
from tomato.schedule.units import sites
from tomato.targets import OffChip, Target
from tomato.targets.target import PAUSE_US

NETWORKS = int(os.environ.get("TOMATO_FUZZ", "2"))
STALL = 0.4
LATE = 1.02
"""How much longer than predicted a frame may take."""
BUSY = 0.5
"""The share of its cycles from which on a memory's pauses are felt."""


@dataclass(frozen=True)
class Fetched(Case):
    """A network of which a part of the weights is fetched."""

    def write(self, folder: Path, backends: Sequence[str] = project.DEFAULT) -> None:
        lowered = lower(self.graph, self.plan, self.target)
        assert lowered.reader is not None
        facts = report(self.graph, self.plan, self.target, lowered, model="random", notes=[])
        images = image(lowered.units, lowered.reader)
        project.write(folder, lowered.netlist, facts, self.plan.to_toml(), backends, images)
        project.write_vectors(folder, lowered.netlist, self.codes | interpret(self.graph, self.codes))


def beside(target: Target, draw: random.Random) -> Target:
    """A board with a memory of any width, and of any speed from far too slow on."""
    bits = draw.choice([32, 64, 128, 512])
    most = target.clock_mhz * bits / 8
    speed = int(most * draw.uniform(0.2, 1.5))
    memory = OffChip("DDR", draw.choice([1, 2, 4]), bits, 1024, speed, draw.randint(70, 90))
    return replace(target, off_chip=memory)


def fetched(seed: int) -> Fetched | None:
    """Some of the layers that can be are fetched; None where none can."""
    case, draw = make(seed), random.Random(seed)
    target = beside(targets.load(draw.choice(["u250", "zcu104", "pynq-z2"])), draw)
    layers = {}
    for name, site in sites(case.graph, target).items():
        if isinstance(site.op, FetchedFold.ops) and not FetchedFold.refuses(site) and draw.random() < 0.7:
            units = [FetchedFold(site, knobs) for knobs in FetchedFold.choices(site)]
            quick = [u for u in units if u.cycles <= SLOWEST] or [min(units, key=lambda u: u.cycles)]
            chosen = draw.choice(quick)
            layers[name] = Choice(chosen.stem, chosen.knobs)
    if not layers:
        return None
    plan = Plan(target.name, target.clock_mhz, {**case.plan.layers, **layers})
    return Fetched(case.graph, with_fifos(case.graph, plan, target), target, case.codes)


def _check_slow(folder: Path, few: Mapping[str, Any], filling: int, pause: float) -> None:
    """Queues of weights fill while the first frames come, and refreshes stop some frames: the rest keep the interval.

    few: what the simulation of FRAMES frames says. filling, pause: cycles.
    """
    predicted = few["interval_cycles_predicted"]
    assert few["interval_cycles"] <= predicted * LATE + pause + filling / (FRAMES - 2), f"{few}, {filling} of filling"
    more = FRAMES + ceil(filling / predicted)
    first, second = (simulate(folder, frames=n * more, checked=True)["cycles"] for n in (1, 2))
    assert second - first <= more * predicted * LATE + pause, f"{more} frames take {second - first} cycles: {few}"


@pytest.mark.rtl
@pytest.mark.parametrize("seed", range(FIRST, FIRST + NETWORKS))
def test_fetched_weights_are_as_good_as_those_on_the_chip(seed: int, tmp_path: Path) -> None:
    case = next(found for n in range(100) if (found := fetched(1000 * n + seed)))
    case.write(tmp_path)
    print(case.graph, case.plan.to_toml(), case.target.off_chip, sep="\n")
    free = simulate(tmp_path, frames=FRAMES, checked=True)
    assert free["bit_exact"], "\n".join(describe(free))
    memory = json.loads((tmp_path / "report.json").read_text())["memory"]
    if memory["busy"] > BUSY:
        _check_slow(tmp_path, free, memory["filling_cycles"], PAUSE_US * case.target.clock_mhz)
    else:
        assert free["interval_cycles"] <= free["interval_cycles_predicted"] * LATE, f"{free}, {memory}"
    stalled = simulate(tmp_path, frames=FRAMES, stall=STALL, seed=seed, checked=True)
    assert stalled["bit_exact"], "\n".join(describe(stalled))
