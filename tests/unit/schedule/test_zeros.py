"""The scheduler takes zeros for what they are worth, whoever made them."""

import numpy as np
import pytest

from tomato.core.formats import Codes, Tensor
from tomato.core.ir import Builder, Graph, TensorType
from tomato.engines.base import AnyUnit
from tomato.ops.dense import Dense
from tomato.schedule import schedule
from tomato.schedule.scheduler import weight
from tomato.schedule.units import bind
from tomato.targets import load

NODES = 100


def graph(share: float) -> Graph:
    """A constant adjacency matrix, that share of it not zero, times 16 features a node: as a layer on 16 pixels."""
    rng = np.random.default_rng(0)
    joined = (rng.random((NODES, NODES)) < share) | np.eye(NODES, dtype=bool)
    kind = TensorType((16, 1, NODES), Codes.of(8, signed=True))
    build = Builder([("x", kind)])
    y = build.add(Dense(Tensor(joined * rng.integers(1, 128, (NODES, NODES)))), ["x"], "gathered")
    made = Graph("graph", (("x", kind),), tuple(build.nodes), (y,))
    made.verify()
    return made


def chosen(made: Graph, board: str) -> AnyUnit:
    """The engine of the layer in the smallest design of 1,600 cycles a frame."""
    target = load(board)
    plan = schedule(made, target, fps=target.clock_mhz * 1e6 / 1600)
    (unit,) = (u for u in bind(made, plan.layers, target).values() if isinstance(u.op, Dense))
    assert unit.cycles <= 1600
    return unit


@pytest.mark.parametrize("board", ["ulx3s", "pynq-z2", "u250"])
def test_few_edges_take_few_multipliers(board: str) -> None:
    full, sparse = chosen(graph(1.0), board), chosen(graph(0.05), board)
    assert full.stem == "dense_fold"
    assert sparse.stem == "sparse_fold"
    budget = load(board).usable
    assert weight(sparse.cost, budget) <= 0.6 * weight(full.cost, budget)
    assert sparse.multipliers <= full.multipliers / 2
