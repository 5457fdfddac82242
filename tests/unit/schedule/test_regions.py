"""Chips of several dies: every region's budget is kept, by moving layers or by building them differently."""

from collections.abc import Mapping
from dataclasses import replace
from itertools import product
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.networks.cases import SOME_UNIT
from tests.networks.codenets import Codenet, between, interval_of, residual
from tomato.build.report import report
from tomato.core.ir import Graph
from tomato.engines import CATALOGUE
from tomato.engines.parts.dot import LUT_WORDS
from tomato.engines.parts.weighted import WEIGHTS
from tomato.hardware.memory import Ram
from tomato.lower import lower
from tomato.schedule import Option, Plan, options, schedule
from tomato.schedule.design import cut, fastest_in_regions
from tomato.schedule.floorplan import INPUT, Floor, choose, floor_of, place, tidy
from tomato.schedule.offers import Offer, total
from tomato.schedule.plan import Wishes, read_wishes
from tomato.schedule.regions import assign, fills, rooms
from tomato.schedule.scheduler import ULTRA_WORDS, fastest, select
from tomato.schedule.streams import edges
from tomato.schedule.units import bind, sites
from tomato.targets import Resources, Target, load

ROOM = Resources(lut=12_000, ff=48_000, dsp=100, bram18=40)
ALL = Resources(*[100] * 5)
NOTHING = Resources()


def stacked(*regions: Resources) -> Target:
    """A chip of these dies; a design may use all of it."""
    return replace(
        load("kv260"),
        name="stacked",
        slrs=len(regions),
        slr=regions,
        budget=sum(regions, start=NOTHING),
        shell=NOTHING,
        fill=ALL,
    )


def flat(target: Target) -> Target:
    """The same chip in one die."""
    return replace(target, slrs=1, slr=(target.budget,))


def chain(length: int = 5, channels: int = 8) -> Graph:
    """Convolutions one behind the other."""
    net, x = Codenet(8, 8, channels), "x"
    for i in range(length):
        x = net.conv(x, channels, f"c{i}")
    return net.graph(x)


def filled(graph: Graph, plan: Plan, target: Target) -> list[float]:
    """How full each region is, everything counted."""
    beside = between(graph, plan, target)
    costs = {n: unit.cost + beside[n] for n, unit in bind(graph, plan.layers, target).items()}
    return fills({n: plan.regions.get(n, 0) for n in costs}, costs, rooms(target))


def test_rooms_are_somewhat_more_than_an_even_part_of_what_a_design_may_use() -> None:
    target = load("u250")
    assert rooms(target) == (Resources(lut=277_672, ff=404_560, dsp=2_877, bram18=1_000, uram=320),) * 4
    assert rooms(load("kv260")) == (load("kv260").usable,)
    thirds = rooms(load("u280"))  # nothing is published: equal parts
    assert len(thirds) == 3
    assert len(set(thirds)) == 1
    assert not (thirds[0] * 3).fits(load("u280").usable)
    assert (thirds[0] * 3).fits(load("u280").budget - load("u280").shell)


def test_rooms_follow_unequal_regions() -> None:
    target = replace(
        stacked(Resources(100, 200, 30, 4), Resources(300, 600, 10, 4)),
        shell=Resources(40, 80, 4),
        fill=ALL._replace(lut=50),
    )
    # LUT: 1.15 of a half of what the shell leaves; the others: all that it leaves, of 400, 800, 40 and 8.
    assert rooms(target) == (Resources(51, 180, 27, 4), Resources(155, 540, 9, 4))


@pytest.mark.parametrize("graph", [chain(), residual(8, 8)], ids=["chain", "residual"])
@pytest.mark.parametrize(
    "rooms_of",
    [
        pytest.param((ROOM, ROOM), id="even"),
        pytest.param((ROOM, ROOM * 2), id="uneven"),
        pytest.param((ROOM,) * 3, id="three", marks=pytest.mark.slow),
    ],
)
def test_no_region_holds_more_than_it_may(graph: Graph, rooms_of: tuple[Resources, ...]) -> None:
    target = stacked(*rooms_of)
    plan = schedule(graph, target)
    assert max(filled(graph, plan, target)) <= 1
    whole = flat(target)
    assert interval_of(graph, plan, target) >= interval_of(graph, schedule(graph, whole), whole)


