"""The training loop: loss, optimiser, schedule, averages, early stop. Repeatable, and resumable after every epoch."""

import copy
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from math import cos, isfinite, pi
from typing import Any, Literal

import numpy as np
import torch
from torch import nn
from torch.nn import functional

from tomato.core.errors import TomatoError
from tomato.core.progress import Progress, silent
from tomato.train.data import Frames, Variation
from tomato.train.module import Network

Torch = torch.Tensor
Outputs = tuple[Torch, ...]
State = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Loop:
    """How long and how a network is trained.

    rate: of learning, at its greatest; it falls along half a cosine behind a warm-up. step_rate: times as much for
    steps and scales, which are logarithms. clip: the greatest norm of the gradients. distil: the share of the loss
    that compares with the teacher, the rest with labels; 1 without labels. temperature: of both answers, see Hinton et
    al., Distilling the Knowledge in a Neural Network, 2015. features: weight of the error of what layers compute.
    average: how much of the averaged weights stays at a step (exponential moving average); 0 for none. patience: epochs
    without a better choice before it stops early, 0 for never; the best epoch is kept then. scores: whether outputs are
    the scores of classes; None: as `is_scores` thinks.
    """

    epochs: int = 30
    batch: int = 50
    rate: float = 1e-3
    step_rate: float = 10.0
    optimiser: Literal["adamw", "sgd"] = "adamw"
    decay: float = 0.0
    warm_up: float = 0.02
    clip: float = 5.0
    distil: float = 1.0
    temperature: float = 2.0
    features: float = 0.0
    average: float = 0.0
    patience: int = 0
    variation: Variation = field(default_factory=Variation)
    scores: bool | None = None
    seed: int = 0


class Hook:
    """Something that takes part in training; `share` is how much of it is done, 0 to 1."""

    def before_epoch(self, network: Network, epoch: int, share: float) -> None:
        """Once an epoch."""

    def before_step(self, network: Network, share: float) -> None:
        """In front of the forward pass."""

    def after_backward(self, network: Network, share: float) -> None:
        """When gradients are there, in front of the optimiser's step."""

    def after_step(self, network: Network, share: float) -> None:
        """Behind the optimiser's step."""

    def state(self) -> State:
        """What it needs to go on after an interruption."""
        return {}

    def restore(self, state: State) -> None:
        """Go on from a state."""


@dataclass
class Training:
    """A training under way.

    teacher: gives the answers to learn from, for frames; None where labels alone count. choose: how good the network
    is, the greater the better, for early stops.
    """

    network: Network
    frames: Frames
    loop: Loop
    teacher: Network | None = None
    hooks: Sequence[Hook] = ()
    choose: Callable[[], float] | None = None
    where: str = ""

    def __post_init__(self) -> None:
        self.device = next(self.network.parameters()).device
        self.epoch, self.best, self.waited = 0, -np.inf, 0
        self.kept: State | None = None
        self.losses: list[float] = []
        self.optimiser = _optimiser(self.network, self.loop)
        self.rates = [group["lr"] for group in self.optimiser.param_groups]
        self.average = {n: p.detach().clone() for n, p in self.network.named_parameters()} if self.loop.average else {}
        self.batches = max(1, sum(1 for _ in self.frames.shuffled(self.loop.batch, [0])))
        self.scores = [is_scores(self.network, i) if self.loop.scores is None else self.loop.scores
                       for i in range(len(self.network.outputs))]  # fmt: skip

    def run(self, progress: Progress = silent, after_epoch: Callable[[], None] | None = None) -> None:
        """Train to the end; `after_epoch` may keep `state()`. TomatoError if the loss is not a number."""
        loop = self.loop
        self.network.train()
        while self.epoch < loop.epochs and not (loop.patience and self.waited >= loop.patience):
            progress(self.where or "Training", self.epoch, loop.epochs)
            self._one_epoch()
            self.epoch += 1
            self._judge()
            if after_epoch:
                after_epoch()
        progress(self.where or "Training", loop.epochs, loop.epochs)
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
            given = [torch.from_numpy(p.real(x)).to(self.device) for p, x in zip(self.network.inputs, batch.arrays(),
                                                                                strict=True)]  # fmt: skip
            x = loop.variation(given, rng)
            loss = self._loss(x, batch.classes() if loop.variation.mixup == 0 else None)
            if not isfinite(loss.item()):
                raise self._broken(x, i)
            self.optimiser.zero_grad(set_to_none=True)
            loss.backward()  # type: ignore[no-untyped-call, unused-ignore]
            for hook in self.hooks:
                hook.after_backward(self.network, share)
            nn.utils.clip_grad_norm_(self.network.parameters(), loop.clip)
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

    def _loss(self, x: Outputs, labels: Any) -> Torch:
        loop = self.loop
        watched: dict[str, list[Torch]] = {n: [] for n in self._features()} if loop.features else {}
        found = self.network.leave(self.network.play(self.network.enter(x), watched))
        answers, seen = self._taught(x, watched)
        total = torch.zeros((), device=self.device)
        share = loop.distil if labels is not None and answers is not None else float(answers is not None)
        for i, y in enumerate(found):
            if answers is not None:
                total = total + share * _distance(y, answers[i], self.scores[i], loop.temperature)
        if labels is not None and share < 1.0:
            wanted = torch.from_numpy(labels).to(self.device)
            total = total + (1.0 - share) * functional.cross_entropy(found[0].flatten(1), wanted)
        for name, values in watched.items():
            target = seen[name][0]
            total = total + loop.features * functional.mse_loss(values[0], target) / target.var().clamp_min(1e-12)
        return total

    def _features(self) -> list[str]:
        """Values that student and teacher both have in the same shape: results of layers."""
        assert self.teacher is not None
        theirs = self.teacher.graph.types
        mine = self.network.graph.types
        return [g.output for g in self.network.groups if g.output in theirs and theirs[g.output] == mine[g.output]
                and g.head.name in {n.name for n, _ in self.network.each()}]  # fmt: skip

    @torch.no_grad()
    def _taught(self, x: Outputs, watched: dict[str, list[Torch]]) -> tuple[Outputs | None, dict[str, list[Torch]]]:
        if self.teacher is None:
            return None, {}
        seen: dict[str, list[Torch]] = {name: [] for name in watched}
        return self.teacher.leave(self.teacher.play(self.teacher.enter(x), seen)), seen

    def _add_to_average(self, step: int) -> None:
        if not self.average:
            return
        keep = min(self.loop.average, (1.0 + step) / (10.0 + step))
        with torch.no_grad():
            for name, parameter in self.network.named_parameters():
                if self.average[name].shape != parameter.shape:
                    self.average[name] = parameter.detach().clone()
                self.average[name].lerp_(parameter.detach(), 1.0 - keep)

    def _averaged(self) -> State:
        return {**self.network.state_dict(), **self.average}

    def _judge(self) -> None:
        """Keep the best epoch where there is patience."""
        if not self.loop.patience or self.choose is None:
            return
        present = copy.deepcopy(self.network.state_dict())
        if self.average:
            self.network.load_state_dict(self._averaged())
        self.network.eval()
        found = self.choose()
        if found > self.best:
            self.best, self.waited, self.kept = found, 0, copy.deepcopy(self.network.state_dict())
        else:
            self.waited += 1
        self.network.load_state_dict(present)
        self.network.train()

    def _broken(self, x: Outputs, step: int) -> TomatoError:
        """The error of a loss that is no number: where numbers cease to be finite."""
        name = next((n for n, p in self.network.named_parameters() if not torch.isfinite(p).all()), None)
        place = f"the parameter {name}" if name else "the outputs"
        if name is None:
            watched: dict[str, list[Torch]] = {g.output: [] for g in self.network.groups}
            self.network.play(self.network.enter(x), watched)
            bad = next((n for n, v in watched.items() if not torch.isfinite(v[0]).all()), None)
            place = f"%{bad}" if bad else place
        return TomatoError(
            f"the loss is no number in epoch {self.epoch + 1}, step {step + 1}: first in {place}",
            where=self.where, hint="lower the rate of learning, or check the frames and their labels",
        )  # fmt: skip

    def state(self) -> State:
        """All that is needed to go on from the end of this epoch."""
        return {
            "epoch": self.epoch, "best": float(self.best), "waited": self.waited, "kept": self.kept,
            "losses": list(self.losses), "network": self.network.state_dict(), "optimiser": self.optimiser.state_dict(),
            "average": self.average, "hooks": [hook.state() for hook in self.hooks],
        }  # fmt: skip

    def restore(self, state: State) -> None:
        """Go on from a state of the same training."""
        self.epoch, self.best, self.waited = state["epoch"], state["best"], state["waited"]
        self.kept, self.losses, self.average = state["kept"], list(state["losses"]), state["average"]
        self.network.load_state_dict(state["network"])
        self.optimiser.load_state_dict(state["optimiser"])
        for hook, kept in zip(self.hooks, state["hooks"], strict=True):
            hook.restore(kept)


