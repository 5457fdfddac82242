"""What recurrent layers mean in torch: step by step, as their golden models."""

from collections.abc import Callable

import torch

from tomato.ops.real import Expression
from tomato.ops.recurrent import Gru, Lstm, Recurrent

Evaluate = Callable[[Expression, torch.Tensor], torch.Tensor]
"""Of an expression, at a tensor."""


def play(op: Recurrent, x: torch.Tensor, evaluate: Evaluate) -> torch.Tensor:
    """The results of all steps; x (batch, 1, steps, hidden * gates) is the argument. Every frame begins anew."""
    weight = torch.tensor(op.weight.values, dtype=x.dtype, device=x.device)
    begin = torch.tensor(op.begin.values, dtype=x.dtype, device=x.device)
    state = [part.expand(len(x), -1) for part in begin]
    results = []
    for sums in x.reshape(len(x), -1, op.hidden, op.gates).unbind(1):
        state = _step(op, state, sums, weight, evaluate)
        results.append(state[0])
    return torch.stack(results, dim=1).unsqueeze(1)


def _step(
    op: Recurrent, state: list[torch.Tensor], x: torch.Tensor, weight: torch.Tensor, evaluate: Evaluate
) -> list[torch.Tensor]:
    def product(h: torch.Tensor) -> torch.Tensor:
        return (h @ weight).unflatten(-1, (op.hidden, op.gates))

    h, sums = state[0], x + product(state[0])
    if isinstance(op, Lstm):
        gate, candidate, result = op.functions
        i, o, f, g = sums.unbind(-1)
        cell = evaluate(gate, f) * state[1] + evaluate(gate, i) * evaluate(candidate, g)
        return [evaluate(gate, o) * evaluate(result, cell), cell]
    if isinstance(op, Gru):
        gate, candidate = op.functions
        z, r = (evaluate(gate, sums[..., n]) for n in range(2))
        if op.inner is None:
            back = product(r * h)[..., 2]
        else:
            back = r * (product(h)[..., 2] + torch.tensor(op.inner.values, dtype=x.dtype, device=x.device))
        return [(1.0 - z) * evaluate(candidate, x[..., 2] + back) + z * h]
    return [evaluate(op.functions[0], sums[..., 0])]
