"""References to find staircases of, and what they mean at every accumulator."""

from collections.abc import Sequence

import numpy as np

from tomato.core.formats import Array, Codes
from tomato.quantise.requant.staircase import Reference, Staircase, find


def quantize_linear(scales: Sequence[float], zero: int, lo: int, hi: int) -> Reference:
    """ONNX: rint(float32(acc) * float32(scale)) + zero, saturated."""
    scale = np.array(scales, dtype=np.float32)

    def codes(acc: Array) -> Array:
        return np.asarray(np.clip(np.rint(acc.astype(np.float32) * scale).astype(np.int64) + zero, lo, hi))

    return codes


def linear(scales: Sequence[float], zero: int, acc: Codes, lo: int, hi: int) -> tuple[Reference, Staircase]:
    """That reference, and its staircase."""
    reference = quantize_linear(scales, zero, lo, hi)
    return reference, find(reference, acc, len(scales), lo, hi)


def every(acc: Codes, channels: int) -> Array:
    """Every accumulator, for every channel."""
    return np.arange(acc.lo, acc.hi + 1)[:, None].repeat(channels, axis=1)
