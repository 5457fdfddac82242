"""Why a quantised network cannot become integers, named by its nodes."""

from typing import NoReturn

import numpy as np

from tomato.core.errors import TomatoError
from tomato.core.formats import Array
from tomato.core.ir import Node
from tomato.core.treatment import UNLIKE_CHANNELS, Line
from tomato.ops.weighted import Weighted

HINT = "quantise the values in front of it and behind it"


class UnquantisedError(TomatoError):
    """A real value that codes are needed of: `value` of the network that comes in, or (weights) those of a node."""

    def __init__(self, node: Node, value: str, why: str, hint: str, *, weights: bool = False) -> None:
        super().__init__(f"{node.op.name} cannot be computed on codes: {why}", where=node.label, hint=hint)
        self.value, self.weights = value, weights


class SeveralWaysError(TomatoError):
    """An input of the network, or parts of it, that are quantised in several ways, while a port has one."""

    def __init__(self, node: Node, given: str) -> None:
        what = f"{node.op.name} cannot be computed on codes: the input {given} is quantised in several ways"
        super().__init__(what, where=node.label, hint="quantise it once")
        self.input = given


def open_value(node: Node, value: str, why: str, hint: str = HINT) -> NoReturn:
    """Raise the UnquantisedError for a value that a node reads."""
    raise UnquantisedError(node, value, why, hint)


def refuse(node: Node, why: str, hint: str = HINT) -> NoReturn:
    """Raise the TomatoError for a real operator that integers cannot express."""
    raise TomatoError(f"{node.op.name} cannot be computed on codes: {why}", where=node.label, hint=hint)


def code_of(node: Node, line: Line, real: float, what: str) -> int:
    """The code of a real number, `what`, in what a node reads; TomatoError if there is none."""
    code = line.code_of(real)
    if code is None:
        refuse(node, f"{what} {real:g} is no code of its input (zero point {-line.zeros[0]:g})")
    return code


def same_steps(node: Node, line: Line) -> None:
    """TomatoError unless all channels of what a node reads share scale and offset."""
    if not line.is_uniform:
        refuse(node, UNLIKE_CHANNELS)


def whole(node: Node, op: Weighted) -> Array:
    """The weights of an operator as integers; TomatoError where they are none."""
    values = op.weight.values
    codes = np.rint(values)
    if np.any(values != codes):
        raise UnquantisedError(
            node, node.name, "its weights are not quantised", "quantise the weights too", weights=True
        )
    return codes.astype(np.int64)
