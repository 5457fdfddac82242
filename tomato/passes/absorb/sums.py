"""The sum of two values with different steps: small integer factors, an offset and a shift, checked on all pairs."""

from collections.abc import Callable
from fractions import Fraction

import numpy as np

from tomato import kernels
from tomato.formats import Array, Codes, Tensor
from tomato.ir import Op
from tomato.kernels import Quantisation
from tomato.ops.join import Add
from tomato.ops.quantise import Quantise
from tomato.ops.real import Clip
from tomato.ops.requant import Requant
from tomato.passes.absorb.held import Held, Pair, quantisation, run_chain
from tomato.passes.absorb.narrow import steps_of_table
from tomato.passes.absorb.reference import code_limits, single

PAIR_BITS = 20
"""Bits of both summands together up to which all pairs are checked."""
SHIFTS = range(4, 31)
"""Shifts that are tried, the smallest first."""
SMALL = 255
"""The largest factors of sums whose steps have a simple ratio."""


def add_reference(pair: Pair, op: Quantise) -> Callable[[Array, Array], Array]:
    """Codes of a sum for codes of its summands (arrays that broadcast), as the model's runtime computes them."""
    if op.arithmetic == "qonnx":
        return lambda a, b: op.golden([run_chain(pair.tail, _real(pair.a, a) + _real(pair.b, b))])
    limited = all(isinstance(step, Clip) for step in pair.tail)
    if not limited or pair.a.source or pair.b.source:
        return lambda a, b: _single(pair, op, a, b)
    ends = code_limits(pair.tail, op)
    return lambda a, b: np.clip(_kernel(pair, op, a, b), *ends)


def _real(held: Held, codes: Array) -> Array:
    return np.asarray(codes * held.scale[0] + held.offset[0])


def _single(pair: Pair, op: Quantise, a: Array, b: Array) -> Array:
    """Both dequantised, added and finished in float32."""
    total = _real(pair.a, a).astype(np.float32) + _real(pair.b, b).astype(np.float32)
    return op.golden([single(pair.tail, total)])


def _kernel(pair: Pair, op: Quantise, a: Array, b: Array) -> Array:
    """QLinearAdd."""
    zeros = [round(-held.zeros[0]) for held in (pair.a, pair.b)]
    qa, qb = (Quantisation(float(h.scale[0]), z, Codes(z, z)) for h, z in zip((pair.a, pair.b), zeros, strict=True))
    return kernels.add(a, b, qa, qb, quantisation(op))


def lower_sum(pair: Pair, op: Quantise, a: Codes, b: Codes) -> tuple[tuple[Op, ...], int, tuple[int, int]]:
    """The operators, the pairs that were checked, and how many of them differ and by how much at most."""
    asked = add_reference(pair, op)
    rows, columns = (_samples(kind, PAIR_BITS // 2) for kind in (a, b))
    wanted = asked(rows[:, None], columns[None, :])
    everything = rows.size == a.hi - a.lo + 1 and columns.size == b.hi - b.lo + 1
    by_a, by_b = (float(h.scale[0] / op.scale.values[0]) for h in (pair.a, pair.b))
    best: tuple[int, int, tuple[Op, ...]] | None = None
    for shift in SHIFTS:
        for factor_a in _around(by_a * 2.0**shift):
            for factor_b in _around(by_b * 2.0**shift):
                acc = rows[:, None] * factor_a + columns[None, :] * factor_b
                bias = _bias(acc, wanted, shift, op)
                got = np.clip((acc + bias) >> shift, op.lo, op.hi)
                wrong = np.abs(got - wanted)
                count, largest = int(np.count_nonzero(wrong)), int(wrong.max())
                ops: tuple[Op, ...] = (Add(factor_a, factor_b), _requant(bias, shift, op, pair.a.scale.size))
                if not count:
                    return ops, wanted.size, (0, 0)
                best = min(best or (count, largest, ops), (count, largest, ops), key=lambda found: found[:2])
    by_steps = _by_steps(pair, rows, columns, wanted) if everything else None
    if by_steps:
        return by_steps, wanted.size, (0, 0)
    assert best is not None
    return best[2], wanted.size, best[:2]


def _samples(kind: Codes, bits: int) -> Array:
    """Every code, or as many as `bits` allow, both ends among them."""
    count = kind.hi - kind.lo + 1
    return np.unique(np.linspace(kind.lo, kind.hi, min(count, 1 << bits)).astype(np.int64))


def _around(real: float) -> tuple[int, ...]:
    """The integers below and above, the nearer first."""
    near = round(real)
    return near, near + (1 if real > near else -1)


def _bias(acc: Array, wanted: Array, shift: int, op: Quantise) -> int:
    """An offset that suits all pairs, or the middle of what they want: code <= (acc + B) >> shift < code + 1."""
    least = ((wanted << shift) - acc)[wanted > op.lo]
    most = (((wanted + 1) << shift) - 1 - acc)[wanted < op.hi]
    low = int(least.max()) if least.size else int(most.min())
    high = int(most.min()) if most.size else low
    return (low + high) >> 1


def _requant(bias: int, shift: int, op: Quantise, channels: int) -> Requant:
    ones = np.ones(channels, dtype=np.int64)
    return Requant(Tensor(ones), Tensor(ones * bias), shift, op.lo, op.hi)


def _by_steps(pair: Pair, rows: Array, columns: Array, wanted: Array) -> tuple[Op, ...] | None:
    """Where the scales have a simple ratio: the exact sum, and a table of it if the code depends on it alone."""
    ratio = Fraction(float(pair.a.scale[0])) / Fraction(float(pair.b.scale[0]))
    if max(ratio.numerator, ratio.denominator) > SMALL:
        return None
    exact = Add(ratio.numerator, ratio.denominator)
    acc = exact.golden([rows[:, None], columns[None, :]])
    tail = steps_of_table(acc, wanted, pair.a.scale.size)
    return None if tail is None else (exact, *tail)
