"""Random networks whose weights are partly in memory beside the chip: bit-exact, never stuck, as fast as predicted.

TOMATO_FUZZ=N plays N networks instead of a few, from seed TOMATO_FUZZ_FROM on; the test's id is the seed.
"""

import os
import random
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

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
from tomato.schedule.units import bind, sites
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


@pytest.mark.rtl
@pytest.mark.parametrize("seed", range(FIRST, FIRST + NETWORKS))
def test_fetched_weights_are_as_good_as_those_on_the_chip(seed: int, tmp_path: Path) -> None:
    case = next(found for n in range(100) if (found := fetched(1000 * n + seed)))
    case.write(tmp_path)
    print(case.graph, case.plan.to_toml(), case.target.off_chip, sep="\n")
    free = simulate(tmp_path, frames=FRAMES, checked=True)
    assert free["bit_exact"], "\n".join(describe(free))
    units = bind(case.graph, case.plan.layers, case.target)
    predicted = free["interval_cycles_predicted"]
    busy = case.target.fetch_cycles(sum(u.fetched_bytes for u in units.values())) / predicted
    pause = PAUSE_US * case.target.clock_mhz if busy > BUSY else 0  # frames are too short for what averages out
    assert free["interval_cycles"] <= predicted * LATE + pause, f"{free}, memory {busy:.0%} busy"
    stalled = simulate(tmp_path, frames=FRAMES, stall=STALL, seed=seed, checked=True)
    assert stalled["bit_exact"], "\n".join(describe(stalled))
