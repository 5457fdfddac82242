"""Rounding that lets later weights make up for the errors of earlier ones."""

from dataclasses import dataclass
from typing import Self

import numpy as np

from tomato.core.formats import Array
from tomato.core.threads import one_thread
from tomato.quantise.weights.alphabet import Alphabet

DAMPING = 0.01
"""Share of the mean variance that is added to every input's: keeps the inverse sane (GPTQ's value)."""
BLOCK = 64
"""Weights rounded before their errors reach all that follow: matrix products instead of single rows."""


@dataclass(frozen=True, slots=True, eq=False)
class Sweep:
    """The order in which the weights of each group are rounded, and how errors pass on.

    order: (groups, weights per channel). factor: of each group the upper triangular U with U.T @ U = the inverse of
    the inputs' damped covariance, in that order.
    """

    order: Array
    factor: Array

    @classmethod
    def of(cls, covariance: Array) -> Self:
        """Weights on inputs of large variance come first."""
        variance = np.diagonal(covariance, axis1=1, axis2=2)
        order = np.argsort(-variance, axis=1, kind="stable")
        rows = np.take_along_axis(covariance, order[:, :, np.newaxis], axis=1)
        power = variance.mean(axis=1)
        damping = np.where(power > 0.0, DAMPING * power, 1.0)[:, np.newaxis, np.newaxis]
        damped = np.take_along_axis(rows, order[:, np.newaxis, :], axis=2) + damping * np.eye(variance.shape[1])
        with one_thread():  # several would round otherwise, and weights depend on the machine
            inverse = np.linalg.inv(damped)
            factor = np.linalg.cholesky((inverse + inverse.transpose(0, 2, 1)) / 2.0)
        return cls(order, factor.transpose(0, 2, 1))


def compensate(target: Array, alphabet: Alphabet, sweep: Sweep) -> Array:
    """Levels for `target`, in units of the scale, that keep the layer's output near.

    target: (groups, weights per channel, channels of the group). Weights are rounded one after the other; what
    each error does to the output is taken back, as far as the correlation of the inputs allows, by the weights still
    to come (Frantar et al., GPTQ, 2023, algorithm 1; any alphabet will do).
    """
    factor, order = sweep.factor, sweep.order[:, :, np.newaxis]
    rest = np.take_along_axis(target, order, axis=1)
    codes = np.zeros(rest.shape, dtype=np.int64)
    rows = rest.shape[1]
    for start in range(0, rows, BLOCK):
        stop = min(start + BLOCK, rows)
        errors = np.zeros((len(rest), stop - start, rest.shape[2]))
        for i in range(start, stop):
            codes[:, i] = alphabet.nearest(rest[:, i])
            error = (rest[:, i] - codes[:, i]) / factor[:, i, i, np.newaxis]
            rest[:, i + 1 : stop] -= factor[:, i, i + 1 : stop, np.newaxis] * error[:, np.newaxis]
            errors[:, i - start] = error
        rest[:, stop:] -= factor[:, start:stop, stop:].transpose(0, 2, 1) @ errors
    result = np.empty_like(codes)
    np.put_along_axis(result, order, codes, axis=1)
    return result


def output_error(error: Array, covariance: Array) -> Array:
    """Variance of the output that errors of the weights cause: per group and channel."""
    return np.asarray((error * (covariance @ error)).sum(axis=1))
