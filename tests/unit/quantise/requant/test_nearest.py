"""Every place that chooses the nearest says how near it is: what differs is counted, and within the bound.

Requantisations of models that come quantised count their own differences and keep to what is allowed; those of float
models are off by one step at most, next to ties. A new place that chooses the nearest is missing in PLACES.
"""

import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given, settings

import tomato
from tomato.core.formats import Array, Codes, Tensor
from tomato.core.interface import Said
from tomato.core.ir import Encoding, Node, Op, TensorType
from tomato.core.treatment import Line
from tomato.ops.join import Add, Multiply
from tomato.ops.quantise import Quantise
from tomato.ops.real import Clip, Function
from tomato.passes.groups import Ramp
from tomato.quantise.absorb.held import Held, Pair
from tomato.quantise.absorb.pairs import asked_of, lower_pair
from tomato.quantise.absorb.realise import Allowed, InexactError, realise
from tomato.quantise.lower_group import Place, Widths, lower
from tomato.quantise.precision import Precision
from tomato.quantise.share_encodings import Coding

T = TypeVar("T")
PLACES = {
    "quantise/absorb/lines.py": {"fit_grid"},
    "quantise/absorb/loops.py": {"fit_grid"},
    "quantise/absorb/pairs.py": {"limit_denominator"},
    "quantise/absorb/realise.py": {"nearest"},
    "quantise/lower_group.py": {"fit_grid", "limit_denominator"},
    "quantise/lower_recurrent.py": {"fit_grid"},
    "quantise/weights/fit.py": {"fit_grid"},
}
"""Where constants are chosen that are near to real ones, but for the levels of weights, which `evaluate` measures.

Those of recurrent layers have a named property, and `evaluate` measures them too.
"""
CHOICES = re.compile(r"\b(?<!alphabet\.)(?<!def )(?<!self\.)(?<!result\.)(nearest|fit_grid|limit_denominator)\(")
TAILS: dict[str, Callable[[Array], Array]] = {
    "line": lambda x: x,
    "relu": lambda x: np.maximum(x, 0),
    "relu6": lambda x: np.clip(x, 0, 60),
    "leaky": lambda x: np.where(x > 0, x, 0.1 * x),
    "sigmoid": lambda x: 100 / (1 + np.exp(-x / 20)),
    "magnitude": np.abs,
    "swish": lambda x: x * np.clip(x / 60 + 0.5, 0, 1),
}
OPS: dict[str, tuple[Op, ...]] = {
    "none": (),
    "Relu": (Clip(0.0, np.inf),),
    "Clip": (Clip(-0.7, 1.9),),
    "LeakyRelu": (Function(("add", ("max", "x", 0.0), ("mul", 0.1, ("min", "x", 0.0)))),),
    "Abs": (Function(("abs", "x")),),
    "Sigmoid": (Function(("sigmoid", "x")),),
}
ALLOWED = st.builds(Allowed, st.sampled_from([0.0, 0.01, 0.2, 1.0]), st.sampled_from([None, 4, 8, 12, 20]))


def test_all_places_are_known() -> None:
    package = Path(tomato.__file__).parent
    found = {
        str(path.relative_to(package)): set(CHOICES.findall(path.read_text()))
        for path in package.glob("quantise/**/*.py")
    }
    own = {
        f"quantise/{name}.py"
        for name in ("requant/constants", "requant/grid", "weights/alphabet", "weights/compensate")
    }
    assert {name: calls for name, calls in found.items() if calls and name not in own} == PLACES


@pytest.mark.slow
def taken(choose: Callable[[], T], allowed: Allowed) -> T | None:
    """What is chosen; None where it would cost more than is allowed, which the error must say."""
    try:
        return choose()
    except InexactError as error:
        share = error.share
    assert share > allowed.share
    return None


@settings(max_examples=60)
@given(st.sampled_from(sorted(TAILS)), st.floats(0.002, 0.9), st.integers(-300, 300), st.integers(9, 15), ALLOWED)
def test_a_requantisation(tail: str, scale: float, offset: int, bits: int, allowed: Allowed) -> None:
    acc, limits = Codes.of(bits, signed=True), Codes(-128, 127)

    def asked(x: Array) -> Array:
        return np.clip(np.rint(TAILS[tail]((x + offset) * np.array([scale, 0.7 * scale]))), -128, 127).astype(np.int64)

    every = np.arange(acc.lo, acc.hi + 1)[:, None].repeat(2, axis=1)
    straight = tail in ("line", "relu", "relu6")
    found = taken(lambda: realise(asked, acc, 2, limits, allowed, uniform=False, straight=straight), allowed)
    if found is None:
        return
    got = every[None, :, None, :]
    for op in found.ops:
        got = op.golden([got])
    wrong = np.abs(got[0, :, 0] - asked(every))
    assert found.differing == np.count_nonzero(wrong)
    assert found.largest >= wrong.max() >= (found.differing > 0)
    assert allowed.share == 1 or (wrong.max() <= 1 and found.differing <= allowed.share * wrong.size)


