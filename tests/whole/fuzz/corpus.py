"""Models to begin with: every rule of the frontend once, the dialects of quantisation, functions, whole networks."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from onnx import TensorProto, helper, numpy_helper

from tests.networks import quantised as networks
from tests.unit.frontend.test_loops import SPELLINGS, looped, scan, steps
from tests.unit.frontend.test_rules import CASES
from tests.unit.frontend.tiny import op, randoms

X = (1, 4, 6, 5)
QONNX, MICROSOFT = "qonnx.custom_op.general", "com.microsoft"


def model(nodes: Sequence[Any], constants: Mapping[str, Any], opset: int = 17) -> Any:
    """A model of a few nodes over the float input x and constants in their own types."""
    graph = helper.make_graph(
        list(nodes),
        "seed",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, list(X))],
        [helper.make_empty_tensor_value_info("y")],
        [numpy_helper.from_array(np.asarray(v), n) for n, v in constants.items()],
    )
    domains = sorted({n.domain for n in nodes} - {""})
    opsets = [helper.make_opsetid("", opset), *(helper.make_opsetid(d, 1) for d in domains)]
    return helper.make_model(graph, opset_imports=opsets, ir_version=9)


STEPS: dict[str, Any] = {
    "s": np.float32(0.05), "z": np.uint8(128), "t": np.float32(0.11), "zi": np.int8(0),
    "w": np.random.default_rng(3).integers(-100, 100, (3, 4, 3, 3)).astype(np.int8),
    "ws": np.array([0.01, 0.02, 0.015], np.float32), "wz": np.zeros(3, np.int8),
    "m": np.random.default_rng(4).integers(-100, 100, (5, 6)).astype(np.int8),
    "bias": np.array([10, -200, 3000], np.int32), "bs": np.array([0.0005, 0.001, 0.00075], np.float32),
}  # fmt: skip
ENTER = op("QuantizeLinear", "x", "s", "z", to="xq")
REAL = op("DequantizeLinear", "xq", "s", "z", to="xr")
LEAVE = [op("QuantizeLinear", "c", "t", "z", to="yq"), op("DequantizeLinear", "yq", "t", "z")]
BACK = op("DequantizeLinear", "yq", "t", "z")


def quantised(nodes: Sequence[Any], **more: Any) -> Any:
    """A model with those of the constants that it reads."""
    read = {name for node in nodes for name in node.input}
    return model(nodes, {name: value for name, value in (STEPS | more).items() if name in read})


def dialects() -> Iterator[Any]:
    """QDQ, QOperator, integer operators, QONNX."""
    weight = op("DequantizeLinear", "w", "ws", "wz", to="wr", axis=0)
    bias = op("DequantizeLinear", "bias", "bs", to="br", axis=0)
    yield quantised([ENTER, REAL, weight, bias, op("Conv", "xr", "wr", "br", to="c", pads=[1] * 4), *LEAVE])
    for kind in ("Relu", "Sigmoid", "LeakyRelu", "Abs", "GlobalAveragePool"):
        yield quantised([ENTER, REAL, op(kind, "xr", to="c"), *LEAVE])
    yield quantised([ENTER, REAL, op("Sigmoid", "xr", to="g"), op("Mul", "xr", "g", to="c"), *LEAVE])
    yield quantised([ENTER, REAL, op("Neg", "xr", to="n"), op("Add", "xr", "n", to="c"), *LEAVE])
    yield quantised([ENTER, REAL, op("MaxPool", "xr", to="c", kernel_shape=[2, 2]), *LEAVE])
    yield quantised([ENTER, op("QLinearConv", "xq", "s", "z", "w", "ws", "wz", "t", "z", "bias", to="yq"), BACK])
    matmul = op("QLinearMatMul", "xq", "s", "z", "m", "ms", "zi", "t", "z", to="yq")
    yield model([ENTER, matmul, BACK], {k: STEPS[k] for k in ("s", "z", "t", "m", "zi")} | {"ms": np.float32(0.01),
                "m": np.ones((5, 6), np.int8)})  # fmt: skip
    for kind in ("QLinearAdd", "QLinearMul"):
        yield quantised([ENTER, op(kind, "xq", "s", "z", "xq", "s", "z", "t", "z", to="yq", domain=MICROSOFT), BACK])
    yield quantised([ENTER, op("QLinearSigmoid", "xq", "s", "z", "t", "z", to="yq", domain=MICROSOFT), BACK])
    yield quantised([ENTER, op("QLinearConcat", "t", "z", "xq", "s", "z", "xq", "s", "z", to="yq", axis=1,
                     domain=MICROSOFT), BACK])  # fmt: skip
    cast = helper.make_node("Cast", ["c"], ["y"], to=TensorProto.FLOAT)
    yield quantised([ENTER, op("ConvInteger", "xq", "w", "z", "wz", to="c"), cast])
    yield quantised([ENTER, op("MatMulInteger", "xq", "m", "z", "zi", to="c"), cast])
    quant = op("Quant", "x", "s", "zero", "bits", to="q", domain=QONNX, signed=1, narrow=0, rounding_mode="ROUND")
    numbers = {"s": np.float32(0.125), "zero": np.float32(0), "bits": np.float32(4), "few": np.float32(3)}
    kernel = op("Quant", "k", "s", "zero", "bits", to="kq", domain=QONNX, signed=1, narrow=1, rounding_mode="ROUND")
    again = op("Quant", "c", "s", "zero", "bits", to="y", domain=QONNX, signed=0, narrow=0, rounding_mode="FLOOR")
    yield model([quant, kernel, op("Conv", "q", "kq", to="c"), again], numbers | {"k": randoms(3, 4, 3, 3)})
    yield model([quant, op("BipolarQuant", "q", "s", domain=QONNX)], numbers)
    yield model([quant, op("Trunc", "q", "s", "zero", "bits", "few", domain=QONNX, rounding_mode="FLOOR")], numbers)


def function() -> Any:
    """A model that calls a local function twice."""
    body = [op("Relu", "a", to="r"), op("Neg", "r", to="b")]
    made = model([op("F", "x", to="m", domain="local"), op("F", "m", domain="local")], {})
    made.functions.append(helper.make_function("local", "F", ["a"], ["b"], body, [helper.make_opsetid("", 17)]))
    return made


def models() -> list[Any]:
    """All of them, the same in every run."""
    simple = [case.proto() for case in CASES.values()]
    return [*simple, *dialects(), *dialects(), function(), *map(networks.make, range(4)), *recurrent()]


def recurrent() -> Iterator[Any]:
    """Recurrent layers as loops, and step by step."""
    for name in ("lstm, joined", "gru, reset before", "rnn"):
        spelling, gates, _ = SPELLINGS[name]
        for form in (scan, looped, steps):
            yield form(spelling, gates).proto()
