"""Engines that take less memory, where a network does not fit otherwise."""

from dataclasses import replace

import numpy as np
import pytest

from tomato.core.errors import TomatoError
from tomato.core.formats import Codes, Tensor
from tomato.core.ir import Builder, Graph, TensorType
from tomato.ops.conv2d import Conv2d
from tomato.ops.window import Window
from tomato.schedule import schedule
from tomato.schedule.scheduler import leans
from tomato.targets import Target, load

BOARD = load("pynq-z2")
KIND = TensorType((28, 28, 96), Codes.of(8, signed=False))


def depthwise(groups: int = 96) -> Graph:
    """One layer: its rows take 2,688 codes each."""
    weight = Tensor(np.random.default_rng(0).integers(-127, 127, (3, 3, 96 // groups, 96), endpoint=True))
    build = Builder([("x", KIND)])
    out = build.add(Conv2d(weight, Window((3, 3), pads=(1, 1, 1, 1)), groups), ["x"], "filter")
    return Graph("one", (("x", KIND),), tuple(build.nodes), (out,))


def with_blocks(count: int) -> Target:
    """A small board with so many block RAMs to use."""
    budget = BOARD.budget._replace(lut=2000, bram18=-(-count * 100 // BOARD.fill.bram18))
    return replace(BOARD, budget=budget, slr=(budget,), off_chip=None)


def test_rows_are_kept_where_they_fit() -> None:
    assert schedule(depthwise(), with_blocks(8)).layers["filter"].engine == "depthwise_window"


def test_pixels_are_kept_where_rows_do_not_fit() -> None:
    assert schedule(depthwise(), with_blocks(5)).layers["filter"].engine == "depthwise_ring"


def test_what_does_not_fit_even_so_is_refused() -> None:
    with pytest.raises(TomatoError, match="does not fit pynq-z2, even at its slowest"):
        schedule(depthwise(), with_blocks(2))


def test_other_layers_have_no_such_engine() -> None:
    assert leans(depthwise(), BOARD)
    assert not leans(depthwise(groups=1), BOARD)
