"""What a host computes at both ends of a chip, from plain data: reals become codes, codes become reals and classes.

Each step is a mapping with its name under "do". Numbers are one, or a list with one per channel, the last axis. The
results are those of the compiler's golden model, bit for bit (tests/unit/runtime/test_codec.py).
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .errors import HostError

Array = NDArray[Any]
Step = Mapping[str, Any]


def _numbers(step: Step, name: str) -> Array:
    return np.asarray(step[name], np.float64)


def _away(x: Array, rounded: Callable[[Array], Array]) -> Array:
    return np.sign(x) * rounded(np.abs(x))


ROUNDINGS: Mapping[str, Callable[[Array], Array]] = {
    "round": np.rint,
    "half_even": np.rint,
    "ceil": np.ceil,
    "floor": np.floor,
    "round_to_zero": np.trunc,
    "down": np.trunc,
    "up": lambda x: _away(x, np.ceil),
    "half_up": lambda x: _away(x, lambda v: np.floor(v + 0.5)),
    "half_down": lambda x: _away(x, lambda v: np.ceil(v - 0.5)),
    "sign": lambda x: np.where(x >= 0, 1.0, 0.0),
}


def _saturated(codes: Array, step: Step) -> Array:
    return np.clip(codes, step["lo"], step["hi"]).astype(np.int64)


def _encode(step: Step, x: Array) -> Array:
    scaled = np.rint(np.asarray(x, np.float64) / step["scale"]) + step["zero"]
    return _saturated(scaled, step)


def _quantise(step: Step, x: Array) -> Array:
    rounded = ROUNDINGS[step["rounding"]]
    if step["arithmetic"] == "qonnx":
        return _saturated(rounded(x.astype(np.float64) / _numbers(step, "scale") + _numbers(step, "zero")), step)
    with np.errstate(over="ignore"):
        quotient = x.astype(np.float32) / _numbers(step, "scale").astype(np.float32)
    return _saturated(rounded(quotient) + _numbers(step, "zero"), step)


def _dequantise(step: Step, x: Array) -> Array:
    return np.asarray((x.astype(np.float64) - _numbers(step, "zero")) * _numbers(step, "scale"))


def _affine(step: Step, x: Array) -> Array:
    return np.asarray(x * _numbers(step, "scale") + _numbers(step, "offset"))


def _log_softmax(step: Step, x: Array) -> Array:
    shifted = x - x.max(axis=step["axis"], keepdims=True)
    return np.asarray(shifted - np.log(np.exp(shifted).sum(axis=step["axis"], keepdims=True)))


def _requantise(step: Step, x: Array) -> Array:
    scaled = np.rint(x.astype(np.float32) / np.float32(step["scale"])) + step["zero"]
    return np.asarray(np.clip(scaled, step["lo"], step["hi"]))


def _linear_softmax(step: Step, x: Array) -> Array:
    """QLinearSoftmax of ONNX Runtime: exponentials from a table, summed in float32 one after the other."""
    scale, zero, lo, hi = step["given"]
    values = np.moveaxis(np.rint(x / scale).astype(np.int64) + int(zero), step["axis"], -1)
    room = np.log(np.finfo(np.float32).max / np.float32(values.shape[-1]))
    shift = max(0.0, float(room) - 5.0) / scale
    table = np.exp((np.arange(lo - hi, 1, dtype=np.float64) + shift) * scale).astype(np.float32)
    terms = table[values - values.max(axis=-1, keepdims=True) + int(hi - lo)]
    total = np.cumsum(terms, axis=-1, dtype=np.float32)[..., -1:]
    scale, zero, lo, hi = step["wanted"]
    scaled = terms * np.floor(np.float32(1) / np.float32(scale)) / total
    codes = np.clip(np.rint(scaled) + zero, lo, hi).astype(np.int64)
    return np.moveaxis(codes, -1, step["axis"])


def _unknown(step: Step, _: Array) -> Array:
    raise HostError(
        f"the host would compute {step['what']} here, which this package cannot",
        hint="ask for codes, or run where tomato is installed: tomato evaluate compares it",
    )


STEPS: Mapping[str, Callable[[Step, Array], Array]] = {
    "codes": lambda step, x: _saturated(x, step),
    "encode": _encode,
    "quantise": _quantise,
    "dequantise": _dequantise,
    "affine": _affine,
    "clip": lambda step, x: np.clip(x, step.get("lo", -np.inf), step.get("hi", np.inf)),
    "softmax": lambda step, x: np.exp(_log_softmax(step, x)),
    "logsoftmax": _log_softmax,
    "argmax": lambda step, x: np.asarray(np.argmax(x, axis=step["axis"], keepdims=step["keepdims"])),
    "requantise": _requantise,
    "qlinearsoftmax": _linear_softmax,
    "unknown": _unknown,
}


def run(steps: Sequence[Step], x: Array) -> Array:
    """The steps in order. Raises HostError where one is not known here."""
    for step in steps:
        x = STEPS[step["do"]](step, x)
    return x
