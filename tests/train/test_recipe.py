"""Recipes are checked on reading: every mistake names its step and its key."""

import tomllib
from pathlib import Path

import pytest

from tomato.core.errors import TomatoError
from tomato.train.recipe import STEPS, parse, read

GOOD = '[[step]]\ndo = "quantise"\nprecision = "w4a4"\n'


def test_what_is_said_and_what_is_not() -> None:
    text = (
        'seed = 3\n[loop]\nbatch = 20\nrate = 1\n[[step]]\ndo = "prune"\nsparsity = 0.5\nbatch = 30\nshift = [1, 2]\n'
        + GOOD
    )
    recipe = parse(tomllib.loads(text), "recipe.toml")
    first, last = recipe.steps
    assert (recipe.seed, first.loop.seed, last.loop.seed) == (3, 3, 3)
    assert (first.loop.batch, last.loop.batch) == (30, 20)
    assert (first.loop.rate, last.loop.epochs) == (1, 30)
    assert (first.loop.variation.shift, last.loop.variation.shift) == ((1, 2), (0, 0))
    assert first.get("method", "magnitude") == "magnitude"
    assert not recipe.chooses


def test_a_teacher_is_named_for_all_steps_or_for_one() -> None:
    steps = '[[step]]\ndo = "train"\n[[step]]\ndo = "quantise"\nprecision = "w4a4"\nteacher = "other.onnx"\n'
    given = parse(tomllib.loads('[loop]\nteacher = "large.onnx"\n' + steps), "recipe.toml")
    assert [s.get("teacher", None) for s in given.steps] == ["large.onnx", "other.onnx"]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "no steps"),
        ("sead = 1\n" + GOOD, "there is no sead"),
        ("seed = -1\n" + GOOD, "a whole number from 0"),
        ('[[step]]\ndo = "prune_it"\n', "there is no such step"),
        ('[[step]]\ndo = "gate"\n', "layers is missing"),
        ('[[step]]\ndo = "gate"\nlayers = { conv = 0.5 }\nthreshold = 0.1\n', "and so would the interval"),
        ('[[step]]\ndo = "gate"\nlayers = { conv = 0 }\n', "leaves nothing of conv"),
        ('[[step]]\ndo = "gate"\nlayers = { conv = 1.5 }\n', "from 0 to 1"),
        ('[[step]]\ndo = "gate"\nlayers = { conv = 0.5 }\ngroup = 0\n', "a whole number from 1"),
        (GOOD + '[[step]]\ndo = "gate"\nlayers = { conv = 0.5 }\n', "gate changes the graph"),
        ('[[step]]\ndo = "quantise"\n', "precision is missing"),
        ('[[step]]\ndo = "quantise"\nprecision = "w4b4"\n', "is not a precision"),
        (GOOD + "epoch = 3\n", "there is no epoch"),
        (GOOD + "epochs = 1.5\n", "a whole number"),
        (GOOD + 'optimiser = "lion"\n', "'adamw' or 'sgd'"),
        (GOOD + "distil = 1.5\n", "from 0 to 1"),
        (GOOD + "shift = [1]\n", "two whole numbers"),
        (GOOD + "calm = 1\n", "true or false"),
        ('[[step]]\ndo = "prune"\n', "how much is missing"),
        ('[[step]]\ndo = "prune"\nsparsity = 0.5\npattern = "4:2"\n', "no pattern"),
        ('[[step]]\ndo = "prune"\nlayers = { fc = 2.0 }\n', "from 0 to 1"),
        ('[[step]]\ndo = "share"\nbits = 3\n', "share needs codes"),
        (GOOD + '[[step]]\ndo = "channels"\nremove = 0.5\n', "channels changes the graph"),
        ("[[step]\n", "this is no recipe"),
    ],
)
def test_mistakes(text: str, says: str, tmp_path: Path) -> None:
    path = tmp_path / "recipe.toml"
    path.write_text(text)
    with pytest.raises(TomatoError, match=says) as told:
        read(path)
    assert str(path) in str(told.value.where)


def test_every_recipe_of_the_examples_can_be_read() -> None:
    folder = Path(__file__).parents[2] / "examples" / "training"
    recipes = [read(path) for path in sorted(folder.glob("*.toml"))]
    assert len(recipes) >= 5
    assert {step.do for r in recipes for step in r.steps} <= set(STEPS)
