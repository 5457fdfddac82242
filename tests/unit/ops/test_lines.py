"""What operators say of the codes of their results is what their golden models do, or they refuse."""

from collections.abc import Mapping, Sequence

import numpy as np
import pytest

from tests.networks.operators import described
from tests.unit.quantise.contract import EXAMPLES
from tests.unit.quantise.example import SHAPE
from tomato.core.formats import Array, Codes
from tomato.core.ir import Encoding, Op, TensorType
from tomato.core.treatment import UNLIKE_CHANNELS, Line, Treatment

CHANNELS = SHAPE[2]
RNG = np.random.default_rng(3)
SCALES = RNG.uniform(0.02, 0.08, CHANNELS)
ALIKE, CENTRED = Line.of(0.05, 10, CHANNELS), Line.of(0.05, 0, CHANNELS)
PER_CHANNEL, OTHER = Line.of(SCALES, 0, CHANNELS), Line.of(0.021, -7, CHANNELS)
SHIFTED = Line.of(0.05, np.arange(CHANNELS), CHANNELS)
TRUTH = Line.of(1.0, 0, CHANNELS)
GIVEN: Mapping[str, tuple[Line, Line]] = {
    "alike": (ALIKE, ALIKE),
    "centred": (CENTRED, CENTRED),
    "unlike": (ALIKE, OTHER),
    "scales per channel": (PER_CHANNEL, PER_CHANNEL),
    "zeros per channel": (SHIFTED, SHIFTED),
    "falling": (Line.of(-0.05, 10, CHANNELS), Line.of(-0.05, 10, CHANNELS)),
}
ON_CODES = [kind for kind in EXAMPLES if kind.treatment in (Treatment.MOVES, Treatment.EXACT)]
WANT_EXACT = ("MatMul", "Multiply", "Normalise", "Softmax")
MIXED = ("DepthToSpace", "SpaceToDepth", "Reshape", "Transpose")
REFUSED = {
    **{(kind, given): UNLIKE_CHANNELS for kind in MIXED for given in ("scales per channel", "zeros per channel")},
    **{(kind, "scales per channel"): "its input has another scale in every channel" for kind in ("Conv2d", "Dense")},
    **{("Multiply", given): "its inputs have other zero points"
       for given in ("alike", "unlike", "zeros per channel", "falling")},
    ("Add", "unlike"): "its inputs have unlike scales",
    ("MaxPool", "falling"): "its input has a negative scale",
    **{(kind.__name__, given): why for kind, found in described().items() for given, why in found.refused.items()},
}  # fmt: skip


def around(op: Op, lines: Sequence[Line]) -> tuple[Line, ...]:
    """The same behind those of conditions."""
    return (*[TRUTH] * op.conditions, *lines)


def on_codes(op: Op, lines: tuple[Line, ...]) -> Op | None:
    """The operator on codes that stand for these; None where no code is its border."""
    kinds = [TensorType(SHAPE, Codes(-128, 127))] * len(lines)
    if op.border is None:
        return op.on_codes(lines, kinds)
    code = lines[0].code_of(op.border)
    return None if code is None else op.with_border(code)


def answer(op: Op, lines: tuple[Line, ...], codes: list[Array]) -> Line | str:
    kind = TensorType(SHAPE, Codes(-128, 127))
    return op.line(lines, [kind] * len(codes))


@pytest.mark.parametrize("given", GIVEN)
@pytest.mark.parametrize("kind", ON_CODES, ids=lambda kind: kind.__name__)
def test_codes_of_the_result_stand_for_the_real_result(kind: type[Op], given: str) -> None:
    example = EXAMPLES[kind]
    lines = around(example.op, GIVEN[given][: example.count - example.op.conditions])
    exact = on_codes(example.op, lines)
    if exact is None:
        assert given == "zeros per channel", "no code is the border in all channels"
        return
    codes = [RNG.integers(*((0, 2) if line is TRUTH else (-128, 128)), (3, *SHAPE)) for line in lines]
    line = answer(exact, lines, codes)
    if isinstance(line, str):
        assert REFUSED.get((kind.__name__, given)) == line
        return
    assert (kind.__name__, given) not in REFUSED
    real = example.op.golden([c * x.scale + x.offset for c, x in zip(codes, lines, strict=True)])
    got = exact.golden(codes)
    off = described()[kind].off * np.abs(line.scale).max() if kind in described() else 0.0
    np.testing.assert_allclose(got * line.scale + line.offset, real, rtol=1e-9, atol=1e-9 + off)


@pytest.mark.parametrize("kind", ON_CODES, ids=lambda kind: kind.__name__)
def test_slack_is_kept(kind: type[Op]) -> None:
    """Codes that lie off by so much give a result that lies off by no more than its line says."""
    count, op = EXAMPLES[kind].count, EXAMPLES[kind].op
    lines = around(op, [Line(CENTRED.scale, CENTRED.offset, slack) for slack in (0.25, 0.125)[: count - op.conditions]])
    exact = on_codes(op, lines)
    assert exact is not None
    codes = [RNG.integers(-128, 128, (3, *SHAPE)).astype(np.float64) for _ in lines]
    line = answer(exact, lines, codes)
    if isinstance(line, str):
        why = "its inputs are not exact" if kind.__name__ in WANT_EXACT else REFUSED.get((kind.__name__, "centred"))
        assert line == why
        return
    moved = [c + x.slack for c, x in zip(codes, lines, strict=True)]
    apart = np.abs(exact.golden(moved) - exact.golden(codes)).max()
    assert 0 < apart <= line.slack + 1e-9


def test_a_code_of_a_real_number() -> None:
    assert ALIKE.code_of(0.0) == 10
    assert ALIKE.code_of(0.02) is None
    assert SHIFTED.code_of(0.0) is None
    assert Line.of(np.array([0.05, 0.0]), 0, 2).code_of(0.0) == 0, "a channel that is constant, and that number"


def test_an_encoding_is_a_line() -> None:
    line, codes = Encoding(0.3, -4).line(2), np.array([[-5, 7]])
    np.testing.assert_allclose(codes * line.scale + line.offset, Encoding(0.3, -4).decode(codes))
