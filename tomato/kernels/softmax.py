"""QLinearSoftmax."""

import numpy as np

from tomato.core.formats import Array
from tomato.kernels.float32 import Float32
from tomato.kernels.linear import Quantisation

HEADROOM = 5.0
"""Natural logarithm of the room that the kernel leaves below the largest float32."""


def softmax(codes: Array, x: Quantisation, y: Quantisation) -> Array:
    """QLinearSoftmax along the last axis (contrib qlinear_softmax.cc).

    Exponentials come from a table of float32 entries, are summed in float32 one after the
    other, and scaled by floor(1 / y.scale): beyond about exp(5) * terms that overflows.
    """
    top = codes.max(axis=-1, keepdims=True)
    terms = _exponentials(x, codes.shape[-1])[codes - top + (x.codes.hi - x.codes.lo)]
    total = np.cumsum(terms, axis=-1, dtype=np.float32)[..., -1:]
    return y.nearest(terms * np.floor(np.float32(1) / y.step) / total)


def _exponentials(x: Quantisation, terms: int) -> Float32:
    """exp of each code relative to the largest code, shifted up so that a sum of `terms` does not overflow."""
    room = np.log(np.finfo(np.float32).max / np.float32(terms))  # in float32, unlike what follows
    shift = max(0.0, float(room) - HEADROOM) / x.scale
    below = np.arange(x.codes.lo - x.codes.hi, 1, dtype=np.float64)
    return np.asarray(np.exp((below + shift) * x.scale), np.float32)
