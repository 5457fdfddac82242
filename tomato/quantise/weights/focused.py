"""Powers of two around two means: for layers whose weights avoid 0, as pruned ones do.

Zhao et al., Focused Quantization for Sparse CNNs, NeurIPS 2019.
"""

from dataclasses import dataclass, replace

import numpy as np

from tomato.core.formats import Array
from tomato.quantise.weights.alphabet import Alphabet, rms
from tomato.quantise.weights.shift import magnitudes, shift

SEPARATED = 2.0
"""Components nearer than this are one: plain powers of two represent them better."""
BINS = 1024
ROUNDS = 1000
SETTLED = 1e-7
MOST_EXPONENT = 13
"""Of a mean: keeps codes within 16 bits."""


@dataclass(frozen=True, slots=True)
class Mixture:
    """Two Gaussians: means, standard deviations, the share of the first; `spread` is the whole's deviation."""

    means: tuple[float, float]
    deviations: tuple[float, float]
    share: float
    spread: float

    @property
    def separation(self) -> float:
        """Squared 2-Wasserstein distance of the components, over the variance of the whole (their equation 6)."""
        (a, b), (s, t) = self.means, self.deviations
        return ((a - b) ** 2 + (s - t) ** 2) / self.spread**2 if self.spread else 0.0

    @property
    def width(self) -> float:
        """The components' common deviation."""
        s, t = self.deviations
        return float(np.sqrt(self.share * s**2 + (1.0 - self.share) * t**2))


def focused(flat: Array, bits: int) -> Alphabet:
    """m + s * 2**e for two means m that are 0 or +-powers of two, and 0: select, sign, `bits - 2` bits of exponent.

    The means and the width come from a mixture of two Gaussians. A weight goes to the nearest level of
    either component, which is at least as near as in the component that it most likely belongs to.
    Where the components are not separated, or plain powers of two are nearer: those.
    """
    plain = shift(flat, bits)
    size = rms(flat)
    mixture = fit_mixture(_normal(flat, size))
    if mixture.separation < SEPARATED:
        return plain
    powers = magnitudes(bits - 2)
    width = 2.0 ** np.rint(np.log2(max(mixture.width, mixture.spread * 2.0**-MOST_EXPONENT)))
    candidates = [_around(mixture.means, powers, width * 2.0**i / powers[-1], size) for i in range(-2, 3)]
    best = min([c.refined(flat) for c in candidates], key=lambda c: float(c.error(flat).sum()))
    return best if best.error(flat).sum() < plain.error(flat).sum() else plain


def separation(flat: Array) -> float:
    """How far apart the two components of a layer's weights are; `SEPARATED` or more is two."""
    return fit_mixture(_normal(flat, rms(flat))).separation


def _normal(flat: Array, size: Array) -> Array:
    """The weights that are not 0, each over the root mean square of its channel."""
    return np.asarray((flat / np.where(size > 0.0, size, 1.0))[flat != 0.0])


def _around(means: tuple[float, float], powers: Array, unit: float, size: Array) -> Alphabet:
    offsets = np.concatenate([-powers, [0], powers])
    levels = [0]
    for mean in means:
        ratio = abs(mean) / unit
        centre = 1 << int(np.clip(np.rint(np.log2(ratio)), 0, MOST_EXPONENT)) if ratio >= 0.5 else 0
        levels += [int(np.sign(mean)) * centre + int(o) for o in offsets]
    return Alphabet(np.unique(levels), unit * size)


def fit_mixture(values: Array) -> Mixture:
    """Two Gaussians by expectation maximisation, begun at the means of the negative and the positive values."""
    spread = float(values.std()) if values.size else 0.0
    if spread == 0.0 or values.min() > 0.0 or values.max() < 0.0:
        return Mixture((0.0, 0.0), (0.0, 0.0), 0.5, 0.0)
    counts, edges = np.histogram(values, BINS)
    x = (edges[:-1] + edges[1:]) / 2.0
    floor = (edges[1] - edges[0]) / 2.0  # narrower than a bin cannot be told
    below, above = values[values < 0.0], values[values > 0.0]
    found = Mixture(
        (float(below.mean()), float(above.mean())),
        (max(float(below.std()), floor), max(float(above.std()), floor)),
        below.size / values.size,
        spread,
    )
    for _ in range(ROUNDS):
        previous, found = found, _improve(found, x, counts, floor)
        if np.allclose(previous.means, found.means, rtol=0.0, atol=SETTLED * spread):
            break
    return found


def _improve(mixture: Mixture, x: Array, counts: Array, floor: float) -> Mixture:
    """One round of expectation and maximisation."""
    logs = [
        np.log(max(share, 1e-12) / s) - 0.5 * ((x - m) / s) ** 2
        for m, s, share in zip(mixture.means, mixture.deviations, (mixture.share, 1.0 - mixture.share), strict=True)
    ]
    first = 1.0 / (1.0 + np.exp(np.clip(logs[1] - logs[0], -500.0, 500.0)))
    means, deviations = [], []
    for owned in (counts * first, counts * (1.0 - first)):
        total = max(float(owned.sum()), 1e-12)
        mean = float((owned * x).sum() / total)
        means.append(mean)
        deviations.append(max(float(np.sqrt((owned * (x - mean) ** 2).sum() / total)), floor))
    share = float((counts * first).sum() / counts.sum())
    return replace(mixture, means=(means[0], means[1]), deviations=(deviations[0], deviations[1]), share=share)
