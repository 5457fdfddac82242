"""What the answers of a network cost: next to labels, to a teacher's answers, and to what its layers compute."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import numpy as np
import torch
from torch.nn import functional

from tomato.core.errors import TomatoError
from tomato.core.formats import Array
from tomato.train.data import Frames, check_labels
from tomato.train.module import Network

Outputs = tuple[torch.Tensor, ...]
Watched = dict[str, list[torch.Tensor]]
STILL = 1e-12
"""Variance of a teacher's value that is the same for all frames."""
Charge = Callable[[torch.Tensor], torch.Tensor]
"""What is added to the loss for a value of a batch, (frames, height, width, channels)."""


@dataclass
class Objective:
    """What is made small.

    teacher: None where labels alone count. distil, temperature, features and scores: see `Loop`. charges: what values
    cost beside that, by name.
    """

    network: Network
    teacher: Network | None = None
    distil: float = 1.0
    temperature: float = 2.0
    features: float = 0.0
    scores: bool | None = None
    charges: Mapping[str, Charge] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.are_scores = [
            is_scores(self.network, i) if self.scores is None else self.scores for i in range(len(self.network.outputs))
        ]
        if self.teacher is not None:
            self.teacher.eval()

    def check(self, frames: Frames, where: str = "") -> None:
        """Raise TomatoError where frames give nothing to learn from, or labels that count and suit no output."""
        if self.teacher is None and self.features:
            raise TomatoError("what layers compute is compared with a teacher, but there is none", where=where)
        if frames.labels is None and self.teacher is None:
            raise TomatoError(
                "there is nothing to learn from: the frames have no labels, and there is no teacher",
                where=where,
                hint="store labels beside the frames, as the array labels of the .npz",
            )
        if frames.labels is None or (self.teacher is not None and self.distil == 1.0):
            return
        port = self.network.outputs[0]
        size = int(np.prod(port.shape))
        if size != max(port.shape, default=0):
            raise TomatoError(
                f"the frames have labels, but output {port.name} of shape {port.shape} is no vector of scores",
                where=where,
            )
        check_labels(frames, size, where)

    def loss(self, x: Outputs, labels: Array | None, order: torch.Tensor, left: float) -> torch.Tensor:
        """Of frames that are `left` themselves, and for the rest those of the batch that `order` names."""
        features = self._features() if self.features else []
        watched: Watched = {name: [] for name in (*features, *self.charges)}
        found = self.network.leave(self.network.play(self.network.enter(x), watched))
        answers, seen = self._taught(x, features, labels)
        total = self._outputs(found, answers, labels, order, left)
        for name in features:
            target, error = seen[name][0], functional.mse_loss(watched[name][0], seen[name][0])
            total = total + self.features * error / target.var().clamp_min(STILL)
        for name, charge in self.charges.items():
            total = total + charge(watched[name][0])
        return total

    @torch.no_grad()
    def quality(self, frames: Frames, batch: int) -> float:
        """The negative loss on frames as they are, of what the network now gives in its mode."""
        lost = 0.0
        for part in frames.batches(batch):
            x = given(self.network, part)
            found = self.network(*x)
            outputs = found if isinstance(found, tuple) else (found,)
            answers, _ = self._taught(x, [], part.classes())
            cost = self._outputs(outputs, answers, part.classes(), torch.arange(len(part)), 1.0)
            lost += cost.item() * len(part)
        return -lost / len(frames)

    def _outputs(
        self, found: Outputs, answers: Outputs | None, labels: Array | None, order: torch.Tensor, left: float
    ) -> torch.Tensor:
        total = found[0].new_zeros(())
        share = self._share(labels)
        if answers is not None and share:
            for y, answer, scores in zip(found, answers, self.are_scores, strict=True):
                total = total + share * distance(y, answer, self.temperature if scores else None)
        if labels is not None and share < 1.0:
            wanted = torch.from_numpy(labels)
            for part, classes in ((left, wanted), (1.0 - left, wanted[order])):
                if part:
                    cost = functional.cross_entropy(found[0].flatten(1), classes.to(total.device))
                    total = total + (1.0 - share) * part * cost
        return total

    def _features(self) -> list[str]:
        """Values that student and teacher both have in the same shape: results of layers."""
        assert self.teacher is not None
        theirs, mine = self.teacher.graph.types, self.network.graph.types
        layers = {node.name for node, _ in self.network.each()}
        results = [g.output for g in self.network.groups if g.head.name in layers]
        return [name for name in results if name in theirs and theirs[name] == mine[name]]

    def _share(self, labels: Array | None) -> float:
        """Of the loss: what the teacher's answers count."""
        if self.teacher is None:
            return 0.0
        return 1.0 if labels is None else self.distil

    @torch.no_grad()
    def _taught(self, x: Outputs, names: list[str], labels: Array | None) -> tuple[Outputs | None, Watched]:
        """The teacher's answers and what its layers compute, where either counts."""
        if self.teacher is None or not (names or self._share(labels)):
            return None, {}
        seen: Watched = {name: [] for name in names}
        return self.teacher.leave(self.teacher.play(self.teacher.enter(x), seen)), seen


def is_scores(network: Network, output: int) -> bool:
    """Whether an output is a vector of scores of classes: more than one number, and not as many as come in."""
    port = network.outputs[output]
    size = int(np.prod(port.shape))
    taken = {int(np.prod(p.shape)) for p in network.inputs}
    return size > 1 and size == max(port.shape) and (bool(port.host) or size not in taken)


def distance(y: torch.Tensor, answer: torch.Tensor, temperature: float | None) -> torch.Tensor:
    """How far an output is from the teacher's: divergence of classes softened by a temperature, weighted by its square.

    Without one the squared error over the variance of the answers.
    """
    if temperature is None:
        return functional.mse_loss(y, answer) / answer.var(correction=0).clamp_min(STILL)
    mine, theirs = (torch.log_softmax(v.flatten(1) / temperature, 1) for v in (y, answer))
    return functional.kl_div(mine, theirs, log_target=True, reduction="batchmean") * temperature**2


def given(network: Network, frames: Frames) -> Outputs:
    """Frames for a network, where it is."""
    device = next(network.parameters()).device
    arrays = zip(network.inputs, frames.arrays(), strict=True)
    return tuple(torch.from_numpy(p.real(x)).to(device) for p, x in arrays)
