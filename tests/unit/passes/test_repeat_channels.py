"""The channels of a vector that are repeated are pixels meanwhile; whatever else picks channels stays."""

import numpy as np
import pytest

from tests.networks.nets import Net, ops_of, same_meaning
from tomato.core.formats import Tensor
from tomato.ops.dense import Dense
from tomato.ops.move import Transpose, Upsample
from tomato.passes.repeat_channels import repeat_channels

REPEATED = ["reshape", "upsample", "reshape"]


def picks(*places: int) -> Dense:
    """A layer of which each result is one of three channels."""
    return Dense(Tensor((np.arange(3)[:, None] == np.array(places)).astype(np.float64)))


@pytest.mark.parametrize(
    ("height", "places", "wanted"),
    [
        pytest.param(1, (0, 0, 1, 1, 2, 2), REPEATED, id="twice"),
        pytest.param(1, (0, 1, 2, 0, 1, 2), ["dense"], id="tiled"),
        pytest.param(1, (0, 0, 0, 1, 2, 2), ["dense"], id="unlike"),
        pytest.param(1, (0, 1, 2), ["dense"], id="once"),
        pytest.param(2, (0, 0, 1, 1, 2, 2), ["dense"], id="pixels"),
    ],
)
def test_a_layer_that_picks(height: int, places: tuple[int, ...], wanted: list[str]) -> None:
    net = Net(height, 1, 3, seed=1)
    before = net.graph(net.add(picks(*places), "x"))
    after = repeat_channels(before)
    after.verify()
    same_meaning(before, after, net.data())
    assert ops_of(after) == wanted


@pytest.mark.parametrize(
    ("width", "perm", "wanted"),
    [
        pytest.param(1, (1, 0), REPEATED, id="repeated"),
        pytest.param(2, (1, 0), ["upsample", "transpose"], id="pixels"),
    ],
)
def test_a_transposed_repetition(width: int, perm: tuple[int, ...], wanted: list[str]) -> None:
    net = Net(1, width, 3, seed=1)
    again = net.add(Upsample((1, 4)), "x")
    before = net.graph(net.add(Transpose((4 * width, 3), perm, (1, 1, 12 * width)), again))
    after = repeat_channels(before)
    after.verify()
    same_meaning(before, after, net.data())
    assert ops_of(after) == wanted
