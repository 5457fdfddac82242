"""Training shared weights: the sandwich rule and distillation in place (Yu et al., BigNAS, 2020). Resumable."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from math import cos, isfinite, pi
from typing import Any

import numpy as np
import torch
from torch.nn import functional

from tomato.core.errors import TomatoError
from tomato.core.progress import Progress, silent
from tomato.search.network.space import Genes
from tomato.train.data import Frames
from tomato.train.loop import Loop
from tomato.train.optimise import repeatable
from tomato.train.search.supernet import Supernet

RANDOM = 1
"""Networks drawn in every step, beside the largest and the smallest of the same kinds."""
SMOOTHING = 0.1
"""Of labels, for the largest network: part of their weight that all classes share."""
State = dict[str, Any]


@dataclass
class Teaching:
    """Shared weights under training.

    In every step the largest network learns from labels, and the others from its answers.
    """

    net: Supernet
    frames: Frames
    loop: Loop

    def __post_init__(self) -> None:
        self.epoch = 0
        self.losses: list[float] = []
        self.optimiser = torch.optim.AdamW(self.net.parameters(), self.loop.rate, weight_decay=self.loop.decay)
        self.batches = max(1, sum(1 for _ in self.frames.shuffled(self.loop.batch, [0])))

    def run(self, progress: Progress = silent, after_epoch: Callable[[], None] | None = None) -> None:
        """Train to the end. Raises TomatoError if the loss is not a number."""
        with repeatable(torch.device("cpu")):
            while self.epoch < self.loop.epochs:
                self._one_epoch(progress)
                self.epoch += 1
                if after_epoch:
                    after_epoch()
        progress("Shared weights", self.loop.epochs * self.batches, self.loop.epochs * self.batches)

    def _one_epoch(self, progress: Progress) -> None:
        rng, total = np.random.default_rng([self.loop.seed, self.epoch, 3]), 0.0
        start, steps = self.epoch * self.batches, self.loop.epochs * self.batches
        for i, batch in enumerate(self.frames.shuffled(self.loop.batch, [self.loop.seed, self.epoch])):
            progress("Shared weights", start + i, steps)
            share = (start + i) / steps
            warm = min(1.0, (share + 1e-3) / self.loop.warm_up) if self.loop.warm_up else 1.0
            for group in self.optimiser.param_groups:
                group["lr"] = self.loop.rate * warm * 0.5 * (1.0 + cos(pi * share))
            total += self.step(batch, rng)
        self.losses.append(total / self.batches)

    def step(self, batch: Frames, rng: np.random.Generator) -> float:
        """One step on a batch; the loss of the largest network."""
        (x,) = self.loop.variation(tensors(batch), rng)
        labels = torch.from_numpy(batch.classes())
        self.optimiser.zero_grad(set_to_none=True)
        largest, *others = self._sandwich(rng)
        scores = self.net(x, self.net.layers(largest))
        loss = functional.cross_entropy(scores, labels, label_smoothing=SMOOTHING)
        if not isfinite(loss.item()):
            raise TomatoError(
                "the loss of the shared weights is no number", hint="lower the rate of learning, or check the frames"
            )
        loss.backward()  # type: ignore[no-untyped-call, unused-ignore]
        answers = scores.detach().softmax(1)
        for genes in others:
            functional.cross_entropy(self.net(x, self.net.layers(genes)), answers).backward()
        torch.nn.utils.clip_grad_norm_(self.net.parameters(), self.loop.clip or float("inf"))
        self.optimiser.step()
        return float(loss.item())

    def _sandwich(self, rng: np.random.Generator) -> Iterator[Genes]:
        """The largest network, the smallest, and some in between, none twice."""
        largest, smallest = self.net.space.ends(self.net.space.draw(rng, self.net.frame))
        drawn = (self.net.space.draw(rng, self.net.frame) for _ in range(RANDOM))
        suiting = (genes for genes in (largest, smallest, *drawn) if self.net.space.suits(genes, self.net.frame))
        yield from dict.fromkeys(suiting)

    def state(self) -> State:
        """All that is needed to go on from the end of this epoch."""
        return {"epoch": self.epoch, "losses": list(self.losses), "network": self.net.state_dict(),
                "optimiser": self.optimiser.state_dict()}  # fmt: skip

    def restore(self, state: State) -> None:
        """Go on from a state of the same training."""
        self.epoch, self.losses = state["epoch"], list(state["losses"])
        self.net.load_state_dict(state["network"])
        self.optimiser.load_state_dict(state["optimiser"])


def tensors(frames: Frames) -> tuple[torch.Tensor, ...]:
    """Frames as the network takes them, (batch, channels, height, width), float32."""
    return tuple(torch.from_numpy(x.astype(np.float32)) for x in frames.arrays())
