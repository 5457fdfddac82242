"""Rounding to a format without anything learned: what a shared network would lose in it.

Scales follow from the values at hand. The networks that are chosen are trained with the compiler's own levels and
learned scales later (`train.quantisers`); here only the order of networks has to be right.
"""

import torch

from tomato.quantise.precision import LayerFormat
from tomato.train.quantisers import rounded

CLIPS = {1: 1.0, 2: 1.7, 3: 2.2, 4: 2.7, 5: 3.2, 6: 3.6, 7: 4.0}
"""Where codes of so many bits clip values around 0, in root mean squares: about the least error for a normal
distribution; wider codes clip nothing."""
ONE_SIDED = 1.5
"""How much further those of values from 0 upwards reach: half of a normal distribution, with a bit more."""
TERNARY = 0.7
"""Below this part of the mean size, weights become 0 (Li et al., Ternary Weight Networks, 2016)."""
TINY = 1e-8
WITHIN = 1.0 + 1e-6
"""Times that codes reach as far as the greatest value: so that it gets a gradient however its quotient is rounded."""
SEEN = 16
"""Frames of a batch that the reach of its activations is measured on."""


def weights(weight: torch.Tensor, form: LayerFormat) -> torch.Tensor:
    """Weights (channels out first) in a format; gradients pass straight through within its limits."""
    axes = tuple(range(1, weight.ndim))
    size = weight.detach()
    match form.kind:
        case "binary":
            nearest = size.sign() * size.abs().mean(axes, keepdim=True)
        case "ternary":
            kept = size.abs() > TERNARY * size.abs().mean(axes, keepdim=True)
            mean = (size.abs() * kept).sum(axes, keepdim=True) / kept.sum(axes, keepdim=True).clamp(min=1)
            nearest = size.sign() * kept * mean
        case "shift" | "focused":
            most = size.abs().amax(axes, keepdim=True).clamp(min=TINY)
            least = 2.0 - 2 ** (form.weight_bits - 1)  # exponents below the greatest
            power = (size.abs() / most).clamp(min=TINY).log2().round()
            nearest = torch.where(power < least, 0.0, size.sign() * most * power.exp2())
        case _:
            most = _reach(size, axes, form.weight_bits, 1.0)
            step = most / max(1, 2 ** (form.weight_bits - 1) - 1)
            limited = torch.minimum(torch.maximum(weight, -most), most)
            return limited + ((limited / step).round() * step - limited).detach()
    return weight + (nearest - weight).detach()


def activations(x: torch.Tensor, bits: int, *, positive: bool) -> torch.Tensor:
    """Activations (frames first) in codes of so many bits; positive: they are 0 or more."""
    some = x.detach()[:SEEN]
    most = _reach(some, tuple(range(x.ndim)), bits, ONE_SIDED if positive else 1.0).reshape(())
    low, high = (0, 2**bits - 1) if positive else (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1)
    return rounded(x, most * WITHIN / max(1, high), low, high, rounds=False)


def _reach(x: torch.Tensor, axes: tuple[int, ...], bits: int, more: float) -> torch.Tensor:
    most = x.abs().amax(axes, keepdim=True)
    if bits in CLIPS:
        most = torch.minimum(most, more * CLIPS[bits] * x.square().mean(axes, keepdim=True).sqrt())
    return most.clamp(min=TINY)
