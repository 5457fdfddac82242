"""What becomes of heads: gates on every way in, one output, and no states behind an exit."""

import numpy as np
import pytest

from tests.hw.stateful import RunningSum
from tests.networks.codenets import Codenet
from tomato.core.errors import TomatoError
from tomato.core.interpret import interpret
from tomato.core.ir import Graph
from tomato.ops.exits import Leave, gates, margins
from tomato.ops.join import Add
from tomato.ops.pool import GlobalSum
from tomato.passes.exit_early import Door, exit_early


def heads(*, keeps: bool = False) -> Graph:
    """Sums of the input, and of a layer on it; the late head reads the early one, the layer and the input."""
    net = Codenet(4, 4, 3)
    build = net.build
    early = net.requant(build.add(GlobalSum(), ["x"], "early"), "early")
    deep = build.add(RunningSum(12, 0, lasting=False), ["x"], "deep") if keeps else build.add(Add(), ["x", "x"], "deep")
    late = net.requant(build.add(GlobalSum(), [deep], "total"), "total")
    late = net.requant(build.add(Add(), [late, early], "late"), "late")
    return Graph("heads", (("x", build.types["x"]),), tuple(build.nodes), (early, late))


def test_one_output_has_what_each_frame_got() -> None:
    graph = heads()
    x = np.random.default_rng(0).integers(-128, 128, (40, 4, 4, 3))
    early, late = interpret(graph, {"x": x}).values()
    margin = int(np.median(margins(early)))
    made = exit_early(graph, [Door(margin, 0.5)])
    made.verify()
    (result,) = interpret(made, {"x": x}).values()
    assert np.array_equal(result, np.where(margins(early) >= margin, early, late))
    behind = gates(made)
    assert {node.name for node in made if behind[node.name]} == {
        "x_goes_on", f"{graph.outputs[0]}_goes_on", "deep", "total", "total_2", "late", "late_2",
    }  # fmt: skip
    assert sum(isinstance(node.op, Leave) for node in made) == 2


def test_a_state_behind_an_exit_is_refused_by_name() -> None:
    with pytest.raises(TomatoError, match=r"deep \(runningsum\) keeps a state, and is behind an early exit"):
        exit_early(heads(keeps=True), [Door(1, 0.5)])
