"""Convolutions whose results a gate suppresses compute the channels that it keeps; what reads these, the same."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from tomato.core.formats import Array, Tensor
from tomato.core.ir import Graph, Node, Op, TensorType
from tomato.ops.conv2d import Conv2d
from tomato.ops.dense import Dense
from tomato.ops.edge_pad import EdgePad
from tomato.ops.frame_requant import FrameRequant
from tomato.ops.gated_conv2d import GatedConv2d
from tomato.ops.join import Add, Multiply
from tomato.ops.keep_largest import KeepLargest
from tomato.ops.move import Flip, Pad, Reshape, Upsample
from tomato.ops.piecewise import Piecewise
from tomato.ops.pool import GlobalSum, MaxPool, SumPool
from tomato.ops.requant import Requant
from tomato.ops.table import Table
from tomato.ops.threshold import Threshold
from tomato.ops.window import Window
from tomato.passes.rewrite import read_once

PLACEWISE = (Requant, FrameRequant, Table, Threshold, Piecewise)
SPATIAL = (MaxPool, SumPool, GlobalSum, Pad, EdgePad, Flip, Upsample)
CHANNELWISE = (*PLACEWISE, *SPATIAL, Add, Multiply)
"""Operators of which a channel of the result is made of that channel of the arguments alone; see `_keeps_apart`."""
MOST_BITS = 16
"""Of the codes that a comparison is looked for in: activations have no more."""


@dataclass(frozen=True, slots=True)
class Gate:
    """A frame's choice of `keep` of the `groups` groups of channels: of those whose code in `value` is not `zero`."""

    value: str
    groups: int
    keep: int
    zero: int


@dataclass(frozen=True, slots=True)
class Empty:
    """The groups that a gate does not keep all have one code."""

    gate: Gate
    code: int


def gate_convolutions(graph: Graph) -> Graph:
    """On codes: a convolution or matrix product of which only kept groups of channels matter becomes a GatedConv2d.

    Where a Multiply makes groups of channels 0 by what KeepLargest chose, what a convolution gives there does not
    matter, if nothing else reads it. Behind it, while all of them have one code, a convolution need not read them: what
    that code adds to a sum is known, and goes into the step behind it. Layers on one pixel, which have the time of a
    frame for it, stay whole. Every output keeps its codes.
    """
    gates = {node.name: found for node in graph if (found := _product(graph, node))}
    if not gates:
        return graph
    wanted, empty = _before(graph, gates), _behind(graph, gates)
    result = graph
    for node in graph:
        if not isinstance(node.op, Conv2d | Dense) or node.type.pixels == 1:
            continue
        out, into = wanted.get(node.name), empty.get(node.args[0])
        tries = (_replaced(result, node, out, gate) for gate in ([into, None] if into else [None]))
        result = next((made for made in tries if made), result)
    return result


def computed_whole(graph: Graph) -> tuple[str, ...]:
    """On codes: a remark on every layer whose results a gate suppresses where it is below a constant."""
    return tuple(f"%{name}: {_depends(gate)}: computed whole" for name, gate in _below_constants(graph).items())


def ungated(graph: Graph, node: Node) -> str:
    """On codes: why a layer is none whose channels a gate chooses."""
    if gate := _below_constants(graph).get(node.name):
        return _depends(gate)
    return "no gate keeps the k largest of its channels, or of those that it reads"


def _depends(gate: Node) -> str:
    return f"how many channels %{gate.name} keeps depends on the data, and so would the interval"


def _below_constants(graph: Graph) -> dict[str, Node]:
    """The layers whose results a gate suppresses where it is below a constant, and that gate."""
    uses, found = graph.uses, dict[str, Node]()
    for node in graph:
        if not isinstance(node.op, Conv2d | Dense):
            continue
        value = node.name
        while len(uses[value]) == 1 and isinstance(uses[value][0].op, (*PLACEWISE, *SPATIAL)):
            value = uses[value][0].name
        for reader in uses[value]:
            made = _compared(graph, reader) if isinstance(reader.op, Multiply) and node.type.pixels > 1 else None
            if made is not None:
                found.setdefault(node.name, made)
    return found


def _compared(graph: Graph, product: Node) -> Node | None:
    """What makes codes of one pixel that a Multiply counts as 0 of all below a constant, and lets others jump."""
    assert isinstance(product.op, Multiply)
    for arg, zero in zip(product.args, (product.op.zero_a, product.op.zero_b), strict=True):
        made = graph.producers.get(arg)
        while made is not None and isinstance(made.op, Reshape | Upsample):
            made = graph.producers.get(made.args[0])
        if made is None or made.type.pixels > 1:
            continue
        if isinstance(made.op, Table | Threshold | Piecewise) and _jumps(made.op, graph.args_of(made)[0], zero):
            return made
    return None


def _jumps(op: Op, kind: TensorType, zero: int) -> bool:
    """Whether a function of codes is `zero` from the least code on, and then rises at once more than anywhere else."""
    if kind.codes.bits > MOST_BITS:
        return False
    codes = np.arange(kind.codes.lo, kind.codes.hi + 1)[None, None, :, None]
    levels = op.golden([np.broadcast_to(codes, (1, 1, codes.size, kind.channels))])[0, 0] - zero
    for level in np.abs(levels).T:
        first = int(np.argmax(level != 0))
        rest = np.abs(np.diff(level[first:]))
        if first and level[first] > 2 * rest.max(initial=0):
            return True
    return False


def _keeps_apart(op: Op) -> bool:
    """Whether a channel of the result is made of that channel of the arguments alone."""
    return isinstance(op, CHANNELWISE) or bool(op.elementwise)


