"""The integer operators that replace one group of real ones."""

from dataclasses import dataclass, replace
from fractions import Fraction
from functools import lru_cache
from math import isinf

import numpy as np

from tomato.core.formats import Array, Codes, Tensor
from tomato.core.ir import Encoding, Op, TensorType
from tomato.core.treatment import Line, Treatment
from tomato.ops.join import Add, Multiply
from tomato.ops.move import Reshape
from tomato.ops.piecewise import Fitted
from tomato.ops.recurrent import Recurrent
from tomato.ops.requant import Requant
from tomato.ops.table import Table
from tomato.ops.weighted import Weighted
from tomato.passes.groups import Ramp
from tomato.quantise.lower_recurrent import on_codes
from tomato.quantise.precision import LayerFormat
from tomato.quantise.requant.grid import PRODUCT_BITS, Grid, fit_grid, make_requant
from tomato.quantise.requant.lines import lines
from tomato.quantise.share_encodings import Coding
from tomato.quantise.weights.fit import MOST_CODE_BITS, fit_weights
from tomato.quantise.weights.moments import Moments

NEAR_STEP = 0.25
"""Steps of a sum's result that the ratio of its factors may be off by at the end of the range."""
MOST_FACTOR = 1 << 20
TINY = 1e-300
TABLE_BITS = 11
"""Bits of the widest argument of a function that is always a table. Twice as many entries are larger than lines."""
FINE = 6
"""Bits behind the binary point of a result that are kept of offsets which are stored for every place of a frame."""


@dataclass(frozen=True, slots=True)
class Widths:
    """Of the constants: the format of weights, bits of requants' multipliers and of the factors of additions."""

    layer: LayerFormat
    mult: int
    add: int


@dataclass(frozen=True, slots=True, eq=False)
class Place:
    """All that the lowering of a group may know: `op` is the head's, `types` are the integer arguments'.

    flat: a Reshape between the head and the ramp, which has a channel for every place of the frame then. places: the
    first argument's channels are places of a frame. mean: of those channels, in reals, where calibration measured it.
    moments: of the inputs under a layer's window, where they were.
    """

    op: Op
    ramp: Ramp
    types: tuple[TensorType, ...]
    args: tuple[Coding, ...]
    out: Coding
    widths: Widths
    flat: Reshape | None = None
    places: bool = False
    mean: Tensor | None = None
    moments: Moments | None = None

    @property
    def target(self) -> Array:
        """The output code, before rounding, where the head gives 0."""
        return self.ramp.offset / self.out.encoding.scale + self.out.encoding.zero

    @property
    def clamp(self) -> Codes:
        """The output codes that the ramp's limits leave; limits commute with rounding."""
        codes = self.out.codes
        lo = codes.lo if isinf(self.ramp.lo) else self.out.encode(self.ramp.lo)
        hi = codes.hi if isinf(self.ramp.hi) else self.out.encode(self.ramp.hi)
        return Codes(lo, hi)

    @property
    def coded(self) -> Op:
        """The head with its border as a code of its first argument; that of 0 where nothing reads the border."""
        return self.op.with_border(self.args[0].encode(self.op.border or 0.0))

    def requant(self, exact: Op, unit: float, zero: int) -> Op:
        """The requant behind `exact`, whose accumulator steps by `unit` and is `zero` at a real 0."""
        return self.narrow(exact.infer(self.types).codes, unit, zero)

    def narrow(self, acc: Codes, unit: float, zero: int) -> Op:
        """The requant from `acc`, in steps of `unit` and `zero` at a real 0, to the output."""
        factors = self.ramp.scale * unit / self.out.encoding.scale
        grid = fit_grid(factors, min(self.widths.mult, PRODUCT_BITS - 1 - acc.bits))
        grid = Grid(np.where(factors == 0.0, 0, grid.mult), grid.shift)
        zeros = np.full(grid.mult.shape, zero, dtype=np.int64)
        return make_requant(grid, zero=zeros, target=self.target, acc=acc, clamp=self.clamp)


def lower(place: Place) -> tuple[Op, ...]:
    """The operators, each feeding the next, the first reading the group's arguments."""
    match place.op.treatment:
        case Treatment.MOVES:
            return (place.coded,)
        case Treatment.REAL:
            return _requantise(place) if Ramp.identity(1).then(place.op) else _table(place)
        case Treatment.EXACT:
            exact, requant = _exact(place)
            return (exact, place.flat, _coarse(requant)) if place.flat else (exact, requant)
    raise AssertionError(f"{place.op.name} has no business in a network of reals")


def _exact(place: Place) -> tuple[Op, Op]:
    """Four choose the integers that they compute with; of all others by what the operator says of its result."""
    match place.op:
        case Weighted():
            return _weighted(place)
        case Add():
            return _add(place)
        case Multiply():
            return _multiply(place)
        case Recurrent() as op:
            (arg,), (kind,), widths = place.args, place.types, place.widths
            loop = on_codes(op, arg.encoding, kind.codes, widths.layer, widths.mult)
            return loop, place.requant(loop, 2.0**-loop.fraction, 0)
    given = [arg.encoding.line(kind.channels) for arg, kind in zip(place.args, place.types, strict=True)]
    exact = place.coded.on_codes(given, place.types)
    line = exact.line(given, place.types)
    assert isinstance(line, Line), f"{exact.name} needs a rule: {line}"
    return exact, place.requant(exact, float(line.scale[0]), -round(float(line.zeros[0])))


