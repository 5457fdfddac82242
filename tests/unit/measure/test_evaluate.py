"""Accuracy next to ONNX Runtime."""

import json
import sys
from pathlib import Path

import numpy as np
import pytest

from tests import digits
from tomato.core.errors import TomatoError
from tomato.host.data import Data, classes
from tomato.measure.evaluate import evaluate, sqnr, write


@pytest.mark.slow
def test_digits_lose_nothing(tmp_path: Path) -> None:
    result = evaluate(digits.compiled(), Data(*digits.frames()))
    assert result["frames"] == 599
    assert result["top1"]["float"] == pytest.approx(597 / 599)
    assert result["top1"]["accelerator"] >= 0.99
    assert result["agreement"] > 0.99
    (output,) = result["outputs"]
    assert output["name"] == "scores"
    assert output["sqnr_db"] > 30
    assert [r["name"] for r in result["layers"]] == [n.name for n in digits.compiled().graph if n.name.endswith("_q")]
    assert all(r["sqnr_db"] > 25 for r in result["layers"])
    write(tmp_path, result)
    assert json.loads((tmp_path / "evaluation.json").read_text()) == result


def test_without_labels_there_is_agreement() -> None:
    x, _ = digits.frames()
    result = evaluate(digits.compiled(), [Data(x[:20])])
    assert result["top1"] is None
    assert result["agreement"] == 1.0


def test_labels_of_another_length() -> None:
    x, labels = digits.frames()
    with pytest.raises(TomatoError) as error:
        evaluate(digits.compiled(), Data(x[:20], labels[:19]))
    assert str(error.value) == "error: 19 labels for 20 frames"


def test_without_onnx_runtime(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    with pytest.raises(TomatoError) as error:
        evaluate(digits.compiled(), Data(digits.frames()[0][:2]))
    assert str(error.value) == (
        "error: the model is run by ONNX Runtime, which is not installed\n  hint: pip install 'tomato[eval]'"
    )


def test_classes() -> None:
    scores = np.array([[0.1, 0.9, 0.0], [2.0, 1.0, 0.0]])
    expected = [1, 0]
    for shape in ((2, 3), (2, 3, 1, 1), (2, 1, 3)):
        found = classes(scores.reshape(shape))
        assert found is not None
        assert found.tolist() == expected
    assert classes(np.zeros((2, 3, 4))) is None
    assert classes(np.zeros((2, 1))) is None
    named = classes(np.array([[4], [7]]))
    assert named is not None
    assert named.tolist() == [4, 7]


def test_sqnr() -> None:
    real = np.array([3.0, 4.0])
    assert sqnr(real, real) is None
    assert sqnr(real, real + np.array([0.05, 0.0])) == pytest.approx(40.0, abs=0.01)
