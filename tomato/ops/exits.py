"""Early exits: a frame whose early scores are sure leaves there, only the others go on.

BranchyNet (Teerapittayanon et al., 2016, arXiv 1709.01686). On arrays every frame is computed everywhere, and `Exit`
chooses: that is the exact meaning. Hardware in Verilog leaves out what nobody asks for, see docs/exits.md.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from tomato.core.formats import Array, Codes
from tomato.core.ir import Graph, Op, Shape, TensorType
from tomato.core.state import Scope, State, Stateful
from tomato.core.treatment import Treatment

BIT = Codes(0, 1)
NUMBER_BITS = 16
"""Of a frame's number, where results leave in the order of their arrival."""


def margins(scores: Array) -> Array:
    """By how much the largest channel of every pixel is ahead of the second largest; equal ones are 0 apart."""
    second, first = np.moveaxis(np.partition(scores, -2, axis=-1)[..., -2:], -1, 0)
    return np.asarray(first - second)[..., None]


@dataclass(frozen=True, slots=True)
class Sure(Op):
    """1 where the largest score of a frame is `margin` or more ahead of the second largest, else 0. On codes."""

    treatment: ClassVar = Treatment.CODES

    margin: int

    def infer(self, args: Sequence[TensorType]) -> TensorType:
        (x,) = args
        if x.pixels != 1 or x.channels < 2:
            raise ValueError(f"{x.shape} are not scores of several classes")
        if self.margin < 0:
            raise ValueError(f"a margin of {self.margin} is negative")
        return TensorType((1, 1, 1), BIT)

    def golden(self, args: Sequence[Array]) -> Array:
        return (margins(args[0]) >= self.margin).astype(np.int64)


@dataclass(frozen=True, slots=True)
class Leave(Op):
    """x, of the frames that are not sure: arguments (sure, x). What is behind it needs no other frames.

    share: of its frames, those that are expected to go on. Nothing that is computed depends on it.
    """

    treatment: ClassVar = Treatment.CODES

    share: float = 1.0

    def infer(self, args: Sequence[TensorType]) -> TensorType:
        sure, x = args
        _check_bit(sure)
        return x

    def golden(self, args: Sequence[Array]) -> Array:
        return args[1]


@dataclass(frozen=True, slots=True)
class Number(Stateful, Op):
    """How many frames came before this one, modulo 2^bits, in digits of `digit` bits, the lowest first.

    signed: a digit is told as two's complement. The argument, one code a frame, says that there is a frame.
    """

    treatment: ClassVar = Treatment.CODES
    restarts: ClassVar = False

    bits: int
    digit: int
    signed: bool

    @property
    def scope(self) -> Scope:
        return Scope.SEQUENCE

    @property
    def axis(self) -> int | None:
        return None

    def infer(self, args: Sequence[TensorType]) -> TensorType:
        (x,) = args
        _check_bit(x)
        if self.bits < 1:
            raise ValueError(f"a number has at least 1 bit, not {self.bits}")
        return TensorType((1, 1, digits(self.bits, self.digit)), Codes.of(self.digit, signed=self.signed))

    def initial(self, args: Sequence[Shape]) -> State:
        return (np.zeros(1, np.int64),)

    def step(self, state: State, args: Sequence[Array]) -> tuple[State, Array]:
        (number,) = state
        shifts = np.arange(digits(self.bits, self.digit)) * self.digit
        codes = number[:, None] >> shifts & (1 << self.digit) - 1
        if self.signed:
            codes -= codes >> self.digit - 1 << self.digit
        return ((number + 1) % (1 << self.bits),), codes.reshape(len(number), 1, 1, -1)


def digits(bits: int, digit: int) -> int:
    """How many digits of `digit` bits hold a number of `bits` bits."""
    return -(-bits // digit)


@dataclass(frozen=True, slots=True)
class Exit(Op):
    """The early value of frames that are sure, the late one of the others: arguments (sure, early, late).

    number: bits of the frame's number, in the last channels as `Number` gives it; results leave as they come then.
    0: there is none, and results leave in the order of the frames.
    """

    treatment: ClassVar = Treatment.CODES

    number: int = 0

    def infer(self, args: Sequence[TensorType]) -> TensorType:
        sure, early, late = args
        _check_bit(sure)
        if early.shape != late.shape:
            raise ValueError(f"shapes {early.shape} and {late.shape} differ")
        bits = early.codes.union(late.codes).bits
        if self.number and (early.pixels != 1 or early.channels <= digits(self.number, bits)):
            raise ValueError(f"{early.shape} are not scores with a number of {self.number} bits behind them")
        return TensorType(early.shape, early.codes.union(late.codes))

    def golden(self, args: Sequence[Array]) -> Array:
        sure, early, late = args
        return np.where(sure != 0, early, late)


def _check_bit(sure: TensorType) -> None:
    if sure.shape != (1, 1, 1) or sure.codes.lo < BIT.lo or sure.codes.hi > BIT.hi:
        raise ValueError(f"{sure} is not one bit")


def number_bits(graph: Graph, value: str) -> int:
    """Bits of the number that frames of a value carry, whose results leave as they come; 0: in the frames' order."""
    node = graph.producers.get(value)
    return node.op.number if node and isinstance(node.op, Exit) else 0


def gates(graph: Graph) -> dict[str, tuple[str, ...]]:
    """By value, the bits that were not sure of the frames that it has, the outermost first: () where it has all.

    Raises ValueError where a region has a way in without a Leave, or a way out without its Exit.
    """
    found: dict[str, tuple[str, ...]] = {name: () for name, _ in graph.inputs}
    for node in graph:
        ways = [found[arg] for arg in node.args]
        first = ways[0]
        if isinstance(node.op, Exit):
            ways[2:] = [first] if ways[2] == (*first, node.args[0]) else ways[2:]
        if any(way != first for way in ways):
            raise ValueError(f"%{node.name} meets frames that left at {sorted(set(map(str, ways)))}")
        found[node.name] = (*first, node.args[0]) if isinstance(node.op, Leave) else first
    if behind := [name for name in graph.outputs if found[name]]:
        raise ValueError(f"%{behind[0]} leaves without an Exit")
    return found
