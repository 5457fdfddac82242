"""Fake quantisers: what codes would be, in the forward pass, and straight-through gradients behind them."""

from typing import Any, Literal

import numpy as np
import torch
from torch import nn

from tomato.core.formats import Array, Codes
from tomato.quantise.weights.alphabet import Alphabet
from tomato.quantise.weights.codebook import LIMIT
from tomato.quantise.weights.kinds import KINDS

SMALLEST = 1e-12
"""Of a step: keeps logarithms finite where a channel has no weights."""
Method = Literal["lsq", "pact"]


def scaled_gradient(x: torch.Tensor, factor: float) -> torch.Tensor:
    """x, whose gradient is multiplied by a factor."""
    return x * factor + (x - x * factor).detach()


class WeightQuantiser(nn.Module):
    """A weight becomes a level times its channel's scale, with the levels that the compiler has for the same format.

    Gradients pass straight through within the levels and stop beyond; scales learn as steps do in LSQ (Esser et al.,
    Learned Step Size Quantization, 2020, equation 3), for any levels. Weights have the channels out as last axis.
    The levels of a codebook are trained too: each by the gradients of its weights (Han et al., Deep Compression, 2016).
    """

    def __init__(self, weight: Array, kind: str, bits: int, together: int = 1) -> None:
        """Levels and scales that suit a real `weight` best. together: channels in a row that share their scale."""
        super().__init__()
        self.kind, self.bits, self.together = kind, bits, together
        alphabet = self._alphabet(weight)
        self.scale_log2 = nn.Parameter(torch.from_numpy(_log2(alphabet.scale)))
        self.levels: torch.Tensor
        levels = torch.from_numpy(alphabet.levels.astype(np.float32))
        if kind == "codebook":
            self.levels = nn.Parameter(levels)
        else:
            self.register_buffer("levels", levels)
        self.factor = float(1.0 / np.sqrt(weight[..., 0].size * max(1.0, float(np.abs(alphabet.levels).max()))))

    def refit(self, weight: Array) -> None:
        """Choose levels and scales anew, as the formats with a mixture need while weights move.

        The mixture of focused weights may get other levels, in number too (Zhao et al., Focused Quantization for
        Sparse CNNs, 2019).
        """
        alphabet = self._alphabet(weight)
        with torch.no_grad():
            self.scale_log2.copy_(torch.from_numpy(_log2(alphabet.scale)))
        fresh = torch.from_numpy(alphabet.levels.astype(np.float32)).to(self.levels.device)
        self.levels = nn.Parameter(fresh) if self.kind == "codebook" else fresh

    def _load_from_state_dict(self, state_dict: Any, prefix: str, *args: Any) -> None:
        """Levels may have been refitted, to another number of them."""
        stored = state_dict.get(f"{prefix}levels")
        if stored is not None and stored.shape != self.levels.shape:
            fresh = stored.detach().clone()
            self.levels = nn.Parameter(fresh) if self.kind == "codebook" else fresh
        super()._load_from_state_dict(state_dict, prefix, *args)

    def _alphabet(self, weight: Array) -> Alphabet:
        flat = weight.reshape(-1, weight.shape[-1] // self.together, self.together).astype(np.float64)
        return KINDS[self.kind].choose(flat.transpose(0, 2, 1).reshape(-1, flat.shape[1]), self.bits)

    @property
    def scale(self) -> torch.Tensor:
        """What a level of 1 is worth, per channel."""
        return torch.exp2(self.scale_log2).repeat_interleave(self.together)

    @property
    def table(self) -> torch.Tensor:
        """The levels as integers, ascending."""
        if self.kind != "codebook":
            return self.levels
        return self.levels.clamp(-LIMIT, LIMIT).round().unique()

    def forward(self, weight: torch.Tensor) -> torch.Tensor:
        scale = scaled_gradient(self.scale, self.factor)
        steps = weight / scale
        if self.kind == "codebook":
            levels = self.levels.clamp(-LIMIT, LIMIT).sort().values
            levels = levels + (levels.round() - levels).detach()
            chosen = levels[_owner(levels.detach(), steps.detach())]
        else:
            levels = self.levels
            chosen = _nearest(levels, steps.detach())
        limited = steps.clamp(levels[0].item(), levels[-1].item())
        return scale * (chosen + limited - limited.detach())

    @torch.no_grad()
    def codes(self, weight: torch.Tensor) -> torch.Tensor:
        """The level of every weight."""
        return _nearest(self.table, weight / self.scale)


class ActivationQuantiser(nn.Module):
    """Values become integers `codes` with a learned step; the zero point is fixed. Saturates.

    lsq: the step learns from roundings too (Esser et al., 2020); pact: from what is clipped alone (Choi et al.,
    PACT, 2018, equation 3).
    """

    def __init__(self, scale: float, zero: int, codes: Codes, method: Method = "lsq", *, fixed: bool = False) -> None:
        super().__init__()
        self.zero, self.codes, self.method = zero, codes, method
        self.scale_log2 = nn.Parameter(torch.tensor(float(np.log2(scale))), requires_grad=not fixed)

    @property
    def scale(self) -> torch.Tensor:
        """What a step of the codes is worth."""
        return torch.exp2(self.scale_log2)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        lo, hi = self.codes.lo - self.zero, self.codes.hi - self.zero
        scale = scaled_gradient(self.scale, float(1.0 / np.sqrt(x[0].numel() * max(1, hi, -lo))))
        return rounded(x, scale, lo, hi, rounds=self.method == "lsq")


def rounded(x: torch.Tensor, scale: torch.Tensor, lo: int, hi: int, *, rounds: bool) -> torch.Tensor:
    """The nearest of the values scale * lo, scale * (lo + 1), ..., scale * hi.

    The gradient of a value passes straight through within the limits, and stops beyond. That of the scale, a tensor of
    one number, is what is clipped and, with `rounds`, what rounding adds.
    """
    nearest: torch.Tensor = _Rounded.apply(x, scale, lo, hi, rounds)  # type: ignore[no-untyped-call, unused-ignore]
    return nearest


class _Rounded(torch.autograd.Function):
    """See `rounded`: one function, as torch's own pieces take three times as many passes over memory."""

    @staticmethod
    def forward(ctx: Any, x: torch.Tensor, scale: torch.Tensor, lo: int, hi: int, rounds: bool) -> torch.Tensor:
        steps = x / scale
        ctx.save_for_backward(steps)
        ctx.limits, ctx.rounds = (lo, hi), rounds
        return steps.round().clamp_(lo, hi).mul_(scale)

    @staticmethod
    def backward(ctx: Any, *upstream: torch.Tensor) -> tuple[torch.Tensor | None, ...]:
        (steps,), (given,), (lo, hi) = ctx.saved_tensors, upstream, ctx.limits
        below, above = (float(np.nextafter(np.float32(v), np.float32(end))) for v, end in ((lo, -np.inf), (hi, np.inf)))
        passed = torch.ops.aten.hardtanh_backward(given, steps, below, above)
        if not ctx.needs_input_grad[1]:
            return passed, None, None, None, None
        limited = steps.clamp(lo, hi)
        lost = ((given - passed) * limited).sum()
        if ctx.rounds:
            lost += limited.round().sub_(limited).mul_(given).sum()
        return passed, lost, None, None, None


def _log2(scale: Array) -> Array:
    return np.log2(np.maximum(scale, SMALLEST)).astype(np.float32)


def _owner(levels: torch.Tensor, steps: torch.Tensor) -> torch.Tensor:
    """The index of the level nearest to each value."""
    return torch.bucketize(steps, (levels[1:] + levels[:-1]) / 2.0)


def _nearest(levels: torch.Tensor, steps: torch.Tensor) -> torch.Tensor:
    """The level nearest to each value."""
    if len(levels) == levels[-1] - levels[0] + 1:
        return steps.round().clamp(float(levels[0]), float(levels[-1]))
    return levels[_owner(levels, steps)]
