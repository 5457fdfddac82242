"""Meta-training of shared weights. Resumable.

By the sandwich rule: in every step the largest, the smallest and another network of some kinds of blocks are adapted to
tasks, and asked.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from math import cos, isfinite, log, pi
from typing import Any

import numpy as np
import torch

from tomato.core.errors import TomatoError
from tomato.core.formats import Array
from tomato.core.progress import Progress, silent
from tomato.search.few.data import Pool, Task
from tomato.search.network.space import Genes
from tomato.train.few.adapt import Adapting, Rates, forget_head
from tomato.train.loop import Loop
from tomato.train.optimise import repeatable
from tomato.train.search.supernet import Supernet

EPOCH = 100
"""Steps between two states that are kept."""
SANDWICH = 3
"""Networks of a step."""
TASKS = 4
"""Of a network in a step."""
NORMALISED = 100
"""Frames of a step that statistics of normalisation come from, at most."""
RATE_OF_RATES = 1e-2
MOST_RATE = 4.0
"""Of descent: further steps may lead anywhere."""
CLIP_OF_RATES = 1.0
DIVERGED = 3.0
"""Losses above so many times that of a guess are of descent that led astray, which teaches nothing."""
State = dict[str, Any]


@dataclass
class MetaTeaching:
    """Shared weights and rates of descent under training, on tasks of a pool.

    loop: epochs, rate, decay, clip, seed. only: the network that is trained, instead of sandwiches.
    """

    net: Supernet
    pool: Pool
    task: Task
    loop: Loop
    only: Genes | None = None

    def __post_init__(self) -> None:
        self.epoch = 0
        self.losses: list[float] = []
        with torch.no_grad():
            forget_head(self.net)
        self.rates = Rates(list(self.net.weights))
        groups = [
            {"params": [p for p in self.net.parameters() if p.requires_grad], "rate": self.loop.rate},
            {"params": list(self.rates.parameters()), "rate": RATE_OF_RATES, "weight_decay": 0.0},
        ]
        self.optimiser = torch.optim.AdamW(groups, self.loop.rate, weight_decay=self.loop.decay)

    def run(self, progress: Progress = silent, after_epoch: Callable[[], None] | None = None) -> None:
        """Train to the end. Raises TomatoError if the loss is not a number."""
        steps = self.loop.epochs * EPOCH
        with repeatable(torch.device("cpu")):
            while self.epoch < self.loop.epochs:
                rng, total = np.random.default_rng([self.loop.seed, self.epoch, 11]), 0.0
                for i in range(EPOCH):
                    done = self.epoch * EPOCH + i
                    progress("Shared weights", done, steps)
                    for group in self.optimiser.param_groups:
                        group["lr"] = group["rate"] * 0.5 * (1.0 + cos(pi * done / steps))
                    total += self.step(rng)
                self.losses.append(total / EPOCH)
                self.epoch += 1
                if after_epoch:
                    after_epoch()
        progress("Shared weights", steps, steps)

    def step(self, rng: np.random.Generator) -> float:
        """One step of all networks of a sandwich; the loss of the largest."""
        self.optimiser.zero_grad(set_to_none=True)
        networks = list(self._sandwich(rng))
        if self.only is None:  # networks of a sandwich learn from the same tasks
            learned, asked = self.pool.beside(self.task, rng, TASKS)
            losses = [self._backward(genes, learned, asked) for genes in networks]
        else:
            losses = [self._backward(genes, *self.pool.beside(self.task, rng, TASKS)) for genes in networks]
        if not any(map(isfinite, losses)):
            raise TomatoError(
                "the loss of the shared weights is no number", hint="lower the rate of learning, or check the frames"
            )
        torch.nn.utils.clip_grad_norm_(self.net.parameters(), self.loop.clip or float("inf"))
        torch.nn.utils.clip_grad_norm_(self.rates.parameters(), CLIP_OF_RATES)
        self.optimiser.step()
        with torch.no_grad():
            for values in self.rates.parameters():
                values.clamp_(max=log(MOST_RATE))
        return losses[0]

    def _backward(self, genes: Genes, *frames: Array) -> float:
        """Add a network's gradients, by tasks beside each other, to those of the shared weights and rates."""
        learned, asked = map(torch.from_numpy, frames)
        layers = self.net.layers(genes)
        parts = self.net.parts(layers)
        rates = self.rates.of(parts)
        seen = torch.cat([learned, asked]).reshape(-1, *self.pool.x.shape[1:])[:NORMALISED]
        adapting = Adapting(layers, parts, self.net.statistics(layers, seen), rates, self.task.ways, TASKS)
        start = adapting.start()
        value, gradients, by_rates = adapting.gradients(learned, asked)
        most = DIVERGED * log(self.task.ways)
        if not value <= most:
            return most if isfinite(value) else value
        wanted = [(v, g) for v, g in zip([*start, rates], [*gradients, by_rates], strict=True) if v.requires_grad]
        torch.autograd.backward([v for v, _ in wanted], [g for _, g in wanted])
        return value

    def _sandwich(self, rng: np.random.Generator) -> Iterator[Genes]:
        """The largest network, the smallest, and one in between, none twice; or `only` one, on as many tasks."""
        if self.only is not None:
            yield from [self.only] * SANDWICH
            return
        space, frame = self.net.space, self.net.frame
        largest, smallest = space.ends(space.draw(rng, frame))
        every = largest, smallest, space.draw(rng, frame)
        yield from dict.fromkeys(genes for genes in every if space.suits(genes, frame))

    def state(self) -> State:
        """All that is needed to go on from the end of this epoch."""
        return {"epoch": self.epoch, "losses": list(self.losses), "network": self.net.state_dict(),
                "rates": self.rates.state_dict(), "optimiser": self.optimiser.state_dict()}  # fmt: skip

    def restore(self, state: State) -> None:
        """Go on from a state of the same training."""
        self.epoch, self.losses = state["epoch"], list(state["losses"])
        self.net.load_state_dict(state["network"])
        self.rates.load_state_dict(state["rates"])
        self.optimiser.load_state_dict(state["optimiser"])
