"""Offers that are kept between networks: those of equal layers only, and plans as without them."""

import numpy as np
import pytest

from tomato import targets
from tomato.core.formats import Codes, Tensor
from tomato.core.ir import Builder, Graph, TensorType
from tomato.ops.conv2d import Conv2d
from tomato.ops.window import Window
from tomato.schedule import Kept, schedule
from tomato.schedule.scheduler import options

BOARD = targets.load("pynq-z2")
CODES = Codes(-8, 7)


def network(kernel: int, name: str = "conv", codes: Codes = CODES, shape: tuple[int, int] = (6, 8)) -> Graph:
    """A convolution whose only weights are the middle ones: its result has one type, whatever the kernel."""
    weight = np.zeros((kernel, kernel, 4, 8), dtype=np.int64)
    weight[kernel // 2, kernel // 2] = np.random.default_rng(0).integers(-3, 4, (4, 8))
    build = Builder([("x", TensorType((*shape, 4), codes))])
    build.add(Conv2d(Tensor(weight), Window((kernel, kernel), pads=(kernel // 2,) * 4)), ["x"], name)
    return Graph("net", tuple(build.types.items())[:1], tuple(build.nodes), (name,))


@pytest.mark.parametrize(
    ("other", "board"),
    [
        pytest.param(network(1), BOARD, id="operator"),
        pytest.param(network(3, codes=Codes(-8, 6)), BOARD, id="type of the argument"),
        pytest.param(network(3, shape=(8, 6)), BOARD, id="shape"),
        pytest.param(network(3), targets.load("u250"), id="board"),
    ],
)
def test_layers_that_differ_have_their_own_offers(other: Graph, board: targets.Target) -> None:
    kept = Kept()
    options(network(3), BOARD, kept=kept)
    (found,) = options(other, board, kept=kept).values()
    assert len(kept.offers) == 2
    assert [(o.choice, o.cost) for o in found] == [(o.choice, o.cost) for o in options(other, board)[other.outputs[0]]]


def test_an_equal_layer_of_another_name_takes_them_and_the_plan_is_its_own() -> None:
    kept = Kept()
    (first,) = options(network(3), BOARD, kept=kept).values()
    named = network(3, "other")
    assert options(named, BOARD, kept=kept)["other"] is first
    assert schedule(named, BOARD, kept=kept) == schedule(named, BOARD)
    assert list(schedule(named, BOARD, kept=kept).layers) == ["other"]
