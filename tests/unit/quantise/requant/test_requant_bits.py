"""`--requant-bits N`: what narrow multipliers cost is counted."""

import numpy as np
import pytest

from tests.models import model_path
from tests.networks.runtime import golden, runtime
from tomato import frontend
from tomato.quantise.absorb import Allowed
from tomato.quantise.integers import Integers, from_quantised

pytestmark = [pytest.mark.models, pytest.mark.slow]
MEAN = "GlobalAveragePool_57_all"


def keywords(bits: int | None) -> Integers:
    path = model_path("kws_qdq.onnx")
    return from_quantised(frontend.load(path), path, Allowed(1.0, bits))


@pytest.mark.parametrize(("bits", "least", "most", "largest"), [(8, 5e-3, 3e-2, 64), (12, 5e-4, 2e-3, 1),
                                                                  (16, 3e-5, 1e-4, 1)])  # fmt: skip
def test_the_cost_is_counted(bits: int, least: float, most: float, largest: int) -> None:
    """The share of accumulators whose code differs: a bit halves it."""
    proofs = keywords(bits).proofs
    assert {p.how for p in proofs} == {"requant"}
    share = sum(p.differing for p in proofs) / sum(p.checked for p in proofs)
    assert least < share < most
    assert max(p.largest for p in proofs) <= largest


def test_the_count_is_that_of_the_operators() -> None:
    """Of the average, against the exact graph over all accumulators."""
    exact, coarse = keywords(None), keywords(8)
    wide = exact.graph.types[MEAN]
    every = np.arange(wide.codes.lo, wide.codes.hi + 1)[:, None].repeat(wide.channels, axis=1)
    a, b = (made.graph.producers[f"{MEAN}_q"].op.golden([every]) for made in (exact, coarse))
    (proof,) = [p for p in coarse.proofs if p.value == f"{MEAN}_q"]
    assert proof.checked == every.size
    assert proof.differing == np.count_nonzero(a != b)
    assert proof.largest == np.abs(a - b).max()
    assert proof.differing > 0


def test_outputs_differ_where_it_cannot_be_exact() -> None:
    path = model_path("kws_qdq.onnx")
    x = np.load(model_path("kws_1000.npz"))["x"][:100]
    wanted = runtime(path, x)[0]
    equal = [np.mean(golden(keywords(bits), x)[0] == wanted) for bits in (8, 12, 16, None)]
    assert equal == sorted(equal)
    assert equal[0] < 0.9
    assert equal[-1] == 1.0