def _product(graph: Graph, node: Node) -> Gate | None:
    """The gate that a Multiply makes channels 0 by."""
    if not isinstance(node.op, Multiply):
        return None
    zeros = node.op.zero_a, node.op.zero_b
    found = (_gate(graph, arg, zero) for arg, zero in zip(node.args, zeros, strict=True))
    return next((gate for gate in found if gate), None)


def _gate(graph: Graph, value: str, zero: int) -> Gate | None:
    """The gate that `value` repeats over its groups of channels, `zero` in those that are not kept."""
    producers, path = graph.producers, []
    node = producers.get(value)
    while node is not None and isinstance(node.op, (Reshape, Upsample, *PLACEWISE)):
        path.append(node)
        node = producers.get(node.args[0])
    if node is None or not isinstance(node.op, KeepLargest):
        return None
    kind, op = node.type, node.op
    if kind.pixels != 1 or op.keep >= kind.channels:
        return None
    groups = np.arange(kind.channels).reshape(1, *kind.shape)
    dropped = np.full((1, *kind.shape), int(op.zero))
    for step in reversed(path):
        groups = groups if isinstance(step.op, PLACEWISE) else step.op.golden([groups])
        dropped = step.op.golden([dropped])
    channels = groups.shape[3]
    if channels % kind.channels or np.any(groups != np.arange(channels) // (channels // kind.channels)):
        return None
    return Gate(node.name, kind.channels, op.keep, int(op.zero)) if np.all(dropped == zero) else None


def _before(graph: Graph, gates: Mapping[str, Gate]) -> dict[str, Gate]:
    """The values of which only the groups that a gate keeps matter."""
    once, uses = read_once(graph), graph.uses
    wanted: dict[str, Gate] = {}
    for node in reversed(graph.nodes):
        if node.name not in once:
            continue
        (reader,) = uses[node.name]
        gate = gates.get(reader.name) or (wanted.get(reader.name) if _keeps_apart(reader.op) else None)
        if gate:
            wanted[node.name] = gate
    return wanted


def _behind(graph: Graph, gates: Mapping[str, Gate]) -> dict[str, Empty]:
    """The values that have one code in the groups that a gate does not keep."""
    empty: dict[str, Empty] = {}
    types = graph.types
    for node in graph:
        if node.name in gates:
            empty[node.name] = Empty(gates[node.name], 0)
            continue
        known = [empty[arg] for arg in node.args if arg in empty]
        alike = len(known) == len(node.args) and len({found.gate for found in known}) == 1
        if not alike or not _keeps_apart(node.op):
            continue
        codes = node.op.golden(
            [np.full((1, *types[a].shape), found.code) for a, found in zip(node.args, known, strict=True)]
        )
        if np.all(codes == codes.flat[0]):
            empty[node.name] = Empty(known[0].gate, int(codes.flat[0]))
    return empty


def _replaced(graph: Graph, node: Node, out: Gate | None, into: Empty | None) -> Graph | None:
    """The graph with that convolution gated; None if it has no gate, or cannot have these."""
    conv = node.op
    if isinstance(conv, Dense):
        conv = Conv2d(Tensor(conv.weight.values[None, None]), Window((1, 1)))
    assert isinstance(conv, Conv2d)
    code = into.code if into else 0
    if not (out or into) or conv.groups > 1 or (into and conv.border not in (None, code)):
        return None
    op = GatedConv2d(
        replace(conv, pad_value=0) if into else conv,
        keep=out.keep if out else 0,
        keep_in=into.gate.keep if into else 0,
        zero=out.zero if out else 0,
        zero_in=into.gate.zero if into else 0,
        base=code,
    )
    args = (node.args[0], *(gate.value for gate in (out, into and into.gate) if gate))
    changed = {node.name: replace(node, op=op, args=args)}
    added = code * conv.weight.values.sum(axis=(0, 1, 2))
    if added.any():
        if node.name in graph.outputs:
            return None
        for reader in graph.uses[node.name]:
            step = _without(reader.op, added)
            if step is None:
                return None
            changed[reader.name] = replace(reader, op=step)
    return _typed(replace(graph, nodes=_in_order([changed.get(n.name, n) for n in graph])))


def _without(op: Op, added: Array) -> Op | None:
    """The step that makes of a sum without what is `added`, per channel, what `op` makes of it with that."""
    if isinstance(op, Requant):
        nudges = op.nudges and Tensor(op.nudges.values - np.stack([added, np.zeros_like(added)], axis=1)[:, None])
        return replace(op, bias=Tensor(op.bias.values + op.mult.values * added), nudges=nudges)
    if isinstance(op, FrameRequant):
        return replace(op, bias=Tensor(op.bias.values + op.mult.values * added))
    if isinstance(op, Threshold):
        return replace(op, thresholds=Tensor(op.thresholds.values - added[:, None]))
    return None


def _typed(graph: Graph) -> Graph | None:
    """The graph with the types that follow; None if an operator cannot have them."""
    types, nodes = dict(graph.inputs), []
    for node in graph:
        try:
            types[node.name] = node.op.infer([types[a] for a in node.args])
        except ValueError:
            return None
        nodes.append(replace(node, type=types[node.name]))
    return replace(graph, nodes=tuple(nodes))


def _in_order(nodes: Sequence[Node]) -> tuple[Node, ...]:
    """Each behind its arguments, otherwise as they are."""
    producers = {node.name: node for node in nodes}
    placed: dict[str, Node] = {}

    def place(node: Node) -> None:
        for arg in node.args:
            if arg in producers and arg not in placed:
                place(producers[arg])
        placed.setdefault(node.name, node)

    for node in nodes:
        place(node)
    return tuple(placed.values())
