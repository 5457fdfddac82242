"""Weights as products of smaller ones, near them where the inputs of the layer are."""

from dataclasses import dataclass

import numpy as np

from tomato.core.formats import Array

RIDGE = 1e-6
"""Share of the inputs' mean variance that every direction counts for at least, so that unseen inputs are not lost."""
ROUNDS = 5
"""Times that the factors of a Tucker decomposition are improved in turns; more changes nothing that can be seen."""


@dataclass(frozen=True, slots=True, eq=False)
class Tucker:
    """A convolution on fewer channels between two pointwise ones; None where that has all channels.

    into: (channels in, fewer). core: (taps, fewer in, fewer out). out: (fewer, channels out).
    """

    into: Array | None
    core: Array
    out: Array | None

    @property
    def product(self) -> Array:
        """The weight that they are together: (taps, channels in, channels out)."""
        inner = self.core if self.into is None else np.einsum("ci,tio->tco", self.into, self.core)
        return inner if self.out is None else inner @ self.out


def svd(weight: Array, rank: int, covariance: Array | None = None) -> tuple[Array, Array]:
    """Matrices (in, rank) and (rank, out) whose product is the nearest to a weight (in, out) of this rank.

    Near in the output: the squared error of x @ weight, x of that covariance, None for white inputs: principal
    components of the output (data-aware singular value decomposition, DRONE: Chen et al. 2021).
    """
    sizes, right = np.linalg.svd(_seen(weight, covariance), full_matrices=False)[1:]
    balance = np.sqrt(np.where(sizes[:rank] > 0.0, sizes[:rank], 1.0))
    balance /= balance.max(initial=1e-300)
    return weight @ right[:rank].T / balance, balance[:, np.newaxis] * right[:rank]


def tucker(weight: Array, ranks: tuple[int, int], covariance: Array | None = None) -> Tucker:
    """A weight (taps, in, out) with that many channels into and out of its core (Tucker-2, Kim et al. 2016).

    The subspaces of channels are found in turns (HOOI, De Lathauwer et al. 2000), in units of the inputs' standard
    deviations; then the core and the channels out are the best for these channels in, and for `covariance`: of the
    inputs under a window, taps first; None for white inputs.
    """
    taps, into, out = weight.shape
    p, core = None, weight.reshape(-1, out)
    seen = _seen(core, covariance) if ranks[0] >= into else core
    if ranks[0] < into:
        p = _subspace(weight, ranks, covariance)
        core, seen = _fitted(weight, p, covariance)
    if ranks[1] >= out:
        return Tucker(p, core.reshape(taps, -1, out), None)
    right = np.linalg.svd(seen, full_matrices=False)[2][: ranks[1]]
    return Tucker(p, (core @ right.T).reshape(taps, -1, len(right)), right)


def error(weight: Array, near: Array, covariance: Array | None = None) -> float:
    """The squared error of the output over its variance, where (..., out) `near` stands for `weight`."""
    flat, difference = weight.reshape(-1, weight.shape[-1]), (weight - near).reshape(-1, weight.shape[-1])
    lost, all_ = ((x * (x if covariance is None else covariance @ x)).sum() for x in (difference, flat))
    return float(lost / max(float(all_), 1e-300))


def tails(weight: Array, covariance: Array | None = None) -> Array:
    """By rank from 0: the share of the output's variance that the best weight (in, out) of that rank loses."""
    energy = np.linalg.svd(_seen(weight, covariance), compute_uv=False) ** 2
    left = np.concatenate([np.cumsum(energy[::-1])[::-1], [0.0]])
    return np.asarray(left / max(float(left[0]), 1e-300))


def tucker_tails(weight: Array, covariance: Array | None = None) -> tuple[Array, Array]:
    """The same by number of channels into and out of the core; their sum bounds what both lose (HOSVD)."""
    taps, into, out = weight.shape
    ahead = tails(weight.transpose(1, 0, 2).reshape(into, -1), _of_channels(covariance, taps, into))
    behind = tails(weight.reshape(-1, out), covariance)
    return np.pad(ahead, (0, into + 1 - ahead.size)), np.pad(behind, (0, out + 1 - behind.size))


def ridged(covariance: Array) -> Array:
    """A covariance that no direction is missing from."""
    mean = float(np.trace(covariance)) / len(covariance)
    return np.asarray(covariance + RIDGE * (mean if mean > 0.0 else 1.0) * np.eye(len(covariance)))


def root(covariance: Array) -> Array:
    """The symmetric square root of a covariance with its ridge."""
    values, vectors = np.linalg.eigh(ridged(covariance))
    return np.asarray((vectors * np.sqrt(np.maximum(values, 0.0))) @ vectors.T)


def _seen(weight: Array, covariance: Array | None) -> Array:
    """A weight (in, out) in units of its inputs: its squares are the variance of the output."""
    return weight if covariance is None else np.asarray(root(covariance) @ weight)


def _fitted(weight: Array, p: Array, covariance: Array | None) -> tuple[Array, Array]:
    """The best core (taps x fewer in, out) behind directions `p` of the channels in; and in units of its inputs."""
    taps, _, out = weight.shape
    if covariance is None:
        core = np.einsum("ci,tco->tio", p, weight).reshape(-1, out)
        return core, core
    basis = np.kron(np.eye(taps), p)
    met = basis.T @ ridged(covariance)
    factor = np.linalg.cholesky(met @ basis)
    seen = np.linalg.solve(factor, met @ weight.reshape(-1, out))
    return np.linalg.solve(factor.T, seen), seen


def _of_channels(covariance: Array | None, taps: int, channels: int) -> Array | None:
    """The mean over the taps of the covariance of channels."""
    if covariance is None:
        return None
    blocks = covariance.reshape(taps, channels, taps, channels)
    return np.asarray(np.einsum("tctd->cd", blocks) / taps)


def _subspace(weight: Array, ranks: tuple[int, int], covariance: Array | None) -> Array:
    """Directions (channels in, ranks[0]) of a weight (taps, in, out), best with ranks[1] directions out.

    Inputs count by their covariance within a pixel. What the directions give has unit variance.
    """
    taps, into, out = weight.shape
    inputs = _of_channels(covariance, taps, into)
    deviation = None if inputs is None else root(inputs)
    weight = weight if deviation is None else np.einsum("dc,tco->tdo", deviation, weight)
    seen = weight
    for _ in range(ROUNDS if ranks[1] < out else 1):
        left = np.linalg.svd(seen.transpose(1, 0, 2).reshape(weight.shape[1], -1), full_matrices=False)[0]
        left = left[:, : ranks[0]]
        inner = np.einsum("ci,tco->tio", left, weight)
        right = np.linalg.svd(inner.reshape(-1, out), full_matrices=False)[2][: ranks[1]]
        seen = weight @ right.T
    return np.asarray(left if deviation is None else np.linalg.solve(deviation, left))
