"""Binary and ternary weights: the scales with the least squared error, in closed form."""

import numpy as np

from tomato.core.formats import Array
from tomato.quantise.weights.alphabet import Alphabet


def binary(flat: Array, _bits: int) -> Alphabet:
    """-1 or +1 times the mean magnitude of the channel (Rastegari et al., XNOR-Net, 2016, equation 6)."""
    return Alphabet(np.array([-1, 1]), np.abs(flat).mean(axis=0))


def ternary(flat: Array, _bits: int) -> Alphabet:
    """-1, 0 or +1 times the mean magnitude of the weights kept.

    Keeping the k largest lowers the squared error by (sum of their magnitudes)**2 / k: the k where that is
    most gives the exact optimum, which Li et al. (Ternary Weight Networks, 2016, equation 6) approximate.
    Its threshold is half its scale, so rounding to the nearest keeps the same k.
    """
    sums = np.sort(np.abs(flat), axis=0)[::-1].cumsum(axis=0)
    kept = np.arange(1, len(flat) + 1)[:, np.newaxis]
    best = (sums**2 / kept).argmax(axis=0)
    return Alphabet(np.array([-1, 0, 1]), np.take_along_axis(sums / kept, best[np.newaxis], axis=0)[0])
