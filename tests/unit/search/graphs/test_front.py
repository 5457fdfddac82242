"""Fronts of rounds, and the file that an interrupted search goes on from."""

from pathlib import Path

import pytest

from tomato.core.errors import TomatoError
from tomato.search.graphs.front import Found, chosen, front, read
from tomato.search.graphs.layers import Counts


def found(bits: int, valid: float) -> Found:
    return Found(0.1, (0, 1), "gcn", Counts(1, bits, 1, 1), valid, 0.5, 0.5, 0.5)


def test_a_front_gets_better_the_larger_it_gets() -> None:
    rounds = [found(10, 0.7), found(20, 0.6), found(30, 0.8), found(30, 0.75), found(40, 0.8)]
    members = front(rounds)
    assert [(f.counts.bits, f.valid) for f in members] == [(30, 0.8), (10, 0.7)]
    assert chosen(members, 5) == members
    assert chosen(members, 1) == members[:1]
    with pytest.raises(TomatoError, match="no network was found"):
        chosen([], 1)


def test_lines_are_read_again_without_one_that_was_cut_off(tmp_path: Path) -> None:
    path = tmp_path / "candidates.jsonl"
    assert read(path) == []
    path.write_text(found(1, 0.1).line + "\n" + found(2, 0.2).line[:10])
    assert read(path) == [found(1, 0.1)]
    assert path.read_text() == found(1, 0.1).line + "\n"
    path.write_text("{}\n")
    with pytest.raises(TomatoError, match="this is no list of candidates"):
        read(path)
