"""The arithmetic of a recurrent layer on codes."""

from dataclasses import replace
from functools import lru_cache

import numpy as np

from tomato.core.formats import Array, Codes, Tensor
from tomato.core.ir import Encoding
from tomato.ops.piecewise import Piecewise, fit
from tomato.ops.real import Expression, evaluate
from tomato.ops.recurrent import CELL, CELL_FRACTION, GATE_FRACTION, SUM, Arithmetic, Gru, Lstm, Recurrent
from tomato.quantise.precision import LayerFormat
from tomato.quantise.requant.grid import PRODUCT_BITS, fit_grid
from tomato.quantise.weights.fit import MOST_CODE_BITS, fit_weights

FAR = 1e30
"""An input at which functions have reached what they go to."""
SEGMENTS = 128
"""Lines of a function: two LUTs a bit."""
MORE = 1024
"""Lines of one that needs them, such as Softsign, which bends at 0 but reaches its ends late: 16 LUTs a bit."""
CLOSE = 16.0
"""Steps of a gate that the former may be off."""


def on_codes(op: Recurrent, x: Encoding, codes: Codes, form: LayerFormat, mult_bits: int) -> Recurrent:
    """The layer on codes of its argument, its weights in a format, its last result fed back in that of activations.

    Weights that are whole numbers of steps stay as they are.
    """
    fed = max(2, form.activation_bits)
    terms = (op.hidden - 1).bit_length()
    room = min(mult_bits, PRODUCT_BITS - 1 - MOST_CODE_BITS - fed - terms)
    unit = 2.0 ** (1 - fed) / x.scale
    if op.steps is not None:
        weight, grid = coded(op), fit_grid(op.steps.values * unit, room)
    else:
        weight, grid = fit_weights(op.weight.values, unit, form.weight_bits, room, kind=form.kind)
    inner = np.zeros(weight.shape[1])
    if isinstance(op, Gru) and op.inner is not None:
        inner[op.gates - 1 :: op.gates] = op.inner.values / x.scale
    bias = np.rint(inner * 2.0**grid.shift).astype(np.int64) + ((1 << grid.shift) >> 1)
    arithmetic = Arithmetic(Tensor(grid.mult), Tensor(bias), grid.shift, fed, functions(op, x, codes))
    parts = (1 << 15, 1 << CELL_FRACTION)[: op.states]
    begin = np.rint(op.begin.values * np.array(parts)[:, np.newaxis]).astype(np.int64)
    begin = Tensor(np.clip(begin, CELL.lo, CELL.hi))
    return replace(op, weight=Tensor(weight), begin=begin, arithmetic=arithmetic, steps=None)


def functions(op: Recurrent, x: Encoding, codes: Codes) -> tuple[Piecewise, ...]:
    """The functions of a layer on codes, of an argument in `codes` that stand for `x`."""
    sums, one = Codes(codes.lo + SUM.lo, codes.hi + SUM.hi), 1 << GATE_FRACTION
    made = []
    for n, function in enumerate(op.functions):
        ends = evaluate(function, np.array([-FAR, FAR]))
        outputs = Codes(round(float(ends[0])) * one, one)
        of_cell = isinstance(op, Lstm) and n == len(op.functions) - 1
        scale, zero = (2.0**-CELL_FRACTION, 0) if of_cell else (x.scale, x.zero)
        made.append(_lines(function, scale, zero, CELL if of_cell else sums, outputs))
    return tuple(made)


def coded(op: Recurrent) -> Array:
    """Weights that are whole numbers of steps, as these numbers."""
    assert op.steps is not None
    return np.rint(op.weight.values / op.steps.values).astype(np.int64)


@lru_cache(maxsize=64)
def _lines(function: Expression, scale: float, zero: int, inputs: Codes, outputs: Codes) -> Piecewise:
    def asked(code: np.ndarray) -> np.ndarray:
        return evaluate(function, (code - zero) * scale) * (1 << GATE_FRACTION)

    few = fit(asked, inputs, outputs, SEGMENTS)
    return few.op if few.error <= CLOSE else fit(asked, inputs, outputs, MORE).op
