"""Divided layers compute what whole ones do, under the same names."""

from dataclasses import replace

import numpy as np
import pytest

from tests.networks.codenets import Codenet, residual
from tomato.core.formats import Tensor
from tomato.core.interpret import interpret
from tomato.core.ir import Graph
from tomato.ops.requant import Requant
from tomato.passes.divide_layers import Division, divide_layers, divisible, suits


def layers() -> Graph:
    """A convolution, two matrix products behind it, and one that makes the output."""
    net = Codenet(6, 8, 3)
    x = net.dense(net.dense(net.conv("x", 12, "a"), 8, "b"), 6, "c")
    return net.graph(net.dense(x, 4, "d"))


def nudged(graph: Graph, name: str) -> Graph:
    """The same with a nudge in every channel of a requantisation."""

    def some(op: Requant) -> Requant:
        at = np.arange(op.mult.shape[0]) - 3
        return replace(op, nudges=Tensor(np.stack([at, np.ones_like(at)], axis=1)[:, None]))

    nodes = (replace(n, op=some(n.op)) if n.name == name and isinstance(n.op, Requant) else n for n in graph)
    return replace(graph, nodes=tuple(nodes))


def same_codes(before: Graph, after: Graph) -> None:
    after.verify()
    ((name, kind),) = before.inputs
    x = np.random.default_rng(1).integers(kind.codes.lo, kind.codes.hi, (5, *kind.shape), endpoint=True)
    old, new = interpret(before, {name: x}), interpret(after, {name: x})
    for out in before.outputs:
        np.testing.assert_array_equal(new[out], old[out])


@pytest.mark.parametrize(
    "divisions",
    [
        {"a": Division(3)},
        {"b": Division(4)},
        {"b": Division(2, columns=True)},
        {"a": Division(2), "b": Division(4, columns=True), "c": Division(8, columns=True)},
    ],
    ids=str,
)
def test_codes_stay(divisions: dict[str, Division]) -> None:
    before = nudged(layers(), "b_q")
    after = divide_layers(before, divisions)
    same_codes(before, after)
    names = {node.name for node in after}
    for name, division in divisions.items():
        assert {f"{name}_part{i}" for i in range(division.parts)} <= names
        assert name not in names
        assert f"{name}_q" in names
        assert after.types[f"{name}_q"].shape == before.types[f"{name}_q"].shape


def test_what_can_be_divided() -> None:
    """Not what makes an output, whose format is the model's."""
    assert [node.name for node, _ in divisible(layers())] == ["a", "b", "c"]
    assert [reader.name for _, reader in divisible(residual())] == ["c1_q", "c2_q"]
    assert divide_layers(layers(), {}).nodes == layers().nodes


def test_parts_are_equal() -> None:
    a, b, *_ = (node for node, _ in divisible(layers()))
    assert [n for n in range(2, 9) if suits(a, Division(n))] == [2, 3, 4, 6]
    assert [n for n in range(2, 9) if suits(b, Division(n, columns=True))] == [2, 4, 8]
    assert not suits(a, Division(2, columns=True)), "a window sees its neighbours"
    assert (str(Division(2)), str(Division(4, columns=True))) == ("2 by filters", "4 by columns")
