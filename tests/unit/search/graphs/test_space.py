"""A space of networks on graphs: what is read, what genes mean, what is refused."""

from pathlib import Path
from typing import Any

import pytest

from tomato.core.errors import TomatoError
from tomato.search.graphs.layers import Block, Forms
from tomato.search.graphs.space import GENES, Choices, Space, parse, read, suits


def test_the_space_that_tomato_brings() -> None:
    space = read("graph").for_classes(7)
    assert suits("graph")
    assert not suits("cnn")
    blocks = space.decode((0,) * len(space.genes))
    assert [block.width for block in blocks] == [4, 7]
    assert len(space.genes) == 2 * len(GENES)


def test_skips_and_hops_that_mean_nothing_are_not_told_apart() -> None:
    space = Space((Choices(hops=(1, 2), skips=(False, True)),))
    for operator, skip, hops in (("linear", False, 1), ("gcn", True, 2), ("sage", False, 2), ("gat", True, 2)):
        genes = [0] * len(GENES)
        genes[0], genes[1], genes[4] = space.genes[0].index(operator), 1, 1
        assert space.decode(tuple(genes)) == (Block(operator, hops, 1, "none", skip, Forms("w4a8", "w4a8", 8, 8)),)  # type: ignore[arg-type]


def test_one_precision_for_all() -> None:
    (block,) = Space((Choices(weights=("w2", "w8"), values=(4, 8)),)).with_precision("ternarya6").blocks
    assert (block.weights, block.values) == (("ternary",), (6,))
    assert Space((Choices(),)).with_precision("mixed") == Space((Choices(),))


@pytest.mark.parametrize(
    ("document", "said"),
    [
        ({}, "the space has no blocks"),
        ({"block": {}}, "block: expected tables"),
        ({"stages": [], "block": [{}]}, "there is no stages"),
        ({"block": [{"widths": 8}]}, "widths = 8: expected a list of choices"),
        (
            {"block": [{"operators": ["gin"]}]},
            "operators = ['gin']: expected a list of linear, gcn, sage, gat, each once",
        ),
        (
            {"block": [{"widths": [8, 8]}]},
            "widths = [8, 8]: expected a list of whole numbers from 1 to 1,024, each once",
        ),
        ({"block": [{"edges": [1]}]}, "edges = [1]: expected a list of whole numbers from 2 to 8, each once"),
        ({"block": [{"skips": [1]}]}, "skips = [1]: expected a list of false and true, each once"),
    ],
)
def test_what_is_no_space_is_refused(document: dict[str, Any], said: str) -> None:
    with pytest.raises(TomatoError) as error:
        parse(document, "mine.toml")
    assert error.value.what == said
    assert error.value.where.startswith("mine.toml")


def test_a_file_with_blocks_is_one_of_graphs(tmp_path: Path) -> None:
    (tmp_path / "mine.toml").write_text('[[block]]\noperators = ["gcn"]\n')
    (tmp_path / "other.toml").write_text("[[stage]]\n")
    assert suits(tmp_path / "mine.toml")
    assert not suits(tmp_path / "other.toml")
    assert not suits(tmp_path / "none.toml")
    assert read(tmp_path / "mine.toml").blocks == (Choices(operators=("gcn",)),)