def test_one_region_changes_nothing() -> None:
    graph, target = residual(), load("kv260")
    plan = schedule(graph, target)
    room = target.usable - sum(between(graph, plan, target).values(), start=NOTHING)
    assert interval_of(graph, plan, target) == fastest(options(graph, target), target, room)[0]
    assert not plan.regions


def test_ultraram_for_few_words_makes_one_region_faster() -> None:
    graph, few = chain(3, 16), Resources(lut=4_000, ff=48_000, dsp=200, bram18=2)
    chips = stacked(few), stacked(few + Resources(uram=16))
    without, some = (interval_of(graph, schedule(graph, chip), chip) for chip in chips)
    assert some < without


def test_ultraram_for_few_words_where_block_ram_is_what_is_missing() -> None:
    graph, few = chain(4, 16), Resources(lut=2_000, ff=48_000, dsp=200, bram18=1)
    without, some = (
        interval_of(graph, schedule(graph, chip), chip)
        for chip in (stacked(few, few), stacked(*[few + Resources(uram=16)] * 2))
    )
    assert some < without


@pytest.mark.parametrize(("regions", "least"), [(1, LUT_WORDS + 1), (2, ULTRA_WORDS)])
def test_words_that_may_go_to_ultraram(regions: int, least: int) -> None:
    graph = chain(1, 64)
    target = stacked(*[Resources(lut=40_000, ff=48_000, dsp=200, bram18=40, uram=8)] * regions)
    weights = [u.stores[WEIGHTS] for u in CATALOGUE["conv2d_window"].units(sites(graph, target)["c0"])]
    offered = {store.words for store in weights if store.kind == Ram.ULTRA}
    built = {o.unit.stores[WEIGHTS].words for o in options(graph, target)["c0"] if o.cost.uram}
    assert min(built) == min(n for n in offered if n >= least)
    assert built <= offered
    assert min(offered) < ULTRA_WORDS < max(offered)


def test_parts_between_engines_are_counted_once() -> None:
    graph, target = residual(8, 8), stacked(ROOM, ROOM)
    plan = schedule(graph, target)
    built = lower(graph, plan, target)
    beside = between(graph, plan, target)
    engines = sum((built.costs[name] for name in plan.layers), start=NOTHING)
    assert sum(beside.values(), start=engines) == sum(built.costs.values(), start=NOTHING)


def test_a_choice_that_fits_the_chip_but_not_its_regions_is_repaired() -> None:
    graph = chain(3)
    floor = floor_of(graph, (Resources(lut=10, dsp=10),) * 2, Resources(lut=20, dsp=20))
    real = {name: found[0].unit for name, found in options(graph, load("u250")).items()}
    either = [Resources(dsp=6), Resources(lut=9)]
    offers = {
        name: Offer(Option(unit, 64, cost) for cost in ([NOTHING] if name.endswith("_q") else either))
        for name, unit in real.items()
    }
    chip = Resources(lut=20, dsp=20)
    chosen = select(offers, 64, chip)
    assert chosen is not None
    assert total(chosen) == Resources(dsp=18)  # fits 20, but three times 6 do not fit twice 10
    assert not cut(graph, chosen, 64, floor, {}).fits
    design = fastest_in_regions(graph, offers, floor, chip, {}, 64, None)
    assert design is not None
    assert total(design.chosen) == Resources(lut=9, dsp=12)
    assert max(fills(design.placed, {n: o.cost for n, o in design.chosen.items()}, floor.rooms)) <= 1


