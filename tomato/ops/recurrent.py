"""Layers that read their own last result: LSTM, GRU and the plain recurrent layer."""

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from tomato.core.formats import Array, Codes, Real, Tensor, requantise
from tomato.core.ir import Op, Shape, TensorType
from tomato.core.state import Scope, State, Stateful
from tomato.core.treatment import Line, Treatment
from tomato.ops.piecewise import Piecewise
from tomato.ops.real import Expression, evaluate
from tomato.ops.weighted import accumulator

GATE_FRACTION = 12
"""Bits behind the point of what gates and candidates are, on codes."""
HIDDEN = Codes.of(16, signed=True)
"""A hidden state on codes, in steps of 2^-HIDDEN_FRACTION."""
HIDDEN_FRACTION = 15
CELL = Codes.of(16, signed=True)
"""The cell state of an LSTM on codes, in steps of 2^-CELL_FRACTION."""
CELL_FRACTION = 11
SUM = Codes.of(18, signed=True)
"""Codes that the product of the weights and the last result is brought to, in steps of the argument's codes."""


def scaled(x: Array, bits: int) -> Array:
    """x / 2^bits, to the nearest, halves upwards."""
    return np.asarray((x + ((1 << bits) >> 1)) >> bits) if bits > 0 else np.asarray(x << -bits)


@dataclass(frozen=True, slots=True)
class Arithmetic:
    """How a recurrent layer computes on codes.

    The weights times the last result become (acc * mult + bias) >> shift within SUM, in steps of the argument's codes;
    `mult` and `bias` have an entry per column. fed: bits of the last result as it is multiplied, in steps of
    2^-(fed - 1). functions: from sums and states to gates, in steps of 2^-GATE_FRACTION, in the layer's order.
    """

    mult: Tensor
    bias: Tensor
    shift: int
    fed: int
    functions: tuple[Piecewise, ...]

    @property
    def feed(self) -> Codes:
        """The last result as it is multiplied."""
        return Codes.of(self.fed, signed=True)

    def sums(self, acc: Array) -> Array:
        """The product of the weights and the last result in steps of the argument's codes."""
        return requantise(acc, self.mult.values, self.bias.values, self.shift, SUM.lo, SUM.hi)

    def fed_back(self, hidden: Array) -> Array:
        """A hidden state as it is multiplied."""
        feed = self.feed
        return np.clip(scaled(hidden, HIDDEN.bits - self.fed), feed.lo, feed.hi)


@dataclass(frozen=True, slots=True)
class Recurrent(Stateful, Op):
    """A layer of `hidden` units that goes along the columns of a frame of one row, a step per column.

    The argument has `gates` channels for every unit: what the inputs of a step give to each of its sums, biases
    included. To these comes the last result h times `weight` (hidden, hidden * gates). Channel and column:
    unit * gates + gate. `begin` (states, hidden) is what the states are before the first step: the result's, and others
    behind it. lasting: they last from frame to frame. functions: expressions of the gates and candidates.

    On codes (`arithmetic`) the argument has any uniform scale, and the result is in steps of 2^-`fraction`. steps: on
    reals, what a step of the weights is worth, per column, where these are whole numbers of steps.
    """

    treatment: ClassVar = Treatment.EXACT
    argument_bits: ClassVar = 16
    argument_reach: ClassVar = 8.0
    gates: ClassVar[int]
    """Sums of a unit."""
    uses: ClassVar[tuple[int, ...]]
    """Which of the functions is that of each sum."""
    states: ClassVar[int] = 1
    """Numbers that a unit keeps: its result, and the cell of an LSTM."""

    weight: Tensor
    begin: Tensor
    functions: tuple[Expression, ...]
    lasting: bool = False
    arithmetic: Arithmetic | None = None
    steps: Tensor | None = None

    @property
    def hidden(self) -> int:
        """Units."""
        return self.weight.shape[0]

    @property
    def shown(self) -> int:
        """Which of the states is the result of a step."""
        return 0

    @property
    def fraction(self) -> int:
        """Bits behind the point of a result, on codes."""
        return (HIDDEN_FRACTION, CELL_FRACTION)[self.shown]

    @property
    def scope(self) -> Scope:
        return Scope.SEQUENCE if self.lasting else Scope.FRAME

    @property
    def axis(self) -> int:
        return 1

    @property
    def weights(self) -> Mapping[str, Tensor]:
        return {"weight": self.weight}

    @property
    def acc(self) -> Codes:
        """The product of the weights and the last result."""
        assert self.arithmetic is not None
        return accumulator(self.weight.values, self.arithmetic.feed)

    def infer(self, args: Sequence[TensorType]) -> TensorType:
        (x,) = args
        units = self.hidden
        if self.weight.shape != (units, units * self.gates) or self.begin.shape != (self.states, units):
            raise ValueError(f"weight {self.weight.shape} and begin {self.begin.shape} do not suit each other")
        if x.shape[0] != 1 or x.channels != units * self.gates:
            raise ValueError(f"{x.shape} is no row of steps of {units} units with {self.gates} channels each")
        if (self.arithmetic is None) != isinstance(x.fmt, Real):
            raise ValueError("it computes on reals without, and on codes with an arithmetic")
        return TensorType((*x.shape[:2], units), x.fmt if self.arithmetic is None else (HIDDEN, CELL)[self.shown])

    def initial(self, args: Sequence[Shape]) -> State:
        return tuple(part.reshape(1, 1, -1) for part in self.begin.values)

    def step(self, state: State, args: Sequence[Array]) -> tuple[State, Array]:
        x = args[0].reshape(*args[0].shape[:3], self.hidden, self.gates)
        if self.arithmetic is None:
            after = self._on_reals(state, x)
        else:
            after = self._on_codes(self.arithmetic, state, x.astype(np.int64))
        return after, after[self.shown]

    @abstractmethod
    def _on_reals(self, state: State, x: Array) -> State:
        """The states after a step; x (..., hidden, gates) is the argument."""

    @abstractmethod
    def _on_codes(self, codes: Arithmetic, state: State, x: Array) -> State:
        """The same in integers."""

    def _product(self, h: Array) -> Array:
        """h times the weight, (..., hidden, gates)."""
        return np.asarray((h @ self.weight.values).reshape(*h.shape, self.gates))

    def _integers(self, codes: Arithmetic, fed: Array) -> Array:
        """What was fed back times the weight, in steps of the argument's codes, (..., hidden, gates)."""
        acc = np.rint(fed.astype(np.float64) @ self.weight.values.astype(np.float64)).astype(np.int64)
        return codes.sums(acc).reshape(*fed.shape, self.gates)

    def macs(self, args: Sequence[TensorType]) -> int:
        return args[0].pixels * self.weight.values.size

    def line(self, args: Sequence[Line], types: Sequence[TensorType]) -> Line | str:
        if self.arithmetic is None:
            return "a recurrent layer computes on codes with an arithmetic of its own"
        return Line(np.full(self.hidden, 2.0**-self.fraction), np.zeros(self.hidden), 0.0)


