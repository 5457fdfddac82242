"""Running passes: verified, watched, and blamed by name."""

from dataclasses import replace

import pytest

from tests.networks.nets import Net
from tomato.core.errors import IllFormedError
from tomato.core.ir import Graph
from tomato.passes import run
from tomato.passes.drop_identities import drop_identities


def small() -> Graph:
    net = Net(2, 2, 1)
    return net.graph(net.relu("x"))


def break_output(graph: Graph) -> Graph:
    return replace(graph, outputs=("nowhere",))


def test_watch_sees_every_step() -> None:
    seen: list[str] = []
    run(small(), (drop_identities, drop_identities), watch=lambda name, _: seen.append(name))
    assert seen == ["drop_identities", "drop_identities"]


def test_the_pass_to_blame_is_named() -> None:
    with pytest.raises(IllFormedError) as error:
        run(small(), (drop_identities, break_output))
    assert str(error.value) == "after break_output: net: output %nowhere is not defined"


def test_an_ill_formed_graph_is_not_the_first_passes_fault() -> None:
    with pytest.raises(IllFormedError) as error:
        run(break_output(small()), (drop_identities,))
    assert str(error.value) == "net: output %nowhere is not defined"
