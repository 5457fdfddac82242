"""A network of shared weights, adapted to tasks: several beside each other, each with weights of its own.

Batch normalisation stays what it is on frames of the classes that are meta-trained on: a chip cannot wait for a batch
of queries, and one frame of each class says too little. So it is an affine map all along, and is part of the weights in
the end.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import nn
from torch.nn import functional

from tomato.search.network.layers import HEAD, Layer
from tomato.train.few.meta import Gradients, descend, first_order
from tomato.train.search.supernet import Part, Parts, Statistics, Supernet, play

STEPS = 5
RATES = 0.1, 1.0
"""Of descent, at first: of all layers, and of a head on WIDTH channels that normalisation leaves as they are. More and
larger ones move its scores further, so that its rate is in inverse proportion to their squares."""
WIDTH = 16


class Rates(nn.Module):
    """The rate of each layer in each step of descent, which is learned: logarithms, by the name of a layer."""

    def __init__(self, names: Sequence[str], steps: int = STEPS) -> None:
        super().__init__()
        body, head = RATES
        self.logarithms = nn.ParameterDict({
            name: nn.Parameter(torch.full((steps,), head if name == HEAD else body).log()) for name in names
        })  # fmt: skip

    def of(self, parts: Parts) -> torch.Tensor:
        """(steps, tensors of these parts)."""
        found = torch.stack([self.logarithms[name] for name in parts], 1).exp()
        shares, energy = [], float(WIDTH)
        for name, part in parts.items():
            shares.append(WIDTH / energy if name == HEAD else 1.0)
            energy = float(part.gain.detach().square().sum() + part.shift.detach().square().sum())
        found = found * torch.tensor(shares)
        return found.repeat_interleave(len(Part._fields), 1)


def forget_head(net: Supernet) -> None:
    """Let the head begin with nothing in every task: then the order of its classes means nothing."""
    for values in (net.weights[HEAD], net.shifts[HEAD]):
        values.requires_grad_(False)
        values.zero_()


@dataclass(frozen=True, slots=True)
class Adapting:
    """A network that is adapted to `times` tasks of so many ways at once.

    known: statistics of normalisation, of one network. rates: of one.
    """

    layers: Sequence[Layer]
    parts: Parts
    known: Statistics
    rates: torch.Tensor
    ways: int
    times: int = 1

    def start(self) -> list[torch.Tensor]:
        """The weights of all tasks before descent."""
        return [_repeated(v, self.times) for part in self.parts.values() for v in part]

    def scores(self, values: Sequence[torch.Tensor], x: torch.Tensor) -> torch.Tensor:
        """(frames, times, ways), of frames with the channels of all tasks."""
        known = {name: (_repeated(m, self.times), _repeated(v, self.times)) for name, (m, v) in self.known.items()}
        found = play(x, self.layers, self.named(values), known, times=self.times)
        return found.reshape(len(x), self.times, self.ways)

    def named(self, values: Sequence[torch.Tensor]) -> Parts:
        """Tensors as parts again."""
        each = len(Part._fields)
        return {name: Part(*values[i * each : (i + 1) * each]) for i, name in enumerate(self.parts)}

    def loss(self, values: Sequence[torch.Tensor], x: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
        """Of every task, added up. labels: of the frames of each."""
        scores = self.scores(values, x).flatten(0, 1)
        return self.times * functional.cross_entropy(scores, labels.repeat_interleave(self.times))

    def adapted(self, x: torch.Tensor, labels: torch.Tensor) -> list[torch.Tensor]:
        """The weights after descent on these frames."""
        return descend(lambda values: self.loss(values, x, labels), self.start(), self.rates)[0]

    def gradients(self, learned: torch.Tensor, asked: torch.Tensor) -> tuple[float, Gradients, torch.Tensor]:
        """As `first_order`, of the mean over the tasks. Frames are in the order of their classes."""
        return first_order(
            lambda values: self.loss(values, learned, classes(self.ways, len(learned))),
            lambda values: self.loss(values, asked, classes(self.ways, len(asked))) / self.times,
            self.start(), self.rates,
        )  # fmt: skip


def classes(ways: int, frames: int) -> torch.Tensor:
    """Labels of frames in the order of their classes."""
    return torch.arange(ways).repeat_interleave(frames // ways)


def _repeated(x: torch.Tensor, times: int) -> torch.Tensor:
    return x.repeat(times, *[1] * (x.ndim - 1))
