"""What the tests ask of an operator that reaches hardware, in one file: the modules of this package, found by name.

The lists in tests/networks/cases.py, tests/networks/points.py, tests/unit/quantise/contract.py and tests/networks have
what is not here.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib import import_module
from pkgutil import iter_modules

from hypothesis import strategies as st

from tests.networks.draws import Operation
from tests.networks.maker import Step
from tests.networks.onnx_writer import Writer
from tests.unit.quantise.example import Example
from tomato.core.ir import Node, Op


@dataclass(frozen=True)
class Described:
    """An operator, on codes and on reals.

    case: on codes, with its arguments, a ragged shape. points: draws others at random. example: on reals, with the
    ONNX nodes that make it. step: extends a random network by it. write: writes a node of it as ONNX.
    refused: what its `line` answers where it refuses, by the name of the arguments in tests/unit/ops/test_lines.py;
    "unlike" is also why a network that comes quantised, with steps of their own for every argument, is refused, but
    for operators that choose by order or by a condition.
    off: steps that a result on codes may lie off the real one. jumps: the share of places where it may be another one
    altogether, where what is chosen changes with a step of the arguments.
    """

    case: Operation
    points: st.SearchStrategy[Operation]
    example: Example
    step: Step
    write: Callable[[Writer, Node], None]
    refused: Mapping[str, str] = field(default_factory=dict)
    off: float = 0.0
    jumps: float = 0.0


@cache
def described() -> Mapping[type[Op], Described]:
    """Every module's DESCRIBED, by its operator."""
    modules = [import_module(f"{__name__}.{found.name}") for found in iter_modules(__path__)]
    return {type(module.DESCRIBED.example.op): module.DESCRIBED for module in modules}