@dataclass(frozen=True, slots=True)
class Lstm(Recurrent):
    """Long short-term memory (Hochreiter and Schmidhuber, 1997), without peepholes. Gates i, o, f, c as ONNX has them.

        i, o, f = sigmoid(sums)    c = f c + i tanh(sum)    h = o tanh(c)

    On codes c is in steps of 2^-CELL_FRACTION; both products of c are added before they are rounded. cells: c is the
    result of a step, in place of h.
    """

    gates: ClassVar = 4
    uses: ClassVar = (0, 0, 0, 1)
    states: ClassVar = 2

    cells: bool = False

    @property
    def shown(self) -> int:
        return int(self.cells)

    def _on_reals(self, state: State, x: Array) -> State:
        h, c = state
        gate, candidate, result = self.functions
        i, o, f, g = np.moveaxis(x + self._product(h), -1, 0)
        c = evaluate(gate, f) * c + evaluate(gate, i) * evaluate(candidate, g)
        return evaluate(gate, o) * evaluate(result, c), c

    def _on_codes(self, codes: Arithmetic, state: State, x: Array) -> State:
        h, c = state
        gate, candidate, result = codes.functions
        i, o, f, g = np.moveaxis(x + self._integers(codes, codes.fed_back(h)), -1, 0)
        kept = (gate.golden([f]) * c) << (GATE_FRACTION - CELL_FRACTION)
        c = kept + gate.golden([i]) * candidate.golden([g])
        c = np.clip(scaled(c, 2 * GATE_FRACTION - CELL_FRACTION), CELL.lo, CELL.hi)
        h = scaled(gate.golden([o]) * result.golden([c]), 2 * GATE_FRACTION - HIDDEN_FRACTION)
        return np.clip(h, HIDDEN.lo, HIDDEN.hi), c


@dataclass(frozen=True, slots=True)
class Gru(Recurrent):
    """A gated recurrent unit (Cho et al., 2014). Gates z, r, h as ONNX has them.

        z, r = sigmoid(sums)    n = tanh(sum)    h = z h + (1 - z) n = n + z (h - n)

    Where `reset_after`, r multiplies the product of the weights and h, to which `inner` (hidden) is added; else h
    itself in front of that product.
    """

    gates: ClassVar = 3
    uses: ClassVar = (0, 0, 1)

    inner: Tensor | None = None

    @property
    def reset_after(self) -> bool:
        """Whether the reset gate comes behind the product."""
        return self.inner is not None

    def _on_reals(self, state: State, x: Array) -> State:
        (h,) = state
        gate, candidate = self.functions
        product = self._product(h)
        z, r = (evaluate(gate, x[..., n] + product[..., n]) for n in range(2))
        if self.inner is not None:
            n = evaluate(candidate, x[..., 2] + r * (product[..., 2] + self.inner.values))
        else:
            n = evaluate(candidate, x[..., 2] + self._product(r * h)[..., 2])
        return ((1.0 - z) * n + z * h,)

    def _on_codes(self, codes: Arithmetic, state: State, x: Array) -> State:
        (h,) = state
        gate, candidate = codes.functions
        product = self._integers(codes, codes.fed_back(h))
        z, r = (gate.golden([x[..., n] + product[..., n]]) for n in range(2))
        if self.reset_after:
            n = candidate.golden([x[..., 2] + scaled(r * product[..., 2], GATE_FRACTION)])
        else:
            fed = codes.fed_back(scaled(r * h, GATE_FRACTION))
            n = candidate.golden([x[..., 2] + self._integers(codes, fed)[..., 2]])
        n = n << (HIDDEN_FRACTION - GATE_FRACTION)
        return (np.clip(n + scaled(z * (h - n), GATE_FRACTION), HIDDEN.lo, HIDDEN.hi),)


@dataclass(frozen=True, slots=True)
class Rnn(Recurrent):
    """The plain recurrent layer (Elman, 1990): h = f(sum)."""

    gates: ClassVar = 1
    uses: ClassVar = (0,)

    def _on_reals(self, state: State, x: Array) -> State:
        return (evaluate(self.functions[0], (x + self._product(state[0]))[..., 0]),)

    def _on_codes(self, codes: Arithmetic, state: State, x: Array) -> State:
        sums = (x + self._integers(codes, codes.fed_back(state[0])))[..., 0]
        h = codes.functions[0].golden([sums]) << (HIDDEN_FRACTION - GATE_FRACTION)
        return (np.clip(h, HIDDEN.lo, HIDDEN.hi),)
