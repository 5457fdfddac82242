"""Index maps and names: pure functions."""

from math import prod

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tomato.frontend import layout
from tomato.frontend.names import LONGEST, identifier, unused


def test_standard_streams_channels_last() -> None:
    shape, index = layout.standard((1, 2, 1, 3), 1)
    assert shape == (1, 3, 2)
    assert index.reshape(-1).tolist() == [0, 3, 1, 4, 2, 5]


@pytest.mark.parametrize(
    ("onnx", "channel", "stream"),
    [
        ((1, 8, 5, 6), 1, (5, 6, 8)),
        ((1, 5, 6, 8), 3, (5, 6, 8)),
        ((1, 8, 9), 1, (1, 9, 8)),
        ((1, 9, 8), -1, (1, 9, 8)),
        ((1, 12), 1, (1, 1, 12)),
        ((12,), 0, (1, 1, 12)),
        ((), 0, (1, 1, 1)),
        ((1, 2, 3, 4, 5), 1, (12, 5, 2)),
    ],
)
def test_standard_shape(onnx: tuple[int, ...], channel: int, stream: tuple[int, ...]) -> None:
    shape, index = layout.standard(onnx, channel)
    assert shape == index.shape == stream
    assert sorted(index.reshape(-1)) == list(range(prod(onnx)))


def test_order_is_the_inverse_of_standard() -> None:
    _, index = layout.standard((1, 3, 4, 5), 1)
    order = layout.order((1, 3, 4, 5), 1)
    assert order.shape == (1, 3, 4, 5)
    assert layout.is_identity(order.reshape(-1)[index])


@given(st.data())
def test_every_transposition_factors(data: st.DataObject) -> None:
    view = tuple(data.draw(st.lists(st.integers(1, 4), min_size=1, max_size=5)))
    perm = tuple(data.draw(st.permutations(range(len(view)))))
    source = np.arange(prod(view)).reshape(view).transpose(perm)
    factors = layout.factor(source)
    assert factors is not None
    found, order = factors
    assert np.array_equal(np.arange(prod(view)).reshape(found).transpose(order).reshape(-1), source.reshape(-1))
    assert len(found) <= max(1, sum(size > 1 for size in view))


@given(st.permutations(range(6)))
def test_what_factors_is_a_transposition(permutation: list[int]) -> None:
    factors = layout.factor(np.array(permutation))
    if factors is not None:
        view, perm = factors
        assert np.arange(6).reshape(view).transpose(perm).reshape(-1).tolist() == permutation


@pytest.mark.parametrize("source", [[1, 0], [0, 1, 3, 2], [0, 2, 1, 3, 4, 5], [2, 1, 0]])
def test_other_permutations_do_not_factor(source: list[int]) -> None:
    assert layout.factor(np.array(source)) is None


def test_factoring_merges_axes_that_stay_together() -> None:
    source = np.arange(24).reshape(2, 3, 4).transpose(2, 0, 1)
    assert layout.factor(source) == ((6, 4), (1, 0))


def test_a_constant_per_channel_becomes_a_vector() -> None:
    order = layout.order((1, 3, 2, 2), 1)
    vector = layout.vector(np.array([1.0, 2, 3]).reshape(3, 1, 1), order, (2, 2, 3))
    assert vector is not None
    assert vector.tolist() == [1, 2, 3]


def test_a_constant_that_varies_between_pixels_is_no_vector() -> None:
    order = layout.order((1, 3, 2, 2), 1)
    assert layout.vector(np.array([1.0, 2]), order, (2, 2, 3)) is None


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("conv1", "conv1"),
        ("/layer1/0/Conv", "layer1_0_Conv"),
        ("42", "v42"),
        ("wire", "wire_"),
        ("gr\u00f6sse", "gr_sse"),
        ("", "value"),
        ("::", "value"),
        ("a" * 100, "a" * LONGEST),
    ],
)
def test_identifier(name: str, expected: str) -> None:
    assert identifier(name) == expected


def test_unused_counts_from_two() -> None:
    assert unused("a", {"b"}) == "a"
    assert unused("a", {"a", "a_2"}) == "a_3"