def _weighted(place: Place) -> tuple[Op, Op]:
    """Conv2d and Dense: the ramp's scale goes into the weights, so that its sign and size cost nothing."""
    op, x, zero = place.coded, place.args[0], place.args[0].encoding.zero
    assert isinstance(op, Weighted)
    weight = op.weight.values * place.ramp.scale[: op.weight.shape[-1]]
    unit = x.encoding.scale / place.out.encoding.scale
    terms = (weight[..., 0].size - 1).bit_length()
    form = place.widths.layer
    room = PRODUCT_BITS - 1 - MOST_CODE_BITS - place.types[0].codes.bits - terms
    codes, grid = fit_weights(
        weight, unit, form.weight_bits, min(place.widths.mult, room), kind=form.kind, moments=place.moments
    )
    exact = replace(op, weight=Tensor(codes))
    acc = exact.infer(place.types).codes
    zeros = codes.sum(axis=op.summed) * zero
    error = _mean_error(place, op, codes * grid.real - weight * unit)
    places = place.ramp.scale.shape
    grid, zeros = Grid(np.resize(grid.mult, places), grid.shift), np.resize(zeros, places)
    target = place.target - np.resize(error, places)
    return exact, make_requant(grid, zero=zeros, target=target, acc=acc, clamp=place.clamp)


def _mean_error(place: Place, op: Weighted, error: Array) -> Array | float:
    """What errors of the weights add to the output on average, in output codes; the bias takes it back."""
    if place.moments is not None:
        per_input = np.repeat(place.moments.mean.T, error.shape[-1] // op.groups, axis=1).reshape(error.shape)
    elif place.mean is not None:
        per_input = op.per_weight(place.mean.values)
    else:
        return 0.0
    return np.asarray((error * per_input).sum(axis=op.summed) / place.args[0].encoding.scale)


def _add(place: Place) -> tuple[Op, Op]:
    """Both arguments on a common grid of small integer steps; the larger step is exact."""
    a, b = (arg.encoding for arg in place.args)
    bits = max(place.widths.add, *(t.codes.bits for t in place.types))
    small, large = sorted((a.scale, b.scale))
    reach = max(t.codes.hi - t.codes.lo for t in place.types) * small * float(np.abs(place.ramp.scale).max())
    low, high = _factors(small / large, (1 << bits) - 1, NEAR_STEP * place.out.encoding.scale / max(reach, TINY))
    exact = Add(high, low) if a.scale >= b.scale else Add(low, high)
    return exact, place.requant(exact, large / high, exact.scale_a * a.zero + exact.scale_b * b.zero)


def _factors(ratio: float, limit: int, error: float) -> tuple[int, int]:
    """Integers up to `limit` with nearly this ratio, at most 1; greater ones where it would be off by over `error`.

    error: relative to the ratio. A ratio that may as well be 0 takes a factor beyond the limit, no greater than
    `error` asks.
    """
    best = Fraction(ratio).limit_denominator(limit)
    while abs(best - Fraction(ratio)) > error * ratio and limit < MOST_FACTOR:
        limit *= 2
        best = Fraction(ratio).limit_denominator(limit)
    if best.numerator:
        return best.numerator, best.denominator
    return 1, max(1, round(1 / max(ratio, error * ratio, limit**-2.0)))


def _multiply(place: Place) -> tuple[Op, Op]:
    a, b = (arg.encoding for arg in place.args)
    exact = Multiply(a.zero, b.zero)
    return exact, place.requant(exact, a.scale * b.scale, 0)


def _requantise(place: Place) -> tuple[Op, ...]:
    """A line on its own; it is `place.ramp` already."""
    x = place.args[0].encoding
    op = place.narrow(place.types[0].codes, x.scale, x.zero)
    return (_coarse(op) if place.places else op,)


def _coarse(op: Op) -> Op:
    """A requant whose offsets end in zeros, which take no memory."""
    assert isinstance(op, Requant)
    zeros = max(0, op.shift - FINE)
    return replace(op, bias=Tensor((op.bias.values + (1 << zeros >> 1)) >> zeros << zeros))


def _table(place: Place) -> tuple[Op, ...]:
    """The function at every code that the argument can have, or lines near it where those are many."""
    fmt = place.types[0].codes
    if fmt.bits > TABLE_BITS and (found := fitted(place.op, place.args[0].encoding, fmt, place.out)):
        return (found.op,)
    real = _results(place.op, place.args[0].encoding, np.arange(fmt.lo, fmt.hi + 1))
    return (Table(Tensor(place.out.encoding.encode(real, place.out.codes).T), fmt.lo),)


@lru_cache(maxsize=64)
def fitted(op: Op, given: Encoding, inputs: Codes, out: Coding) -> Fitted | None:
    """Lines for a function that is the same for all channels; None where they are too far off."""

    def codes(x: Array) -> Array:
        return np.asarray(_results(op, given, x)[:, 0] / out.encoding.scale + out.encoding.zero)

    if _results(op, given, np.array([inputs.lo])).shape[1] > 1:
        return None
    try:
        return lines(codes, inputs, out.codes)
    except ValueError:
        return None


def _results(op: Op, given: Encoding, codes: Array) -> Array:
    """What a function makes of codes, (codes, 1 or channels); where it is not a number, 0."""
    x = codes[:, np.newaxis]
    with np.errstate(all="ignore"):
        real = op.golden([given.decode(x)])
    real = np.broadcast_to(real, np.broadcast_shapes(real.shape, x.shape))
    return np.nan_to_num(real, posinf=np.inf, neginf=-np.inf)
