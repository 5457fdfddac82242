"""Early exits: a frame whose early scores are sure leaves there, only the others go on.

BranchyNet (Teerapittayanon et al., 2016, arXiv 1709.01686). On arrays every frame is computed everywhere, and `Exit`
chooses: that is the exact meaning. Hardware in Verilog leaves out what nobody asks for, see docs/exits.md.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from tomato.core.formats import Array, Codes
from tomato.core.ir import Graph, Op, TensorType
from tomato.core.treatment import Treatment

BIT = Codes(0, 1)


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
class Exit(Op):
    """The early value of frames that are sure, the late one of the others: arguments (sure, early, late)."""

    treatment: ClassVar = Treatment.CODES

    def infer(self, args: Sequence[TensorType]) -> TensorType:
        sure, early, late = args
        _check_bit(sure)
        if early.shape != late.shape:
            raise ValueError(f"shapes {early.shape} and {late.shape} differ")
        return TensorType(early.shape, early.codes.union(late.codes))

    def golden(self, args: Sequence[Array]) -> Array:
        sure, early, late = args
        return np.where(sure != 0, early, late)


def _check_bit(sure: TensorType) -> None:
    if sure.shape != (1, 1, 1) or sure.codes.lo < BIT.lo or sure.codes.hi > BIT.hi:
        raise ValueError(f"{sure} is not one bit")


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
