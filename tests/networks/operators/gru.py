"""GRU, for the tests of all operators."""

from tests.networks.maker import Maker
from tests.networks.recurrent import described, extend
from tomato.ops.recurrent import Gru


def step(make: Maker, x: str) -> str:
    """A layer along a row."""
    return extend(make, x, Gru)


DESCRIBED = described(Gru, step)
