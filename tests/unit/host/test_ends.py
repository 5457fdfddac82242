"""Ends of a network on the host: what is cut, the chain of golden, simulate and evaluate, and what is refused."""

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from click.testing import CliRunner
from onnx import TensorProto, helper, numpy_helper

import tomato
from tests.unit.frontend.tiny import THIRDS, op, randoms
from tomato import accelerator, frontend
from tomato.cli import main
from tomato.core.errors import TomatoError
from tomato.core.formats import Array
from tomato.frontend.evaluator import Evaluator
from tomato.host.data import Data
from tomato.host.runtime import ranked
from tomato.measure.evaluate import evaluate

ort = pytest.importorskip("onnxruntime")
WORDS, LENGTH, WIDTH = 50, 8, 16
FRAMES = 5


def save(
    folder: Path, nodes: list[Any], constants: dict[str, Array], inputs: dict[str, Any], outputs: list[str]
) -> Path:
    graph = helper.make_graph(
        nodes,
        "ends",
        [helper.make_tensor_value_info(n, kind, shape) for n, (kind, shape) in inputs.items()],
        [helper.make_empty_tensor_value_info(n) for n in outputs],
        [numpy_helper.from_array(np.asarray(v), n) for n, v in constants.items()],
    )
    path = folder / "ends.onnx"
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9), path)
    return path


def sentence(folder: Path, batch: Any = 1) -> Path:
    """An embedding, a convolution over the words, and a soft arg-max of where it is largest."""
    nodes = [
        op("Gather", "table", "words", to="e", axis=0, name="embedding"),
        op("Transpose", "e", to="t", perm=[0, 2, 1]),
        op("Conv", "t", "w", "b", to="c", pads=[1, 1], name="conv"),
        op("Relu", "c", to="r"),
        op("Conv", "r", "v", to="d", name="score"),
        op("LogSoftmax", "d", to="l", axis=2, name="soft"),
        op("Exp", "l", to="s", name="shares"),
        op("Mul", "s", "places", to="m", name="places"),
        op("ReduceSum", "m", "axes", to="where", keepdims=0, name="where"),
    ]
    constants = {
        "table": randoms(WORDS, WIDTH), "w": randoms(24, WIDTH, 3, seed=1) / 5, "b": randoms(24, seed=2),
        "v": randoms(4, 24, 1, seed=3) / 5, "places": np.arange(LENGTH, dtype=np.float32).reshape(1, 1, LENGTH),
        "axes": np.array([2]),
    }  # fmt: skip
    return save(folder, nodes, constants, {"words": (TensorProto.INT64, [batch, LENGTH])}, ["where"])


def head(folder: Path) -> Path:
    """A detector: convolutions, and the best places of one of two results."""
    nodes = [
        op("Conv", "x", "w", to="c", pads=[1, 1, 1, 1], name="backbone"),
        op("Relu", "c", to="r"),
        op("Conv", "r", "v", to="boxes", name="boxes"),
        op("Conv", "r", "u", to="scores", name="scores"),
        op("Flatten", "scores", to="f"),
        op("TopK", "f", "k", to=("best", "place"), axis=1, name="topk"),
    ]
    constants = {"w": randoms(8, 3, 3, 3), "v": randoms(4, 8, 1, 1), "u": randoms(1, 8, 1, 1), "k": np.array([5])}
    return save(folder, nodes, constants, {"x": (TensorProto.FLOAT, [1, 3, 6, 5])}, ["boxes", "best", "place"])


def words(count: int = FRAMES) -> Array:
    return np.random.default_rng(0).integers(0, WORDS, (count, LENGTH))


def whole(path: Path, **feed: Array) -> list[Array]:
    """What ONNX Runtime computes, frame by frame."""
    session = ort.InferenceSession(path, providers=["CPUExecutionProvider"])
    rows = [
        session.run(None, {n: x[i : i + 1] for n, x in feed.items()}) for i in range(len(next(iter(feed.values()))))
    ]
    return [np.concatenate(column) for column in zip(*rows, strict=True)]


def test_both_ends_end_to_end(tmp_path: Path) -> None:
    path = sentence(tmp_path)
    made = tomato.compile(path, "ulx3s", calibration=words(64), precision="w8a8")
    assert made.ends is not None
    assert [n.label for n in made.ends.before] == ["embedding"]
    assert [n.label for n in made.ends.after] == ["soft", "shares", "places", "where"]
    assert made.ends.share == 1
    assert [s.name for s in made.takes] == ["words"]
    assert [p.name for p in made.inputs] == ["e"]
    (wanted,) = whole(path, words=words())
    got = made.golden(words())
    assert got.shape == wanted.shape == (FRAMES, 4)
    assert np.abs(got - wanted).max() < 0.5
    folder = made.write(tmp_path / "build")
    again = accelerator.load(folder)
    assert np.array_equal(again.golden(words()), got)
    assert sorted(p.name for p in (folder / "host").glob("*.onnx")) == ["after.onnx", "before.onnx"]
    said = json.loads((folder / "report.json").read_text())
    assert said["host"]["chip_share"] == 1
    assert said["notes"][0].startswith(
        "the host runs before the chip embedding (Gather); behind the chip soft (LogSoftmax)"
    )
    result = evaluate(again, Data(words()))
    assert result["outputs"][0]["name"] == "where"
    assert result["outputs"][0]["max_error"] == pytest.approx(np.abs(got - wanted).max(), abs=1e-5)


@pytest.mark.rtl
def test_both_ends_through_the_hardware(tmp_path: Path) -> None:
    made = tomato.compile(sentence(tmp_path), "ulx3s", calibration=words(64))
    assert np.array_equal(made.simulate(words()), made.golden(words()))


