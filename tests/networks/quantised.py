"""Random networks quantised by ONNX Runtime's own tools, and the codes it computes for them.

`make` draws a float network and how it is quantised; `codes` tells what ONNX Runtime computes
at every quantised tensor, with default optimisation.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import helper

from tests.networks.generator import TRAINED, network
from tests.networks.model import WIDE, write
from tomato import frontend
from tomato.core.formats import Array
from tomato.measure.agreement import INTEGER_KERNELS

onnxruntime = pytest.importorskip("onnxruntime")
quantization = pytest.importorskip("onnxruntime.quantization")

INTEGERS = (np.uint8, np.int8)
ABSORBED = ("QuantizeLinear", "Relu", "Clip")


@dataclass(frozen=True)
class Scheme:
    """How a network is quantised."""

    qdq: bool
    unsigned: bool
    unsigned_weights: bool
    per_channel: bool
    wide: bool = False

    @staticmethod
    def draw(rng: np.random.Generator) -> "Scheme":
        """One of the combinations that ONNX Runtime has kernels for, or 16 bits, which it computes in float32."""
        qdq, unsigned, unsigned_weights, per_channel = (bool(b) for b in rng.integers(0, 2, 4))
        wide = qdq and not rng.integers(4)
        return Scheme(qdq, unsigned, unsigned_weights and unsigned, per_channel, wide)

    def __str__(self) -> str:
        bits = 16 if self.wide else 8
        names = ("QDQ" if self.qdq else "QOperator", f"u{bits}" if self.unsigned else f"s{bits}")
        weights = ("u8" if self.unsigned_weights else "s8") + (" per channel" if self.per_channel else "")
        return f"{' '.join(names)}, weights {weights}"


def frames(model: Any, seed: int, count: int) -> list[Array]:
    """Random inputs of a model."""
    shape = [d.dim_value for d in model.graph.input[0].type.tensor_type.shape.dim]
    rng = np.random.default_rng(seed)
    return [rng.normal(size=shape).astype(np.float32) for _ in range(count)]


def make(seed: int) -> Any:
    """A random quantised network: the same for the same seed and version of ONNX Runtime."""
    rng = np.random.default_rng(seed)
    scheme = Scheme.draw(rng)
    graph, _ = network(seed, TRAINED)
    return quantise(write(graph, opset=WIDE if scheme.wide else 17).model, scheme, seed)


class Noise:
    """A reader of calibration data, as ONNX Runtime's tools want it: frames, then None."""

    def __init__(self, network: Any, seed: int) -> None:
        self.frames = iter(frames(network, seed, 4))

    def get_next(self) -> dict[str, Array] | None:
        """The next frame."""
        frame = next(self.frames, None)
        return None if frame is None else {"x": frame}


def quantise(network: Any, scheme: Scheme, seed: int) -> Any:
    """A float network quantised by onnxruntime.quantization.quantize_static, calibrated with noise."""

    types = quantization.QuantType
    with TemporaryDirectory() as folder:
        source, target = Path(folder) / "float.onnx", Path(folder) / "quantised.onnx"
        onnx.save(network, source)
        quantization.quantize_static(
            source,
            target,
            Noise(network, seed),
            quant_format=quantization.QuantFormat.QDQ if scheme.qdq else quantization.QuantFormat.QOperator,
            activation_type=_activations(scheme),
            weight_type=types.QUInt8 if scheme.unsigned_weights else types.QInt8,
            per_channel=scheme.per_channel,
        )
        model = onnx.load(target)
    model.graph.doc_string = str(scheme)
    return model


def _activations(scheme: Scheme) -> Any:
    """The type of activations."""
    types = quantization.QuantType
    if scheme.wide:
        return types.QUInt16 if scheme.unsigned else types.QInt16
    return types.QUInt8 if scheme.unsigned else types.QInt8


def codes(model: Any, x: Array, *, integers: bool = False) -> Mapping[str, Array]:
    """Codes at every 8-bit tensor of `model` that ONNX Runtime computes, by the tensor's name in `model`.

    `integers`: with its integer kernels for int8 too.

    The model is optimised first, and the optimised one run with more outputs and no further
    optimisation: outputs added to the original would change which operators are fused.
    """
    with TemporaryDirectory() as folder:
        path = Path(folder) / "optimised.onnx"
        wanted = _session(model, optimised=path, integers=integers).run(None, {"x": x})
        optimised = onnx.load(path)
    plain = every_value(model, x)
    places = _places(model, optimised, {name for name, value in plain.items() if value.dtype in INTEGERS})
    values = every_value(optimised, x)
    for output, value in zip(model.graph.output, wanted, strict=True):
        np.testing.assert_array_equal(value, values[output.name])
    return {name: _as_in_model(values[place], plain[name]) for name, place in places.items()}


def every_value(model: Any, x: Array) -> dict[str, Array]:
    """All that the nodes of a model compute when it runs as it is."""
    extended = onnx.ModelProto()
    extended.CopyFrom(model)
    del extended.graph.output[:]
    names = [name for node in model.graph.node for name in node.output if name]
    extended.graph.output.extend(helper.make_empty_tensor_value_info(name) for name in names)
    return dict(zip(names, _session(extended).run(None, {"x": x}), strict=True))


def _places(model: Any, optimised: Any, names: set[str]) -> dict[str, str]:
    """The tensors of the optimised model that hold those of `names` which survive.

    A fused operator keeps its name, or has it as a prefix; it stands for what it absorbed.
    """
    outputs = {node.name.split("_token_")[0]: node.output[0] for node in optimised.graph.node}
    makers = {node.output[0]: node for node in model.graph.node}
    places = {}
    for name in names:
        maker = makers[name]
        while maker.name not in outputs and maker.op_type in ABSORBED and maker.input[0] in makers:
            maker = makers[maker.input[0]]
        if maker.name in outputs:
            places[name] = outputs[maker.name]
    return places


def _as_in_model(value: Array, plain: Array) -> Array:
    """Codes channels first, and signed, where those of the model as it is (`plain`) are so.

    The optimiser moves channels last; shapes tell where.
    """
    assert plain.ndim < 4 or plain.size == 1 or len(set(plain.shape[1:])) > 1, "equal sizes: layouts look the same"
    shifted = plain.dtype == np.int8 and value.dtype == np.uint8
    result = value.astype(np.int64) - (128 if shifted else 0)
    if result.shape != plain.shape:
        result = np.moveaxis(result, -1, 1)
    assert result.shape == plain.shape
    return np.asarray(result)


def _session(model: Any, optimised: Path | None = None, *, integers: bool = False) -> Any:
    """A session that saves the model as optimised, or without such a path runs it as it is.

    Products of integers are exact on every processor.
    """
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    if integers:
        options.add_session_config_entry(*INTEGER_KERNELS)
    if optimised:
        options.optimized_model_filepath = str(optimised)
    else:
        options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    with TemporaryDirectory() as folder:
        path = Path(folder) / "model.onnx"
        onnx.save(model, path)
        given = frontend.twin(path) or str(path)
        return onnxruntime.InferenceSession(given, options, providers=["CPUExecutionProvider"])