def held(name: str, scale: float, zero: int) -> Held:
    return Held(name, Line.of(float(np.float32(scale)), zero, 3))


@settings(max_examples=60)
@given(
    st.sampled_from(sorted(OPS)), st.tuples(*[st.floats(0.01, 0.2)] * 3), st.tuples(*[st.integers(-9, 9)] * 3),
    st.sampled_from(["sum", "difference", "product"]), ALLOWED,
)  # fmt: skip
def test_two_values_joined(
    tail: str, scales: tuple[float, float, float], zeros: tuple[int, int, int], kind: str, allowed: Allowed
) -> None:
    a, b = (held(n, s, z) for n, s, z in zip("ab", scales, zeros, strict=False))
    if kind == "difference":
        b = replace(b, line=Line(-b.scale, -b.offset, 0.0))
    join = Multiply(zeros[0], zeros[1]) if kind == "product" else Add()
    number = [Tensor(np.full(1, v, np.float64)) for v in (np.float32(scales[2]), zeros[2])]
    op, codes = Quantise(number[0], number[1], -16, 15), Codes(-16, 15)
    pair = Pair(a, b, join, Node("j", join, ("a", "b"), TensorType((1, 1, 3), codes)), OPS[tail])
    found = taken(lambda: lower_pair(pair, op, (codes, codes), Said(), allowed), allowed)
    if found is None:
        return
    x, y = (np.arange(-16, 16).repeat(3).reshape(shape) for shape in ((32, 1, 3), (1, 32, 3)))
    wanted = asked_of(pair, op, Said())(x, y)
    got = found.ops[0].golden([x, y])[None]
    for step in found.ops[1:]:
        got = step.golden([got])
    wrong = np.abs(got[0] - wanted)
    assert np.count_nonzero(wrong) * found.checked == found.differing * wrong.size, "the share that is counted"
    assert found.largest == wrong.max()
    assert allowed.share == 1 or (wrong.max() <= 1 and found.differing <= allowed.share * found.checked)


@settings(max_examples=60)
@given(
    st.tuples(*[st.floats(0.001, 3.0)] * 3), st.tuples(*[st.integers(0, 255)] * 3),
    st.sampled_from([Add(), Multiply()]), st.sampled_from([8, 12, 16]),
)  # fmt: skip
def test_a_float_model(scales: tuple[float, float, float], zeros: tuple[int, int, int], join: Op, mult: int) -> None:
    """The code of a sum or product is the one next to the real result or, with narrow multipliers, its neighbour."""
    codes = Codes(0, 255)
    a, b, y = (Coding(Encoding(s, z), codes) for s, z in zip(scales, zeros, strict=True))
    kind = TensorType((1, 1, 1), codes)
    widths = Widths(Precision.parse("w8a8").default, mult, 8)
    first, *rest = lower(Place(join, Ramp.identity(1), (kind, kind), (a, b), y, widths))
    x = np.arange(256)
    got = first.golden([x.reshape(1, -1, 1, 1), x.reshape(1, 1, -1, 1)])
    for op in rest:
        got = op.golden([got])
    p, q = a.encoding.decode(x)[:, None], b.encoding.decode(x)[None, :]
    real = (p + q if isinstance(join, Add) else p * q) / scales[2] + zeros[2]
    inside = (real > -1) & (real < 256)
    error = np.abs(got.reshape(256, 256) - np.clip(real, 0, 255))[inside]
    factor = 2.0 ** (1 - mult) if isinstance(join, Multiply) else 2.0 ** (1 - mult) + 2.0**-8
    assert error.max(initial=0) <= 0.5 + 512 * factor


@pytest.mark.parametrize("share", [0.0, 0.01])
def test_the_bound_decides(share: float) -> None:
    """Ties everywhere: what differs at one of two hundred inputs is taken where one of a hundred may."""
    allowed = Allowed(share)
    assert allowed.takes(0, 0, 200)
    assert allowed.takes(1, 1, 200) == (share > 0)
    assert not allowed.takes(1, 2, 200)
    assert not allowed.takes(3, 1, 200)
    assert Allowed(1.0).takes(200, 90, 200)
