"""Lines for functions of wide integers, where a table would be large or cannot be.

Where all channels are alike, lines are those of the integers themselves. Where not, or where these are too wide, a
requant brings them to one grid first, which is finer than the result by GRID.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from tomato.core.formats import Array, Codes
from tomato.core.ir import Op, TensorType
from tomato.ops.piecewise import MOST_BITS
from tomato.ops.quantise import Quantise
from tomato.quantise.absorb.held import Held, Reference, alike, one_channel, run_chain
from tomato.quantise.absorb.realise import SAMPLE, Allowed, Realised, spread
from tomato.quantise.requant.constants import BLOCK
from tomato.quantise.requant.grid import PRODUCT_BITS, WideError, fit_grid, make_requant
from tomato.quantise.requant.lines import lines

GRID = 0.25
"""Steps of the result that a step of the grid is worth at most, where the function is steepest."""
LEAST_BITS = 12
"""Bits of the coarsest grid."""
POINTS = 1 << 16
"""Real numbers at which it is sought where the function moves, and how fast."""
MARGIN_BITS = 3
"""Bits of a multiplier to the grid beyond those of the grid."""


@dataclass(frozen=True, slots=True, eq=False)
class Wide:
    """What a Quantise makes of integers `acc`: op(tail(integer * scale + offset)), scale and offset per channel.

    `asked` are its codes as the model's runtime computes them. tail and op are alike for all channels; where scale and
    offset are, too, there is one of each, for `copies` channels.
    """

    scale: Array
    offset: Array
    tail: tuple[Op, ...]
    op: Quantise
    acc: Codes
    asked: Reference
    copies: int

    @property
    def outputs(self) -> Codes:
        """The codes of the result."""
        return Codes(self.op.lo, self.op.hi)

    def rounded(self, real: Array) -> Array:
        """What the Quantise rounds, for real numbers in front of the tail."""
        encoding = self.op.encoding
        return np.asarray(run_chain(self.tail, real) / encoding.scale + encoding.zero, dtype=np.float64)

    def realised(self) -> Realised | None:
        """Lines near it, and how they compare with what is asked; None if there are none."""
        ops, inside = (self._plain(), self.acc) if self._is_plain else self._on_grid()
        return self._compared(ops, inside) if ops else None

    @property
    def _is_plain(self) -> bool:
        return self.scale.size == 1 and self.acc.bits <= MOST_BITS

    def _plain(self) -> tuple[Op, ...]:
        scale, offset = float(self.scale[0]), float(self.offset[0])
        return _lines(lambda x: self.rounded(x * scale + offset), self.acc, self.outputs)

    def _on_grid(self) -> tuple[tuple[Op, ...], Codes]:
        """A requant to a grid, lines from there, and integers of which some lie within the grid."""
        ends = np.stack([end * self.scale + self.offset for end in (self.acc.lo, self.acc.hi)])
        found = self._moving(float(ends.min()), float(ends.max()))
        if found is None:
            return (), self.acc
        low, high, bits = found
        step, middle = (high - low) / ((1 << bits) - 1), (low + high) / 2
        zero = np.zeros(self.scale.shape, dtype=np.int64)
        try:
            grid = fit_grid(self.scale / step, min(bits + MARGIN_BITS, PRODUCT_BITS - 1 - self.acc.bits))
            narrow = make_requant(
                grid, zero=zero, target=(self.offset - middle) / step, acc=self.acc, clamp=Codes.of(bits, signed=True)
            )
        except WideError:
            return (), self.acc
        line = _lines(lambda x: self.rounded(x * step + middle), narrow.reach(self.acc), self.outputs, clipped=True)
        at = np.stack([(end - self.offset) / np.where(self.scale == 0, 1.0, self.scale) for end in (low, high)])
        at = np.clip(np.rint(at), self.acc.lo, self.acc.hi)
        return ((narrow, *line), Codes(int(at.min()), int(at.max()))) if line else ((), self.acc)

    def _moving(self, low: float, high: float) -> tuple[float, float, int] | None:
        """Between which real numbers the function moves, and the bits of a grid there; None if none is so fine."""
        for _ in range(2):
            at = np.linspace(low, high, POINTS)
            with np.errstate(all="ignore"):
                y = np.clip(self.rounded(at), self.op.lo, self.op.hi)
            moved, moves = np.abs(y - y[0]) > GRID, np.abs(y - y[-1]) > GRID
            if np.isnan(y).any() or not moved.any() or low == high:
                return None
            low, high = at[max(0, moved.argmax() - 1)], at[min(POINTS - 1, POINTS - moves[::-1].argmax())]
        steepest = np.abs(np.diff(y)).max() / (at[1] - at[0])
        bits = max(LEAST_BITS, int(np.ceil(np.log2(steepest * (high - low) / GRID))))
        return (float(low), float(high), bits) if bits <= MOST_BITS else None

    def _compared(self, ops: tuple[Op, ...], inside: Codes) -> Realised:
        """All integers where they are not too many, else a sample of those `inside`."""
        channels = self.scale.size
        differing = largest = checked = 0
        every_one = (self.acc.hi - self.acc.lo + 1) * channels
        for every in _some(self.acc, inside, channels):
            made = every
            for op in ops:
                made = op.golden([made])
            wrong = np.abs(made - self.asked(every))
            differing, largest = differing + int(np.count_nonzero(wrong)), max(largest, int(wrong.max()))
            checked += wrong.size
        wide = tuple(spread(op, np.zeros(self.copies, dtype=np.int64)) for op in ops) if channels == 1 else ops
        copies = self.copies // channels
        how = "lines" if len(ops) == 1 else "requant and lines"
        return Realised(wide, how, differing * copies, largest, 0 if checked == every_one else checked * copies)


def _lines(function: Reference, inputs: Codes, outputs: Codes, *, clipped: bool = False) -> tuple[Op, ...]:
    """Lines near a function of integers, () where there are none."""
    try:
        found = lines(lambda x: function(x[:, None])[:, 0], inputs, outputs, clipped=clipped)
    except ValueError:
        return ()
    return (found.op,) if found else ()


def _some(acc: Codes, inside: Codes, channels: int) -> Iterator[Array]:
    """Integers (n, channels), block by block."""
    every = (acc.hi - acc.lo + 1) * channels <= SAMPLE
    span, count = (acc if every else inside), BLOCK // channels + 1
    stride = 1 if every else max(1, (inside.hi - inside.lo + 1) * channels // SAMPLE)
    for start in range(span.lo, span.hi + 1, stride * count):
        yield np.arange(start, min(start + stride * count, span.hi + 1), stride)[:, None].repeat(channels, axis=1)


def wide(held: Held, op: Quantise, kind: TensorType, asked: Reference, allowed: Allowed) -> Wide | None:
    """The function of a value that a Quantise rounds, of type `kind`; None where lines are not allowed or unlike."""
    if not allowed.share or op.rounding.lower() != "round" or not all(map(alike, (*held.tail, op))):
        return None
    first = held.first if held.uniform else held
    return Wide(first.scale, first.offset, one_channel(held.tail), one_channel(op), kind.codes, asked, kind.channels)
