"""Operators of quantised values with functions behind them: equal, off by one where the compiler says so, or refused.

TOMATO_FUZZ=N (any N) takes every layout of zero points.
"""

import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.unit.quantise.absorb import tails
from tests.unit.quantise.absorb.tails import QDQ, SOURCES, Case, Verdict, cases, few, judge, verdicts
from tests.unit.quantise.absorb.tails_page import BEGIN, PAGE, row
from tomato.quantise.absorb import requantiser
from tomato.quantise.absorb.reference import Meaning, reference


def failed(found: dict[Case, Verdict]) -> dict[str, str]:
    return {str(case): verdict.text for case, verdict in found.items() if verdict.kind == "failed"}


@pytest.mark.slow
@pytest.mark.parametrize("source", SOURCES)
def test_every_tail_once(source: str) -> None:
    assert failed(verdicts(few(source))) == {}


@pytest.mark.slow
@pytest.mark.parametrize("source", SOURCES)
def test_every_dialect_and_type(source: str) -> None:
    """The rows of docs/tails.md are those found here."""
    every = "TOMATO_FUZZ" in os.environ
    found = verdicts(cases(source, every=every))
    assert failed(found) == {}
    if not every:
        page = PAGE.read_text().split(BEGIN)[1].splitlines()
        assert [row(source, found, wide=wide) in page for wide in (False, True)] == [True, True], "table is old"


def test_a_false_claim_is_a_failure(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A reference that is off by a code at every other integer, and proved to be met."""
    case = Case("MaxPool", "Relu", QDQ, "int8", 0)
    assert judge(case, tmp_path).kind == "equal"

    def wrong(*given: Any) -> Meaning:
        meaning = reference(*given)
        return replace(meaning, codes=lambda acc: np.asarray(meaning.codes(acc + acc % 2)))

    monkeypatch.setattr(requantiser, "reference", wrong)
    verdict = judge(case, tmp_path)
    assert verdict.kind == "failed"
    assert "claims equality" in verdict.text


def test_an_error_beyond_the_bound_is_a_failure() -> None:
    codes = np.zeros(1000)
    assert tails.compare(codes, codes, []) == Verdict("equal")
    one, two = codes.copy(), codes.copy()
    one[0], two[0] = 1, 2
    assert tails.compare(codes, one, ["float fallback"]) == Verdict("named", "float fallback")
    assert tails.compare(codes, one, []).kind == "failed"
    assert tails.compare(codes, two, ["float fallback"]).kind == "failed"
    assert tails.compare(codes, np.repeat([0, 1], [980, 20]), ["float fallback"]).kind == "failed"
