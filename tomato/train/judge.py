"""How good a network is, on frames that nothing was chosen by."""

from dataclasses import dataclass
from typing import Any

import torch

from tomato.train.data import Frames
from tomato.train.loop import predicted
from tomato.train.losses import is_scores
from tomato.train.module import Network


@dataclass(frozen=True, slots=True)
class Judge:
    """What counts as right: the labels, or else the float model's answers.

    measure: "right" (labels), "as the float model" (its classes), or "explained" (of numbers: the share of their
    variance).
    """

    frames: Frames
    answers: Any
    measure: str

    @classmethod
    def of(cls, frames: Frames, teacher: Network) -> "Judge":
        """By labels where frames have some."""
        answers: Any = predicted(teacher, frames)[0]
        answers = answers.flatten(1)
        if not is_scores(teacher, 0):
            return cls(frames, answers, "explained")
        labels = frames.classes()
        if labels is not None:
            return cls(frames, torch.from_numpy(labels), "right")
        return cls(frames, answers.argmax(1), "as the float model")

    def __call__(self, network: Network) -> float:
        found: Any = predicted(network, self.frames)[0]
        found = found.flatten(1)
        if self.measure == "explained":
            return float(1.0 - (found - self.answers).var() / self.answers.var())
        return float((found.argmax(1) == self.answers).float().mean())
