"""Recurrent layers: reals are the formulas, integers are near the reals, and steps go on as the state says."""

import re
from dataclasses import replace

import numpy as np
import pytest

from tests.networks.recurrent import SETS, coded, real, row
from tomato.core.formats import Array, Codes, Real, Tensor
from tomato.core.interpret import Player
from tomato.core.ir import Builder, Graph, TensorType
from tomato.core.treatment import Line
from tomato.ops.real import evaluate
from tomato.ops.recurrent import CELL_FRACTION, HIDDEN_FRACTION, Gru, Lstm, Recurrent, Rnn

S16 = Codes.of(16, signed=True)
ONE = 1 << HIDDEN_FRACTION
KINDS = [
    pytest.param(kind, after, id=f"{kind.__name__}{'_after' * after}")
    for kind, after in ((Rnn, False), (Gru, False), (Gru, True), (Lstm, False))
]


def by_formula(op: Recurrent, x: Array) -> Array:
    """One frame, unit by unit: the sums of gate g of unit u are in channel u * gates + g."""
    h, c, results, cells = op.begin.values[0].copy(), op.begin.values[-1].copy(), [], isinstance(op, Lstm) and op.cells
    function = [lambda v, f=f: float(evaluate(f, np.array([v]))[0]) for f in op.functions]

    def column(unit: int, gate: int, last: Array) -> float:
        return float(sum(last[k] * op.weight.values[k, unit * op.gates + gate] for k in range(op.hidden)))

    for step in x[0]:
        after = h.copy()
        for u in range(op.hidden):
            sums = [step[u * op.gates + g] + column(u, g, h) for g in range(op.gates)]
            if isinstance(op, Lstm):
                i, o, f = (function[0](sums[g]) for g in range(3))
                c[u] = f * c[u] + i * function[1](sums[3])
                after[u] = o * function[2](c[u])
            elif isinstance(op, Gru):
                z, r = (function[0](sums[g]) for g in range(2))
                reset = np.array([function[0](step[k * 3 + 1] + column(k, 1, h)) for k in range(op.hidden)])
                if op.inner is not None:
                    new = function[1](step[u * 3 + 2] + r * (column(u, 2, h) + op.inner.values[u]))
                else:
                    new = function[1](step[u * 3 + 2] + column(u, 2, reset * h))
                after[u] = (1 - z) * new + z * h[u]
            else:
                after[u] = function[0](sums[0])
        h = after
        results.append(c.copy() if cells else h)
    return np.array(results)[None]


def frames(op: Recurrent, count: int, steps: int) -> Array:
    return np.random.default_rng(1).normal(0, 1.5, (count, 1, steps, op.hidden * op.gates))


@pytest.mark.parametrize(("kind", "after"), KINDS)
def test_reals_are_the_formulas(kind: type[Recurrent], after: bool) -> None:
    for functions in range(len(SETS[kind])):
        op = real(kind, 4, np.random.default_rng(functions), functions=functions, begin=True, after=after)
        x = frames(op, 2, 5)
        np.testing.assert_allclose(op.golden([x]), np.stack([by_formula(op, frame) for frame in x]), atol=1e-12)


def test_cells_in_place_of_results() -> None:
    """By the formulas, and on codes near them: they go beyond 1, and have steps of their own."""
    op = real(Lstm, 4, np.random.default_rng(1), begin=True, cells=True)
    x = frames(op, 2, 5) + 2.0
    wanted = np.stack([by_formula(op, frame) for frame in x])
    np.testing.assert_allclose(op.golden([x]), wanted, atol=1e-12)
    assert np.abs(wanted).max() > 1.0
    exact = coded(op, "w16a16", S16)
    codes = np.clip(np.rint(x / (16 / 65535)), S16.lo, S16.hi).astype(np.int64)
    np.testing.assert_allclose(exact.golden([codes]) / (1 << CELL_FRACTION), wanted, atol=0.02)
    line = exact.line((Line(np.ones(16), np.zeros(16), 0.0),), ())
    assert isinstance(line, Line)
    assert np.array_equal(line.scale, np.full(4, 2.0**-CELL_FRACTION))


@pytest.mark.parametrize(("form", "least"), [("w16a16", 55.0), ("w8a8", 35.0)])
@pytest.mark.parametrize(("kind", "after"), KINDS)
def test_integers_are_near_the_reals(kind: type[Recurrent], after: bool, form: str, least: float) -> None:
    """Signal over noise in decibels, over 40 steps of 12 units."""
    op = real(kind, 12, np.random.default_rng(3), begin=True, after=after)
    exact, x = coded(op, form, S16), frames(op, 4, 40)
    codes = np.clip(np.rint(x / (16 / 65535)), S16.lo, S16.hi).astype(np.int64)
    got, want = exact.golden([codes]) / ONE, op.golden([x])
    assert 10 * np.log10((want**2).mean() / ((got - want) ** 2).mean()) > least


