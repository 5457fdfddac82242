"""The choice of engines: against exhaustive enumeration, for a rate, and around a user's plan."""

import cProfile
from itertools import product
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.models import model_path
from tests.networks.cases import SOME_UNIT
from tests.networks.codenets import Codenet, between, interval_of, plain, residual
from tests.networks.gates import gated
from tests.networks.nets import Net
from tomato import frontend
from tomato.core.errors import TomatoError
from tomato.core.ir import Graph
from tomato.ops.real import Expression, Function
from tomato.passes import CLEAN, run
from tomato.quantise.calibrate import calibrate, synthetic_ranges
from tomato.quantise.post_training import quantise
from tomato.schedule import Choice, Option, options, schedule, select
from tomato.schedule.offers import Offer, cycles_of, fetching, total
from tomato.schedule.plan import Wishes, read_wishes
from tomato.schedule.scheduler import fastest, smallest, weight
from tomato.schedule.units import bind
from tomato.targets import Resources, load

TARGET = load("u250")
costs = st.builds(Resources, st.integers(0, 9), st.just(0), st.integers(0, 9), st.integers(0, 3), st.just(0))
fetched = st.sampled_from([0, 0, 1, 2, 4])
candidates = st.lists(st.builds(Option, st.just(SOME_UNIT), st.integers(1, 6), costs, fetched), min_size=1, max_size=5)
offers = st.dictionaries(st.sampled_from("abcd"), candidates, min_size=1, max_size=4)
budgets = st.builds(Resources, st.integers(1, 25), st.just(0), st.integers(1, 25), st.integers(1, 8), st.just(0))


def combinations(found: dict[str, list[Option]], interval: int, budget: Resources) -> list[dict[str, Option]]:
    """Every choice that is fast enough and fits."""
    lists = [[o for o in c if o.cycles <= interval] for c in found.values()]
    all_of_them = (dict(zip(found, combination, strict=True)) for combination in product(*lists))
    return [c for c in all_of_them if total(c).fits(budget) and fetching(c) <= interval]


@given(offers, st.integers(1, 6), budgets)
def test_selection_is_the_best_of_all_combinations(
    found: dict[str, list[Option]], interval: int, budget: Resources
) -> None:
    fit = combinations(found, interval, budget)
    chosen = select({name: Offer(c) for name, c in found.items()}, interval, budget)
    if not fit:
        assert chosen is None
        return
    assert chosen is not None
    assert total(chosen).fits(budget)
    assert cycles_of(chosen) <= interval
    best = min(sum(weight(o.cost, budget) for o in c.values()) for c in fit)
    assert sum(weight(o.cost, budget) for o in chosen.values()) <= best * 1.0101 + 1e-9  # the solver's gap


@given(offers, budgets)
def test_the_fastest_is_the_least_interval_that_fits(found: dict[str, list[Option]], budget: Resources) -> None:
    offered = {name: Offer(c) for name, c in found.items()}
    feasible = [i for i in range(1, 20) if combinations(found, i, budget)]
    if not feasible:
        with pytest.raises(TomatoError, match="does not fit u250, even at its slowest"):
            fastest(offered, TARGET, budget)
        return
    interval, chosen = fastest(offered, TARGET, budget)
    assert interval == feasible[0] == cycles_of(chosen)


def beats(one: Option, other: Option) -> bool:
    """Whether one takes no more of the chip, and of the memory beside it."""
    return one.cost.fits(other.cost) and one.fetching <= other.fetching


@given(candidates)
def test_an_offer_keeps_a_match_for_everything(found: list[Option]) -> None:
    offer = Offer(found)
    assert set(offer) <= set(found)
    assert all(any(k.cycles <= o.cycles and beats(k, o) for k in offer) for o in found)
    assert not any(a.cycles <= b.cycles and beats(a, b) for a in offer for b in offer if a is not b)


@given(candidates, st.integers(1, 6))
def test_within_an_interval_speed_is_worth_nothing(found: list[Option], interval: int) -> None:
    kept, allowed = Offer(found).within(interval), [o for o in found if o.cycles <= interval]
    assert set(kept) <= set(allowed)
    assert all(any(beats(k, o) for k in kept) for o in allowed)
    assert not any(beats(a, b) for a in kept for b in kept if a is not b)


@given(st.lists(st.booleans(), min_size=1, max_size=40))
def test_the_smallest_step_is_found_by_strides(missed: list[bool]) -> None:
    """`solve` finds something from some step on."""
    first = missed.count(True)
    steps, asked = list(range(10, 10 + len(missed))), []

    def solve(step: int) -> int | None:
        asked.append(step)
        return step if step >= 10 + first else None

    assert smallest(steps, solve) == (10 + first if first < len(missed) else None)
    assert len(asked) <= 2 * len(steps).bit_length() + 1
    assert len(set(asked)) == len(asked)


@pytest.mark.parametrize("graph", [plain(), residual()], ids=["plain", "residual"])
def test_a_rate_is_reached_with_the_least_area(graph: Graph) -> None:
    fast = schedule(graph, TARGET)
    clock = TARGET.clock_mhz * 1e6
    top = clock / interval_of(graph, fast, TARGET)
    areas = []
    for share in (1, 3, 10, 40):
        plan = schedule(graph, TARGET, fps=top / share)
        assert clock / interval_of(graph, plan, TARGET) >= top / share
        engines = [unit.cost for unit in bind(graph, plan.layers, TARGET).values()]
        area = sum([*engines, *between(graph, plan, TARGET).values()], Resources())
        areas.append(weight(area, TARGET.usable))
    assert areas == sorted(areas, reverse=True)
    assert areas[0] > 1.5 * areas[-1]


