"""The journal of a search: gone on from, cut off, or another's."""

from pathlib import Path

import pytest

from tomato import targets
from tomato.core.errors import TomatoError
from tomato.search.network.candidates import Candidate, Journal, fitness, front
from tomato.search.network.layers import Counts
from tomato.search.network.price import Price
from tomato.search.network.space import Genes

BOARD = targets.load("pynq-z2")


def one(genes: Genes) -> Candidate:
    price = Price(interval=genes[0], fps=1.0 / genes[0], lut=5) if genes[0] < 9 else Price(refused="too large")
    return Candidate(
        genes, f"net{genes[0]}", Counts(1, 10 * genes[0], 3), price, 0.1 * genes[1] if genes[0] < 9 else None
    )


ASKED: list[Genes] = [(4, 3), (2, 5), (9, 9), (3, 1)]


def test_lines_come_back(tmp_path: Path) -> None:
    path = tmp_path / "c.jsonl"
    found = Journal.open(path).look(ASKED, one)
    assert found == [one(genes) for genes in ASKED]
    asked = list[Genes]()

    def noted(genes: Genes) -> Candidate:
        asked.append(genes)
        return one(genes)

    again = Journal.open(path).look([*ASKED, (5, 5)], noted)
    assert again[:-1] == found
    assert asked == [(5, 5)]


@pytest.mark.parametrize("cut", [1, 40])
def test_a_line_that_was_cut_off_is_asked_for_again(tmp_path: Path, cut: int) -> None:
    path = tmp_path / "c.jsonl"
    Journal.open(path).look(ASKED, one)
    whole = path.read_bytes()
    path.write_bytes(whole[:-cut])
    Journal.open(path).look(ASKED, one)
    assert path.read_bytes() == whole


def test_lines_are_there_as_soon_as_they_are_found(tmp_path: Path) -> None:
    path = tmp_path / "c.jsonl"

    def fails(genes: Genes) -> Candidate:
        if genes == ASKED[2]:
            raise KeyboardInterrupt
        return one(genes)

    with pytest.raises(KeyboardInterrupt):
        Journal.open(path).look(ASKED, fails)
    assert len(path.read_text().splitlines()) == 2


def test_another_search(tmp_path: Path) -> None:
    path = tmp_path / "c.jsonl"
    Journal.open(path).look(ASKED[1:], one)
    with pytest.raises(TomatoError) as error:
        Journal.open(path).look(ASKED, one)
    assert str(error.value) == (
        f"error: the file holds networks of another search\n  --> {path}\n  hint: remove it to search anew"
    )
    path.write_text("{}\n")
    with pytest.raises(TomatoError) as error:
        Journal.open(path)
    assert str(error.value).startswith("error: this is no list of candidates")


def test_the_front_holds_what_nothing_is_better_than() -> None:
    found = [one(genes) for genes in [*ASKED, (1, 1), (1, 1), (6, 4)]]
    assert [c.genes for c in front(found, ["fps"], BOARD)] == [(2, 5), (1, 1)]
    assert front([one((9, 9))], ["fps"], BOARD) == []


def test_what_does_not_fit_counts_by_its_work() -> None:
    small, large = fitness(one((9, 1)), ["fps"], BOARD), fitness(one((20, 1)), ["fps"], BOARD)
    assert 0 < small.violation < large.violation
