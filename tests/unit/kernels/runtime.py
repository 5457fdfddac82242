"""Quantised ONNX models of a few operators, and the codes that ONNX Runtime computes for them."""

import platform
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import helper, numpy_helper

from tomato import frontend
from tomato.core.formats import Array, Codes
from tomato.kernels import Quantisation, dequantize_linear
from tomato.measure.agreement import INTEGER_KERNELS

onnxruntime = pytest.importorskip("onnxruntime")

on_x86 = pytest.mark.skipif(
    platform.machine() not in ("x86_64", "AMD64"), reason="kernels are modelled as ONNX Runtime has them on x86"
)

U8, S8, U16, S16 = (Codes.of(bits, signed=signed) for bits in (8, 16) for signed in (False, True))
TYPES = {U8: np.uint8, S8: np.int8, U16: np.uint16, S16: np.int16}

QDQ, QOPERATOR = "qdq", "qoperator"

_SIMD: Any = np.show_config(mode="dicts")
_EXTENSIONS = _SIMD["SIMD Extensions"]
FUSED = bool({"X86_V3", "FMA3"} & {*_EXTENSIONS.get("baseline", ()), *_EXTENSIONS.get("found", ())})
"""Whether this processor multiplies and adds with one rounding."""
SHARE = 0.05
"""Of the codes of one test, next to ties more often than any network, those that may differ where it does not."""


@dataclass(frozen=True)
class Result:
    """Output codes, and the kinds of the nodes that were run."""

    codes: Array
    kinds: tuple[str, ...]


@dataclass
class Model:
    """A model under construction, with the values to feed."""

    opset: int = 17
    nodes: list[Any] = field(default_factory=list)
    constants: list[Any] = field(default_factory=list)
    inputs: list[Any] = field(default_factory=list)
    outputs: list[str] = field(default_factory=list)
    feed: dict[str, Array] = field(default_factory=dict)

    def op(self, kind: str, *inputs: str, **attributes: Any) -> str:
        """Add a node; its output."""
        name = f"v{len(self.nodes)}"
        self.nodes.append(helper.make_node(kind, inputs, [name], name=f"{kind}_{name}", **attributes))
        return name

    def constant(self, value: Any) -> str:
        """Add a constant."""
        name = f"c{len(self.constants)}"
        self.constants.append(numpy_helper.from_array(np.asarray(value), name))
        return name

    def parameters(self, q: Quantisation) -> tuple[str, str]:
        """Scale and zero point as constants."""
        return self.constant(q.step), self.constant(TYPES[q.codes](q.zero))

    def feed_value(self, value: Array) -> str:
        """Add a graph input of this value."""
        name = f"x{len(self.inputs)}"
        kind = helper.np_dtype_to_tensor_dtype(value.dtype)
        self.inputs.append(helper.make_tensor_value_info(name, kind, value.shape))
        self.feed[name] = value
        return name

    def quantise(self, real: str, q: Quantisation) -> str:
        """QuantizeLinear."""
        return self.op("QuantizeLinear", real, *self.parameters(q))

    def dequantise(self, codes: str, q: Quantisation) -> str:
        """DequantizeLinear."""
        return self.op("DequantizeLinear", codes, *self.parameters(q))

    def pair(self, real: str, q: Quantisation) -> str:
        """QuantizeLinear -> DequantizeLinear."""
        return self.dequantise(self.quantise(real, q), q)

    def weights(self, codes: Array, scale: Array, zero: Array, axis: int) -> str:
        """DequantizeLinear of a constant, per tensor where scale is a scalar."""
        attributes = {"axis": axis} if np.ndim(scale) else {}
        names = (self.constant(v) for v in (codes, np.asarray(scale, np.float32), zero.astype(codes.dtype)))
        return self.op("DequantizeLinear", *names, **attributes)

    def proto(self) -> Any:
        """The ONNX model."""
        outputs = [helper.make_empty_tensor_value_info(name) for name in self.outputs]
        graph = helper.make_graph(self.nodes, "model", self.inputs, outputs, self.constants)
        imports = [helper.make_opsetid("", self.opset), helper.make_opsetid("com.microsoft", 1)]
        return helper.make_model(graph, opset_imports=imports, ir_version=10)

    def run(self, output: str, *, integers: bool = False) -> tuple[Array, tuple[str, ...]]:
        """The value of `output` with default optimisation, and the kinds of the nodes that were run.

        Products of integers are exact on every processor. `integers`: int8 in a QDQ model is not turned into uint8.
        """
        self.outputs.append(output)
        with TemporaryDirectory() as folder:
            options = onnxruntime.SessionOptions()
            options.log_severity_level = 3
            options.optimized_model_filepath = str(Path(folder) / "optimised.onnx")
            if integers:
                options.add_session_config_entry(*INTEGER_KERNELS)
            path = Path(folder) / "model.onnx"
            onnx.save(self.proto(), path)
            session = onnxruntime.InferenceSession(
                frontend.twin(path) or str(path), options, providers=["CPUExecutionProvider"]
            )
            kinds = tuple(node.op_type for node in onnx.load(options.optimized_model_filepath).graph.node)
        (value,) = session.run(None, self.feed)
        return value, kinds


