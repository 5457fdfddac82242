"""A run of a recipe: every step, the promise, resumed and repeated runs, the command line."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.digits import MODEL
from tests.models import model_path
from tests.train.small import frames, network
from tomato.core.errors import TomatoError
from tomato.core.progress import Progress, silent
from tomato.train import command
from tomato.train.recipe import parse
from tomato.train.run import Run
from tomato.train.trainable import Trainable

DIGITS = MODEL.parent
STEPS = """
[loop]
batch = 32
epochs = 2
[[step]]
do = "channels"
remove = 0.25
multiple = 4
[[step]]
do = "prune"
sparsity = 0.3
method = "surgery"
[[step]]
do = "quantise"
precision = "w4a4"
normalise = true
"""


Whole = tuple[bytes, dict[str, Any]]
"""The file of a run, and what it came to."""


class StoppedError(Exception):
    """Someone interrupts."""


def run(to: Path, recipe: str, progress: Progress = silent, **options: Any) -> dict[str, Any]:
    path = to.with_suffix(".toml")
    path.write_text(recipe)
    return command.train(
        MODEL, to, [DIGITS / "digits_calibration.npz"], [DIGITS / "digits_test.npz"], recipe=path, progress=progress,
        **options,
    )  # fmt: skip


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Whole:
    to = tmp_path_factory.mktemp("whole") / "small.onnx"
    result = run(to, STEPS, target="pynq-z2")
    return to.read_bytes(), result


def test_three_steps_are_judged_and_exact(whole: Whole) -> None:
    rows = whole[1]["rows"]
    assert [r["step"] for r in rows] == ["start", "1 channels", "2 prune", "3 quantise"]
    assert (whole[1]["differing"], whole[1]["measure"]) == (0, "right")
    assert whole[1]["codes"] > 100_000
    weights = [r["sizes"]["weights"] for r in rows]
    assert weights[0] > weights[1] == weights[2] == weights[3]
    assert rows[2]["sizes"]["nonzeros"] == pytest.approx(0.7 * weights[2], rel=0.02)
    assert rows[3]["sizes"]["entropy_bits"] < rows[3]["sizes"]["dense_bits"] < rows[2]["sizes"]["dense_bits"] / 4
    assert rows[0]["right"] > 0.99
    assert rows[3]["right"] > 0.6
    assert rows[1]["fps"] > 0
    assert rows[3]["resources"]["lut"] > 0


@pytest.mark.slow
@pytest.mark.parametrize("epoch", [1, 4, 5])
def test_an_interrupted_run_goes_on_to_the_same_file(whole: Whole, tmp_path: Path, epoch: int) -> None:
    """Inside the first step, between two, and inside the last."""
    to, seen = tmp_path / "small.onnx", 0

    def stop(what: str, done: int, total: int) -> None:
        nonlocal seen
        seen += what[:1].isdigit()
        if seen > epoch:
            raise StoppedError

    with pytest.raises(StoppedError):
        run(to, STEPS, stop)
    assert not to.exists()
    again = run(to, STEPS)
    assert to.read_bytes() == whole[0]
    assert [r["right"] for r in again["rows"]] == [r["right"] for r in whole[1]["rows"]]


@pytest.mark.slow
def test_a_repeated_run_gives_the_same_file_another_seed_another(whole: Whole, tmp_path: Path) -> None:
    once, other = tmp_path / "once.onnx", tmp_path / "other.onnx"
    run(once, STEPS)
    run(other, STEPS, seed=1)
    assert once.read_bytes() == whole[0]
    assert other.read_bytes() != whole[0]


def test_a_folder_of_another_run_is_not_taken_up(tmp_path: Path) -> None:
    to = tmp_path / "small.onnx"
    recipe = '[[step]]\ndo = "quantise"\nprecision = "w8a8"\nepochs = 0\n'
    run(to, recipe)
    with pytest.raises(TomatoError, match="another run"):
        run(to, recipe.replace("w8a8", "w4a8"))
    (to.with_name("small.train") / "run.json").write_text("{")
    with pytest.raises(TomatoError, match="damaged"):
        run(to, recipe)


EACH = {
    "factor": '[[step]]\ndo = "factor"\nmacs = 0.8\nmultiple = 4\n',
    "circulant": '[[step]]\ndo = "circulant"\nblock = 4\nlayers = ["block2*"]\n',
    "gates": '[[step]]\ndo = "gate"\nlayers = { "stem*" = 0.5, "*body_0_0_Conv" = 0.25 }\ngroup = 2\n',
    "measured": '[[step]]\ndo = "prune"\nsparsity = 0.3\nspread = "measured"\n',
    "even": '[[step]]\ndo = "prune"\nsparsity = 0.5\nspread = "even"\nmethod = "movement"\n',
    "groups": '[[step]]\ndo = "prune"\npattern = "2:4"\n',
    "words": '[[step]]\ndo = "prune"\npattern = "words"\nsparsity = 0.3\n',
    "pact": '[[step]]\ndo = "quantise"\nprecision = "w8a8"\nmethod = "pact"\ncalm = false\n',
    "patience": '[[step]]\ndo = "train"\npatience = 1\naverage = 0.9\nfeatures = 0.1\nmixup = 0.2\nshift = [1, 1]\n',
}


@pytest.mark.slow
@pytest.mark.parametrize("step", EACH)
def test_every_step_ends_in_a_network_that_is_exact(step: str, tmp_path: Path) -> None:
    last = '[[step]]\ndo = "quantise"\nprecision = "w4a8"\n[[step]]\ndo = "share"\nbits = 3\nlayers = ["block*"]\n'
    end = "" if step == "pact" else last
    result = run(tmp_path / "small.onnx", f"[loop]\nepochs = 1\nbatch = 64\n{EACH[step]}{end}",
                 target="pynq-z2" if step == "words" else None)  # fmt: skip
    assert result["differing"] == 0
    assert np.isfinite(result["rows"][-1]["loss"])
    if step == "groups":
        assert result["rows"][1]["sizes"]["nonzeros"] < 0.6 * result["rows"][0]["sizes"]["weights"]


def test_results_are_reported_on_frames_that_nothing_was_chosen_by() -> None:
    small, given = network(), frames(200)
    net = Trainable(small.graph, small.inputs, small.outputs)
    recipe = parse({"step": [{"do": "train", "epochs": 1, "patience": 1}]}, "recipe")
    made = Run(net, recipe, given)
    parts = [set(f.chosen.tolist()) for f in (made.frames, made.choice, made.judge.frames) if f is not None]
    assert len(parts) == 3
    assert sum(map(len, parts)) == 200 == len(set.union(*parts))


def test_bad_input_is_told(tmp_path: Path) -> None:
    quantised = model_path("kws_qdq.onnx")
    with pytest.raises(TomatoError, match="quantised already") as told:
        command.train(quantised, tmp_path / "x.onnx", [DIGITS / "digits_test.npz"], precision="w4a4")
    assert "kws_qdq.onnx: " in str(told.value)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("recipe", "says"),
    [
        ('[[step]]\ndo = "prune"\nlayers = { "no*" = 0.5 }\n', "no layer is called"),
        ('[[step]]\ndo = "prune"\nsparsity = 0.9999\nspread = "even"\n', "leaves nothing"),
        ('[[step]]\ndo = "channels"\nlayers = { "classify*" = 0.5 }\n', "no channel of"),
    ],
)
def test_a_step_that_cannot_be_done_names_layer_and_step(recipe: str, says: str, tmp_path: Path) -> None:
    with pytest.raises(TomatoError, match=says):
        run(tmp_path / "small.onnx", recipe)
    assert not (tmp_path / "small.onnx").exists()


def test_the_rows_are_on_disk(whole: Whole, tmp_path: Path) -> None:
    to = tmp_path / "small.onnx"
    result = run(to, '[[step]]\ndo = "quantise"\nprecision = "w8a8"\nepochs = 1\n')
    stored = json.loads((tmp_path / "small.train" / "training.json").read_text())
    assert stored["rows"] == json.loads(json.dumps(result["rows"]))
    assert (tmp_path / "small.train" / "training.svg").read_text().startswith("<?xml")
    assert all(Path(p).exists() for p in result["written"])
