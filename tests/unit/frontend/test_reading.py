"""Sizes that the user names, batches that a model fixes, and values that it leaves unquantised."""

from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime as ort
import pytest
from click.testing import CliRunner

import tomato
from tests.unit.frontend.tiny import Tiny, op, randoms, run
from tomato.cli import main
from tomato.core.errors import TomatoError
from tomato.core.interface import Reading
from tomato.frontend import load
from tomato.host.data import Data
from tomato.measure.evaluate import evaluate

CONV = {"w": randoms(5, 3, 3, 3)}
DYNAMIC = Tiny([op("Conv", "x", "w")], {"x": ("batch", 3, "height", "width")}, CONV)


def test_axes_by_name(tmp_path: Path) -> None:
    model = load(DYNAMIC.save(tmp_path), Reading({"height": (8,), "width": (6,)}))
    assert model.inputs[0].shape == (3, 8, 6)
    assert model.outputs[0].shape == (5, 6, 4)


def test_shape_of_an_input(tmp_path: Path) -> None:
    path = Tiny([op("Conv", "x", "w")], {"x": ("", 3, "", "")}, CONV).save(tmp_path)
    assert load(path, Reading({"x": (1, 3, 8, 6)})).outputs[0].shape == (5, 6, 4)


@pytest.mark.parametrize(
    ("sizes", "text"),
    [
        ({"height": (8,)}, "error: axis 3 ('width') has a dynamic size, but hardware needs a fixed one"),
        ({"heigth": (8,), "width": (8,), "height": (8,)}, "error: --shape heigth: there is no such axis or input"),
        ({"x": (1, 3, 8)}, "error: --shape gives 3 sizes for 4 axes"),
        ({"x": (1, 4, 8, 8)}, "error: --shape says 4 where the model says 3"),
        ({"height": (10**6,), "width": (10**6,)}, "error: the input claims 1x3x1000000x1000000"),
    ],
)
def test_sizes_that_do_not_fit(sizes: Any, text: str, tmp_path: Path) -> None:
    with pytest.raises(TomatoError) as error:
        load(DYNAMIC.save(tmp_path), Reading(sizes))
    assert str(error.value).startswith(text)
    assert error.value.hint


def test_sizes_on_the_command_line(tmp_path: Path) -> None:
    path, folder = DYNAMIC.save(tmp_path), tmp_path / "build"
    compile_ = ["compile", str(path), "--target", "ulx3s", "-o", str(folder), "-q"]
    found = CliRunner().invoke(main, compile_)
    assert found.exit_code == 1
    assert "hint: fix it: --shape height=N" in found.output
    found = CliRunner().invoke(main, [*compile_, "--shape", "height=8", "--shape", "width=6"])
    assert found.exit_code == 0, found.output
    made = tomato.load(folder)
    frames = np.random.default_rng(0).normal(size=(3, 3, 8, 6)).astype(np.float32)
    assert evaluate(made, Data(frames))["outputs"][0]["sqnr_db"] > 20
    for wrong in ("height", "height=0", "=3", "height=2x", f"height={'9' * 30}"):
        found = CliRunner().invoke(main, [*compile_, "--shape", wrong])
        assert found.exit_code == 1
        assert f"error: --shape {wrong}: expected NAME=N or NAME=NxNx..." in found.output


BATCHES = {
    "conv": Tiny([op("Conv", "x", "w")], {"x": (8, 3, 6, 5)}, CONV),
    "network": Tiny(
        [
            op("Conv", "x", "w", to="c"),
            op("Relu", "c", to="r"),
            op("Reshape", "r", "to", to="f"),
            op("Gemm", "f", "m", to="g"),
            op("Softmax", "g", axis=1),
        ],
        {"x": (8, 3, 6, 5)},
        CONV | {"to": np.array([8, -1]), "m": randoms(60, 4)},
    ),
    "flatten": Tiny([op("Flatten", "x", to="f"), op("MatMul", "f", "m")], {"x": (4, 3, 2, 2)}, {"m": randoms(12, 4)}),
    "residual": Tiny(
        [op("Relu", "x", to="r"), op("Add", "x", "r", to="a"), op("Mul", "a", "s")], {"x": (2, 3, 6, 5)},
        {"s": randoms(3, 1, 1)},
    ),
    "pooled": Tiny(
        [op("ReduceMean", "x", to="p", axes=[2, 3], keepdims=0), op("Transpose", "p", perm=[0, 1])], {"x": (2, 3, 6, 5)}
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", BATCHES)
def test_a_fixed_batch_is_one_frame(name: str, tmp_path: Path) -> None:
    path = BATCHES[name].save(tmp_path)
    model = load(path)
    count = int(BATCHES[name].inputs["x"][0])
    x = np.random.default_rng(0).normal(size=(count, *model.inputs[0].shape)).astype(np.float32)
    (wanted,) = ort.InferenceSession(path, providers=["CPUExecutionProvider"]).run(None, {"x": x})
    for frame, want in zip(x, wanted, strict=True):
        np.testing.assert_allclose(run(model, {"x": frame[None]})["y"][0], want, atol=1e-4)
    assert model.notes[0] == f"input 'x': the batch of {count} frames is one frame"


@pytest.mark.parametrize(
    ("case", "text"),
    [
        (Tiny([op("Transpose", "x", perm=[1, 0, 2, 3])], {"x": (8, 3, 6, 5)}), "Transpose 'y' gives no batch of 8"),
        (Tiny([op("ReduceMean", "x", axes=[0, 2, 3])], {"x": (8, 3, 6, 5)}), "ReduceMean 'y' gives no batch of 8"),
        (Tiny([op("Add", "x", "c")], {"x": (8, 3)}, {"c": randoms(8, 3)}), "Add 'y' may mix frames"),
        (Tiny([op("Concat", "x", "c", axis=1)], {"x": (8, 3)}, {"c": randoms(8, 3)}), "Concat 'y' may mix frames"),
        (
            Tiny([op("Reshape", "x", "to")], {"x": (8, 3, 4)}, {"to": np.array([4, 6, 4])}),
            "Reshape 'y' gives no batch of 8",
        ),
        (Tiny([op("Gemm", "w", "x")], {"x": (8, 3)}, {"w": randoms(8, 8)}), "Gemm 'y' may mix frames"),
    ],
)  # fmt: skip
def test_a_batch_that_more_than_its_axes_carry(case: Tiny, text: str, tmp_path: Path) -> None:
    with pytest.raises(TomatoError) as error:
        load(case.save(tmp_path))
    assert text in error.value.what
