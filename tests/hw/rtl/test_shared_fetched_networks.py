"""Random networks whose layers share an engine that fetches weights: bit-exact, never stuck, as fast as predicted.

TOMATO_FUZZ=N plays N networks instead of a few, from seed TOMATO_FUZZ_FROM on; the test's id is the seed.
"""

import os
import random
from pathlib import Path

import pytest

from tests.hw.rtl import playing
from tests.hw.rtl.test_fetched_networks import Fetched, beside
from tests.hw.rtl.test_networks import FIRST, FRAMES, SLOWEST, make, with_fifos
from tomato import targets
from tomato.build.simulation import describe, first_difference, simulate
from tomato.engines.parts.members import Members
from tomato.engines.parts.shared_fetched import FetchedGroup
from tomato.engines.parts.shared_unit import FetchedMember
from tomato.passes.narrow_sums import narrow_sums
from tomato.schedule.plan import Choice, Plan
from tomato.schedule.sharing import sharable
from tomato.schedule.units import sites

NETWORKS = int(os.environ.get("TOMATO_FUZZ", "2"))
STALL = 0.4


def shared(seed: int) -> Fetched | None:
    """All layers that can, or some of them; None where none can."""
    case, draw = make(seed), random.Random(seed)
    target = beside(targets.load(draw.choice(["pynq-z2", "zcu104", "ulx3s"])), draw)
    found = [names[: draw.randint(2, len(names))] for names in sharable(case.graph, target)]
    if not found:
        return None
    names = draw.choice(found)
    graph = narrow_sums(case.graph, set(names))
    places = sites(graph, target)
    members = Members(tuple(place for name, place in places.items() if name in names))
    groups = []
    for _ in range(200):
        lanes_in, lanes_out = draw.choice([1, 2, 3, 4, 8]), draw.choice([1, 2, 4, 6, 8])
        codes = draw.choice([n for n in range(1, lanes_out + 1) if lanes_out % n == 0])
        knobs = {"group": 0, "lanes_in": lanes_in, "lanes_out": lanes_out, "codes": codes, "cell": 0}
        group = FetchedGroup(members, {**knobs, "tile": draw.choice([1, 2, 4, 6, 8, 16]), "pack": draw.choice([0, 1])})
        if group.ratio % 1 == 0 and group.cycles <= 4 * SLOWEST:
            groups.append(group)
    if not groups:
        return None
    layers = {name: case.plan.layers[name] for name in places if name in case.plan.layers}
    layers |= dict.fromkeys(names, Choice(FetchedMember.stem, draw.choice(groups).knobs))
    plan = Plan(target.name, target.clock_mhz, {name: layers[name] for name in places})
    return Fetched(graph, with_fifos(graph, plan, target), target, case.codes)


@pytest.mark.rtl
@pytest.mark.parametrize("seed", range(FIRST, FIRST + NETWORKS))
def test_layers_share_an_engine_that_fetches(seed: int, tmp_path: Path) -> None:
    case = next(found for n in range(100) if (found := shared(1000 * n + seed)))
    case.write(tmp_path, ("verilog",))
    print(case.graph, case.plan.to_toml(), case.target.off_chip, sep="\n")
    free = simulate(tmp_path, frames=FRAMES, checked=True)
    if not free["bit_exact"]:
        simulate(tmp_path, frames=FRAMES, checked=True, probe=True)
        first = first_difference(tmp_path, case.graph, case.plan, case.target, FRAMES)
        pytest.fail("\n".join([*describe(free), str(first)]))
    playing.check(case, free)
    stalled = simulate(tmp_path, frames=FRAMES, stall=STALL, seed=seed, checked=True)
    assert stalled["bit_exact"], "\n".join(describe(stalled))
