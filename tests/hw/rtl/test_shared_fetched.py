"""tom_shared_fetched against the meaning of its layers: of every kind, for every way to cut them into turns."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tests.hw.rtl.test_fetched_networks import Fetched
from tests.hw.rtl.test_networks import FRAMES, with_fifos
from tests.hw.rtl.test_shared_fold import layers_of_all_kinds
from tomato import targets
from tomato.build.simulation import describe, simulate
from tomato.core.ir import Builder, Graph
from tomato.engines.parts.members import Members, Tiles
from tomato.engines.parts.rounds import NOBODY, fair
from tomato.engines.parts.shared_fetched import FetchedGroup
from tomato.engines.parts.shared_unit import FetchedMember, units_of
from tomato.schedule.plan import Choice, Plan
from tomato.schedule.units import sites
from tomato.targets import OffChip

BESIDE = OffChip("DDR", 2, 32, 1024, 400, 75)


def side_by_side(times: int = 1) -> Graph:
    """Layers of all kinds, so many of each, each with an input and an output of its own."""
    layers = [one for seed in range(times) for one in layers_of_all_kinds(np.random.default_rng(5 + seed))]
    inputs = [(f"x{i}", kind) for i, (_, kind) in enumerate(layers)]
    build = Builder(inputs)
    outs = [
        build.add(op, [name], f"layer{i}") for i, ((op, _), (name, _)) in enumerate(zip(layers, inputs, strict=True))
    ]
    return Graph("all_kinds", tuple(inputs), tuple(build.nodes), tuple(outs))


@pytest.mark.rtl
@pytest.mark.parametrize(
    ("lanes_in", "lanes_out", "codes", "tile", "pack", "times"),
    [
        pytest.param(4, 2, 1, 1, 0, 1, id="a_pixel_a_turn"),
        pytest.param(2, 4, 4, 3, 2, 1, id="ragged_channels"),
        pytest.param(8, 8, 2, 8, 2, 4, id="many_layers"),
    ],
)
def test_every_layer_matches_golden(
    lanes_in: int, lanes_out: int, codes: int, tile: int, pack: int, times: int, tmp_path: Path
) -> None:
    graph, target = side_by_side(times), replace(targets.load("pynq-z2"), off_chip=BESIDE)
    knobs = {
        "group": 0,
        "lanes_in": lanes_in,
        "lanes_out": lanes_out,
        "codes": codes,
        "tile": tile,
        "cell": 0,
        "pack": pack,
    }
    places = sites(graph, target)
    group = FetchedGroup(Members(tuple(places.values())), knobs)
    plan = Plan(target.name, target.clock_mhz, dict.fromkeys(places, Choice(FetchedMember.stem, knobs)))
    rng = np.random.default_rng(1)
    frames = {n: rng.integers(k.codes.lo, k.codes.hi, (FRAMES, *k.shape), endpoint=True) for n, k in graph.inputs}
    Fetched(graph, with_fifos(graph, plan, target), target, frames).write(tmp_path, ("verilog",))
    free = simulate(tmp_path, frames=FRAMES, checked=True)
    assert free["bit_exact"], "\n".join(describe(free))
    assert free["interval_cycles"] <= group.cycles + sum(unit.cycles for unit in units_of(group))
    assert simulate(tmp_path, frames=FRAMES, stall=0.4, checked=True)["bit_exact"]


def test_a_turn_is_pixels_of_a_row_or_of_a_matrix_product_of_the_frame() -> None:
    places = sites(side_by_side(), targets.load("pynq-z2")).values()
    tiles = [Tiles(site, 1, 1, 4) for site in places]
    assert [(t.tile, t.turns) for t in tiles] == [(1, 1), (3, 2), (1, 30), (4, 4), (3, 5), (2, 2), (4, 4)]
    assert tiles[1].arg.shape == (2, 3, 4), "six pixels are two rows of three"
    assert tiles[1].rows == 2, "one that is read, and one that comes"
    assert tiles[0].arg.shape == (1, 1, 9)


def test_layers_are_asked_as_often_as_they_have_beats() -> None:
    found = fair((100, 10, 1, 1), 4)
    assert set(found.order) - {NOBODY} == {0, 1, 2, 3}
    assert found.gaps[0] < found.gaps[1] <= found.gaps[2]
    for layer in range(4):
        times = [i for i, who in enumerate(found.order * 2) if who == layer]
        assert min(np.diff(times)) >= 4
    assert fair((5, 5), 1).order.count(0) == fair((5, 5), 1).order.count(1)