def test_a_rate_out_of_reach_is_refused() -> None:
    graph = plain()
    best = interval_of(graph, schedule(graph, TARGET), TARGET)
    with pytest.raises(TomatoError) as error:
        schedule(graph, TARGET, fps=1e12, clock_mhz=100)
    assert str(error.value) == (
        f"error: 1e+12 frames/s is out of reach on u250 at 100 MHz: the fastest that fits makes "
        f"{1e8 / best:,.0f} frames/s ({best} cycles a frame)\n"
        "  --> net\n"
        "  hint: ask for less, raise --clock, or choose a larger board"
    )


def test_a_plan_read_back_is_the_same(tmp_path: Path) -> None:
    plan = schedule(residual(), TARGET, clock_mhz=123.5)
    path = tmp_path / "plan.toml"
    path.write_text(plan.to_toml())
    wishes = read_wishes(path)
    assert (wishes.target, wishes.clock_mhz) == ("u250", 123.5)
    assert {n: (c.engine, dict(c.knobs)) for n, c in wishes.layers.items()} == {
        n: (c.engine, dict(c.knobs)) for n, c in plan.layers.items()
    }
    assert dict(wishes.fifos) == dict(plan.fifos)
    assert schedule(residual(), TARGET, clock_mhz=123.5, wishes=wishes).to_toml() == plan.to_toml()


@pytest.mark.parametrize("layer", ["c2", "head_q", "add"])
def test_a_layer_that_the_plan_fixes_stays(layer: str) -> None:
    graph = residual()
    free = schedule(graph, TARGET)
    slow = max(options(graph, TARGET)[layer], key=lambda o: o.cycles)
    plan = schedule(graph, TARGET, wishes=Wishes("plan.toml", layers={layer: slow.choice}))
    assert plan.layers[layer] == slow.choice
    assert interval_of(graph, plan, TARGET) == max(slow.cycles, interval_of(graph, free, TARGET))


def test_a_fifo_that_the_plan_fixes_stays() -> None:
    plan = schedule(residual(), TARGET, wishes=Wishes("plan.toml", fifos={"add.1": 777}))
    assert plan.fifos["add.1"] == 777


@pytest.mark.slow
@pytest.mark.models
def test_scheduling_mobilenet_takes_few_steps() -> None:
    """Function calls, which no machine changes: a search without its short cuts takes many times as many."""
    real = run(frontend.load(model_path("mobilenet_v1_025_128_float.onnx")).graph, CLEAN)
    graph, _ = quantise(real, synthetic_ranges(real))
    profile = cProfile.Profile()
    profile.runcall(schedule, graph, TARGET)
    calls = sum(entry.callcount for entry in profile.getstats())
    assert 1_000_000 < calls < 10_000_000


@pytest.mark.parametrize(
    ("gate", "why"),
    [
        (("where", ("gt", "x", 0.3), "x", 0.0),
         "how many channels %a_kept keeps depends on the data, and so would the interval"),
        (("sigmoid", "x"), "no gate keeps the k largest of its channels, or of those that it reads"),
    ],
    ids=["threshold", "none"],
)  # fmt: skip
def test_loops_over_chosen_channels_ask_for_a_gate_that_chooses_as_many(gate: Expression, why: str) -> None:
    net = Net(6, 6, 3)
    clean = run(net.graph(gated(net, "x", 8, 8, Function(gate), name="a")), CLEAN)
    graph = quantise(clean, calibrate(clean, [net.data(16)]))[0]
    with pytest.raises(TomatoError) as refusal:
        schedule(graph, TARGET, wishes=Wishes("plan.toml", layers={"a": Choice("gated_fold", {})}))
    assert str(refusal.value) == (
        f"error: engine 'gated_fold' does not implement conv2d: {why}\n  --> plan.toml: [layers.a]\n"
        "  hint: choose from columns_window, conv2d_window, or let a gate keep the k largest (TopK)"
    )


def test_a_design_is_planned_again_with_the_room_that_its_parts_need(monkeypatch: pytest.MonkeyPatch) -> None:
    """The first choice has the widest streams: what stands between its engines is not what a slower design needs."""
    net, x, target = Codenet(1, 1, 256), "x", load("pynq-z2")
    for n, channels in enumerate((64, 8, 64, 256)):
        x = net.dense(x, channels, f"d{n}")
    graph = net.graph(x)
    monkeypatch.setattr("tomato.schedule.held_up", lambda used, target: False)  # one kind of multiplier
    again = schedule(graph, target)
    monkeypatch.setattr("tomato.schedule.AGAIN", 0)
    assert interval_of(graph, again, target) < interval_of(graph, schedule(graph, target), target)
    units = bind(graph, again.layers, target).values()
    used = sum((unit.cost for unit in units), start=Resources()) + sum(
        between(graph, again, target).values(), start=Resources()
    )
    assert used.fits(target.usable)
