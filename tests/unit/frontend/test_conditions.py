"""Max, Min, comparisons and Where of the data: as ONNX Runtime computes them; of one value they are one function."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import helper

from tests.networks import qonnx
from tests.networks.onnx_writer import BOOL, FLOAT
from tests.networks.runtime import golden, integers
from tests.unit.frontend.test_rules import TWO
from tests.unit.frontend.tiny import Tiny, agree, op, randoms
from tests.unit.kernels.runtime import on_x86
from tests.unit.quantise.absorb import test_operators as qdq
from tests.unit.quantise.absorb.test_special import PAIR, both
from tomato.core.errors import TomatoError
from tomato.passes import CLEAN, run

NUMBERS: Mapping[str, Any] = {
    "none": 0.0,
    "half": 0.5,
    "tenth": 0.1,
    "low": -0.4,
    "each": randoms(4, 1, 1),
    "place": randoms(4, 6, 5),
}
CONV = op("Conv", "x", "w", to="v", pads=[1, 1, 1, 1])
FLAGS = np.arange(120).reshape(4, 6, 5) % 3 == 0


def asked(kind: str, *inputs: str, then: Sequence[str], to: str = "y") -> list[Any]:
    """A comparison, and what it chooses."""
    return [op(kind, *inputs, to=f"{to}_c"), op("Where", f"{to}_c", *then, to=to)]


def cast(value: str, to: str, kind: int) -> Any:
    """A value as another type."""
    return helper.make_node("Cast", [value], [to], to=kind)


ONE: Mapping[str, tuple[list[Any], str]] = {
    "relu": (asked("Greater", "v", "none", then=("v", "none")), "clip"),
    "relu_turned": (asked("Less", "v", "none", then=("none", "v")), "clip"),
    "least": (asked("GreaterOrEqual", "half", "v", then=("v", "half")), "clip"),
    "most_turned": (asked("LessOrEqual", "half", "v", then=("half", "v")), "clip"),
    "leaky": ([op("Mul", "v", "tenth", to="m"), *asked("Greater", "v", "none", then=("v", "m"))], "function"),
    "hardshrink": (
        [op("Greater", "v", "half", to="a"), op("Less", "v", "low", to="b"), op("Or", "a", "b", to="c"),
         op("Where", "c", "v", "none")], "function"),
    "between": (
        [op("Greater", "v", "low", to="a"), op("Less", "v", "half", to="b"), op("And", "a", "b", to="c"),
         op("Not", "c", to="n"), op("Where", "n", "tenth", "v")], "function"),
    "sign": (asked("Greater", "v", "none", then=("half", "low")), "function"),
    "gate": ([op("Greater", "v", "low", to="c"), cast("c", "f", FLOAT), op("Mul", "f", "v")], "function"),
    "not_zero": ([op("Relu", "v", to="r"), cast("r", "c", BOOL), op("Where", "c", "half", "v")],
                 "function"),
    "per_channel": (asked("Greater", "v", "each", then=("v", "half")), "function"),
    "maximum": ([op("Mul", "v", "tenth", to="m"), op("Max", "v", "m")], "function"),
    "of_two_functions": ([op("Tanh", "v", to="t"), op("Abs", "v", to="a"), *asked("Less", "t", "a", then=("t", "v"))],
                         "function"),
}  # fmt: skip


@pytest.mark.parametrize("name", ONE)
def test_of_one_value_it_is_one_function(name: str, tmp_path: Path) -> None:
    nodes, kind = ONE[name]
    graph = agree(Tiny([CONV, *nodes], constants={**NUMBERS, "w": randoms(4, 4, 3, 3) / 4}).save(tmp_path)).graph
    assert [n.op.name for n in run(graph, CLEAN)] == ["conv2d", kind]


SEVERAL: Mapping[str, Tiny] = {
    "max": Tiny([op("Max", "x", "z")], TWO),
    "min_of_three": Tiny([op("Min", "x", "z", "u")], {**TWO, "u": (1, 4, 6, 5)}),
    "max_and_constants": Tiny([op("Max", "x", "half", "z", "each")], TWO, NUMBERS),
    "max_of_a_vector_and_pixels": Tiny([op("Max", "x", "z")], {"x": (1, 4, 1, 1), "z": (1, 4, 6, 5)}),
    "max_of_a_value_and_its_transposition": Tiny(
        [op("Transpose", "x", to="t", perm=[0, 1, 3, 2]), op("Max", "x", "t")], {"x": (1, 4, 5, 5)}
    ),
    "where_of_three": Tiny(
        [op("Greater", "x", "half", to="c"), op("Where", "c", "z", "u")], {**TWO, "u": (1, 4, 6, 5)}, NUMBERS
    ),
    "where_of_two": Tiny(asked("LessOrEqual", "x", "z", then=("x", "half")), TWO, NUMBERS),
    "where_of_a_constant_first": Tiny(asked("Less", "x", "z", then=("each", "z")), TWO, NUMBERS),
    "where_of_two_constants": Tiny(asked("Less", "x", "z", then=("half", "low")), TWO, NUMBERS),
    "places": Tiny(asked("Greater", "x", "place", then=("x", "place")), constants=NUMBERS),
    "pixels_choose": Tiny(
        [op("ReduceMean", "x", to="m", axes=[1], keepdims=1), *asked("Greater", "m", "none", then=("x", "z"))],
        TWO, NUMBERS,
    ),
    "equal": Tiny([op("Relu", "x", to="a"), op("Relu", "z", to="b"), *asked("Equal", "a", "b", then=("half", "x"))],
                  TWO, NUMBERS),
    "said_of_two": Tiny(
        [op("Greater", "x", "half", to="a"), op("Less", "z", "half", to="b"), op("Xor", "a", "b", to="c"),
         op("Or", "c", "a", to="d"), op("And", "d", "flags", to="e"), op("Where", "e", "x", "z")],
        TWO, {**NUMBERS, "flags": FLAGS},
    ),
    "moved": Tiny(
        [op("Greater", "x", "half", to="a"), op("Transpose", "a", to="b", perm=[0, 1, 3, 2]),
         op("Where", "b", "z", "half")], {"x": (1, 4, 6, 5), "z": (1, 4, 5, 6)}, NUMBERS,
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", SEVERAL)
def test_of_several_values_it_is_what_the_runtime_computes(name: str, tmp_path: Path) -> None:
    agree(SEVERAL[name].save(tmp_path))


QDQ: Mapping[str, list[Any]] = {
    "max_of_unlike_scales": [op("Max", "xr", "br", to="r")],
    "max_in_front_of_a_function_that_rises": [op("Max", "xr", "br", to="m"), op("Sigmoid", "m", to="r")],
    "min_of_unlike_scales_and_a_constant": [op("Min", "xr", "br", "half", to="r")],
    "where_as_two_values_say": asked("Greater", "xr", "br", then=("xr", "br"), to="r"),
    "where_they_are_equal": asked("Equal", "xr", "br", then=("half", "br"), to="r"),
    "where_both_hold": [
        op("Greater", "xr", "low", to="a"), op("LessOrEqual", "br", "half", to="b"), op("And", "a", "b", to="c"),
        op("Where", "c", "br", "tenth", to="r"),
    ],
    "softshrink": [op("Shrink", "xr", to="r", bias=0.3, lambd=0.3)],
}  # fmt: skip


@on_x86
@pytest.mark.parametrize("kind", qdq.KINDS)
@pytest.mark.parametrize("name", QDQ)
def test_of_codes_it_is_the_runtime_s_to_the_code(name: str, kind: type[np.integer], tmp_path: Path) -> None:
    constants: dict[str, Any] = qdq.steps(kind, x=0.043, b=0.071, y=0.0171)
    constants |= {n: np.float32(NUMBERS[n]) for n in ("half", "low", "tenth")}
    made, got, wanted = both(tmp_path, [*qdq.IN, *PAIR, *QDQ[name], *qdq.OUT], constants)
    assert np.ptp(wanted) > 0
    np.testing.assert_array_equal(wanted, got)
    assert {p.caveat for p in made.proofs} == {""}


def test_a_choice_of_unlike_scales_in_front_of_what_falls_is_refused(tmp_path: Path) -> None:
    nodes = [*qdq.IN, *PAIR, op("Max", "xr", "br", to="m", name="greater"), op("HardSwish", "m", to="r"), *qdq.OUT]
    path = qdq.model(tmp_path, nodes, qdq.steps(np.int8, x=0.043, b=0.071, y=0.0171), {"x": (1, 4, 6, 5)})
    with pytest.raises(TomatoError) as error:
        integers(path)
    assert str(error.value) == (
        "error: maximum cannot be computed on codes: what is behind it falls somewhere, and its inputs have unlike "
        f"scales\n  --> {path}: greater\n  hint: quantise its result first, or all its inputs with one scale"
    )


@pytest.mark.parametrize("kind", ["Max", "Min", "Where"])
def test_of_a_qonnx_model_it_is_exact(kind: str, tmp_path: Path) -> None:
    def quant(value: str, scale: str, to: str) -> Any:
        return helper.make_node("Quant", [value, scale, "zero", "bits"], [to], domain=qonnx.DOMAIN, signed=1, narrow=0)

    nodes = [quant("x", "s", "a"), op("Mul", "a", "gain", to="g"), quant("g", "t", "b")]
    nodes += asked("Greater", "a", "b", then=("b", "half")) if kind == "Where" else [op(kind, "a", "b")]
    nodes[-1].output[0] = "r"
    nodes.append(quant("r", "u", "y"))
    constants = {"s": 0.25, "t": 0.15, "u": 0.2, "gain": -0.7, "half": 0.5, "zero": 0.0, "bits": 4.0}
    proto = Tiny(nodes, constants=constants).proto()
    proto.opset_import.append(helper.make_opsetid(qonnx.DOMAIN, 1))
    onnx.save(proto, path := tmp_path / "net.onnx")
    frames = randoms(16, 4, 6, 5)
    (got,) = golden(integers(path), frames)
    np.testing.assert_allclose(got, qonnx.evaluate(path, frames), atol=1e-6)
