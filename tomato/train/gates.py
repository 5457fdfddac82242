"""Gates: every frame chooses the channels of a layer that are computed for it, the rest is 0.

Feature boosting and suppression (Gao et al., Dynamic Channel Pruning, 2018, arXiv 1810.05331).
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from math import ceil

import numpy as np
import torch

from tomato.core.errors import TomatoError
from tomato.core.formats import Tensor
from tomato.core.ir import Builder, Graph, Node, Op
from tomato.core.treatment import Treatment
from tomato.ops.conv2d import Conv2d
from tomato.ops.dense import Dense
from tomato.ops.join import Add, Multiply
from tomato.ops.keep_largest import KeepLargest
from tomato.ops.move import Reshape, Upsample
from tomato.ops.pool import GlobalSum, SumPool
from tomato.ops.real import Affine, Clip, Function
from tomato.passes.groups import Group, partition
from tomato.passes.rewrite import ONE
from tomato.quantise.weights.moments import Moments
from tomato.train.loop import Hook
from tomato.train.losses import Charge
from tomato.train.module import Network
from tomato.train.named import by_layer

SPREAD = 0.05
"""Standard deviation of a gate's first weights; its first biases are 1, so that it changes little."""
PENALTY = 1e-8
"""Of the sum of a frame's gates, as Gao et al. have it."""
ROUNDING, TINY, STILL = 1e-9, 1e-12, 1e-3


def add_gates(graph: Graph, densities: Mapping[str, float], group: int = 1, *, seed: int = 0, where: str = "") -> Graph:
    """The graph with relu(x) * kept behind the ReLU of layers: kept = largest(relu(mean(|input|) phi + rho)).

    densities: the share of channels that a frame keeps, by layer or pattern; `group` neighbours share a gate, of the
    gates as many are kept as reach the share. The gate's layer is called `<layer>_gate`, what it keeps
    `<layer>_gate_kept`. TomatoError where a layer cannot have gates.
    """
    wanted = by_layer(graph, densities, where=where)
    positive = never_negative(graph)
    gates: dict[str, _Gate] = {}
    for number, made in enumerate(g for g in partition(graph) if g.head.name in wanted):
        if reason := _refusal(graph, made, group):
            raise TomatoError(f"{made.head.label} cannot have gates: {reason}", where=where)
        rng = np.random.default_rng([seed, number])
        plain = made.head.args[0] in positive
        gates[made.output] = _Gate(made.head, wanted[made.head.name], group, plain, rng)
    fed: dict[str, str] = {}

    def rewrite(node: Node, build: Builder) -> str | None:
        if node.name in wanted:
            fed[node.name] = node.args[0]
        if node.name not in gates:
            return None
        gate = gates[node.name]
        made = build.add(node.op, node.args, node.name, node.origin)
        return gate.put(build, fed[gate.layer.name], made)

    return graph.rebuild(rewrite)


def opened(graph: Graph) -> Graph:
    """The graph with gates that keep all channels."""

    def rewrite(node: Node, build: Builder) -> str | None:
        if not isinstance(node.op, KeepLargest):
            return None
        return build.add(replace(node.op, keep=node.type.channels), node.args, node.name, node.origin)

    return graph.rebuild(rewrite)


def spread_gate(graph: Graph, layer: str, moments: Moments, spread: float) -> Graph:
    """The graph with gates of a layer that are 1 on average, and vary from frame to frame by `spread`.

    moments: of what the gates are made of. Gates that differ by more on average than from frame to frame keep the same
    channels of every frame, and the others never learn.
    """
    gate = graph.producers[f"{layer}_gate"].op
    assert isinstance(gate, Dense)
    weight = gate.weight.values
    variance = np.einsum("io,ij,jo->o", weight, moments.covariance[0], weight)
    weight = weight * spread / np.sqrt(np.maximum(variance, TINY))
    made: dict[str, Op] = {
        f"{layer}_gate": Dense(Tensor(weight)),
        f"{layer}_gate_bias": Affine(ONE, Tensor(1.0 - moments.mean[0] @ weight)),
    }
    return graph.rebuild(lambda node, build: build.add(made.get(node.name, node.op), node.args, node.name, node.origin))


