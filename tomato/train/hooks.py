"""What quantised training needs beside gradients: refits, weights that stop oscillating, normalisation."""

import math
from collections.abc import Sequence

import torch

from tomato.ops.weighted import Weighted
from tomato.train.data import Frames
from tomato.train.layers import Layer
from tomato.train.loop import Hook, State
from tomato.train.module import Network
from tomato.train.quantisers import ActivationQuantiser

FLIPS = 0.02
"""Changes of a code a step, on average, from which on a weight oscillates (Nagel et al., 2022)."""
MEMORY = 0.01
"""Share of a new step in the averages over steps."""
CALM = 0.5
"""Share of the training before weights are frozen."""
FEW_BITS = 4
BATCH = 64
PENALTY = 2e-4
"""Of a clip: the weight decay of Choi et al. for CIFAR-10."""


class Refit(Hook):
    """Levels of focused weights are chosen anew behind 1, 2, 4, ... epochs, as their mixture moves."""

    def before_epoch(self, network: Network, epoch: int, share: float) -> None:
        if epoch and not epoch & (epoch - 1):
            for _, layer in network.each():
                if layer.quantiser is not None and layer.quantiser.kind == "focused":
                    layer.quantiser.refit((layer.whole * layer.mask).detach().cpu().numpy())


class Clips(Hook):
    """Learned clips shrink, where nothing speaks against it: an L2 penalty on each.

    Choi et al., PACT, 2018, section 3.2. There a clip counts as it is; here in its first value, so that the unit of a
    value does not matter.
    """

    def __init__(self, network: Network, penalty: float) -> None:
        self.penalty = penalty
        self.quantisers = [
            module for module in network.modules()
            if isinstance(module, ActivationQuantiser) and module.method == "pact"
        ]  # fmt: skip
        self.first = [float(quantiser.scale.detach()) for quantiser in self.quantisers]

    @torch.no_grad()
    def after_backward(self, network: Network, share: float) -> None:
        for quantiser, first in zip(self.quantisers, self.first, strict=True):
            if quantiser.scale_log2.grad is not None:
                quantiser.scale_log2.grad += self.penalty * math.log(2.0) * (quantiser.scale / first) ** 2

    def state(self) -> State:
        return {"first": self.first}

    def restore(self, state: State) -> None:
        self.first = list(state["first"])


class Calm(Hook):
    """Freezes weights of few bits that go back and forth between two levels.

    Nagel et al., Overcoming Oscillations in Quantization-Aware Training, 2022, algorithm 1: where the average of flips
    exceeds a limit, the weight stays at the level that it had most.
    """

    def __init__(self, network: Network) -> None:
        self.layers: list[Layer] = [
            layer for _, layer in network.each()
            if layer.quantiser is not None and layer.quantiser.kind == "fixed" and layer.quantiser.bits <= FEW_BITS
        ]  # fmt: skip
        self.last = [_codes(layer) for layer in self.layers]
        self.flips = [torch.zeros_like(layer.weight) for layer in self.layers]
        self.mean = [codes.clone() for codes in self.last]
        self.frozen = [torch.zeros_like(layer.weight, dtype=torch.bool) for layer in self.layers]
        self.held = [codes.clone() for codes in self.last]

    @torch.no_grad()
    def after_step(self, network: Network, share: float) -> None:
        for i, layer in enumerate(self.layers):
            assert layer.quantiser is not None
            codes = _codes(layer)
            self.flips[i].lerp_((codes != self.last[i]).to(codes.dtype), MEMORY)
            self.mean[i].lerp_(codes, MEMORY)
            if share > CALM:
                fresh = (self.flips[i] > FLIPS) & ~self.frozen[i]
                self.held[i] = torch.where(fresh, self.mean[i].round(), self.held[i])
                self.frozen[i] |= fresh
                layer.weight.copy_(torch.where(self.frozen[i], self.held[i] * layer.quantiser.scale, layer.weight))
            self.last[i] = codes

    def state(self) -> State:
        return {"last": self.last, "flips": self.flips, "mean": self.mean, "frozen": self.frozen, "held": self.held}

    def restore(self, state: State) -> None:
        self.last, self.flips, self.mean = state["last"], state["flips"], state["mean"]
        self.frozen, self.held = state["frozen"], state["held"]


@torch.no_grad()
def _codes(layer: Layer) -> torch.Tensor:
    assert layer.quantiser is not None
    return layer.quantiser.codes(layer.weight)


@torch.no_grad()
def put_normalisation(network: Network, frames: Frames) -> None:
    """Batch normalisation behind every layer but the last ones, that changes nothing on these frames."""
    outputs = set(network.graph.outputs)
    layers = [(node.name, network.layer(node.name)) for node, _ in network.each()]
    last = {g.head.name for g in network.groups if g.output in outputs}
    seen: dict[str, torch.Tensor] = {}
    handles = [
        layer.register_forward_hook(lambda made, _, out, name=name: seen.__setitem__(name, out - made.bias))
        for name, layer in layers if name not in last and isinstance(layer.op, Weighted)
    ]  # fmt: skip
    network.train()
    network(*_tensors(network, frames))
    for handle in handles:
        handle.remove()
    for name, total in seen.items():
        if network.layer(name).tied is not None:  # a gain per channel would take apart what is tied
            continue
        flat = total.reshape(-1, total.shape[-1])
        network.layer(name).put_normalisation(flat.mean(0), flat.var(0, correction=0))


@torch.no_grad()
def fold_normalisation(network: Network, frames: Frames) -> None:
    """Statistics re-estimated on frames, over all batches alike, and folded into the layers."""
    norms = [layer.norm for _, layer in network.each() if layer.norm is not None]
    if not norms:
        return
    network.train()
    for i, part in enumerate(frames.batches(BATCH)):
        for norm in norms:
            norm.momentum = 1.0 / (i + 1)
        network(*_tensors(network, part))
    for _, layer in network.each():
        layer.fold_normalisation()
    network.eval()


def _tensors(network: Network, frames: Frames) -> Sequence[torch.Tensor]:
    device = next(network.parameters()).device
    return [torch.from_numpy(p.real(x)).to(device) for p, x in zip(network.inputs, frames.arrays(), strict=True)]
