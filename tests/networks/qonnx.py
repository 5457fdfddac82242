"""QONNX's operators in NumPy, for the reference evaluator of the onnx package: models in float64.

Meaning: https://github.com/fastmachinelearning/qonnx/tree/main/docs/qonnx-custom-ops
"""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, numpy_helper
from onnx.reference import ReferenceEvaluator
from onnx.reference.op_run import OpRun

from tomato.core.formats import Array

DOMAIN = "qonnx.custom_op.general"
MODES: Mapping[str, Callable[..., Any]] = {
    "ROUND": np.round,
    "FLOOR": np.floor,
    "CEIL": np.ceil,
    "ROUND_TO_ZERO": np.trunc,
}


def limited(y: Array, bits: float, signed: int, narrow: int, mode: str) -> Array:
    """Steps of a scale, clipped and rounded."""
    low = -(2.0 ** (bits - 1)) + narrow if signed else 0.0
    high = 2.0 ** (bits - 1) - 1 if signed else 2.0**bits - 1 - narrow
    return np.asarray(MODES[mode](np.clip(y, low, high)))


def quant(
    x: Array, scale: Array, zero: Array, bits: Array, *, signed: int = 1, narrow: int = 0, rounding_mode: str = "ROUND"
) -> Array:
    """Quant: steps with a zero point; one signed bit is a sign."""
    steps = x / scale + zero
    if bits == 1 and signed:
        return np.asarray((np.where(steps >= 0, 1.0, -1.0) - zero) * scale)
    return np.asarray((limited(steps, float(bits), signed, narrow, rounding_mode) - zero) * scale)


def trunc(
    x: Array, scale: Array, zero: Array, bits: Array, *rest: Array, rounding_mode: str, signed: int = 1, narrow: int = 0
) -> Array:
    """Trunc of version 1 (`rest`: the bits of the result) or 2 (its scale, its bits)."""
    whole = np.round(x / scale + zero)
    if len(rest) == 1:
        return np.asarray((MODES[rounding_mode](whole / 2.0 ** (bits - rest[0])) - zero) * scale)
    target, after = rest
    step = 2.0 ** np.round(np.log2(target / scale))
    return np.asarray((limited(whole / step, float(after), signed, narrow, rounding_mode) - zero / step) * target)


class Quant(OpRun):
    """`quant` as a node."""

    op_domain = DOMAIN

    def _run(self, *given: Array, **attributes: Any) -> tuple[Array]:
        return (quant(*given, **attributes),)


class BipolarQuant(OpRun):
    """The scale with the sign of x."""

    op_domain = DOMAIN

    def _run(self, x: Array, scale: Array) -> tuple[Array]:
        return (np.where(x >= 0, scale, -scale),)


class Trunc(OpRun):
    """`trunc` as a node."""

    op_domain = DOMAIN

    def _run(self, *given: Array, **attributes: Any) -> tuple[Array]:
        return (trunc(*given, **attributes),)


def evaluate(path: Path, *frames: Array) -> Array:
    """The only output of a model, frame by frame, everything in float64."""
    model: Any = onnx.load(path)
    for tensor in model.graph.initializer:
        if tensor.data_type == TensorProto.FLOAT:
            tensor.CopyFrom(numpy_helper.from_array(numpy_helper.to_array(tensor).astype(np.float64), tensor.name))
    names = [i.name for i in model.graph.input]
    runner: Any = ReferenceEvaluator(model, new_ops=[Quant, BipolarQuant, Trunc])
    rows = (
        {n: f[i : i + 1].astype(np.float64) for n, f in zip(names, frames, strict=True)} for i in range(len(frames[0]))
    )
    return np.concatenate([runner.run(None, row)[0] for row in rows])
