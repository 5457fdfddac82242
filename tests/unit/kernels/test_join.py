"""QLinearAdd, QLinearMul and QLinearConcat, over all pairs of codes."""

import numpy as np
import pytest

from tests.unit.kernels.runtime import (
    QDQ,
    QOPERATOR,
    S8,
    U8,
    Arguments,
    Model,
    Result,
    assert_equal_if_fused,
    computed,
    every_code,
    on_x86,
    qdq,
    qoperator,
    random_codes,
    random_quantisations,
)
from tomato.core.formats import Array, Codes
from tomato.kernels import Quantisation, add, concat, in_float32, multiply

pytestmark = on_x86
FORMS = pytest.mark.parametrize("form", [QDQ, QOPERATOR])
TYPES = pytest.mark.parametrize("codes", [U8, S8], ids=str)


def all_pairs(codes: Codes) -> tuple[Array, Array]:
    """Every pair of codes: the first in rows, the second in columns."""
    line = np.arange(codes.lo, codes.hi + 1)
    a, b = np.meshgrid(line, line, indexing="ij")
    return a[np.newaxis, np.newaxis], b[np.newaxis, np.newaxis]


def run(form: str, kind: str, arguments: Arguments, y: Quantisation) -> Result:
    """Add or Mul in a QDQ model, or as an operator."""
    if form == QOPERATOR:
        return qoperator(f"QLinear{kind}", arguments, y)
    return qdq(lambda model, *names: model.op(kind, *names), arguments, y)


@FORMS
@TYPES
def test_add(form: str, codes: Codes) -> None:
    rng = np.random.default_rng(1)
    for _ in range(15):
        qa, qb, y = random_quantisations(rng, codes, 3)
        arguments = list(zip(all_pairs(codes), (qa, qb), strict=True))
        result = run(form, "Add", arguments, y)
        assert "QLinearAdd" in result.kinds
        assert_equal_if_fused(computed(form, add, arguments, y), result.codes)


@FORMS
@TYPES
def test_multiply(form: str, codes: Codes) -> None:
    rng = np.random.default_rng(2)
    for _ in range(20):
        qa, qb, y = random_quantisations(rng, codes, 3)
        # A scale that puts one product next to a tie.
        product = abs((rng.integers(codes.lo, codes.hi) - qa.zero) * (rng.integers(codes.lo, codes.hi) - qb.zero))
        scale = qa.scale * qb.scale * (product + 1) / (rng.integers(0, 120) + 0.5)
        y = Quantisation(float(np.float32(scale)), y.zero, codes)
        arguments = list(zip(all_pairs(codes), (qa, qb), strict=True))
        result = run(form, "Mul", arguments, y)
        assert "QLinearMul" in result.kinds
        np.testing.assert_array_equal(computed(form, multiply, arguments, y), result.codes)


SHAPES = {
    "b per channel": ((1, 64, 16, 8), (1, 64, 1, 1), False),
    "b one number": ((1, 64, 16, 8), (1, 1, 1, 1), False),
    "b along the innermost axis": ((1, 64, 16, 8), (1, 1, 1, 8), False),
    "a per channel": ((1, 64, 1, 1), (1, 64, 16, 8), True),
    "a one number": ((1, 1, 1, 1), (1, 64, 16, 8), True),
}


@pytest.mark.parametrize(("shape_a", "shape_b", "swapped"), SHAPES.values(), ids=SHAPES)
def test_a_broadcast_first_argument_swaps_the_addition(
    shape_a: tuple[int, ...], shape_b: tuple[int, ...], swapped: bool
) -> None:
    rng = np.random.default_rng(3)
    for _ in range(15):
        qa, qb, y = random_quantisations(rng, U8, 3)
        arguments = [(random_codes(rng, U8, *shape_a), qa), (random_codes(rng, U8, *shape_b), qb)]
        result = run(QDQ, "Add", arguments, y)
        assert_equal_if_fused(computed(QDQ, add, arguments[:: -1 if swapped else 1], y), result.codes)


@FORMS
@TYPES
def test_concat(form: str, codes: Codes) -> None:
    rng = np.random.default_rng(4)
    image = every_code(codes)
    for _ in range(15):
        *arguments, y = random_quantisations(rng, codes, 4)
        pairs = [(image, q) for q in arguments] + [(image, y)]
        if form == QOPERATOR:
            result = qoperator("QLinearConcat", pairs, y, axis=1)
        else:
            result = qdq(lambda model, *names: model.op("Concat", *names, axis=1), pairs, y)
        assert "QLinearConcat" in result.kinds
        np.testing.assert_array_equal(concat(pairs, y, axis=1), result.codes)


@pytest.mark.parametrize("kind", ["Add", "Mul", "Sub", "Div"])
def test_what_is_not_fused_is_rounded_in_float32(kind: str) -> None:
    """A Relu that the zero point does not absorb keeps Add and Mul in float32; Sub and Div have no kernel."""
    rng = np.random.default_rng(5)
    function = {"Add": np.add, "Mul": np.multiply, "Sub": np.subtract, "Div": np.divide}[kind]

    def build(model: Model, a: str, b: str) -> str:
        return model.op("Relu", model.op(kind, a, b))

    for _ in range(10):
        qa, qb, y = random_quantisations(rng, U8, 3)
        qb, y = Quantisation(qb.scale, 0, U8), Quantisation(y.scale, 1 + y.zero // 2, U8)
        a, b = all_pairs(U8)
        arguments = [(a, qa), (np.maximum(b, 1), qb)]
        result = qdq(build, arguments, y)
        assert kind in result.kinds
        wanted = in_float32(lambda *reals: np.maximum(function(*reals), 0), y, *arguments)
        np.testing.assert_array_equal(wanted, result.codes)
