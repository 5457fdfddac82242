"""One layer with weights, while it is trained: its weights, what stands behind the product, and how both are coded."""

from dataclasses import dataclass

import numpy as np
import torch
from torch import nn

from tomato.core.formats import Array
from tomato.ops.recurrent import Recurrent
from tomato.ops.weighted import Weighted
from tomato.train.meaning import play
from tomato.train.quantisers import WeightQuantiser

VARIANCE_FLOOR = 1e-5
"""Added to variances before their root is taken."""
MOST_BIAS = (1 << 30) - 1
"""Biases stay within 31 bits, so that a sum and its bias fit 32."""


@dataclass(frozen=True, slots=True, eq=False)
class FrozenLayer:
    """A trained layer in integers: sum(x * codes) * scale + bias * step; scale and step per channel, float32."""

    codes: Array
    scale: Array
    bias: Array
    step: Array


class Layer(nn.Module):
    """product(x, weight) + bias. `weight` has the shape of the operator's, the last axis being the channels out.

    `mask` holds 1 where a weight is there and 0 where it is pruned; with `returning` pruned weights still get the
    gradient of what would stand in their place, so that they may come back. With `norm` there is batch normalisation
    behind the product, which `freeze` folds into scale and bias. `tied` holds, for a layer of fewer free weights, the
    place in `weight`, flat, that every weight is taken from; `together` of its channels share their scale then.
    """

    def __init__(self, op: Weighted | Recurrent, weight: Array, bias: Array) -> None:
        super().__init__()
        self.op = op
        self.weight = nn.Parameter(torch.from_numpy(weight.astype(np.float32)))
        self.bias = nn.Parameter(torch.from_numpy(bias.astype(np.float32)))
        self.register_buffer("mask", torch.ones(weight.shape))
        self.mask: torch.Tensor
        self.register_buffer("tied", None)
        self.tied: torch.Tensor | None
        self.together = 1
        self.returning = False
        self.quantiser: WeightQuantiser | None = None
        self.norm: Normalisation | None = None

    @property
    def whole(self) -> torch.Tensor:
        """The weights in front of mask and quantiser."""
        return self.weight if self.tied is None else self.weight.reshape(-1)[self.tied]

    def effective_weight(self) -> torch.Tensor:
        """What the forward pass multiplies by: masked, and quantised once there is a quantiser."""
        whole = self.whole
        weight = (whole if self.quantiser is None else self.quantiser(whole)) * self.mask
        return weight + (whole - whole.detach()) * (1.0 - self.mask) if self.returning else weight

    def forward(self, x: torch.Tensor, step: torch.Tensor | None = None) -> torch.Tensor:
        """step: what a step of the input's codes is worth; None where the input has no codes."""
        return self.behind(play(self.op, [x], self.effective_weight()), step)

    def behind(self, total: torch.Tensor, step: torch.Tensor | None = None) -> torch.Tensor:
        """The normalisation or the bias behind a product, however that was computed; `step` as in `forward`."""
        if self.norm is not None:
            return self.norm(total)
        bias = self.bias
        if step is not None and self.quantiser is not None:
            unit = (step * self.quantiser.scale).detach()
            bias = bias + ((bias / unit).round() * unit - bias).detach()
        return total + bias

    @torch.no_grad()
    def real(self) -> tuple[Array, Array]:
        """Weights, masked, and bias as reals, normalisation folded in."""
        weight, bias = (self.whole * self.mask).double(), self.bias.double()
        if self.norm is not None:
            gain, shift = self.norm.folded()
            weight, bias = weight * gain.double(), shift.double()
        return weight.cpu().numpy(), bias.cpu().numpy()

    @torch.no_grad()
    def freeze(self, step: float) -> FrozenLayer:
        """The layer in integers, for an input with codes of `step`."""
        assert self.quantiser is not None, "a layer without a quantiser has no integers"
        codes = (self.quantiser.codes(self.whole) * self.mask).cpu().numpy()
        scale, bias = self.quantiser.scale.cpu().numpy().astype(np.float32), self.bias.double().cpu().numpy()
        if self.norm is not None:
            gain, shift = (v.cpu().numpy() for v in self.norm.folded())
            scale, bias = np.float32(scale * gain), shift.astype(np.float64)
        scale = np.maximum(scale, np.float32(np.finfo(np.float32).tiny))
        unit = np.float32(step) * scale
        whole = np.clip(np.rint(bias / unit.astype(np.float64)), -MOST_BIAS, MOST_BIAS)
        return FrozenLayer(np.rint(codes).astype(np.int64), scale, whole.astype(np.int64), unit)

    @torch.no_grad()
    def tie(self, places: Array, together: int) -> None:
        """Have weights be those at other places, flat; so many channels in a row share what scales them."""
        self.tied = torch.from_numpy(places.astype(np.int64)).to(self.weight.device)
        self.together = together

    def put_quantiser(self, kind: str, bits: int) -> None:
        """Quantise the weights, with scales that suit them as they are."""
        weight = (self.whole * self.mask).detach().cpu().numpy()
        self.quantiser = WeightQuantiser(weight, kind, bits, self.together)

    @torch.no_grad()
    def fold_normalisation(self) -> None:
        """Have weights, their scale and the bias do what the normalisation does in evaluation."""
        if self.norm is None:
            return
        gain, shift = self.norm.folded()
        self.bias.copy_(shift)
        self.weight.mul_(gain)
        if self.quantiser is not None:
            self.quantiser.scale_log2.add_(torch.log2(gain))
        self.norm = None

    @torch.no_grad()
    def put_normalisation(self, mean: torch.Tensor, variance: torch.Tensor) -> None:
        """Batch normalisation behind the product that changes nothing at these statistics."""
        self.norm = Normalisation(mean, variance, self.bias)


class Normalisation(nn.Module):
    """Batch normalisation over all but the last axis, with running statistics for evaluation; gains are positive."""

    def __init__(self, mean: torch.Tensor, variance: torch.Tensor, bias: torch.Tensor) -> None:
        super().__init__()
        self.gain = nn.Parameter((variance + VARIANCE_FLOOR).sqrt().detach().clone())
        self.shift = nn.Parameter((bias + mean).detach().clone())
        self.register_buffer("mean", mean.detach().clone())
        self.register_buffer("variance", variance.detach().clone())
        self.mean: torch.Tensor
        self.variance: torch.Tensor
        self.momentum = 0.1

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        if self.training:
            planes, gain, shift = x.movedim(-1, 1), self.gain.abs(), self.shift
            made, mean, root = torch.native_batch_norm(planes, gain, shift, None, None, True, 0.0, VARIANCE_FLOOR)
            with torch.no_grad():
                self.mean.lerp_(mean, self.momentum)
                self.variance.lerp_(root.pow(-2).sub_(VARIANCE_FLOOR), self.momentum)
            return made.movedim(1, -1)
        gain, shift = self.folded()
        return x * gain + shift

    def folded(self) -> tuple[torch.Tensor, torch.Tensor]:
        """The gain and the offset that evaluation applies, per channel."""
        gain = self.gain.abs() / (self.variance + VARIANCE_FLOOR).sqrt()
        return gain, self.shift - self.mean * gain
