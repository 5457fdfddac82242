"""The training loop: loss, optimiser, schedule, averages, early stop. Repeatable, and resumable after every epoch."""

import copy
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from math import cos, inf, isfinite, pi
from typing import Any, TypeAlias, get_args

import numpy as np
import torch
from torch import nn

from tomato.core.errors import TomatoError, check_number
from tomato.core.progress import Progress, silent
from tomato.train.data import Frames, Variation
from tomato.train.finite import first_broken
from tomato.train.losses import Charge, Objective, given
from tomato.train.module import Network
from tomato.train.optimise import Optimiser, optimiser, repeatable

Torch: TypeAlias = torch.Tensor
Outputs = tuple[Torch, ...]
State = dict[str, Any]
"""Plain values and tensors: torch.save writes it, and torch.load reads it with weights_only."""


MOST_AVERAGE = 0.99999
"""Averages that remember longer are of nothing else than the first steps."""


@dataclass(frozen=True, slots=True)
class Loop:
    """How long and how a network is trained.

    rate: of learning, at its greatest; it falls along half a cosine behind a warm-up. step_rate: times as much for
    steps and scales, which are logarithms. clip: the greatest norm of the gradients; 0 for any. distil: the share of
    the loss that compares with the teacher, the rest with labels; 1 without labels. temperature: of both answers, see
    Hinton et al., Distilling the Knowledge in a Neural Network, 2015. features: weight of the error of what layers
    compute. average: how much of the averaged weights stays at a step (exponential moving average, its beginning
    corrected); 0 for none. patience: epochs without a better choice before it stops early, 0 for never. best: keep the
    best epoch, as patience does. scores: whether outputs are the scores of classes; None: as `is_scores` thinks.
    """

    epochs: int = 30
    batch: int = 50
    rate: float = 1e-3
    step_rate: float = 10.0
    optimiser: Optimiser = "adamw"
    decay: float = 0.0
    warm_up: float = 0.02
    clip: float = 5.0
    distil: float = 1.0
    temperature: float = 2.0
    features: float = 0.0
    average: float = 0.0
    patience: int = 0
    best: bool = False
    variation: Variation = field(default_factory=Variation)
    scores: bool | None = None
    seed: int = 0

    def __post_init__(self) -> None:
        if self.optimiser not in get_args(Optimiser):
            raise TomatoError(f"optimiser must be {' or '.join(get_args(Optimiser))}, not {self.optimiser!r:.40}")
        for name, least in (("epochs", 0), ("batch", 1), ("patience", 0), ("seed", 0)):
            check_number(name, getattr(self, name), least)
            if getattr(self, name) % 1:
                raise TomatoError(f"{name} must be a whole number, not {getattr(self, name)!r:.40}")
        for name in ("rate", "temperature"):
            check_number(name, getattr(self, name), open_=True)
        for name in ("step_rate", "decay", "clip", "features"):
            check_number(name, getattr(self, name))
        for name in ("warm_up", "distil"):
            check_number(name, getattr(self, name), 0, 1)
        check_number("average", self.average, 0, MOST_AVERAGE)


class Hook:
    """Something that takes part in training; `share` is how much of it is done, 0 to 1."""

    def charges(self) -> Mapping[str, Charge]:
        """What values cost, by name."""
        return {}

    def before_epoch(self, network: Network, epoch: int, share: float) -> None:
        """Once an epoch."""

    def before_step(self, network: Network, share: float) -> None:
        """In front of the forward pass."""

    def after_backward(self, network: Network, share: float) -> None:
        """When gradients are there, in front of the optimiser's step."""

    def after_step(self, network: Network, share: float) -> None:
        """Behind the optimiser's step."""

    def settled(self, share: float) -> bool:
        """Whether an epoch that ends here may be the best one: not before weights are out that shall be out."""
        return True

    def state(self) -> State:
        """What it needs to go on after an interruption."""
        return {}

    def restore(self, state: State) -> None:
        """Go on from a state."""


