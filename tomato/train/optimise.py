"""Optimisers, and training that gives the same every time."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Literal

import torch

from tomato.train.module import Network

Optimiser = Literal["adamw", "sgd"]


def optimiser(network: Network, kind: Optimiser, rate: float, step_rate: float, decay: float) -> torch.optim.Optimizer:
    """Of the network's parameters, in groups with rates of their own."""
    groups = network.parameter_groups(rate, step_rate=step_rate, decay=decay)
    if kind == "sgd":
        return torch.optim.SGD(groups, momentum=0.9, nesterov=True)
    return torch.optim.AdamW(groups)


@contextmanager
def repeatable(device: torch.device) -> Iterator[None]:
    """The same numbers every time where torch can, and its generators afterwards as they were."""
    was, warned = torch.are_deterministic_algorithms_enabled(), torch.is_deterministic_algorithms_warn_only_enabled()
    filled = torch.utils.deterministic.fill_uninitialized_memory
    with torch.random.fork_rng([device] if device.type == "cuda" else []):
        torch.use_deterministic_algorithms(True, warn_only=True)
        torch.utils.deterministic.fill_uninitialized_memory = False  # nothing here reads what was not written
        try:
            yield
        finally:
            torch.use_deterministic_algorithms(was, warn_only=warned)
            torch.utils.deterministic.fill_uninitialized_memory = filled


def one_thread() -> None:
    """Compute in one thread, so that runs beside each other take the time that they take."""
    torch.set_num_threads(1)
