"""NSGA-II: its parts against their definitions, and the whole on a problem whose front is known."""

from itertools import product

import numpy as np
import pytest

from tomato.search.network.evolve import Evolution, Fitness, Strategy, crowding, order, ranks
from tomato.search.network.space import Choices, Genes, Space

FRAME = (16, 16, 1)
SPACE = Space(tuple(Choices(("conv", "separable"), (3, 5), (4, 8, 12, 16), (1, 2, 3)) for _ in range(3)))


def beats(a: Fitness, b: Fitness) -> bool:
    """As defined, pair by pair."""
    if a.violation or b.violation:
        return a.violation < b.violation
    pairs = list(zip(a.objectives, b.objectives, strict=True))
    return all(x <= y for x, y in pairs) and any(x < y for x, y in pairs)


def drawn(seed: int, count: int = 40) -> list[Fitness]:
    rng = np.random.default_rng(seed)
    return [
        Fitness(tuple(map(float, rng.integers(0, 6, 2))), 0.0) if rng.random() < 0.8 else Fitness((), rng.random())
        for _ in range(count)
    ]


@pytest.mark.parametrize("seed", range(8))
def test_a_front_is_beaten_by_earlier_ones_only(seed: int) -> None:
    found = drawn(seed)
    rank = ranks(found)
    for (i, a), (j, b) in product(enumerate(found), repeat=2):
        if beats(a, b):
            assert rank[i] < rank[j]
    for j, b in enumerate(found):
        assert rank[j] == 0 or any(rank[i] == rank[j] - 1 and beats(a, b) for i, a in enumerate(found))


@pytest.mark.parametrize("seed", range(4))
def test_what_is_allowed_comes_first_and_what_is_less_wrong_next(seed: int) -> None:
    found = drawn(seed)
    wrong = [found[i].violation for i in order(found)]
    assert wrong == sorted(wrong)


def test_crowding_is_the_size_of_the_box_between_neighbours() -> None:
    values = np.array([[0.0, 4.0], [1.0, 3.0], [2.0, 1.0], [4.0, 0.0]])
    np.testing.assert_allclose(crowding(values), [np.inf, 2 / 4 + 3 / 4, 3 / 4 + 3 / 4, np.inf])


def price(genes: Genes) -> Fitness:
    """More genes of their last choice are more accurate, and dearer; the first stage must not be separable."""
    sizes = [i / (len(choices) - 1) for i, choices in zip(genes, SPACE.genes, strict=True) if len(choices) > 1]
    if genes[1]:
        return Fitness((), sum(sizes))
    return Fitness((-sum(s for s in sizes[1::2]), sum(sizes)))


def run(strategy: Strategy, seed: int = 0, count: int = 240) -> list[Genes]:
    search = Evolution(SPACE, FRAME, 16, count, seed, strategy)
    *_, found = search.run(list, price)
    return found


def volume(found: list[Genes]) -> float:
    """The area that a front covers."""
    points = sorted((f.objectives for f in map(price, found) if not f.violation), key=lambda p: p[1])
    area, best = 0.0, 0.0
    for accuracy, cost in points:
        if accuracy < best:
            area += (best - accuracy) * (12.0 - cost)
            best = accuracy
    return area


def test_it_asks_for_no_network_twice_and_for_as_many_as_it_should() -> None:
    found = run("evolve")
    assert len(found) == len(set(found)) == 240
    assert all(SPACE.suits(genes, FRAME) for genes in found)


def test_a_seed_repeats() -> None:
    assert run("evolve", 3) == run("evolve", 3) != run("evolve", 4)


def test_a_longer_search_begins_like_a_shorter_one() -> None:
    assert run("evolve", count=240)[:160] == run("evolve", count=160)


def test_breeding_covers_more_than_drawing() -> None:
    bred, random = ([volume(run(kind, seed)) for seed in range(5)] for kind in ("evolve", "random"))
    assert min(bred) > max(random)


def test_a_small_space_is_looked_at_whole() -> None:
    space = Space((Choices(("conv",), (3, 5), (4, 8)),))
    *_, found = Evolution(space, FRAME, 8, 100).run(list, lambda _: Fitness((0.0,)))
    assert len(found) == 4
