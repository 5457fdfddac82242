"""One round of a search on a graph: weights and choices learn together, and the likeliest network is left."""

from collections.abc import Callable
from dataclasses import dataclass

import torch

from tomato.search.graphs.data import GraphData
from tomato.search.graphs.space import Genes, Space
from tomato.train.graphs.supernet import Supernet
from tomato.train.graphs.training import labelled
from tomato.train.optimise import repeatable


@dataclass(frozen=True, slots=True)
class Round:
    """How a round learns.

    weight: of the mean logarithm of size and bit operations, in the loss of choices. every: epochs between steps of
    choices. warm: share of the epochs in which weights alone learn, as floats. Temperatures of the Gumbel softmax fall
    from the first to the last, geometrically.
    """

    weight: float
    epochs: int = 200
    rate: float = 0.01
    decay: float = 5e-4
    dropout: float = 0.5
    choice_rate: float = 0.2
    every: int = 2
    warm: float = 0.2
    temperatures: tuple[float, float] = (1.0, 0.2)


def search(
    space: Space, data: GraphData, asked: Round, seed: int, after: Callable[[int], None] = lambda _: None
) -> Genes:
    """The network that a round ends with. after: told every epoch.

    Weights learn from nodes that are trained on, choices from the loss of nodes that choose.
    """
    with repeatable(torch.device("cpu")):
        torch.manual_seed(seed)
        net = Supernet(space, data)
        learn, choose = labelled(data, data.train), labelled(data, data.valid)
        warm = int(asked.epochs * asked.warm)
        weights = torch.optim.Adam(net.shared, asked.rate, weight_decay=asked.decay)
        choices = torch.optim.Adam(net.choice, asked.choice_rate, betas=(0.5, 0.999))
        first, last = asked.temperatures
        for epoch in range(asked.epochs):
            if epoch == warm:
                net.put_quantisers()
                weights = torch.optim.Adam(net.shared, asked.rate, weight_decay=0.0)
            temperature = first * (last / first) ** (epoch / asked.epochs)
            weights.zero_grad()
            learn(net(net.draw(temperature, learning=False), asked.dropout)).backward()
            weights.step()
            if epoch >= warm and epoch % asked.every == 0:
                choices.zero_grad()
                size, operations = net.expected()
                cost = 0.5 * (torch.log(size) + torch.log(operations))
                loss = choose(net(net.draw(temperature, learning=True))) + asked.weight * cost
                loss.backward()
                choices.step()
            after(epoch)
        return net.best()
