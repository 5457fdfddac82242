"""What recurrent layers mean in torch: step by step, as their golden models, on reals or near to what codes give."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch

from tomato.core.formats import Codes
from tomato.core.ir import Encoding
from tomato.ops.piecewise import Piecewise
from tomato.ops.real import Expression
from tomato.ops.recurrent import (
    CELL,
    CELL_FRACTION,
    GATE_FRACTION,
    HIDDEN,
    HIDDEN_FRACTION,
    SUM,
    Gru,
    Lstm,
    Recurrent,
)
from tomato.quantise.absorb.loops import ARGUMENT, argument_step
from tomato.quantise.lower_recurrent import functions

Evaluate = Callable[[Expression, torch.Tensor], torch.Tensor]
"""Of an expression, at a tensor."""
CELL_STEP, HIDDEN_STEP, GATE_STEP = 2.0**-CELL_FRACTION, 2.0**-HIDDEN_FRACTION, 2.0**-GATE_FRACTION
ANY = Codes.of(32, signed=True)


@dataclass(frozen=True, slots=True, eq=False)
class Reals:
    """A layer on reals: what it evaluates functions by."""

    op: Recurrent
    evaluate: Evaluate

    def function(self, which: int, x: torch.Tensor) -> torch.Tensor:
        """One of the layer's functions."""
        return self.evaluate(self.op.functions[which], x)

    def rounded(self, x: torch.Tensor, step: float, codes: Codes) -> torch.Tensor:
        """A value on a grid."""
        return x

    def argument(self, x: torch.Tensor) -> torch.Tensor:
        """What inputs give to the sums."""
        return x

    def sums(self, x: torch.Tensor) -> torch.Tensor:
        """What the last result gives to them."""
        return x


@dataclass(frozen=True, slots=True, eq=False)
class Grids(Reals):
    """The same rounded as the compiler does in a model that comes quantised; gradients are those of reals."""

    step: float
    lines: tuple[Piecewise, ...]

    def function(self, which: int, x: torch.Tensor) -> torch.Tensor:
        real = self.evaluate(self.op.functions[which], x)
        last = isinstance(self.op, Lstm) and which == len(self.lines) - 1
        made = _on_lines(self.lines[which], (x.detach() / (CELL_STEP if last else self.step)).round().long())
        return real + (made.to(x.dtype) * GATE_STEP - real).detach()

    def rounded(self, x: torch.Tensor, step: float, codes: Codes) -> torch.Tensor:
        limited = (x / step).clamp(codes.lo, codes.hi)
        return step * (limited + ((limited + 0.5).floor() - limited).detach())

    def argument(self, x: torch.Tensor) -> torch.Tensor:
        return self.rounded(x, self.step, ARGUMENT)

    def sums(self, x: torch.Tensor) -> torch.Tensor:
        return self.rounded(x, self.step, SUM)


def grids(op: Recurrent, evaluate: Evaluate) -> Grids:
    """Those of a layer with these weights, whatever its inputs are."""
    step = argument_step(op, np.full(op.weight.shape[1], np.inf))
    return Grids(op, evaluate, step, functions(op, Encoding(step), ARGUMENT))


def play(
    op: Recurrent,
    x: torch.Tensor,
    evaluate: Evaluate,
    weight: torch.Tensor | None = None,
    inner: torch.Tensor | None = None,
    on: Reals | None = None,
) -> torch.Tensor:
    """The results of all steps; x (batch, 1, steps, hidden * gates) is the argument. Every frame begins anew.

    weight, inner: instead of the layer's. on: grids to round to.
    """
    layer = _Layer(
        op,
        torch.tensor(op.weight.values, dtype=x.dtype, device=x.device) if weight is None else weight,
        torch.tensor(op.inner.values, dtype=x.dtype, device=x.device)
        if inner is None and isinstance(op, Gru) and op.inner is not None
        else inner,
        on or Reals(op, evaluate),
    )
    begin = torch.tensor(op.begin.values, dtype=x.dtype, device=x.device)
    state = [part.expand(len(x), -1) for part in begin]
    results = []
    for sums in layer.on.argument(x).reshape(len(x), -1, op.hidden, op.gates).unbind(1):
        state = layer.step(state, sums)
        results.append(state[op.shown])
    return torch.stack(results, dim=1).unsqueeze(1)


@dataclass(frozen=True, slots=True, eq=False)
class _Layer:
    op: Recurrent
    weight: torch.Tensor
    inner: torch.Tensor | None
    on: Reals

    def product(self, h: torch.Tensor) -> torch.Tensor:
        return (h @ self.weight).unflatten(-1, (self.op.hidden, self.op.gates))

    def step(self, state: list[torch.Tensor], x: torch.Tensor) -> list[torch.Tensor]:
        """The states after a step."""
        if isinstance(self.op, Lstm):
            return self._lstm(state, x)
        return [self._gru(state[0], x) if isinstance(self.op, Gru) else self._plain(state[0], x)]

    def _lstm(self, state: list[torch.Tensor], x: torch.Tensor) -> list[torch.Tensor]:
        on = self.on
        i, o, f, g = (x + on.sums(self.product(state[0]))).unbind(-1)
        cell = on.function(0, f) * state[1] + on.function(0, i) * on.function(1, g)
        cell = on.rounded(cell, CELL_STEP, CELL)
        return [on.rounded(on.function(0, o) * on.function(2, cell), HIDDEN_STEP, HIDDEN), cell]

    def _gru(self, h: torch.Tensor, x: torch.Tensor) -> torch.Tensor:
        on, product = self.on, self.product(h)
        z, r = (on.function(0, x[..., n] + on.sums(product[..., n])) for n in range(2))
        if self.inner is None:
            back = on.sums(self.product(on.rounded(r * h, HIDDEN_STEP, HIDDEN))[..., 2])
        else:
            back = on.sums(r * on.sums(product[..., 2] + self.inner))
        n = on.function(1, x[..., 2] + back)
        return on.rounded((1.0 - z) * n + z * h, HIDDEN_STEP, HIDDEN)

    def _plain(self, h: torch.Tensor, x: torch.Tensor) -> torch.Tensor:
        made = self.on.function(0, (x + self.on.sums(self.product(h)))[..., 0])
        return self.on.rounded(made, HIDDEN_STEP, HIDDEN)


def _on_lines(op: Piecewise, x: torch.Tensor) -> torch.Tensor:
    """Piecewise of whole numbers."""
    slope, offset = (torch.from_numpy(v.values.astype(np.int64)).to(x.device) for v in (op.slope, op.offset))
    place = (x - op.first).clamp(0, (op.segments << op.rest) - 1)
    line, low = place >> op.rest, place & ((1 << op.rest) - 1)
    return ((offset[line] + slope[line] * low) >> op.shift).clamp(op.lo, op.hi)