def is_scores(network: Network, output: int) -> bool:
    """Whether an output is a vector of scores of classes: more than one number, and not as many as come in."""
    port = network.outputs[output]
    size = int(np.prod(port.shape))
    taken = {int(np.prod(p.shape)) for p in network.inputs}
    return size > 1 and size == max(port.shape) and (bool(port.host) or size not in taken)


def _distance(y: Torch, answer: Torch, scores: bool, temperature: float) -> Torch:
    """How far an output is from the teacher's: divergence of softened classes, or squared error over the variance."""
    if not scores:
        return functional.mse_loss(y, answer) / answer.var().clamp_min(1e-12)
    mine, theirs = (torch.log_softmax(v.flatten(1) / temperature, 1) for v in (y, answer))
    return functional.kl_div(mine, theirs, log_target=True, reduction="batchmean") * temperature**2


def _optimiser(network: Network, loop: Loop) -> torch.optim.Optimizer:
    """Steps and scales apart from the rest: other rates, no decay."""
    steps = list(_steps(network))
    known = {id(p) for p in steps}
    rest = [p for p in network.parameters() if p.requires_grad and id(p) not in known]
    groups = [
        {"params": rest, "lr": loop.rate, "weight_decay": loop.decay},
        {"params": steps, "lr": loop.rate * loop.step_rate, "weight_decay": 0.0},
    ]
    if loop.optimiser == "sgd":
        return torch.optim.SGD(groups, momentum=0.9, nesterov=True)
    return torch.optim.AdamW(groups)


def _steps(network: Network) -> Iterator[nn.Parameter]:
    seen = set()
    for name, parameter in network.named_parameters():
        if name.endswith(("scale_log2", "levels")) and parameter.requires_grad and id(parameter) not in seen:
            seen.add(id(parameter))
            yield parameter


def predicted(network: Network, frames: Frames, batch: int = 64) -> list[Torch]:
    """The outputs in front of the host's steps, in evaluation mode."""
    was = network.training
    network.eval()
    parts = []
    device = next(network.parameters()).device
    with torch.no_grad():
        for part in frames.batches(batch):
            given = [torch.from_numpy(p.real(x)).to(device) for p, x in zip(network.inputs, part.arrays(), strict=True)]
            found = network(*given)
            parts.append(found if isinstance(found, tuple) else (found,))
    network.train(was)
    return [torch.cat(column) for column in zip(*parts, strict=True)]
