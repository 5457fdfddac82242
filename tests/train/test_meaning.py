"""The torch meaning of every operator is its NumPy meaning, with a gradient."""

from collections.abc import Mapping
from math import inf

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="training needs PyTorch: pip install 'tomato[train]'")

from tests.unit.quantise.contract import ELSEWHERE, EXAMPLES, SHAPE, of_reals  # noqa: E402
from tomato.core.formats import Tensor  # noqa: E402
from tomato.core.ir import Op  # noqa: E402
from tomato.ops.conv2d import Conv2d  # noqa: E402
from tomato.ops.dense import Dense  # noqa: E402
from tomato.ops.move import Pad, Slice  # noqa: E402
from tomato.ops.pool import MaxPool, SumPool  # noqa: E402
from tomato.ops.quantise import Bias, JoinConstant  # noqa: E402
from tomato.ops.real import FUNCTIONS, Affine, Clip, Function  # noqa: E402
from tomato.ops.table import Table  # noqa: E402
from tomato.ops.window import Window  # noqa: E402
from tomato.train import meaning  # noqa: E402

RNG = np.random.default_rng(3)
ODD = Window((3, 2), (2, 1), (1, 2), (2, 1, 0, 1))
MORE: tuple[Op, ...] = (
    Conv2d(Tensor(RNG.normal(size=(3, 2, 8, 5))), ODD, pad_value=2),
    Conv2d(Tensor(RNG.normal(size=(3, 2, 1, 8))), ODD, 8),
    Conv2d(Tensor(RNG.normal(size=(3, 2, 4, 6))), ODD, 2),
    MaxPool(ODD),
    SumPool(ODD, 3),
    Pad((0, 1, 2, 0), 0.75),
    Slice((0, 1, 3), (5, 4, 4), (3, 2)),
    Clip(-inf, 0.3),
    Affine(Tensor(RNG.normal(size=8)), Tensor(RNG.normal(size=8))),
    Bias(Tensor(RNG.normal(size=8))),
    JoinConstant("mul", Tensor(RNG.integers(-9, 9, 8)), 0.1, 0),
    *(Function((name, "x")) for name in ("neg", "abs", "tanh", "sigmoid", "softplus", "erf", "exp")),
    Function(("mul", "x", ("div", ("min", 6.0, ("max", 0.0, ("add", "x", 3.0))), 6.0))),
    Function(("log", ("sqrt", ("pow", ("sub", "x", 20.0), 2.0)))),
    Function(("mul", Tensor(RNG.normal(size=8)), ("min", "x", 0.0))),
)
"""Borders, strides, dilation and functions that the examples do not have."""
CASES: Mapping[str, tuple[Op, int]] = {
    **{kind.__name__: (e.op, e.count) for kind, e in EXAMPLES.items()},
    **{f"{op.name} {i}": (op, 1) for i, op in enumerate(MORE)},
}


def test_every_operator_of_reals_has_a_meaning() -> None:
    assert {*meaning.MEANINGS, Conv2d, Dense} == of_reals() | ELSEWHERE


@pytest.mark.parametrize("case", CASES)
def test_meaning_is_golden(case: str) -> None:
    op, count = CASES[case]
    args = [RNG.normal(size=(3, *SHAPE)) for _ in range(count)]
    given = [torch.from_numpy(a).requires_grad_() for a in args]
    found, wanted = meaning.play(op, given), op.golden(args)
    np.testing.assert_allclose(found.detach().numpy(), wanted, rtol=1e-12, atol=1e-12)
    assert meaning.differentiable(op) is None
    found.sum().backward()
    assert all(x.grad is not None and torch.isfinite(x.grad).all() for x in given)


@pytest.mark.parametrize("case", ["Conv2d", "Dense"])
def test_other_weights_stand_for_those_of_a_layer(case: str) -> None:
    op = CASES[case][0]
    assert isinstance(op, Conv2d | Dense)
    x = RNG.normal(size=(2, *SHAPE))
    twice = torch.from_numpy(2.0 * op.weight.values).requires_grad_()
    found = meaning.play(op, [torch.from_numpy(x)], twice)
    np.testing.assert_allclose(found.detach().numpy(), 2.0 * op.golden([x]), rtol=1e-12, atol=1e-12)
    found.sum().backward()
    assert twice.grad is not None and twice.grad.abs().sum() > 0


def test_functions_are_those_of_the_compiler() -> None:
    assert set(meaning.FUNCTIONS) == set(FUNCTIONS) - {"count"}


def test_what_has_no_gradient_says_why() -> None:
    counted = Function(("count", "x", Tensor(np.array([[0.5]]))))
    assert "thresholds" in str(meaning.differentiable(counted))
    table = Table(Tensor(np.arange(4)[None]), 0)
    assert "quantised already" in str(meaning.differentiable(table))
