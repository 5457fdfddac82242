"""How a network is trained on the nodes of one graph: as floats, then with its quantisation."""

from collections.abc import Callable, Sequence
from copy import deepcopy
from dataclasses import dataclass
from math import cos, pi

import torch
from torch.nn.functional import cross_entropy

from tomato.core.formats import Array
from tomato.search.graphs.build import glorot
from tomato.search.graphs.data import GraphData
from tomato.search.graphs.layers import Layer
from tomato.train.graphs.network import Passing, quantise, trainable
from tomato.train.module import LOGARITHMS
from tomato.train.optimise import repeatable
from tomato.train.trainable import Trainable


@dataclass(frozen=True, slots=True)
class Loop:
    """Every epoch is one step on all nodes that are trained on. decay: of weights, added to their gradients.

    As in Kipf and Welling (2017), but for `settle`, the share of the rates with which quantised networks are trained
    on; they fall along half a cosine. steps: rate of the logarithms of scales. distil: share of the loss, while
    quantised, that compares with what the float network says of all nodes, labelled or not (Hinton et al., 2015).
    """

    epochs: int = 200
    rate: float = 0.01
    decay: float = 5e-4
    dropout: float = 0.5
    settle: float = 0.5
    steps: float = 0.01
    distil: float = 0.7


@dataclass(frozen=True, slots=True)
class Trained:
    """A network with what it has right of the nodes that choose (`valid`) and that nothing is chosen by (`test`)."""

    net: Trainable
    passing: Passing
    valid: float
    test: float


def train(layers: Sequence[Layer], data: GraphData, part: GraphData, loop: Loop, seed: int) -> tuple[Trained, Trained]:
    """As floats, and quantised from there. part: the nodes that the network could be compiled for."""
    floats = train_float(layers, data, part, loop, seed)
    return floats, train_quantised(layers, floats.net, data, part, loop, seed)


def train_float(layers: Sequence[Layer], data: GraphData, part: GraphData, loop: Loop, seed: int) -> Trained:
    """From random weights."""
    net = trainable(layers, part, glorot(seed))
    passing = Passing(net, layers, data)
    return _trained(net, passing, data, loop, seed, labelled(data, data.train))


def train_quantised(
    layers: Sequence[Layer], floats: Trainable, data: GraphData, part: GraphData, loop: Loop, seed: int
) -> Trained:
    """From a float network, which stays as it is."""
    net = Trainable(floats.graph(), floats.inputs, floats.outputs)
    with torch.no_grad():
        teacher = Passing(net, layers, data).scores().softmax(dim=1)
    quantise(net, layers, data, part)
    by_labels = labelled(data, data.train)

    def loss(scores: torch.Tensor) -> torch.Tensor:
        return (1.0 - loop.distil) * by_labels(scores) + loop.distil * cross_entropy(scores, teacher)

    return _trained(net, Passing(net, layers, data), data, loop, seed, loss, settled=True)


def rounded(layers: Sequence[Layer], floats: Trainable, data: GraphData, part: GraphData) -> Trained:
    """Quantised from floats and not trained on."""
    net = Trainable(floats.graph(), floats.inputs, floats.outputs)
    quantise(net, layers, data, part)
    passing = Passing(net, layers, data)
    return Trained(net, passing, passing.right(data.valid), passing.right(data.test))


def _trained(
    net: Trainable,
    passing: Passing,
    data: GraphData,
    loop: Loop,
    seed: int,
    loss: Callable[[torch.Tensor], torch.Tensor],
    *,
    settled: bool = False,
) -> Trained:
    """The network as it was in the epoch that had most of the choosing nodes right; of equals the one of least loss."""
    module = net.module
    share = loop.settle if settled else 1.0
    named = [(n, p) for n, p in module.named_parameters() if p.requires_grad]
    optimiser = torch.optim.Adam([
        {"params": [p for n, p in named if n.endswith(".weight")], "lr": share * loop.rate, "weight_decay": loop.decay},
        {"params": [p for n, p in named if n.endswith(".bias")], "lr": share * loop.rate},
        {"params": [p for n, p in named if n.endswith(LOGARITHMS)], "lr": share * loop.steps},
    ])  # fmt: skip
    best: tuple[float, float] | None = None
    state = deepcopy(module.state_dict())
    with repeatable(torch.device("cpu")):
        torch.manual_seed(seed)
        schedule = torch.optim.lr_scheduler.LambdaLR(optimiser, _fall(loop.epochs) if settled else lambda _: 1.0)
        for _ in range(loop.epochs):
            optimiser.zero_grad()
            loss(passing.scores(loop.dropout)).backward()
            optimiser.step()
            schedule.step()
            found = _judged(passing, data)
            if best is None or found > best:
                best, state = found, deepcopy(module.state_dict())
    module.load_state_dict(state)
    module.eval()
    return Trained(net, passing, passing.right(data.valid), passing.right(data.test))


def labelled(data: GraphData, mask: Array) -> Callable[[torch.Tensor], torch.Tensor]:
    """The loss of all nodes' scores on the nodes of a mask."""
    chosen, labels = torch.from_numpy(mask), torch.from_numpy(data.labels[mask])
    return lambda scores: cross_entropy(scores[chosen], labels)


@torch.no_grad()
def _judged(passing: Passing, data: GraphData) -> tuple[float, float]:
    scores = passing.scores()
    right = (scores.argmax(dim=1).numpy() == data.labels)[data.valid].mean()
    return float(right), -float(labelled(data, data.valid)(scores))


def _fall(epochs: int) -> Callable[[int], float]:
    return lambda epoch: 0.5 * (1.0 + cos(pi * min(1.0, epoch / epochs)))
