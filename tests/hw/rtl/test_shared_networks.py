"""Random networks whose layers share engines: bit-exact, never stuck, as fast as predicted.

TOMATO_FUZZ=N plays N networks instead of a few, from seed TOMATO_FUZZ_FROM on; the test's id is the seed.
"""

import os
import random
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.hw.rtl import playing
from tests.hw.rtl.test_networks import FIRST, FRAMES, SLOWEST, Case, make, with_fifos
from tomato import targets
from tomato.build.simulation import describe, first_difference, simulate
from tomato.engines.parts.members import Members
from tomato.engines.parts.shared import groups as groups_of
from tomato.passes.narrow_sums import narrow_sums
from tomato.schedule.plan import Choice, Plan
from tomato.schedule.sharing import sharable
from tomato.schedule.units import sites

NETWORKS = int(os.environ.get("TOMATO_FUZZ", "2"))
STALL = 0.4


def shared(seed: int) -> Case | None:
    """All layers that can, or some of them, in one group or two; None where none can."""
    case, draw = make(seed), random.Random(seed)
    target = targets.load(draw.choice(["pynq-z2", "ulx3s"]))
    some = [names[: draw.randint(2, len(names))] for names in sharable(case.graph, target)]
    groups = [part for names in some for part in halves(names, draw)]
    if not groups:
        return None
    graph = narrow_sums(case.graph, {name for names in groups for name in names})
    places = sites(graph, target)
    layers = {name: case.plan.layers[name] for name in places if name in case.plan.layers}
    for number, names in enumerate(groups):
        in_order = tuple(place for name, place in places.items() if name in names)
        found = list(groups_of(Members(in_order), number))
        quick = [group for group in found if group.cycles <= 4 * SLOWEST] or [min(found, key=lambda g: g.cycles)]
        layers |= dict.fromkeys(names, Choice("shared_fold", draw.choice(quick).knobs))
    plan = Plan(target.name, target.clock_mhz, {name: layers[name] for name in places})
    return Case(graph, with_fifos(graph, plan, target), target, case.codes)


def halves(names: Sequence[str], draw: random.Random) -> list[Sequence[str]]:
    """One group or two."""
    if len(names) < 4 or draw.random() < 0.5:
        return [names]
    return [names[::2], names[1::2]]


@pytest.mark.rtl
@pytest.mark.parametrize("seed", range(FIRST, FIRST + NETWORKS))
def test_layers_that_share_an_engine_compute_what_they_did(seed: int, tmp_path: Path) -> None:
    case = next(found for n in range(100) if (found := shared(1000 * n + seed)))
    case.write(tmp_path, ("verilog",))
    print(case.graph, case.plan.to_toml(), sep="\n")
    free = simulate(tmp_path, frames=FRAMES, checked=True)
    if not free["bit_exact"]:
        simulate(tmp_path, frames=FRAMES, checked=True, probe=True)
        first = first_difference(tmp_path, case.graph, case.plan, case.target, FRAMES)
        pytest.fail("\n".join([*describe(free), str(first)]))
    playing.check(case, free)
    stalled = simulate(tmp_path, frames=FRAMES, stall=STALL, seed=seed, checked=True)
    assert stalled["bit_exact"], "\n".join(describe(stalled))
