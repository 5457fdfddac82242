"""Turns played as events: the parts against what they stand for, and networks against their closed forms.

That simulation measures what playing predicts is tests/hw/rtl/test_shared_networks.py and its twin of fetched weights.
"""

import itertools
from dataclasses import replace

import pytest

from tests.unit.schedule.test_sharing import BOARD, LAYERS, PLAIN, SHARED
from tomato.build.report import frame_cycles
from tomato.engines.parts.members import Members
from tomato.engines.parts.rounds import Round, fair
from tomato.engines.parts.shared import Group
from tomato.engines.parts.shared_fetched import FetchedGroup
from tomato.lower import Lowered, lower
from tomato.schedule import schedule
from tomato.schedule.plan import Choice, Plan
from tomato.schedule.play import Played, StuckError, play, shares, steady
from tomato.schedule.play.network import Network
from tomato.schedule.play.slots import BEGINS, Slots
from tomato.schedule.play.supply import SEEN, Supply
from tomato.schedule.route import routes
from tomato.schedule.streams import edges, interval_cycles
from tomato.schedule.timing import fifo_depths
from tomato.schedule.units import bind, sites
from tomato.targets import OffChip, Target, load

FOLD = {"group": 0, "lanes_in": 1, "lanes_out": 1, "cell": 0, "pack": 1, "weight_ram": 1}
FETCHED = {"group": 0, "lanes_in": 8, "lanes_out": 8, "codes": 2, "tile": 8, "cell": 0, "pack": 1}


def test_a_layer_is_asked_when_the_round_says() -> None:
    order = fair((9, 3, 1), 4)
    for layer in range(3):
        asked = [c for c in range(BEGINS, 500) if order.order[(c - BEGINS) % len(order.order)] == layer]
        slots = Slots(order, layer)
        for cycle, count in itertools.product(range(BEGINS, 60), (1, 2, 7)):
            assert slots.after(cycle, count) == [c for c in asked if c >= cycle][count - 1]
        assert slots.gap == len(order.order) / order.order.count(layer)
    assert Slots(Round((0, 1)), 1).after(1.5) == 2


def test_beats_come_between_the_refreshes() -> None:
    """As sim/tom_memory.sv gives them: what is allowed and not spent is lost."""
    memory = OffChip("DDR", 1, 64, 1, 800, 75)
    every, pause, rate = *memory.refresh(100.0), memory.per_mille(100.0)
    came, allowed = [], 1000
    for cycle in range(4000):
        give = allowed >= 1000 and cycle % every >= pause
        allowed += -1000 * give + (rate if give or allowed < 1000 else 0)
        came += [cycle + SEEN] * give
    supply, first = Supply(memory, 100.0), came[0]
    assert supply.after(SEEN) == first
    for number, cycle in enumerate(came):
        assert abs(supply.more(first, number) - cycle) <= 2
    assert supply.next_pause(came[0]) == (every + SEEN, every + pause + SEEN)


def shared(board: Target, engine: str, group: type[Group], knobs: dict[str, int]) -> tuple[Lowered, Group]:
    """All layers that can share one engine."""
    places = sites(SHARED, board)
    lone = schedule(SHARED, board, weights="chip").layers
    layers = {name: Choice(engine, knobs) if name in LAYERS else lone[name] for name in places}
    units = bind(SHARED, layers, board)
    links = edges(SHARED, units)
    fifos = fifo_depths(units, SHARED, routes(links, board), interval_cycles(units, links))
    plan = Plan(board.name, board.clock_mhz, layers, fifos=fifos)
    return lower(SHARED, plan, board), group(Members(tuple(places[name] for name in LAYERS)), knobs)


def gaps(played: Played) -> list[int]:
    return [b - a for a, b in itertools.pairwise(played.ends)]


def test_an_engine_that_is_never_idle_takes_what_its_turns_take() -> None:
    lowered, group = shared(BOARD, "shared_fold", Group, FOLD)
    played = play(lowered.units, SHARED, lowered.routes, 8)
    assert shares(lowered.units)
    assert all(abs(gap - group.cycles) <= 5 for gap in gaps(played)[2:-1])
    assert gaps(played)[-1] < group.cycles, "the last frame has the engine for itself"
    assert played.interval == pytest.approx(sum(gaps(played)[1:]) / 6)
    endless = steady(lowered.units, SHARED, lowered.routes)
    assert endless.interval == pytest.approx(group.cycles, rel=0.005)
    assert endless.latency == played.latency
    assert endless.times.ready["classify_q"][-1] < endless.latency


def test_weights_that_come_late_hold_turns_up() -> None:
    board = load("zcu104")
    lowered, group = shared(board, "shared_fetched", FetchedGroup, FETCHED)
    usual = steady(lowered.units, SHARED, lowered.routes).interval
    assert usual >= group.turns
    assert board.off_chip
    slow = replace(board, off_chip=replace(board.off_chip, mbytes_per_s=board.off_chip.mbytes_per_s // 8))
    lowered, group = shared(slow, "shared_fetched", FetchedGroup, FETCHED)
    busy = slow.fetch_cycles(sum(unit.fetched_bytes for unit in lowered.units.values()))
    assert usual < busy <= steady(lowered.units, SHARED, lowered.routes).interval


def test_a_frame_alone_is_out_first() -> None:
    lowered, _ = shared(BOARD, "shared_fold", Group, FOLD)
    alone, many = (play(lowered.units, SHARED, lowered.routes, frames) for frames in (1, 5))
    assert alone.latency <= many.latency
    assert alone.interval is None
    assert list(many.ends) == sorted(many.ends)


def test_without_layers_that_share_nothing_is_played() -> None:
    assert not shares(bind(PLAIN, schedule(PLAIN, BOARD, weights="chip").layers, BOARD))


def test_where_turns_cannot_be_played_the_closed_form_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    lowered, group = shared(BOARD, "shared_fold", Group, FOLD)
    monkeypatch.setattr(Network, "step", lambda self: False)
    with pytest.raises(StuckError):
        play(lowered.units, SHARED, lowered.routes, 2)
    with pytest.raises(StuckError):
        steady(lowered.units, SHARED, lowered.routes)
    interval, latency, _ = frame_cycles(SHARED, lowered, BOARD)
    assert interval == interval_cycles(lowered.units, lowered.routes.links) >= group.cycles
    assert latency > 0
