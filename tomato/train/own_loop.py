"""For loops of one's own: quantise a network, and take weights out of it as it trains."""

from collections.abc import Mapping

from tomato.core.formats import Array
from tomato.quantise.precision import Precision
from tomato.train.named import by_layer
from tomato.train.pruning import Method, Pattern, Pruning, uniform
from tomato.train.quantisers import Method as StepMethod
from tomato.train.trainable import Trainable


def quantise(net: Trainable, precision: str | Precision, *frames: Array, method: StepMethod = "lsq") -> None:
    """Put quantisers into a network, see `Trainable.quantise`."""
    net.quantise(precision, *frames, method=method)


def prune(
    net: Trainable, sparsity: float | Mapping[str, float], *, method: Method = "magnitude", pattern: str = "elements",
    end: float = 0.6,
) -> Pruning:  # fmt: skip
    """Take weights out of a network while it trains: call `step(share)` in front of every step of the loop.

    sparsity: the share of zeros in the end, of all weights (one threshold relative to each layer's mean magnitude), or
    by patterns of layers' names. method: magnitude, surgery or movement. pattern: elements, N:M, or "words IxO". share:
    how much of the training is done, 0 to 1; from `end` on the choice stays. Movement reads gradients: call `learn()`
    between the backward pass and the step of the optimiser.
    """
    network = net.module
    wanted = (
        uniform(network, sparsity) if isinstance(sparsity, float) else by_layer(network.graph, sparsity, recurrent=True)
    )
    return Pruning(network, wanted, method, dict.fromkeys(wanted, Pattern.parse(pattern)), end=end)
