"""Where numbers cease to be finite."""

import torch
from torch import nn

from tomato.ops.recurrent import Recurrent
from tomato.ops.weighted import Weighted
from tomato.passes.groups import Group
from tomato.train.module import Network


@torch.no_grad()
def first_broken(network: Network, frames: tuple[torch.Tensor, ...]) -> str:
    """The first layer whose parameter or result is not finite for these frames, else the last such gradient's."""
    watched: dict[str, list[torch.Tensor]] = {g.output: [] for g in network.groups}
    network.play(network.enter(frames), watched)
    for group in network.groups:
        for made in _modules(network, group):
            for name, parameter in made.named_parameters():
                if not torch.isfinite(parameter).all():
                    return f"{group.head.label}: its {name}"
        if not torch.isfinite(watched[group.output][0]).all():
            return f"{group.head.label}: its result"
    for group in reversed(network.groups):
        for made in _modules(network, group):
            for name, parameter in made.named_parameters():
                if parameter.grad is not None and not torch.isfinite(parameter.grad).all():
                    return f"{group.head.label}: the gradient of its {name}"
    return "the loss itself"


def _modules(network: Network, group: Group) -> list[nn.Module]:
    """What has parameters in a group."""
    layer = network.layer(group.head.name) if isinstance(group.head.op, Weighted | Recurrent) else None
    return [made for made in (layer, network.quantiser(group.output)) if made is not None]
