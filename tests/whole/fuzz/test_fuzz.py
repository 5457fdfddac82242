"""A few hundred mutants, the same every time; `make fuzz N=10000` takes more. Planted faults are found."""

import os
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

pytest.importorskip("onnxruntime.quantization")

from tests.whole.fuzz import run
from tests.whole.fuzz.corpus import models
from tests.whole.fuzz.judge import EQUAL, REFUSED, WRONG
from tests.whole.fuzz.run import Outcome, outcomes
from tomato.frontend.translate import rules
from tomato.ops.real import Clip

QUICK, MORE = 200, 2000
HUGE = 1 << 30


@pytest.fixture(scope="module")
def corpus() -> list[Any]:
    return models()


@pytest.mark.slow
def test_models_themselves_are_right(corpus: list[Any], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run, "mutant", lambda models, seed: models[seed])
    found = list(outcomes(corpus, range(len(corpus))))
    assert [o for o in found if not o.fine] == []
    assert sum(o.kind == EQUAL for o in found) > len(corpus) - 10


@pytest.mark.parametrize(
    "seeds",
    [range(QUICK), pytest.param(range(QUICK, QUICK + MORE), marks=pytest.mark.slow)],
    ids=["few", "more"],
)
def test_mutants(seeds: range, corpus: list[Any]) -> None:
    found = list(outcomes(corpus, seeds))
    assert [o for o in found if not o.fine] == []
    assert sorted(o.seed for o in found) == list(seeds)
    assert min(sum(o.kind == kind for o in found) for kind in (REFUSED, EQUAL)) > len(seeds) / 10


def _raises(*_: Any) -> None:
    raise KeyError("planted")


def _dies(*_: Any) -> None:
    os.abort()


def _takes_all(*_: Any) -> None:
    np.ones(HUGE, dtype=np.float64).sum()


def _is_wrong(walk: Any, node: Any) -> None:
    view = walk.settle(node.inputs[0])
    walk.put(node.outputs[0], walk.emit(Clip(0.1, 9.0), [view.value]), view.order)


@pytest.mark.parametrize(
    ("fault", "kinds"),
    [(_raises, {"RAISED"}), (_dies, {"DIED"}), (_takes_all, {"RAISED", "LARGE"}), (_is_wrong, {WRONG})],
    ids=["raises", "dies", "memory", "wrong"],
)
def test_a_planted_fault_is_found(
    fault: Callable[..., None], kinds: set[str], corpus: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(rules(), "Relu", fault)
    monkeypatch.setitem(rules(), "Concat", fault)
    found = [o for o in outcomes(corpus, range(40)) if not o.fine]
    assert found
    assert {o.kind for o in found} & kinds


def test_a_seed_is_reported_once_even_if_its_process_dies(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run, "one", lambda _models, seed: os.abort() if seed % 7 == 3 else Outcome(seed, EQUAL))
    found = list(outcomes([], range(30)))
    assert sorted(o.seed for o in found) == list(range(30))
    assert {o.seed for o in found if o.kind == "DIED"} == {3, 10, 17, 24}