Arguments = Sequence[tuple[Array, Quantisation]]


def qdq(
    build: Callable[..., str], arguments: Arguments, y: Quantisation, model: Model | None = None, *,
    integers: bool = False,
) -> Result:  # fmt: skip
    """DequantizeLinear of each argument -> build(model, *names) -> QuantizeLinear.

    Inputs and output of the model are float32, as exporters make them. `integers`: see `Model.run`.
    """
    model = model or Model()
    names = [model.pair(model.feed_value(dequantize_linear(codes, q)), q) for codes, q in arguments]
    value, kinds = model.run(model.pair(build(model, *names), y), integers=integers)
    return Result(np.rint(value.astype(np.float64) / y.scale).astype(np.int64) + y.zero, kinds)


def qoperator(kind: str, arguments: Arguments, y: Quantisation, **attributes: Any) -> Result:
    """One operator of the domain com.microsoft whose inputs are (codes, scale, zero point) ..., then y's."""
    model = Model()
    names: list[str] = []
    for codes, q in arguments:
        names += [model.feed_value(codes.astype(TYPES[q.codes])), *model.parameters(q)]
    ends = list(model.parameters(y))
    names = ends + names if kind == "QLinearConcat" else names + ends
    value, kinds = model.run(model.op(kind, *names, domain="com.microsoft", **attributes))
    return Result(value.astype(np.int64), kinds)


def assert_equal_if_fused(wanted: Array, got: Array) -> None:
    """Equal codes; without `fused multiply-add` (see docs/onnxruntime.md) but for a few that differ by 1."""
    if FUSED:
        np.testing.assert_array_equal(wanted, got)
    else:
        assert np.abs(wanted - got).max() <= 1
        assert np.count_nonzero(wanted != got) <= SHARE * got.size, "fused multiply-add"


def random_scales(rng: np.random.Generator, count: int) -> list[float]:
    """float32 scales; every other time next to powers of two, where ties are frequent."""
    if rng.integers(2):
        exact = 2.0 ** rng.integers(-7, -3, count) * (1 + rng.integers(-2, 3, count) * 2.0**-23)
    else:
        exact = np.exp(rng.normal(-4, 0.5, count))
    return [float(s) for s in exact.astype(np.float32)]


def random_quantisations(rng: np.random.Generator, codes: Codes, count: int) -> list[Quantisation]:
    """Parameters with zero points anywhere."""
    zeros = rng.integers(codes.lo, codes.hi + 1, count)
    return [Quantisation(s, int(z), codes) for s, z in zip(random_scales(rng, count), zeros, strict=True)]


def random_codes(rng: np.random.Generator, codes: Codes, *shape: int) -> Array:
    """Codes anywhere in the type."""
    return rng.integers(codes.lo, codes.hi + 1, shape)


def every_code(codes: Codes) -> Array:
    """All codes of an 8-bit type, as an image."""
    return np.arange(codes.lo, codes.hi + 1).reshape(1, 1, 16, -1)


def computed(form: str, kernel: Callable[..., Array], arguments: Arguments, y: Quantisation) -> Array:
    """kernel(*codes, *parameters, y) in the type that ONNX Runtime computes in: unsigned for a QDQ model."""
    if form == QDQ:
        shifted = [codes - q.offset for codes, q in arguments]
        return kernel(*shifted, *(q.unsigned for _, q in arguments), y.unsigned) + y.offset
    return kernel(*(codes for codes, _ in arguments), *(q for _, q in arguments), y)