def never_negative(graph: Graph) -> set[str]:
    """Values of a real graph that are 0 or more, as their operators say."""
    found: set[str] = set()
    for node in graph:
        of_such = all(arg in found for arg in node.args[node.op.conditions :])
        match node.op:
            case Clip(lo):
                positive = lo >= 0.0
            case Affine(scale, offset):
                positive = of_such and bool(np.all(scale.values >= 0) and np.all(offset.values >= 0))
            case Add() | Multiply() | SumPool() | GlobalSum():
                positive = of_such
            case op:
                positive = of_such and op.treatment is Treatment.MOVES and (op.border or 0.0) >= 0.0
        if positive:
            found.add(node.name)
    return found


def _refusal(graph: Graph, made: Group, group: int) -> str | None:
    head = made.head
    pixels = graph.types[head.args[0]].pixels
    if not (isinstance(head.op, Conv2d) or (isinstance(head.op, Dense) and pixels > 1)):
        return "it is no convolution"
    if head.op.groups > 1:
        return "its channels are in groups"
    if made.ramp.lo != 0.0:
        return "no ReLU is behind it"
    if head.type.channels % group:
        return f"its {head.type.channels} channels are no multiple of the group, {group}"
    if f"{head.name}_gate_kept" in graph.types:
        return "it has some"
    return None


@dataclass(frozen=True, slots=True, eq=False)
class _Gate:
    """Of one layer. plain: whether its input is never negative."""

    layer: Node
    density: float
    group: int
    plain: bool
    rng: np.random.Generator

    def put(self, build: Builder, x: str, result: str) -> str:
        """Nodes from the layer's input x to its gated result."""
        name = f"{self.layer.name}_gate"
        height, width, channels = build.types[result].shape
        count = channels // self.group

        def add(
            op: Clip | Affine | Function | GlobalSum | Dense | KeepLargest | Reshape | Upsample, suffix: str
        ) -> None:
            nonlocal x
            x = build.add(op, (x,), f"{name}{suffix}", (f"{name}{suffix}",))

        if not self.plain:
            add(Function(("abs", "x")), "_abs")
        if (pixels := build.types[x].pixels) > 1:
            add(GlobalSum(), "_sum")
            add(Affine(Tensor(np.full(1, 1.0 / pixels)), Tensor(np.zeros(1))), "_mean")
        add(Dense(Tensor(self.rng.normal(0.0, SPREAD, (build.types[x].channels, count)))), "")
        add(Affine(ONE, Tensor(np.ones(count))), "_bias")
        add(Clip(0.0, np.inf), "_relu")
        add(KeepLargest(ceil(self.density * count - ROUNDING)), "_kept")
        if self.group > 1:
            add(Reshape((1, count, 1)), "_column")
            add(Upsample((1, self.group)), "_repeated")
            add(Reshape((1, 1, channels)), "_channels")
        if height * width > 1:
            add(Upsample((height, width)), "_picture")
        return build.add(Multiply(), (result, x), f"{self.layer.name}_gated", self.layer.origin)


class Gates(Hook):
    """Gates keep fewer channels step by step, from all to what the graph says, each number for as long, by `until`.

    penalty: of the loss, times the sum of a frame's gates. balance: of the loss, times the squared coefficient of
    variation of a layer's gates, each the mean of a batch (Shazeer et al., 2017, arXiv 1701.06538): gates that are
    alike on average choose by the frame.
    """

    def __init__(
        self, network: Network, layers: Mapping[str, float], penalty: float = PENALTY, until: float = 0.6,
        balance: float = 0.0,
    ) -> None:  # fmt: skip
        self.gates = [network.graph.producers[f"{name}_gate_kept"] for name in layers]
        self.penalty, self.until, self.balance = penalty, until, balance

    def charges(self) -> Mapping[str, Charge]:
        return {gate.args[0]: self._charge for gate in self.gates}

    def _charge(self, gates: torch.Tensor) -> torch.Tensor:
        mean = gates.mean(dim=(0, 1, 2))
        uneven = mean.var(correction=0) / mean.mean().clamp_min(STILL) ** 2
        return self.penalty * gates.abs().sum(dim=(1, 2, 3)).mean() + self.balance * uneven

    def before_step(self, network: Network, share: float) -> None:
        for gate in self.gates:
            assert isinstance(gate.op, KeepLargest)
            most, fewest = gate.type.channels, gate.op.keep
            numbers = most - fewest + 1
            done = min(int(share / self.until * numbers), numbers - 1) if self.until else numbers - 1
            network.keeping[gate.name] = most - done

    def settled(self, share: float) -> bool:
        return share >= self.until
