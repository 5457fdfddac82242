"""Forms of weights: exact where they are offered, offered where they are exact, as narrow as they can be."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tomato.core.formats import Array
from tomato.core.forms import Binary, Cell, Codebook, Fixed, Focused, Form, Shift, Ternary, forms

SIGNED_POWERS = st.builds(lambda sign, e: sign << e, st.sampled_from([-1, 1]), st.integers(0, 14)) | st.just(0)


@st.composite
def weights(draw: st.DrawFn) -> Array:
    """Weights of every kind that has a form of its own, and some that have none."""
    means = draw(st.tuples(SIGNED_POWERS, SIGNED_POWERS))
    kinds = {
        "any": st.integers(-(1 << 15), (1 << 15) - 1),
        "narrow": st.integers(-8, 7),
        "binary": st.sampled_from([-1, 1]),
        "ternary": st.integers(-1, 1),
        "shift": SIGNED_POWERS,
        "focused": st.builds(int.__add__, st.sampled_from(means), SIGNED_POWERS).filter(lambda v: abs(v) < 1 << 15),
        "codebook": st.sampled_from(draw(st.lists(st.integers(-(1 << 15), (1 << 15) - 1), min_size=1, max_size=16))),
    }
    kind = kinds[draw(st.sampled_from(sorted(kinds)))]
    return np.array(draw(st.lists(kind, min_size=1, max_size=60)))


@given(weights())
def test_every_form_is_exact(values: Array) -> None:
    found = forms(values)
    assert found[0].cell == Cell.FIXED
    for form in found:
        fields = form.encode(values)
        assert (form.decode(fields) == values).all(), form
        assert 0 <= fields.min() <= fields.max() < 1 << form.bits, form
        assert form.filler in form.decode(np.arange(1 << form.bits))


@pytest.mark.slow
@given(weights())
def test_a_form_is_offered_whenever_it_is_exact(values: Array) -> None:
    offered = {form.cell for form in forms(values)}
    powers = {0, *(sign << e for sign in (-1, 1) for e in range(16))}
    assert (Cell.BINARY in offered) == (set(values.tolist()) <= {-1, 1})
    assert (Cell.TERNARY in offered) == (set(values.tolist()) <= {-1, 0, 1})
    assert (Cell.SHIFT in offered) == (set(values.tolist()) <= powers and bool(values.any()))
    assert (Cell.CODEBOOK in offered) == (len(np.unique(values)) <= 16)
    if Cell.SHIFT in offered:
        assert Cell.FOCUSED in offered, "a shift is focused on zero"


@given(st.tuples(SIGNED_POWERS, SIGNED_POWERS), st.integers(0, 6), st.integers(1, 8), st.data())
def test_focused_weights_are_found_in_as_few_bits_as_they_were_made(
    means: tuple[int, int], base: int, exponents: int, data: st.DataObject
) -> None:
    made = Focused(Shift(base, exponents), means)
    codes = st.integers(0, exponents - 1) | st.just((1 << made.shift.bits - 1) - 1)
    fields = st.builds(
        lambda select, minus, code: (select * 2 + minus << made.shift.bits - 1) + code,
        st.integers(0, 1), st.integers(0, 1), codes,
    )  # fmt: skip
    values = made.decode(np.array(data.draw(st.lists(fields, min_size=1, max_size=60))))
    (found,) = [f for f in forms(values) if f.cell == Cell.FOCUSED]
    assert found.bits <= made.bits


@pytest.mark.parametrize(
    ("values", "form"),
    [
        ([-128, 127, 5], Fixed(8)),
        ([1, -1, 1], Binary()),
        ([1, -1, 0], Ternary()),
        ([4, -64, 0, 8], Shift(2, 5)),
        ([2, -2], Shift(1, 1)),
        ([-9, -7, -8, 7, 10, 4], Focused(Shift(0, 3), (-8, 8))),
        ([100, -3, 17], Codebook((-3, 17, 100))),
    ],
)
def test_examples(values: list[int], form: Form) -> None:
    assert form in forms(np.array(values))


def test_a_value_without_a_code_is_an_error() -> None:
    with pytest.raises(ValueError, match=r"^3 has no code in Shift\(base=0, exponents=2\)$"):
        Shift(0, 2).encode(np.array([1, 3, 5]))
    with pytest.raises(ValueError, match=r"^0 has no code in Binary\(\)$"):
        Binary().encode(np.array([1, 0]))


def test_places_without_a_weight_hold_zero_where_they_can() -> None:
    assert [f.filler for f in (Fixed(4), Ternary(), Shift(3, 2), Codebook((0, 5)))] == [0, 0, 0, 0]
    assert Binary().filler == -1
    assert Codebook((3, 5)).filler == 3