def test_a_layer_larger_than_a_region_is_reported() -> None:
    net = Codenet(8, 8, 32)
    graph = net.graph(net.conv("x", 32, "wide"))
    small = min(o.cost.lut for o in options(graph, load("kv260"))["wide"] if o.cost.dsp <= 1)
    target = stacked(*[Resources(lut=small * 3 // 4, ff=100_000, dsp=1, bram18=200)] * 2)
    plan = schedule(graph, target)
    told = report(graph, plan, target, lower(graph, plan, target), model="m", notes=[])
    assert max(told["regions"]) > 1
    assert "of what a design may use of it: routing will be tight" in "".join(told["notes"])


def test_a_plan_with_regions_read_back_is_the_same(tmp_path: Path) -> None:
    graph, target, path = chain(), stacked(ROOM, ROOM), tmp_path / "plan.toml"
    plan = schedule(graph, target)
    assert plan.regions
    path.write_text(plan.to_toml())
    assert schedule(graph, target, wishes=read_wishes(path)).to_toml() == plan.to_toml()


def test_a_region_that_the_plan_fixes_stays() -> None:
    graph, target = chain(), stacked(ROOM, ROOM)
    plan = schedule(graph, target, wishes=Wishes("plan.toml", regions={"c0": 1}))
    assert plan.regions["c0"] == 1
    assert max(filled(graph, plan, target)) <= 1


costs = st.builds(Resources, st.integers(0, 9), st.just(0), st.integers(0, 9), *[st.just(0)] * 2)
candidates = st.lists(st.builds(Option, st.just(SOME_UNIT), st.just(1), costs), min_size=1, max_size=3)
offers_of = st.dictionaries(st.sampled_from("abcd"), candidates, min_size=1, max_size=4)


def fitting(offers: Mapping[str, list[Option]], floor: Floor) -> list[dict[str, int]]:
    """Every placement for which some choice fits."""
    found = []
    for regions in product(range(len(floor.rooms)), repeat=len(offers)):
        placed = dict(zip(offers, regions, strict=True))
        for chosen in product(*offers.values()):
            taken = [NOTHING] * len(floor.rooms)
            for option, region in zip(chosen, regions, strict=True):
                taken[region] += option.cost
            if all(cost.fits(room) for cost, room in zip(taken, floor.rooms, strict=True)):
                found.append(placed)
                break
    return found


rooms_of = st.builds(Resources, st.integers(1, 15), st.just(0), st.integers(1, 15), *[st.just(0)] * 2)


@pytest.mark.slow
@given(offers_of, st.lists(rooms_of, min_size=2, max_size=2))
def test_regions_are_found_where_there_are_any(offers: dict[str, list[Option]], offered: list[Resources]) -> None:
    chain_of = [(INPUT, 0), *((i, i + 1) for i in range(len(offers) - 1))]
    floor = Floor(offered, sum(offered, start=NOTHING), {name: i for i, name in enumerate(offers)}, chain_of)
    possible = fitting(offers, floor)
    placed = place(offers, floor, {})
    assert (placed is None) == (not possible)
    if placed is None:
        return
    assert placed in possible
    chosen = choose(offers, floor, {}, placed)
    assert chosen is not None
    better = dict(tidy(chosen, floor, {}, placed))
    same_options = fitting({name: [option] for name, option in chosen.items()}, floor)
    assert better in same_options
    assert floor.crossed(better) == min(map(floor.crossed, same_options))  # two regions: one swap finds the best
    taken = fills(better, {n: o.cost for n, o in chosen.items()}, offered)
    assert max(taken) <= 1


def test_runs_cross_where_the_wires_are_fewest() -> None:
    graph = chain()
    plan = schedule(graph, load("kv260"), fps=1e5)
    links = edges(graph, bind(graph, plan.layers, load("kv260")))
    third = dict.fromkeys(plan.layers, Resources(lut=1))
    fullest, placed = assign(third, links, (Resources(lut=9), Resources(lut=9)))
    assert fullest == 1
    behind = next(n for n, r in placed.items() if r)
    assert not behind.endswith("_q")  # sums are wider than what requantisation makes of them