@dataclass
class Training:
    """A training under way.

    teacher: gives the answers to learn from, for frames; None where labels alone count. choose: how good the network
    is, the greater the better, for early stops and the best epoch. choice: frames to choose by without it: the least
    loss. Raises TomatoError where there is nothing to learn from, or to choose by.
    """

    network: Network
    frames: Frames
    loop: Loop
    teacher: Network | None = None
    hooks: Sequence[Hook] = ()
    choose: Callable[[], float] | None = None
    where: str = ""
    choice: Frames | None = None

    def __post_init__(self) -> None:
        self.device = next(self.network.parameters()).device
        self.epoch, self.best, self.waited = 0, -np.inf, 0
        self.kept: State | None = None
        self.losses: list[float] = []
        self.optimiser = optimiser(
            self.network, self.loop.optimiser, self.loop.rate, self.loop.step_rate, self.loop.decay
        )
        self.rates = [group["lr"] for group in self.optimiser.param_groups]
        self.average = {n: p.detach().clone() for n, p in _parameters(self.network)} if self.loop.average else {}
        self.batches = max(1, sum(1 for _ in self.frames.shuffled(self.loop.batch, [0])))
        self.objective = Objective(
            self.network, self.teacher, self.loop.distil, self.loop.temperature, self.loop.features, self.loop.scores,
            {name: cost for hook in self.hooks for name, cost in hook.charges().items()},
        )  # fmt: skip
        self._check()

    def _check(self) -> None:
        for frames in (self.frames, *([self.choice] if self.choice else [])):
            self.objective.check(frames, self.where)
        if (self.loop.patience or self.loop.best) and self.choose is None and self.choice is None:
            raise TomatoError("the best epoch is asked for, but there are no frames to choose it by", where=self.where)

    def run(self, progress: Progress = silent, after_epoch: Callable[[], None] | None = None) -> None:
        """Train to the end; `after_epoch` may keep `state()`. TomatoError if the loss is not a number."""
        loop, what = self.loop, self.where or "Training"
        self.network.train()
        with repeatable(self.device):
            while self.epoch < loop.epochs and not (loop.patience and self.waited >= loop.patience):
                progress(what, self.epoch, loop.epochs)
                self._one_epoch()
                self.epoch += 1
                self._judge()
                if after_epoch:
                    after_epoch()
        progress(what, loop.epochs, loop.epochs)
        if self.kept is not None:
            self.network.load_state_dict(self.kept)
        elif self.average:
            self.network.load_state_dict(self._averaged())
        self.network.eval()

    def _one_epoch(self) -> None:
        loop, start = self.loop, self.epoch * self.batches
        rng = np.random.default_rng([loop.seed, self.epoch, 2])
        torch.manual_seed(loop.seed * 1_000_003 + self.epoch)
        for hook in self.hooks:
            hook.before_epoch(self.network, self.epoch, self.epoch / loop.epochs)
        total = 0.0
        for i, batch in enumerate(self.frames.shuffled(loop.batch, [loop.seed, self.epoch])):
            share = (start + i) / (loop.epochs * self.batches)
            self._set_rate(share)
            for hook in self.hooks:
                hook.before_step(self.network, share)
            x = given(self.network, batch)
            x, order, left = loop.variation.mixed(loop.variation(x, rng), rng)
            loss = self.objective.loss(x, batch.classes(), order, left)
            if not isfinite(loss.item()):
                raise self._broken("loss", x, i)
            self.optimiser.zero_grad(set_to_none=True)
            loss.backward()  # type: ignore[no-untyped-call, unused-ignore]
            for hook in self.hooks:
                hook.after_backward(self.network, share)
            norm = nn.utils.clip_grad_norm_(self.network.parameters(), loop.clip or inf)
            if not isfinite(norm.item()):
                raise self._broken("gradient", x, i)
            self.optimiser.step()
            for hook in self.hooks:
                hook.after_step(self.network, share)
            self._add_to_average(start + i)
            total += loss.item()
        self.losses.append(total / self.batches)

    def _set_rate(self, share: float) -> None:
        warm = min(1.0, (share + 1e-3) / self.loop.warm_up) if self.loop.warm_up else 1.0
        for group, rate in zip(self.optimiser.param_groups, self.rates, strict=True):
            group["lr"] = rate * warm * 0.5 * (1.0 + cos(pi * share))

    def _add_to_average(self, step: int) -> None:
        if not self.average:
            return
        keep = self.loop.average
        new = (1.0 - keep) / (1.0 - keep ** (step + 1))  # corrects the bias of the beginning
        with torch.no_grad():
            for name, parameter in _parameters(self.network):
                self.average[name].lerp_(parameter.detach(), new)

    def _averaged(self) -> State:
        return {**self.network.state_dict(), **self.average}

    def _judge(self) -> None:
        """Keep the best of the epochs that may be it."""
        share = self.epoch / self.loop.epochs
        if not (self.loop.patience or self.loop.best) or not all(hook.settled(share) for hook in self.hooks):
            return
        present = copy.deepcopy(self.network.state_dict())
        if self.average:
            self.network.load_state_dict(self._averaged())
        self.network.eval()
        if self.choose is not None:
            found = self.choose()
        else:
            assert self.choice is not None
            found = self.objective.quality(self.choice, self.loop.batch)
        if found > self.best:
            self.best, self.waited, self.kept = found, 0, copy.deepcopy(self.network.state_dict())
        else:
            self.waited += 1
        self.network.load_state_dict(present)
        self.network.train()

    def _broken(self, what: str, x: Outputs, step: int) -> TomatoError:
        """The error of a loss or gradient that is no number."""
        return TomatoError(
            f"the {what} is no number in epoch {self.epoch + 1}, step {step + 1}: first in "
            f"{first_broken(self.network, x)}",
            where=self.where, hint="lower the rate of learning, or check the frames and their labels",
        )  # fmt: skip

    def state(self) -> State:
        """All that is needed to go on from the end of this epoch."""
        return copy.deepcopy({
            "epoch": self.epoch, "best": float(self.best), "waited": self.waited, "kept": self.kept,
            "losses": list(self.losses), "network": self.network.state_dict(), "optimiser": self.optimiser.state_dict(),
            "average": self.average, "hooks": [hook.state() for hook in self.hooks],
        })  # fmt: skip

    def restore(self, state: State) -> None:
        """Go on from a state of the same training."""
        state = copy.deepcopy(state)
        self.epoch, self.best, self.waited = state["epoch"], state["best"], state["waited"]
        self.kept, self.losses, self.average = state["kept"], list(state["losses"]), state["average"]
        self.network.load_state_dict(state["network"])
        self.optimiser.load_state_dict(state["optimiser"])
        for hook, kept in zip(self.hooks, state["hooks"], strict=True):
            hook.restore(kept)


