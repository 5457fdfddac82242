"""A point of the calibration, and what the files of points/ make them with."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Protocol

import numpy as np

from tomato import targets
from tomato.core.formats import Codes, Tensor
from tomato.core.ir import Node, Op, TensorType
from tomato.engines import CATALOGUE
from tomato.engines.base import AnyUnit, Knobs, Site
from tomato.hardware.memory import Ram
from tomato.hardware.netlist import Memory
from tomato.targets import Resources, Target

LUT, BLOCK, ULTRA = Ram
MODEL = "u250"
"""The board that a point is made for until it is asked for on another."""
FIT, XCUP, ECP5, FIT_ECP5 = "", "xcup", "ecp5", "fit ecp5"
"""Whose model a point judges, as a point that took no part in its fit; the last: fitted to on ECP5, unknown elsewhere.

The formulas of ECP5 were fitted to all other points; those that judge it were synthesised afterwards, for it alone.
"""


class Made(Protocol):
    """What stands on a board: an engine, or a part of one."""

    @property
    def params(self) -> Mapping[str, int]:
        """The parameters of its module."""

    @property
    def memories(self) -> Mapping[str, Memory]:
        """The memories that it reads."""


@dataclass(frozen=True, slots=True)
class Point:
    """A module with its parameters and memories, what the model says it takes, and whose model it judges.

    `unit` is the engine that it stands for, on any board, `part` a part whose parameters follow the board; None of both
    for other parts.
    """

    group: str
    name: str
    module: str
    parameters: Mapping[str, int]
    cost: Callable[[Target], Resources]
    judges: str
    memories: Mapping[str, Memory] = field(default_factory=dict)
    unit: Callable[[Target], AnyUnit] | None = None
    part: Callable[[Target], Made] | None = None

    def on(self, target: Target) -> "Point":
        """The point as the compiler would instantiate it on a board, which chooses what memories are made of."""
        stands = self.unit or self.part
        if stands is None:
            return self
        made = stands(target)
        return replace(self, parameters=made.params, memories=made.memories)


def at(stem: str, name: str, op: Op, args: tuple[TensorType, ...], knobs: Knobs, judges: str = FIT) -> Point:
    """An engine at an operator, exactly as the compiler would instantiate it."""
    node = Node("y", op, tuple(f"x{i}" for i in range(len(args))), op.infer(args))

    def unit(target: Target) -> AnyUnit:
        return CATALOGUE[stem](Site(node, args, target), knobs)

    made = unit(targets.load(MODEL))
    return Point(stem, name, f"tom_{stem}", made.params, lambda t: unit(t).formula, judges, made.memories, unit)


def random_tensor(*shape: int, bits: int = 8) -> Tensor:
    """Random constants of a symmetric format that reach both of its ends."""
    limit = (1 << (bits - 1)) - 1
    values = np.random.default_rng(1000 * bits + sum(shape)).integers(-limit, limit, shape, endpoint=True)
    values.flat[:2] = -limit, limit
    return Tensor(values)


def codes(bits: int, *, signed: bool = False) -> Codes:
    """The full format."""
    return Codes.of(bits, signed=signed)
