"""Powers of two: a product with such a weight is a shift."""

import numpy as np

from tomato.core.formats import Array
from tomato.quantise.weights.alphabet import Alphabet

STEPS = 32
"""Scales that the search tries between the least allowed and twice what holds everything."""


def magnitudes(exponent_bits: int) -> Array:
    """1, 2, 4, ...: one per exponent code, except the code that means 0."""
    return 1 << np.arange((1 << exponent_bits) - 1)


def shift(flat: Array, bits: int) -> Alphabet:
    """0 and +-2**e: a sign and `bits - 1` bits of exponent, of which one code is 0.

    The bias of the exponents is a real scale per channel, for free in the requant. At most 1 / (2**bits + 1)
    of the weights may overflow (Zhao et al., Focused Quantization for Sparse CNNs, NeurIPS 2019); under that
    limit the scale with the least squared error wins. Weights go to the nearest level: rounding their
    logarithms instead can only add to the squared error.
    """
    powers = magnitudes(bits - 1)
    least, most = overflow_limit(flat, bits), np.abs(flat).max(axis=0, initial=0.0)
    span = np.where(least > 0.0, 2.0 * most / np.where(least > 0.0, least, 1.0), 1.0)
    tops = (least * span ** (i / STEPS) for i in range(STEPS + 1))
    alphabet = Alphabet(np.concatenate([-powers[::-1], [0], powers]), most / powers[-1])
    return alphabet.best_of(flat, [most / powers[-1], *(t / powers[-1] for t in tops)]).refined(flat)


def overflow_limit(flat: Array, bits: int) -> Array:
    """The magnitude, per channel, that at most 1 / (2**bits + 1) of the weights that are not 0 exceed."""
    allowed = np.count_nonzero(flat, axis=0) // ((1 << bits) + 1)
    return np.asarray(np.take_along_axis(np.sort(np.abs(flat), axis=0)[::-1], allowed[np.newaxis], axis=0)[0])
