"""Columns side by side: chosen where a pixel a cycle is too slow, told in the plan, and taken back from it."""

from pathlib import Path

import pytest

from tests.networks.codenets import Codenet, plain, residual
from tests.unit.schedule.test_timing import ways_of
from tomato import targets
from tomato.core.ir import Graph
from tomato.hardware.parts import Converter
from tomato.ops.join import Add
from tomato.schedule import schedule
from tomato.schedule.design import Design
from tomato.schedule.offers import Option, total
from tomato.schedule.plan import Plan, read_wishes
from tomato.schedule.regions import rooms
from tomato.schedule.scheduler import options, select
from tomato.schedule.streams import edges, interval_cycles
from tomato.schedule.suited import suited
from tomato.schedule.units import Units, bind
from tomato.targets import Resources

U250, KV260 = targets.load("u250"), targets.load("kv260")
CLOCK = 100.0


def at(graph: Graph, cycles: int) -> tuple[Plan, Units]:
    """The smallest design of so many cycles a frame."""
    plan = schedule(graph, U250, clock_mhz=CLOCK, fps=CLOCK * 1e6 / cycles)
    return plan, bind(graph, plan.layers, U250)


def apart(units: Units) -> set[str]:
    """The layers with several columns a beat."""
    return {name for name, unit in units.items() if unit.columns > 1}


def joined() -> Graph:
    """Two layers that are added."""
    net = Codenet(8, 8, 3)
    short = net.conv("x", 4, "c1")
    return net.graph(net.build.add(Add(), [short, net.conv(short, 4, "c2")], "add"))


@pytest.mark.parametrize("graph", [plain(), joined()], ids=["plain", "joined"])
def test_only_what_a_pixel_a_cycle_is_too_slow_for_has_columns_side_by_side(graph: Graph) -> None:
    pixels = max(kind.pixels for kind in graph.types.values())
    _, slow = at(graph, 2 * pixels)
    assert not apart(slow)
    _, fast = at(graph, pixels // 2)
    assert apart(fast)
    assert interval_cycles(fast, edges(graph, fast)) <= pixels // 2


def test_a_plan_says_it_and_is_taken_back(tmp_path: Path) -> None:
    graph = joined()
    plan, _ = at(graph, graph.types["c1"].pixels // 2)
    (tmp_path / "plan.toml").write_text(plan.to_toml())
    wishes = read_wishes(tmp_path / "plan.toml")
    again = schedule(graph, U250, clock_mhz=CLOCK, wishes=wishes)
    assert again.layers == plan.layers


def test_suited_lanes_take_less_with_the_converters_around_and_are_as_fast() -> None:
    graph = residual()
    offers = options(graph, KV260)
    for interval in (100, 200, 500):
        chosen = select(offers, interval, KV260.usable)
        assert chosen is not None
        found = suited(graph, offers, Design(chosen, dict.fromkeys(chosen, 0), interval), rooms(KV260), KV260)
        assert max(option.cycles for option in found.values()) <= interval
        assert price(graph, found).lut <= price(graph, chosen).lut


def price(graph: Graph, chosen: dict[str, Option]) -> Resources:
    """Of engines and lane converters."""
    units = {name: option.unit for name, option in chosen.items()}
    parts = [part for found in ways_of(graph, units).parts.values() for part in found]
    return sum((p.cost(KV260) for p in parts if isinstance(p, Converter)), start=total(chosen))
