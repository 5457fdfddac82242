"""Weights in memory beside the chip: which layers read them, where they lie, and what that does to the interval."""

import itertools
from dataclasses import replace

import numpy as np
import pytest

from tomato.core.errors import TomatoError
from tomato.core.formats import Codes, Tensor
from tomato.core.ir import Graph, Node, TensorType
from tomato.engines.fetched_fold import FetchedFold
from tomato.hardware.shell import MOST_BEATS
from tomato.ops.dense import Dense
from tomato.ops.requant import Requant
from tomato.schedule import schedule
from tomato.schedule.fetching import Client, Fetching, fetching, image
from tomato.schedule.plan import Choice, Plan, Wishes
from tomato.schedule.streams import fetch_cycles
from tomato.schedule.units import bind, sites
from tomato.targets import OffChip, Target, load

U8 = Codes.of(8, signed=False)
BOARD = load("pynq-z2")


def layers(*sizes: int) -> Graph:
    """Fully connected layers, a requantisation behind each."""
    rng, nodes, value, kind = np.random.default_rng(0), [], "x", TensorType((1, 1, sizes[0]), U8)
    for i, (channels, filters) in enumerate(itertools.pairwise(sizes)):
        dense = Dense(Tensor(rng.integers(-127, 128, (channels, filters))))
        sums = Node(f"d{i}", dense, (value,), dense.infer([kind]))
        ones = Tensor(np.ones(filters, dtype=np.int64))
        less = Requant(ones, Tensor(np.zeros(filters, dtype=np.int64)), 12, 0, 255)
        kind = less.infer([sums.type])
        nodes += [sums, Node(f"d{i}_q", less, (sums.name,), kind)]
        value = nodes[-1].name
    return Graph("layers", (("x", TensorType((1, 1, sizes[0]), U8)),), tuple(nodes), (value,))


LARGE = layers(1024, 1024, 64)
"""Its 8.4 Mbit of weights are more than a PYNQ-Z2 holds."""


def fetched(plan: Plan) -> set[str]:
    return {name for name, choice in plan.layers.items() if choice.engine == FetchedFold.stem}


def test_what_does_not_fit_is_fetched_and_nothing_else() -> None:
    assert fetched(schedule(LARGE, BOARD)) == {"d0"}
    assert not fetched(schedule(layers(256, 64), BOARD))


def test_a_user_may_refuse_it() -> None:
    with pytest.raises(TomatoError, match=r"does not fit pynq-z2, even at its slowest: it takes \d+ bram18"):
        schedule(LARGE, BOARD, weights="chip")


def test_a_board_without_memory_says_nothing_of_it() -> None:
    with pytest.raises(TomatoError, match="does not fit ulx3s") as refused:
        schedule(LARGE, load("ulx3s"))
    assert "memory beside" not in refused.value.what
    with pytest.raises(TomatoError, match="ulx3s has no memory beside the chip"):
        schedule(layers(256, 64), load("ulx3s"), weights="memory")


def slow(speed: int) -> Target:
    return replace(BOARD, off_chip=OffChip("DDR", 1, 64, 256, speed, 80))


@pytest.mark.parametrize("speed", [20, 100, 800])
def test_the_memory_is_a_limit_like_others(speed: int) -> None:
    target = slow(speed)
    plan = schedule(LARGE, target)
    units = bind(LARGE, plan.layers, target)
    busy = fetch_cycles(units)
    assert busy == target.fetch_cycles(sum(u.fetched_bytes for u in units.values())) >= 1024 * 1024 / (speed / 100)
    slowest = max(u.cycles for u in units.values())
    assert slowest <= busy * 1.002, "a faster engine would have to wait"


def test_a_plan_that_fetches_is_kept() -> None:
    plan = schedule(LARGE, BOARD)
    again = schedule(LARGE, BOARD, wishes=Wishes(layers=plan.layers))
    assert again.layers == plan.layers


def test_regions_begin_with_bursts_and_hold_the_words_in_order() -> None:
    graph, target = layers(40, 30, 21), BOARD
    chosen = {}
    for name, site in sites(graph, target).items():
        if isinstance(site.op, Dense):
            knobs = next(k for k in FetchedFold.choices(site) if 1 < k["lanes_in"] * k["lanes_out"] < 24)
            chosen[name] = Choice(FetchedFold.stem, knobs)
    plan = schedule(graph, target, wishes=Wishes(layers=chosen))
    units = bind(graph, plan.layers, target)
    for interval, channels in ((10**9, 1), (1, 2)):
        reader = fetching(units, target, interval)
        assert reader is not None
        assert reader.channels == channels
        assert [c.layer for c in reader.clients] == ["d0", "d1"]
        parts = [np.frombuffer(part, np.uint8).reshape(-1, reader.data_bits // 8) for part in image(units, reader)]
        beats = np.concatenate(parts, axis=1)
        end = 0
        for client in reader.clients:
            assert client.begin % MOST_BEATS == 0
            assert client.begin >= end
            end = client.begin + client.count
            found = units[client.layer].fetched
            assert found is not None
            assert beats[client.begin : end].tobytes() == found.image() * client.copies
            assert len(found.image()) == client.words * client.word_bytes


@pytest.mark.parametrize(
    ("lanes", "channels", "depth", "measured"), [((24, 6), 4, 112, 7_561), ((64, 2), 4, 96, 8_472)]
)
def test_a_layer_that_is_never_idle_stops_with_the_memory(
    lanes: tuple[int, int], channels: int, depth: int, measured: int
) -> None:
    """Measured: cycles a frame in simulation, twelve frames, of 192, 1,024, 1,024 and 10 channels on a u250."""
    board, graph = load("u250"), layers(1024, 1024)
    place = sites(graph, board)["d0"]
    knobs = {"lanes_in": lanes[0], "lanes_out": lanes[1], "cell": 0, "pack": 0, "tile": 1}
    unit = FetchedFold(place, knobs)
    reader = Fetching(channels, 512, depth, (Client("d0", 0, 1, 1, 8, 1),))
    assert unit.cycles < 0.98 * measured
    assert reader.paused({"d0": unit}, board) == pytest.approx(measured, rel=0.01)


def test_queues_that_fill_take_the_memory_once() -> None:
    clients = tuple(Client(f"d{i}", 16 * i, 1, 1, 8, 1) for i in range(3))
    memory = slow(80)  # a tenth of 64 bits a cycle at 100 MHz, of which 80 % come
    assert Fetching(1, 64, 48, clients).filling(memory) == 3 * 48 / 0.08
    assert not Fetching(1, 64, 48, clients, shared=True).filling(memory)


def test_a_layer_whose_weights_wait_does_not() -> None:
    board, graph = load("u250"), layers(1024, 1024)
    unit = FetchedFold(sites(graph, board)["d0"], {"lanes_in": 4, "lanes_out": 2, "cell": 0, "pack": 0, "tile": 1})
    reader = Fetching(4, 512, 48, (Client("d0", 0, 1, 1, 8, 1),))
    assert reader.paused({"d0": unit}, board) == unit.cycles