def test_the_files_on_the_host_are_the_chain(tmp_path: Path) -> None:
    made = tomato.compile(sentence(tmp_path), "ulx3s", calibration=words(64))
    folder = made.write(tmp_path / "build") / "host"
    rows = []
    for frame in words():
        before = ort.InferenceSession(folder / "before.onnx").run(None, {"words": frame[None]})
        (chip,) = made.chip(*before)
        rows.append(ort.InferenceSession(folder / "after.onnx").run(None, {"d": chip})[0])
    assert np.array_equal(np.concatenate(rows), made.golden(words()))


def test_without_onnx_runtime_the_evaluator_runs_the_host(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = tomato.compile(sentence(tmp_path), "ulx3s", calibration=words(64))
    wanted = made.golden(words())
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    again = tomato.compile(sentence(tmp_path), "ulx3s", calibration=words(64))
    assert again.host is not None
    assert isinstance(again.host._sessions[0], Evaluator)
    np.testing.assert_allclose(again.golden(words()), wanted, atol=1e-5)


def test_a_dynamic_batch(tmp_path: Path) -> None:
    path = sentence(tmp_path, "N")
    made = tomato.compile(path, "ulx3s", calibration=words(64))
    assert evaluate(made, Data(words()))["frames"] == FRAMES


def test_a_detection_head_is_cut_at_its_topk(tmp_path: Path) -> None:
    path = head(tmp_path)
    x = np.random.default_rng(1).normal(size=(FRAMES, 3, 6, 5)).astype(np.float32)
    made = tomato.compile(path, "ulx3s", calibration=x)
    assert made.ends is not None
    assert [n.label for n in made.ends.after] == ["topk"]
    assert made.ends.before == ()
    assert [(s.name, s.shape, s.dtype) for s in made.gives] == [
        ("boxes", (4, 6, 5), "float32"), ("best", (5,), "float32"), ("place", (5,), "int64"),
    ]  # fmt: skip
    boxes, best, place = made.golden(x)
    wanted = whole(path, x=x)
    for ours, theirs in zip((boxes, best), wanted[:2], strict=True):
        assert ours.shape == theirs.shape
        assert np.abs(ours - theirs).max() < 0.1 * np.abs(theirs).max()
    assert place.dtype == np.int64
    assert len(evaluate(made, Data(x))["outputs"]) == 3


def test_command_line(tmp_path: Path) -> None:
    path = head(tmp_path)
    data = tmp_path / "x.npy"
    np.save(data, np.random.default_rng(1).normal(size=(FRAMES, 3, 6, 5)).astype(np.float32))
    found = CliRunner().invoke(main, ["inspect", str(path)])
    assert found.exit_code == 0
    assert "the host runs behind the chip topk (TopK): 0.0% of the multiply-accumulates" in found.output
    build = ["compile", str(path), "--target", "ulx3s", "--calibrate", str(data), "-o", str(tmp_path / "build"), "-q"]
    found = CliRunner().invoke(main, [*build, "--host", "none"])
    assert found.exit_code == 1
    assert "topk (TopK): what is chosen depends on the data" in found.output
    assert not (tmp_path / "build").exists()
    found = CliRunner().invoke(main, build)
    assert found.exit_code == 0, found.output
    found = CliRunner().invoke(main, ["evaluate", str(tmp_path / "build"), "--data", str(data)])
    assert found.exit_code == 0, found.output


def test_a_network_that_no_longer_has_ends_loses_the_files(tmp_path: Path) -> None:
    made = tomato.compile(head(tmp_path), "ulx3s")
    folder = made.write(tmp_path / "build")
    assert list((folder / "host").glob("*.onnx"))
    nodes = [op("Conv", "x", "w", to="y")]
    path = save(tmp_path, nodes, {"w": randoms(2, 3, 1, 1)}, {"x": (TensorProto.FLOAT, [1, 3, 6, 5])}, ["y"])
    tomato.compile(path, "ulx3s").write(folder)
    assert not list((folder / "host").glob("*.onnx"))


def test_what_is_mostly_for_the_host_is_refused_with_the_cut(tmp_path: Path) -> None:
    path = THIRDS.save(tmp_path)
    with pytest.raises(TomatoError) as error:
        tomato.compile(path, "kv260")
    assert "most, last_most (Hardmax): the operator is not supported" in error.value.what
    assert error.value.hint == (
        "--host any compiles the rest all the same: the host runs behind the chip most (Hardmax), middle (Conv), "
        "last_most (Hardmax) and 1 more: 66.7% of the multiply-accumulates"
    )
    settled = frontend.settle(path, host="any")
    assert settled.ends is not None
    assert settled.reading.outputs == ("a",)


def test_a_refusal_in_the_middle_cuts_nothing(tmp_path: Path) -> None:
    """What lies between two halves of the work leaves the larger half, and that is told."""
    nodes = [
        op("Conv", "x", "w", to="c", name="first"),
        op("TopK", "c", "k", to=("t", "i"), axis=3, name="sorted"),
        op("Conv", "t", "v", to="y", name="second"),
    ]
    constants = {"w": randoms(8, 3, 1, 1), "v": randoms(64, 8, 1, 1), "k": np.array([5])}
    path = save(tmp_path, nodes, constants, {"x": (TensorProto.FLOAT, [1, 3, 6, 5])}, ["y"])
    ends = frontend.settle(path).ends
    assert ends is not None
    assert [n.label for n in ends.before] == ["first", "sorted"]
    assert ends.share == pytest.approx(64 / (64 + 3))


def test_a_model_without_a_batch_gets_its_one_frame() -> None:
    frame = np.arange(6.0).reshape(1, 2, 3)
    assert ranked(frame, 3) is frame
    assert ranked(frame, 2).tolist() == frame[0].tolist()
