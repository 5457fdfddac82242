"""Rounding that lets later weights make up for the errors of earlier ones."""

import numpy as np

from tomato.formats import Array
from tomato.passes.weights.alphabet import Alphabet

DAMPING = 0.01
"""Share of the mean variance that is added to every input's: keeps the inverse sane (GPTQ's value)."""
BLOCK = 64
"""Weights rounded before their errors reach all that follow: matrix products instead of single rows."""


def compensate(target: Array, alphabet: Alphabet, covariance: Array) -> Array:
    """Levels for `target`, in units of the scale, that keep the layer's output near.

    target: (groups, weights per channel, channels of the group). Weights are rounded one after the other, those
    on inputs of large variance first; what each error does to the output is taken back, as far as the correlation of
    the inputs allows, by the weights still to come (Frantar et al., GPTQ, 2023, algorithm 1; any alphabet will do).
    """
    order = np.argsort(-np.diagonal(covariance, axis1=1, axis2=2), axis=1, kind="stable")
    rest = np.take_along_axis(target, order[:, :, np.newaxis], axis=1)
    sorted_rows = np.take_along_axis(covariance, order[:, :, np.newaxis], axis=1)
    factor = _factor(np.take_along_axis(sorted_rows, order[:, np.newaxis, :], axis=2))
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
    np.put_along_axis(result, order[:, :, np.newaxis], codes, axis=1)
    return result


def output_error(error: Array, covariance: Array) -> Array:
    """Variance of the output that errors of the weights cause: per group and channel."""
    return np.asarray((error * (covariance @ error)).sum(axis=1))


def _factor(covariance: Array) -> Array:
    """The upper triangular U with U.T @ U = the inverse of the damped covariance, group by group."""
    power = np.diagonal(covariance, axis1=1, axis2=2).mean(axis=1)
    damping = np.where(power > 0.0, DAMPING * power, 1.0)[:, np.newaxis, np.newaxis]
    inverse = np.linalg.inv(covariance + damping * np.eye(covariance.shape[1]))
    return np.linalg.cholesky((inverse + inverse.transpose(0, 2, 1)) / 2.0).transpose(0, 2, 1)
