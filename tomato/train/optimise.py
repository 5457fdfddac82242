"""Optimisers, and training that gives the same every time."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Literal

import torch
from torch import nn

from tomato.train.module import Network

Optimiser = Literal["adamw", "sgd"]


def optimiser(network: Network, kind: Optimiser, rate: float, step_rate: float, decay: float) -> torch.optim.Optimizer:
    """Steps and scales apart from the rest: other rates, no decay."""
    steps = list(_steps(network))
    known = {id(p) for p in steps}
    rest = [p for p in network.parameters() if p.requires_grad and id(p) not in known]
    groups = [
        {"params": rest, "lr": rate, "weight_decay": decay},
        {"params": steps, "lr": rate * step_rate, "weight_decay": 0.0},
    ]
    if kind == "sgd":
        return torch.optim.SGD(groups, momentum=0.9, nesterov=True)
    return torch.optim.AdamW(groups)


def _steps(network: Network) -> Iterator[nn.Parameter]:
    seen = set()
    for name, parameter in network.named_parameters():
        if name.endswith(("scale_log2", "levels")) and parameter.requires_grad and id(parameter) not in seen:
            seen.add(id(parameter))
            yield parameter


@contextmanager
def repeatable(device: torch.device) -> Iterator[None]:
    """The same numbers every time where torch can, and its generators afterwards as they were."""
    was, warned = torch.are_deterministic_algorithms_enabled(), torch.is_deterministic_algorithms_warn_only_enabled()
    with torch.random.fork_rng([device] if device.type == "cuda" else []):
        torch.use_deterministic_algorithms(True, warn_only=True)
        try:
            yield
        finally:
            torch.use_deterministic_algorithms(was, warn_only=warned)


def one_thread() -> None:
    """Compute in one thread, so that runs beside each other take the time that they take."""
    torch.set_num_threads(1)
