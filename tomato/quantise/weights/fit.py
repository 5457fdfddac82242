"""From real weights to integer ones and the grid that carries them to output codes."""

import numpy as np

from tomato.core.formats import Array
from tomato.quantise.requant.grid import Grid, fit_grid
from tomato.quantise.weights.alphabet import Alphabet
from tomato.quantise.weights.compensate import Sweep, compensate, output_error
from tomato.quantise.weights.fixed import CLIP_SEARCH_BITS
from tomato.quantise.weights.kinds import KINDS
from tomato.quantise.weights.moments import Moments

MOST_CODE_BITS = 16
"""Of the codes of any kind, two's complement."""
ROUNDS = 3
"""Times that weights are rounded and their scale is fitted to what came of it."""


def fit_weights(
    weight: Array, unit: float, bits: int, mult_bits: int, *, kind: str = "fixed", moments: Moments | None = None
) -> tuple[Array, Grid]:
    """Codes of `weight`, channels out last, and the grid that carries them to output codes.

    `unit` is output codes per (weight times input code). Each channel's scale is chosen as a multiple of
    the grid, before the weights are rounded: `codes * grid.real` is the quantised `weight * unit`. With
    `moments` the output's error counts, else the weights' own.
    """
    alphabet = KINDS[kind].choose(weight.reshape(-1, weight.shape[-1]), bits)
    whole = kind == "fixed" and bits >= CLIP_SEARCH_BITS
    grid = _on_grid(alphabet, alphabet.scale * unit, mult_bits, upwards=whole)
    codes = alphabet.nearest(_in_steps(weight * unit, grid))
    if moments is None or whole:
        return codes, grid
    return _compensated(weight * unit, alphabet, codes, grid, mult_bits, moments.covariance)


def _compensated(
    target: Array, alphabet: Alphabet, codes: Array, grid: Grid, mult_bits: int, covariance: Array
) -> tuple[Array, Grid]:
    """Codes and grid with less error at the output: per channel the best of several, the given ones among them."""
    groups = len(covariance)
    goal = _by_group(target, groups)
    best, scale = _by_group(codes, groups), grid.real
    least = output_error(best * _per_group(scale, groups) - goal, covariance)
    sweep, tried = Sweep.of(covariance), scale
    for _ in range(ROUNDS):
        steps = _per_group(np.where(tried > 0.0, tried, 1.0), groups)
        found = compensate(goal / steps, alphabet, sweep)
        fitted = _fit_scale(found, goal, covariance)
        fitted = np.where(fitted > 0.0, fitted, steps[:, 0])
        error = output_error(found * fitted[:, np.newaxis] - goal, covariance)
        better = error < least
        best = np.where(better[:, np.newaxis], found, best)
        scale = np.where(better.ravel(), fitted.ravel(), scale)
        least, tried = np.minimum(error, least), fitted.ravel()
    return _from_groups(best, target.shape), _on_grid(alphabet, scale, mult_bits)


def _fit_scale(codes: Array, goal: Array, covariance: Array) -> Array:
    """The scale, per group and channel, that brings the codes' output nearest to the goal's; 0 if there is none."""
    spread = covariance @ codes
    power = (codes * spread).sum(axis=1)
    return np.asarray(np.where(power > 0.0, (goal * spread).sum(axis=1) / np.where(power > 0.0, power, 1.0), 0.0))


def _on_grid(alphabet: Alphabet, factors: Array, mult_bits: int, *, upwards: bool = False) -> Grid:
    """The grid of these steps; none is 0 unless weights cannot be, so that small channels keep their codes."""
    grid = fit_grid(factors, mult_bits, upwards=upwards)
    if alphabet.has_zero:
        return Grid(np.maximum(grid.mult, 1), grid.shift)
    return Grid(np.where(factors > 0.0, grid.mult, 0), grid.shift)


def _in_steps(values: Array, grid: Grid) -> Array:
    return np.asarray(values / np.where(grid.mult > 0, grid.real, 1.0))


def _by_group(values: Array, groups: int) -> Array:
    """(groups, weights per channel, channels of the group)."""
    flat = values.reshape(-1, values.shape[-1])
    return flat.reshape(len(flat), groups, -1).transpose(1, 0, 2)


def _per_group(values: Array, groups: int) -> Array:
    return values.reshape(groups, 1, -1)


def _from_groups(values: Array, shape: tuple[int, ...]) -> Array:
    return values.transpose(1, 0, 2).reshape(shape)
