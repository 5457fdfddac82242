"""Meta-gradients of the first order, of any model: tensors and a loss of them.

FOMAML (Finn et al., Model-Agnostic Meta-Learning, 2017): the gradient of what is asked, at the weights that a few steps
of descent on what is learned from lead to, is taken for that at the weights that they began with. The rates of these
steps are learned likewise (Li et al., Meta-SGD, 2017; Antoniou et al., How to Train Your MAML, 2019).
"""

from collections.abc import Callable, Sequence

import torch

Loss = Callable[[Sequence[torch.Tensor]], torch.Tensor]
Gradients = tuple[torch.Tensor, ...]


def descend(
    loss: Loss, start: Sequence[torch.Tensor], rates: torch.Tensor
) -> tuple[list[torch.Tensor], list[Gradients]]:
    """Where descent leads to, and the gradient of every step. rates: (steps, tensors)."""
    values = [v.detach().requires_grad_() for v in start]
    found: list[Gradients] = []
    for step in rates.tolist():
        gradients = torch.autograd.grad(loss(values), values)
        found.append(gradients)
        values = [(v - rate * g).detach().requires_grad_() for v, g, rate in zip(values, gradients, step, strict=True)]
    return values, found


def first_order(
    learned: Loss, asked: Loss, start: Sequence[torch.Tensor], rates: torch.Tensor
) -> tuple[float, Gradients, torch.Tensor]:
    """The loss of what is asked after descent on what is learned from, its gradient by `start`, and by `rates`."""
    values, steps = descend(learned, start, rates)
    loss = asked(values)
    gradients = torch.autograd.grad(loss, values)
    by_rates = [[-(a * b).sum() for a, b in zip(gradients, step, strict=True)] for step in steps]
    return float(loss.detach()), gradients, torch.tensor(by_rates, dtype=rates.dtype).reshape(rates.shape)
