"""Lines on segments: their meaning, how near the fit comes, and what it refuses."""

from collections.abc import Callable

import numpy as np
import pytest

from tomato.core.formats import Array, Codes, Tensor
from tomato.core.ir import TensorType
from tomato.ops.piecewise import Fitted, Piecewise, fit

S12, S16, S20 = (Codes.of(bits, signed=True) for bits in (12, 16, 20))
S8 = Codes.of(8, signed=True)


def sigmoid(x: Array) -> Array:
    return np.asarray(1 / (1 + np.exp(-x)))


def silu(x: Array) -> Array:
    return np.asarray(x * sigmoid(x))


def scaled(function: Callable[[Array], Array], inputs: Codes, outputs: Codes, reach: float) -> Callable[[Array], Array]:
    """From codes of inputs in [-reach, reach] to real-valued codes: results in [-1, 1] reach over all of them."""
    return lambda x: function(x * (2 * reach / (1 << inputs.bits))) * (1 << (outputs.bits - 1))


def test_it_means_what_it_says() -> None:
    op = Piecewise(Tensor(np.array([3, -5])), Tensor(np.array([10, 40])), first=-4, rest=2, shift=1, lo=-2, hi=19)
    x = np.arange(-9, 9)
    wanted = [
        max(-2, min(19, ([10, 40][k] + [3, -5][k] * low) >> 1))
        for k, low in (divmod(max(-4, min(3, int(c))) + 4, 4) for c in x)
    ]
    assert op.golden([x]).tolist() == wanted
    assert op.infer([TensorType((1, 1, 1), Codes(-9, 8))]).codes == Codes(min(wanted), max(wanted))


@pytest.mark.parametrize("span", [(-9, 8), (-3, -2), (-1, 1), (5, 8), (-9, -7)])
def test_its_results_have_the_tightest_format(span: tuple[int, int]) -> None:
    op = Piecewise(Tensor(np.array([3, -5])), Tensor(np.array([10, 40])), first=-4, rest=2, shift=1, lo=-2, hi=19)
    made = op.golden([np.arange(span[0], span[1] + 1)])
    assert op.infer([TensorType((1, 1, 1), Codes(*span))]).codes == Codes(int(made.min()), int(made.max()))


FITS: dict[str, tuple[Callable[[Array], Array], Codes, Codes, float, int, float]] = {
    "sigmoid_12": (sigmoid, S12, S12, 8, 64, 1.3),
    "sigmoid_16_to_8": (sigmoid, S16, S8, 8, 64, 0.6),
    "sigmoid_16": (sigmoid, S16, S16, 8, 64, 13.0),
    "sigmoid_16_fine": (sigmoid, S16, S16, 8, 1024, 0.6),
    "tanh_12": (np.tanh, S12, S12, 8, 64, 2.0),
    "tanh_wide": (np.tanh, S20, S8, 64, 64, 0.65),
    "silu_16": (silu, S16, S16, 8, 256, 8.0),
    "exp_overflows": (lambda x: np.exp(x * 100), S16, S8, 8, 64, 0.7),
    "too_steep": (lambda x: x * 2.0**12, S8, Codes.of(32, signed=True), 8, 2, 2.0**31),
    "exp_12": (np.exp, S12, S12, 4, 64, 5.0),
    "relu_is_exact": (lambda x: np.maximum(x, 0), S16, S8, 1, 64, 0.5),
}
"""Function, inputs, outputs, the largest input, segments, the largest error in steps of the output."""


@pytest.mark.parametrize("name", FITS)
def test_the_fit_is_as_near_as_it_says(name: str) -> None:
    function, inputs, outputs, reach, segments, most = FITS[name]
    wanted = scaled(function, inputs, outputs, reach)
    found = fit(wanted, inputs, outputs, segments)
    x = np.arange(inputs.lo, inputs.hi + 1)
    with np.errstate(over="ignore"):
        real = np.clip(wanted(x), outputs.lo, outputs.hi)
    assert found.error == np.abs(found.op.golden([x]) - real).max() <= most
    assert found.op.segments == segments
    assert np.abs(found.op.slope.values).max() < 1 << 17


def test_lines_that_meet_within_a_segment_have_it_begin_there() -> None:
    found = fit(lambda x: np.abs(x - 77.0) - 30000, S16, S16, 64)
    assert found.error == 0
    assert (77 - found.op.first) % (1 << found.op.rest) == 0


def test_a_line_is_found_on_each_segment_of_one_code() -> None:
    found = fit(lambda x: x * x, Codes(-8, 7), Codes(0, 255), 16)
    assert found == Fitted(found.op, 0.0)
    assert found.op.rest == 0


@pytest.mark.parametrize(
    ("function", "inputs", "segments", "reason"),
    [
        (np.sqrt, S8, 64, "it is not a number at -128"),
        (np.abs, Codes.of(25, signed=False), 64, "inputs of 25 bits are too many to try; at most 24 bits"),
        (np.abs, S8, 48, "48 segments are no power of 2, at least 2"),
    ],
)
def test_the_fit_says_what_it_refuses(
    function: Callable[[Array], Array], inputs: Codes, segments: int, reason: str
) -> None:
    with pytest.raises(ValueError, match=f"^{reason}$"):
        fit(function, inputs, Codes.of(32, signed=True), segments)