@pytest.mark.parametrize(("kind", "after"), KINDS)
def test_sums_that_saturate_do_not_wrap(kind: type[Recurrent], after: bool) -> None:
    """Weights and inputs far beyond what functions tell apart."""
    op = real(kind, 6, np.random.default_rng(5), begin=True, after=after)
    op = replace(op, weight=Tensor(op.weight.values * 60))
    exact = coded(op, "w8a8", S16)
    codes = np.random.default_rng(0).choice([S16.lo, 0, S16.hi], (3, 1, 20, 6 * op.gates))
    got = exact.golden([codes])
    assert exact.infer([row(exact, 20, S16)]).codes == Codes.of(16, signed=True)
    assert -ONE <= got.min() <= got.max() <= ONE - 1
    first = np.abs(got / ONE - op.golden([codes * (16 / 65535)]))[:, :, 0]
    assert first.mean() < 0.02, "later on it is chaos"


@pytest.mark.parametrize(("kind", "after"), KINDS)
def test_frames_of_a_batch_are_apart_and_those_of_a_sequence_are_not(kind: type[Recurrent], after: bool) -> None:
    rng = np.random.default_rng(2)
    apart, lasting = (
        coded(real(kind, 3, rng, begin=True, after=after, lasting=last), "w8a8", S16) for last in (False, True)
    )
    x = rng.integers(-20000, 20000, (5, 1, 2, 3 * apart.gates))
    together = x.reshape(1, 1, 10, -1)
    assert np.array_equal(apart.golden([x])[3], apart.golden([x[3:4]])[0])
    assert np.array_equal(lasting.golden([x]).reshape(1, 1, 10, 3), lasting.golden([together]))
    assert not np.array_equal(lasting.golden([x])[3], lasting.golden([x[3:4]])[0])


def test_a_player_goes_on_from_batch_to_batch() -> None:
    op = coded(real(Lstm, 3, np.random.default_rng(2), begin=True, lasting=True), "w8a8", S16)
    inputs = [("x", row(op, 2, S16))]
    build = Builder(inputs)
    output = build.add(op, ["x"], "y", ())
    graph = Graph("net", tuple(inputs), tuple(build.nodes), (output,))
    x = np.random.default_rng(0).integers(-9000, 9000, (4, 1, 2, 12))
    player = Player(graph)
    parts = [player.play({"x": part})["y"] for part in (x[:1], x[1:])]
    assert np.array_equal(np.concatenate(parts), op.golden([x]))


def test_softsign_has_more_lines_than_tanh() -> None:
    """It bends at 0 and reaches its ends late: with as few it would be off by 0.04."""
    rng, lines = np.random.default_rng(0), []
    for functions in (0, 2):
        op = real(Rnn, 4, rng, functions=functions)
        exact, x = coded(op, "w16a16", S16), frames(op, 2, 3)
        codes = np.clip(np.rint(x / (16 / 65535)), S16.lo, S16.hi).astype(np.int64)
        assert np.abs(exact.golden([codes]) / ONE - op.golden([x])).max() < 0.008
        assert exact.arithmetic is not None
        lines.append(exact.arithmetic.functions[0].segments)
    assert lines == [128, 1024]


def test_an_unsigned_argument_has_a_zero_of_its_own() -> None:
    """Of codes from 0 on, which stand for what is positive."""
    op, codes = real(Rnn, 4, np.random.default_rng(0)), Codes.of(8, signed=False)
    exact = coded(op, "w16a16", codes)
    x = np.random.default_rng(0).integers(0, 256, (2, 1, 9, 4))
    assert np.abs(exact.golden([x]) / ONE - op.golden([x * (16 / 255)])).max() < 1 / 32, "half a step of a sum"


@pytest.mark.parametrize(
    ("shape", "says"),
    [
        pytest.param((1, 3, 13), "(1, 3, 13) is no row of steps of 4 units with 3 channels each", id="channels"),
        pytest.param((2, 3, 12), "(2, 3, 12) is no row of steps of 4 units with 3 channels each", id="rows"),
    ],
)
def test_what_is_no_row_of_steps_is_refused(shape: tuple[int, int, int], says: str) -> None:
    op = real(Gru, 4, np.random.default_rng(0))
    with pytest.raises(ValueError, match=f"^{re.escape(says)}$"):
        op.infer([TensorType(shape, Real())])


def test_reals_and_codes_do_not_mix() -> None:
    op = real(Gru, 4, np.random.default_rng(0))
    for made, fmt in ((op, S16), (coded(op, "w8a8", S16), Real())):
        with pytest.raises(ValueError, match=r"^it computes on reals without, and on codes with an arithmetic$"):
            made.infer([TensorType((1, 3, 12), fmt)])


def test_what_codes_of_a_result_stand_for() -> None:
    op = coded(real(Rnn, 3, np.random.default_rng(0)), "w8a8", S16)
    line = op.line([Line.of(0.01, 0, 3)], [row(op, 2, S16)])
    assert isinstance(line, Line)
    assert line.scale.tolist() == [2.0**-15] * 3
