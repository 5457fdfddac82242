"""An example of an operator of reals, as the compiler's and as ONNX nodes."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from onnx import helper

from tomato.core.formats import Array
from tomato.core.ir import Op, Shape

SHAPE = (6, 4, 8)
"""Of every argument, unless an example says otherwise: height, width, channels."""


@dataclass(frozen=True)
class Example:
    """An operator, how many arguments it has, and ONNX nodes that make `r` of them (`a`, `b`, `c`) and of constants."""

    op: Op
    count: int
    nodes: tuple[Any, ...]
    constants: Mapping[str, Array] = field(default_factory=dict)
    frame: Shape = SHAPE


def node(kind: str, inputs: str, to: str = "r", **attributes: Any) -> Any:
    return helper.make_node(kind, inputs.split(), [to], name=f"{kind}_{to}", **attributes)


def example(op: Op, *nodes: Any, frame: Shape = SHAPE, **constants: Any) -> Example:
    """Of as many arguments as the nodes read of `a`, `b` and `c`; `frame` is the shape of each."""
    return Example(
        op,
        max(1, sum(any(name in n.input for n in nodes) for name in "abc")),
        nodes,
        {name: np.asarray(value) for name, value in constants.items()},
        frame,
    )
