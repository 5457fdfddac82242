"""What the compiler makes of an exported network where nothing it has equals the runtime's arithmetic exactly.

Codes of more than 8 bits are computed in float32 by runtimes, in an order that is their own; now and then 8 bits
behind very wide sums have no exact constants either. The trained network then takes what the compiler takes.
"""

import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, replace
from math import prod
from pathlib import Path

import numpy as np
import torch

from tomato import frontend
from tomato.core.formats import Array
from tomato.core.interface import Port
from tomato.core.interpret import Player, in_batches
from tomato.core.ir import Graph, Node, Shape
from tomato.frontend.write import write
from tomato.host.codes import encode
from tomato.ops.move import Reshape, Transpose
from tomato.ops.quantise import Dequantise, Quantise
from tomato.quantise.integers import Integers, from_quantised


@dataclass(frozen=True, slots=True, eq=False)
class Chain:
    """Operators on codes that give those of one Quantise; `sources` are the frozen graph's names of what they read.

    shapes: of the sources as they are read, and of the codes as the frozen graph has them, perhaps as vectors.
    """

    nodes: tuple[Node, ...]
    sources: dict[str, str]
    shapes: dict[str, Shape]

    def run(self, codes: dict[str, torch.Tensor]) -> torch.Tensor:
        """The codes, as float64."""
        env: dict[str, Array] = {}
        for name, frozen in self.sources.items():
            given = codes[frozen].cpu().numpy().astype(np.int64)
            env[name] = given.reshape(len(given), *self.shapes[name])
        for node in self.nodes:
            env[node.name] = node.op.golden([env[a] for a in node.args])
        last = env[self.nodes[-1].name]
        return torch.from_numpy(last.reshape(len(last), *self.shapes[self.nodes[-1].name]).astype(np.float64))


def compiled(frozen: Graph, inputs: tuple[Port, ...], outputs: tuple[Port, ...]) -> Integers:
    """What the compiler makes of a frozen graph, through a file."""
    with tempfile.TemporaryDirectory(prefix="tomato-") as folder:
        path = Path(folder) / "trained.onnx"
        write(frozen, inputs, outputs, path)
        return from_quantised(frontend.load(path), path)


def places(frozen: Graph, inputs: tuple[Port, ...], integers: Integers) -> dict[str, str]:
    """The compiled value that holds the codes of every Quantise of the frozen graph, by its name."""
    last = {label: node.name for node in integers.graph for label in node.origin}
    ports = {port.name: port.value for port in integers.inputs}
    given = {port.value: ports[port.name] for port in inputs}
    found: dict[str, str] = {}
    for node in frozen:
        if isinstance(node.op, Quantise):
            row = _row(frozen, node)
            labels = (f"{node.name}_clipped", *(n.name for n in row[:-1]))
            first = _moved_from(frozen, row[-1].args[0], last)  # where codes stay as they are
            same = given.get(first) or found.get(first) or last.get(first)
            place = next((last[name] for name in labels if name in last), same)
            assert place is not None, f"the compiled network has no {node.name}"
            found[node.name] = place
    return found


def alike(inputs: tuple[Port, ...], integers: Integers) -> bool:
    """Whether the compiler holds the inputs in the order that the trained network has them in."""
    mine = {port.name: port.order for port in inputs}
    return all(mine[port.name] == port.order for port in integers.inputs)


def inexact(frozen: Graph, inputs: tuple[Port, ...], integers: Integers) -> dict[str, Chain]:
    """For every Quantise whose codes the compiled network, or the runtime, does not have exactly: how it computes them.

    inputs: the ports of the frozen graph.
    """
    if not alike(inputs, integers):
        return {}
    where = places(frozen, inputs, integers)
    known = {place: name for name, place in where.items()}
    off = {proof.value for proof in integers.proofs if proof.differing or proof.caveat}
    types, mine = integers.graph.types, frozen.types
    found: dict[str, Chain] = {}
    for name, place in where.items():
        if place in off:
            chain = _chain(integers.graph, place, known)
            pairs = [(place, name), *chain.sources.items()]
            if all(_same_stream(types[theirs].shape, mine[own].shape) for theirs, own in pairs):
                shapes = {theirs: types[theirs].shape for theirs in chain.sources}
                found[name] = replace(chain, shapes={**shapes, place: mine[name].shape})
    return found


def _same_stream(a: Shape, b: Shape) -> bool:
    """Whether frames of both shapes are one stream: alike, or one is the other as a vector."""
    return a == b or (prod(a) == prod(b) and (1, 1) in (a[:2], b[:2]))


def _row(graph: Graph, node: Node) -> list[Node]:
    """A node, the one in front of it, and so on, up to the Dequantise or the node that reads an input."""
    makers, row = graph.producers, [node]
    while node.args[0] in makers and not isinstance(node.op, Dequantise):
        node = makers[node.args[0]]
        row.append(node)
    return row


def _moved_from(graph: Graph, value: str, last: Mapping[str, str]) -> str:
    """The value, or what is in front of changes of order that the compiled network has not on their own."""
    makers = graph.producers
    while value not in last and value in makers and isinstance(makers[value].op, Transpose | Reshape):
        value = makers[value].args[0]
    return value


def _chain(graph: Graph, value: str, known: dict[str, str]) -> Chain:
    wanted, nodes, sources = {value}, list[Node](), dict[str, str]()
    for node in reversed(graph.nodes):
        if node.name in wanted:
            nodes.append(node)
            for arg in node.args:
                if arg in known:
                    sources[arg] = known[arg]
                else:
                    wanted.add(arg)
    return Chain(tuple(reversed(nodes)), sources, {})


def differing(
    integers: Integers, where: Mapping[str, str], codes: Mapping[str, Array], frames: tuple[Array, ...], *, same: bool
) -> int:
    """How many codes of the compiled network are not those of the trained one, of all values that have codes.

    where: of `places`; codes: of `Trainable.codes` for the same frames, as the model takes them. same: of `alike`; a
    frame that is held in another order is compared as a heap of codes.
    """
    known = {place: name for name, place in where.items()}
    wrong, at = 0, 0

    def compare(name: str, values: Array) -> None:
        nonlocal wrong
        if name in known:
            mine = codes[known[name]][at : at + len(values)].reshape(len(values), -1)
            theirs = values.reshape(len(values), -1)
            moved = not same or values.shape[1:] != codes[known[name]].shape[1:]  # held in another order
            wrong += int(np.count_nonzero(np.sort(mine) != np.sort(theirs) if moved else mine != theirs))

    player = Player(integers.graph, compare)
    for batch in in_batches(encode(integers, frames)):
        player.play(batch)
        at += len(next(iter(batch.values())))
    return wrong