def fit(
    network: Network, frames: Frames, loop: Loop, *, choice: Frames | None = None, teacher: Network | None = None,
    hooks: Sequence[Hook] = (), progress: Progress = silent, resume: State | None = None,
    keep: Callable[[State], None] | None = None, device: str = "cpu",
) -> Training:  # fmt: skip
    """Train a network on frames, from a state on if there is one; `keep` gets the state after every epoch.

    device: "cpu", "cuda", or "auto" for the second where there is one. Raises TomatoError, see `Training`.
    """
    if device == "auto":
        device = "cuda" if torch.cuda.is_available() else "cpu"
    if device != "cpu" and not torch.cuda.is_available():
        raise TomatoError(f"there is no device {device} that PyTorch can use", hint='train on "cpu"')
    for one in (network, teacher):
        if one is not None:
            one.to(device)
    training = Training(network, frames, loop, teacher, hooks, choice=choice)
    if resume is not None:
        training.restore(resume)
    training.run(progress, (lambda: keep(training.state())) if keep else None)
    return training


def _parameters(network: Network) -> Iterator[tuple[str, nn.Parameter]]:
    """All of them under all of their names, as a state has them."""
    yield from network.named_parameters(remove_duplicate=False)


def predicted(network: Network, frames: Frames, batch: int = 64) -> list[Torch]:
    """The outputs in front of the host's steps, in evaluation mode."""
    was = network.training
    network.eval()
    parts = []
    with torch.no_grad():
        for part in frames.batches(batch):
            found = network(*given(network, part))
            parts.append(found if isinstance(found, tuple) else (found,))
    network.train(was)
    return [torch.cat(column) for column in zip(*parts, strict=True)]
