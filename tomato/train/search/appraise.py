"""What a network is worth: its price first, and only if it fits, how many frames it has right with shared weights."""

from dataclasses import dataclass

import numpy as np
import torch

from tomato.core.formats import Array
from tomato.search.network.candidates import Candidate
from tomato.search.network.layers import counts
from tomato.search.network.price import Market
from tomato.search.network.space import Genes
from tomato.train.data import Frames
from tomato.train.search.supernet import Supernet
from tomato.train.search.teaching import tensors

NORMALISED = 500
"""Frames that a network's batch normalisation is measured on (Yu et al., 2019)."""
JUDGED = 2000
"""Frames that it is judged on, at most."""
BATCH = 250


@dataclass
class Appraiser:
    """Looks at one network. Nothing depends on which ones were looked at before: any process may."""

    net: Supernet
    market: Market
    x: torch.Tensor
    judged: torch.Tensor
    labels: torch.Tensor

    @classmethod
    def of(cls, net: Supernet, market: Market, train: Frames, choice: Frames) -> "Appraiser":
        """With frames to normalise by, and others to judge by."""
        (x,) = tensors(train.take(_spread(len(train), NORMALISED)))
        some = choice.take(_spread(len(choice), JUDGED))
        (judged,) = tensors(some)
        return cls(net, market, x, judged, torch.from_numpy(some.classes()))

    def __call__(self, genes: Genes) -> Candidate:
        """A network as a candidate."""
        space, frame = self.net.space, self.market.frame
        layers = self.net.layers(genes)
        price = self.market.price(layers)
        right = None if price.refused else self.accuracy(genes)
        return Candidate(genes, str(space.decode(genes)), counts(layers, frame), price, right)

    @torch.no_grad()
    def accuracy(self, genes: Genes) -> float:
        """The share of frames that a network has right."""
        layers = self.net.layers(genes)
        known = self.net.statistics(layers, self.x)
        scores = self.net.scores(layers, self.judged.split(BATCH), known)
        return round(float((scores.argmax(1) == self.labels).float().mean()), 6)


def _spread(count: int, most: int) -> Array:
    """Places of at most so many frames, evenly among all."""
    return np.unique(np.linspace(0, count - 1, min(count, most)).astype(np.int64))
