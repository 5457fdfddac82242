"""The tables of docs/precision.md are those that their commands make."""

import json

import numpy as np
import pytest

from tests.models import model_path
from tools.bench import explore
from tools.bench.precision import DOCUMENT, FORMATS, RESULTS, SUBJECTS, fill, measure, with_table


def test_the_table_is_that_of_the_stored_results() -> None:
    text = DOCUMENT.read_text()
    assert with_table(text, json.loads(RESULTS.read_text())) == text


def test_the_table_of_searches_is_that_of_the_stored_results() -> None:
    text = DOCUMENT.read_text()
    assert fill(text, explore.BEGIN, explore.table(json.loads(explore.RESULTS.read_text()))) == text


@pytest.mark.slow
@pytest.mark.models
def test_results_are_repeatable(monkeypatch: pytest.MonkeyPatch) -> None:
    """One network and the formats that tell rounding, compensation and activations apart."""
    formats = ("w8a8", "shift4a8", "binary")
    monkeypatch.setattr("tools.bench.precision.FORMATS", formats)
    subject = SUBJECTS[0]
    found = measure(subject, model_path(subject.model).parent)
    stored = json.loads(RESULTS.read_text())["mnist8"]
    assert set(formats) < set(FORMATS)
    for form in formats:
        for way in ("nearest", "compensated"):
            assert np.isclose(found["formats"][form][way], stored["formats"][form][way], atol=0.003), (form, way)


def test_the_table_of_training_is_that_of_the_stored_results() -> None:
    pytest.importorskip("torch", reason="torch: not installed; pip install 'tomato[train]'")
    from tools.bench import train

    text = train.DOCUMENT.read_text()
    assert train.with_table(text, json.loads(train.RESULTS.read_text())) == text
