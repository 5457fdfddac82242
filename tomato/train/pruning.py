"""Weights that are taken out while the network trains: how many, which, and in which pattern."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, Self

import numpy as np
import torch

from tomato.core.errors import TomatoError
from tomato.train.layers import Layer
from tomato.train.loop import Hook, State
from tomato.train.module import Network

Method = Literal["magnitude", "surgery", "movement"]
OFF, ON = 0.9, 1.1
"""Shares of the threshold below which surgery takes a weight out, and above which one returns."""
EVERY = 4
"""Steps between two choices."""


@dataclass(frozen=True, slots=True)
class Pattern:
    """What is taken out at once.

    words: blocks of (inputs, outputs) of a layer, all taps of one or one each as the engine's word has them. over: so
    many lanes read on their own, block n of the inputs is of lane n % over; of the blocks of the same outputs every
    lane keeps as many, so that none waits (bank-balanced: Cao et al., FPGA 2019). most: of every `group` consecutive
    inputs at most so many weights stay (N:M).
    """

    inputs: int = 1
    outputs: int = 1
    most: int = 0
    group: int = 0
    over: int = 1

    @classmethod
    def parse(cls, text: str) -> Self:
        """From "elements", "2:4", "words 4x8" (inputs x outputs), or "words 1x8 over 4" (lanes)."""
        if text == "elements":
            return cls()
        if match := re.fullmatch(r"(\d+):(\d+)", text):
            most, group = int(match[1]), int(match[2])
            if 0 < most < group:
                return cls(most=most, group=group)
        if match := re.fullmatch(r"words (\d+)x(\d+)(?: over (\d+))?", text):
            inputs, outputs, over = (int(n or 1) for n in match.groups())
            if min(inputs, outputs, over) and (inputs == 1 or over == 1):  # lanes read inputs one by one
                return cls(inputs, outputs, over=over)
        raise TomatoError(
            f"'{text}' is no pattern of pruning",
            hint="choose elements, N:M such as 2:4, or words IxO such as 'words 4x8' or 'words 1x8 over 4'",
        )

    def scores(self, values: torch.Tensor) -> torch.Tensor:
        """The root mean square of every block of a weight (taps.., inputs, outputs): (taps, blocks in, blocks out)."""
        inputs, outputs = values.shape[-2:]
        flat = values.reshape(-1, inputs, outputs)
        padded = torch.nn.functional.pad(flat**2, (0, -outputs % self.outputs, 0, -inputs % self.inputs))
        blocks = padded.reshape(len(flat), -1, self.inputs, padded.shape[2] // self.outputs, self.outputs)
        return blocks.mean((2, 4)).sqrt()

    def spread(self, chosen: torch.Tensor, shape: tuple[int, ...]) -> torch.Tensor:
        """What is said of blocks, of every weight."""
        wide = chosen.repeat_interleave(self.inputs, 1).repeat_interleave(self.outputs, 2)
        return wide[:, : shape[-2], : shape[-1]].reshape(shape)

    def balanced(self, scores: torch.Tensor, sparsity: float) -> torch.Tensor:
        """1 for the blocks that stay, of each lane the greatest; scores: see `scores`. One of a lane always stays."""
        taps, inputs, outputs = scores.shape
        padded = torch.nn.functional.pad(scores, (0, 0, 0, -inputs % self.over), value=-1.0)
        lanes = padded.reshape(taps, -1, self.over, outputs).permute(2, 3, 0, 1)
        flat = lanes.reshape(self.over, outputs, -1)
        stay = max(1, round(flat.shape[2] * (1.0 - sparsity)))
        kept = torch.zeros_like(flat).scatter_(2, flat.topk(stay, 2).indices, 1.0)
        back = kept.reshape(lanes.shape).permute(2, 3, 0, 1).reshape(padded.shape)
        return back[:, :inputs]

    def groups(self, values: torch.Tensor) -> torch.Tensor:
        """1 for the greatest of every group of consecutive inputs of an output, 0 for the others."""
        inputs, outputs = values.shape[-2:]
        flat = values.abs().reshape(-1, inputs, outputs)
        padded = torch.nn.functional.pad(flat, (0, 0, 0, -inputs % self.group), value=-1.0)
        split = padded.reshape(len(flat), -1, self.group, outputs)
        kept = torch.zeros_like(split).scatter_(2, split.topk(self.most, 2).indices, 1.0)
        return kept.reshape(padded.shape)[:, :inputs].reshape(values.shape)


class Pruning(Hook):
    """Takes weights out of layers until each has its sparsity, by `end` of the training, and keeps them out.

    sparsity: the share of zeros in the end, by the name of the layer's node. magnitude: the smallest go, on a cubic
    schedule (Zhu and Gupta, To prune or not to prune, 2017). surgery: likewise, but until the end a weight goes below
    0.9 of the threshold and returns above 1.1 of it (Guo et al., Dynamic Network Surgery, 2016). movement: those go
    that move towards zero (Sanh et al., Movement Pruning, 2020). Until `end` pruned weights go on learning and may
    return.
    """

    def __init__(
        self, network: Network, sparsity: Mapping[str, float], method: Method = "magnitude",
        patterns: Mapping[str, Pattern] | None = None, begin: float = 0.0, end: float = 0.6,
    ) -> None:  # fmt: skip
        self.method, self.begin, self.end = method, begin, end
        self.patterns = {name: (patterns or {}).get(name, Pattern()) for name in sparsity}
        self.layers: dict[str, Layer] = {name: network.layer(name) for name in sparsity}
        self.sparsity = dict(sparsity)
        self.moved = (
            {n: torch.zeros_like(layer.weight) for n, layer in self.layers.items()} if method == "movement" else {}
        )
        self.steps, self.last_done = 0, 0.0
        self.first = {name: 1.0 - float(layer.mask.mean()) for name, layer in self.layers.items()}
        for name, layer in self.layers.items():
            shape = layer.mask.shape
            count = int(np.prod(self.patterns[name].scores(torch.ones(shape)).shape))
            if round(count * (1.0 - sparsity[name])) < 1:
                raise TomatoError(
                    f"pruning {sparsity[name]:.1%} leaves nothing of the layer", where=name,
                    hint="ask for less, or for smaller words",
                )  # fmt: skip

    def before_step(self, network: Network, share: float) -> None:
        self.step(share)

    def after_backward(self, network: Network, share: float) -> None:
        if share < self.end:
            self.learn()

    def step(self, share: float) -> None:
        """In front of a step, when this share of the training is done."""
        done = min(1.0, max(0.0, (share - self.begin) / max(1e-9, self.end - self.begin)))
        for layer in self.layers.values():
            layer.returning = done < 1.0
        if done <= 0.0 or (self.steps % EVERY and done < 1.0) or (done >= 1.0 and self._finished(done)):
            self.steps += 1
            return
        self.steps += 1
        for name, layer in self.layers.items():
            last, first = self.sparsity[name], self.first[name]
            self._choose(name, layer, last + (first - last) * (1.0 - done) ** 3)

    def _finished(self, done: float) -> bool:
        """Whether the last choice was made."""
        was, self.last_done = self.last_done, done
        return was >= 1.0

    @torch.no_grad()
    def _choose(self, name: str, layer: Layer, sparsity: float) -> None:
        pattern, weight = self.patterns[name], layer.whole
        values = self.moved[name] if self.moved else weight
        if pattern.group:
            layer.mask.copy_(pattern.groups(values))
            return
        scores = pattern.scores(values) if not self.moved else _sums(pattern, values)
        if pattern.over > 1:
            layer.mask.copy_(pattern.spread(pattern.balanced(scores, sparsity), tuple(weight.shape)))
            return
        gone = round(scores.numel() * sparsity)
        if not gone:
            return
        limit = scores.flatten().kthvalue(gone).values
        chosen = (scores > limit).to(weight.dtype)
        if self.method == "surgery" and sparsity < self.sparsity[name]:
            was = pattern.scores(layer.mask) > 0
            chosen = torch.where(scores < OFF * limit, 0.0, torch.where(scores > ON * limit, 1.0, was.to(weight.dtype)))
        layer.mask.copy_(pattern.spread(chosen, tuple(weight.shape)))

    def settled(self, share: float) -> bool:
        return share >= self.end

    def learn(self) -> None:
        """Behind the backward pass: where weights move to."""
        for name, total in self.moved.items():
            weight = self.layers[name].weight
            if weight.grad is not None:
                total -= (weight * weight.grad).detach()

    def state(self) -> State:
        return {"steps": self.steps, "moved": self.moved, "last": self.last_done}

    def restore(self, state: State) -> None:
        self.steps, self.last_done = state["steps"], state["last"]
        self.moved = dict(state["moved"])


def _sums(pattern: Pattern, values: torch.Tensor) -> torch.Tensor:
    """Sums over blocks, with their sign."""
    shifted = values - values.min()
    return pattern.scores(shifted.sqrt()) ** 2


def uniform(network: Network, wanted: float) -> dict[str, float]:
    """The sparsity of every layer where one threshold holds for all, relative to the layer's mean magnitude."""
    sizes, relative = {}, {}
    for node, layer in network.each():
        magnitude = layer.whole.detach().abs()
        relative[node.name] = (magnitude / magnitude.mean().clamp_min(1e-12)).flatten()
        sizes[node.name] = magnitude.numel()
    every = torch.cat(list(relative.values()))
    limit = every.kthvalue(max(1, round(len(every) * wanted))).values
    return {name: float((values <= limit).float().mean()) for name, values in relative.items()}
