"""Spaces: what they hold, and what a file may not say."""

from pathlib import Path

import numpy as np
import pytest

from tomato.core.errors import TomatoError
from tomato.search.network.layers import counts
from tomato.search.network.space import Choices, Space, names, parse, read

FRAME = (28, 28, 1)
STAGE = {"kinds": ["conv"], "kernels": [3], "widths": [8]}
SPACE = Space(
    (
        Choices(("conv",), (3, 5), (8, 16)),
        Choices(("inverted", "residual"), (3,), (8, 16), (1, 2), ("none", "stride", "max"), (2, 4), ("w8a8", "w4a4")),
    )
)


@pytest.mark.parametrize("name", names())
def test_shipped_spaces_suit_small_pictures(name: str) -> None:
    space, rng = read(name), np.random.default_rng(0)
    for frame in ((28, 28, 1), (32, 32, 3)):
        for _ in range(50):
            assert space.suits(space.draw(rng, frame), frame)


def test_genes_that_nothing_depends_on_are_the_first() -> None:
    rng = np.random.default_rng(1)
    drawn = {space: SPACE.decode(space) for space in (SPACE.draw(rng, FRAME) for _ in range(500))}
    assert len(set(map(str, drawn.values()))) == len(drawn)
    assert all(SPACE.canonical(genes) == genes for genes in drawn)


def test_ends_are_the_largest_and_the_smallest_of_the_same_kinds() -> None:
    rng = np.random.default_rng(2)
    for _ in range(50):
        genes = SPACE.draw(rng, FRAME)
        most, least, own = (counts(SPACE.layers(g, FRAME, 10), FRAME) for g in (*SPACE.ends(genes), genes))
        assert least.weights <= own.weights <= most.weights
        assert [s.kind for s in SPACE.decode(SPACE.ends(genes)[0]).stages] == [
            s.kind for s in SPACE.decode(genes).stages
        ]


def test_one_precision_leaves_no_choice_of_formats() -> None:
    space = SPACE.with_precision("w3a4")
    assert {s.form for s in space.decode(space.draw(np.random.default_rng(0), FRAME)).stages} == {"w3a4"}
    assert SPACE.with_precision("mixed") is SPACE


def test_a_file_is_read(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text(
        'formats = ["w4a4"]\n[loop]\nbatch = 10\n[[stage]]\nkinds = ["conv"]\nkernels = [3]\nwidths = [8]\n'
    )
    found = read(path)
    assert (found.name, found.size, found.loop["batch"]) == ("mine", 1, 10)
    assert found.stages[0].formats == ("w4a4",)


@pytest.mark.parametrize(
    ("document", "message"),
    [
        ({}, "error: the space has no stages\n  --> f\n  hint: add [[stage]] with kinds, kernels and widths"),
        ({"stages": []}, "error: there is no stages\n  --> f\n  hint: known are shrinks, formats, stage, loop"),
        (
            {"stage": [STAGE | {"width": [3]}]},
            (
                "error: there is no width\n  --> f: stage 1\n"
                "  hint: known are kinds, kernels, widths, depths, downs, expands, formats"
            ),
        ),
        (
            {"stage": [STAGE, {"kinds": ["conv"], "widths": [8]}]},
            "error: kernels is missing\n  --> f: stage 2\n  hint: add kernels = [..], a list of choices",
        ),
        (
            {"stage": [STAGE | {"kinds": ["dense"]}]},
            (
                "error: kinds = ['dense']: expected a list of conv, separable, inverted, residual, each once"
                "\n  --> f: stage 1"
            ),
        ),
        (
            {"stage": [STAGE | {"kernels": [4]}]},
            "error: kernels = [4]: 4 has no middle\n  --> f: stage 1\n  hint: kernels are odd",
        ),
        (
            {"stage": [STAGE | {"widths": [0]}]},
            "error: widths = [0]: expected a list of whole numbers from 1 to 4,096, each once\n  --> f: stage 1",
        ),
        (
            {"stage": [STAGE | {"depths": 2}]},
            "error: depths = 2: expected a list of choices\n  --> f: stage 1\n  hint: depths = [2]",
        ),
        (
            {"stage": "conv"},
            "error: stage: expected tables\n  --> f\n  hint: write [[stage]] above the choices of each stage",
        ),
    ],
)
def test_a_file_that_is_wrong(document: dict[str, object], message: str) -> None:
    with pytest.raises(TomatoError) as error:
        parse(document, "f", "f")
    assert str(error.value) == message


def test_formats_are_the_compilers() -> None:
    with pytest.raises(TomatoError) as error:
        parse({"formats": ["int4"], "stage": [STAGE]}, "f", "f")
    assert str(error.value).startswith("error: 'int4' is not a precision\n  --> f: stage 1\n  hint: ")


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(TomatoError) as error:
        read(tmp_path / "none.toml")
    assert str(error.value) == (
        f"error: the space does not exist\n  --> {tmp_path / 'none.toml'}\n  hint: Tomato brings cnn, few, mobile"
    )
    with pytest.raises(TomatoError) as error:
        read("resnet")
    assert (
        str(error.value)
        == "error: there is no space resnet\n  hint: choose from cnn, few, mobile, or give a .toml file"
    )


def test_no_network_suits() -> None:
    space = Space((Choices(("conv",), (3,), (8,), downs=("max",)),) * 3, name="deep")
    with pytest.raises(TomatoError) as error:
        space.draw(np.random.default_rng(0), (4, 4, 1))
    assert str(error.value) == (
        "error: no network of 1,000 suits frames of 4x4\n  --> deep\n"
        "  hint: halve the picture in fewer stages (downs), or shrink it less"
    )
