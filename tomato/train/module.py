"""The compiler's real graph as a torch module: what is trained is what is compiled."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from torch import nn

from tomato.core.errors import TomatoError
from tomato.core.formats import Tensor
from tomato.core.interface import Port
from tomato.core.ir import Graph, Node, Op, Shape
from tomato.core.treatment import Treatment
from tomato.frontend.write import formless
from tomato.ops.conv2d import Conv2d
from tomato.ops.keep_largest import KeepLargest
from tomato.ops.pool import SumPool
from tomato.ops.recurrent import Recurrent
from tomato.ops.weighted import Weighted
from tomato.passes.groups import Group, Ramp, partition
from tomato.train.layers import Layer
from tomato.train.meaning import differentiable, play
from tomato.train.points import Point
from tomato.train.quantisers import ActivationQuantiser, Method
from tomato.train.recurrent import RecurrentLayer

Values = dict[str, torch.Tensor]


LOGARITHMS = "scale_log2", "levels"
"""How parameters are called that learn faster."""
ROOM = 4.0
"""Times that weights may be smaller than those of a layer that keeps the size of what it is given."""
LEAST = 1e-3


class Network(nn.Module):
    """Plays a real graph group by group: arithmetic, the line and the limits behind it, and the codes at its end.

    `layers` are the nodes with weights, `quantisers` the points where values are coded, both by name (dots become
    underscores). `keeping`: how many channels a KeepLargest keeps while the network trains, where that is not what the
    graph says. `forward` takes frames in the model's own shapes, batch first, and gives its outputs in front of steps
    of the host such as a Softmax; a tuple if there are several. In evaluation mode a network with codes computes them
    exactly, with what `exact` is set to.
    """

    def __init__(self, graph: Graph, inputs: tuple[Port, ...], outputs: tuple[Port, ...]) -> None:
        """Raises TomatoError for what cannot be trained."""
        super().__init__()
        check(graph)
        self.graph, self.inputs, self.outputs = graph, inputs, outputs
        self.exact: Callable[[Values], Values] | None = None
        self.points: Mapping[str, Point] = {}
        self.keeping: dict[str, int] = {}
        self.method: Method = "lsq"
        self.groups = partition(graph)
        self.layers = nn.ModuleDict()
        self.quantisers = nn.ModuleDict()
        for group in self.groups:
            op = group.head.op
            if isinstance(op, Weighted):
                self.layers[key(group.head.name)] = Layer(op, op.weight.values * group.ramp.scale, group.ramp.offset)
                continue
            if isinstance(op, Recurrent):
                self.layers[key(group.head.name)] = RecurrentLayer(op)
            self._keep(group)
        for port in (*inputs, *outputs):
            self.register_buffer(f"order_{key(port.name)}", _order(port), persistent=False)

    def _keep(self, group: Group) -> None:
        """The line behind arithmetic without weights, as constants."""
        for name in ("scale", "offset"):
            values = torch.from_numpy(np.asarray(getattr(group.ramp, name), np.float32))
            self.register_buffer(f"{name}_{key(group.output)}", values, persistent=False)

    def layer(self, name: str) -> Layer:
        """The layer of a node."""
        found = self.layers[key(name)]
        assert isinstance(found, Layer)
        return found

    def each(self) -> Iterator[tuple[Node, Layer]]:
        """Every layer and its node, in graph order."""
        for group in self.groups:
            if isinstance(group.head.op, Weighted | Recurrent):
                yield group.head, self.layer(group.head.name)

    def quantiser(self, value: str) -> ActivationQuantiser | None:
        """What codes a value, if it has codes of its own."""
        if key(value) not in self.quantisers:
            return None
        found = self.quantisers[key(value)]
        assert isinstance(found, ActivationQuantiser)
        return found

    def parameter_groups(self, rate: float, *, step_rate: float = 10.0, decay: float = 0.0) -> list[dict[str, Any]]:
        """What optimisers of torch take: steps and scales, which are logarithms, learn faster and do not decay.

        Weights that are small for their number, as behind pixels of 0 to 255, learn slower: a step of `rate` would be
        much of them.
        """
        seen: set[int] = set()
        groups: list[dict[str, Any]] = []

        def add(parameters: Iterable[nn.Parameter], lr: float, weight_decay: float) -> None:
            fresh = [p for p in parameters if p.requires_grad and id(p) not in seen]
            seen.update(map(id, fresh))
            if fresh:
                groups.append({"params": fresh, "lr": lr, "weight_decay": weight_decay})

        named = dict(self.named_parameters())
        add((p for n, p in named.items() if n.endswith(LOGARITHMS)), rate * step_rate, 0.0)
        for _, layer in self.each():
            size = float(layer.weight.detach().square().mean()) ** 0.5 * layer.weight[..., 0].numel() ** 0.5
            if size * ROOM < 1.0:
                add([layer.weight], rate * max(size * ROOM, LEAST), decay)
        add(named.values(), rate, decay)
        return groups

    def put_points(self, points: Mapping[str, Point], method: Method = "lsq") -> None:
        """Code these values."""
        self.points, self.method = dict(points), method
        steps: dict[str, nn.Parameter] = {}
        for value, point in points.items():
            made = ActivationQuantiser(point.scale, point.zero, point.codes, method, fixed=point.fixed)
            made.scale_log2 = steps.setdefault(point.step, made.scale_log2)
            self.quantisers[key(value)] = made

    def forward(self, *frames: torch.Tensor) -> torch.Tensor | tuple[torch.Tensor, ...]:
        values = self.enter(frames)
        exact = self.exact if len(self.quantisers) and not self.training else None
        results = self.leave(self.play(values) if exact is None else exact(values))
        return results[0] if len(results) == 1 else results

    def enter(self, frames: tuple[torch.Tensor, ...]) -> Values:
        """Values of the graph's inputs, (batch, height, width, channels)."""
        shapes = {name: kind.shape for name, kind in self.graph.inputs}
        return {
            port.value: _arranged(x, port, shapes[port.value], self.get_buffer(f"order_{key(port.name)}"))
            for port, x in zip(self.inputs, frames, strict=True)
        }

    def leave(self, values: Values) -> tuple[torch.Tensor, ...]:
        """The model's outputs, of values of the graph."""
        found = []
        for port in self.outputs:
            y = values[port.value]
            order = self.get_buffer(f"order_{key(port.name)}")
            found.append(y.reshape(len(y), -1)[:, order].reshape(len(y), *port.shape))
        return tuple(found)

    def play(self, values: Values, watch: Mapping[str, list[torch.Tensor]] | None = None) -> Values:
        """The graph's outputs for its inputs; `watch` gets what the values that it names are."""
        env: Values = {}
        steps: dict[str, torch.Tensor] = {}
        for name, x in values.items():
            env[name] = self._coded(name, x, steps)
        for group in self.groups:
            args = [env[a] for a in group.head.args]
            value = self.group(group, args, steps.get(group.head.args[0]))
            moved = group.head.op.treatment is Treatment.MOVES
            if moved and group.head.args[0] in steps:
                steps[group.output] = steps[group.head.args[0]]
            env[group.output] = self._coded(group.output, value, steps)
            if watch and group.output in watch:
                watch[group.output].append(env[group.output])
        return {name: env[name] for name in self.graph.outputs}

    def _coded(self, name: str, x: torch.Tensor, steps: Values) -> torch.Tensor:
        quantiser = self.quantiser(name)
        if quantiser is None:
            return x
        steps[name] = quantiser.scale
        coded: torch.Tensor = quantiser(x)
        return coded

    def group(self, group: Group, args: list[torch.Tensor], step: torch.Tensor | None = None) -> torch.Tensor:
        """What a group computes of its arguments, in front of its codes; step: of the first's codes, if it has some."""
        op, ramp = self._present(group.head), group.ramp
        value: torch.Tensor
        if isinstance(op, Weighted):
            value = self.layer(group.head.name)(args[0], step)
        elif is_line(group):
            value = self._line(group, args[0])
        else:
            value = self.layer(group.head.name)(args[0]) if isinstance(op, Recurrent) else play(op, args)
            if group.chain:
                value = self._line(group, value)
        limits = (ramp.lo, ramp.hi)
        if limits == (0.0, np.inf):  # a clamp's gradient takes five passes over memory
            return value.relu()
        return value.clamp(*limits) if limits != (-np.inf, np.inf) else value

    def _present(self, node: Node) -> Op:
        """The operator of a node, as it is in this mode."""
        if isinstance(node.op, KeepLargest) and self.training:
            return replace(node.op, keep=self.keeping.get(node.name, node.op.keep))
        return node.op

    def _line(self, group: Group, x: torch.Tensor) -> torch.Tensor:
        name = key(group.output)
        return x * self.get_buffer(f"scale_{name}") + self.get_buffer(f"offset_{name}")


def key(name: str) -> str:
    """A name that torch takes for a module."""
    return name.replace(".", "_")


def is_line(group: Group) -> bool:
    """Whether the head itself is part of the ramp: an Affine or Clip on its own."""
    return Ramp.identity(group.head.type.channels).then(group.head.op) is not None


def check(graph: Graph) -> None:
    """Raise TomatoError where a graph cannot be trained: an operator without gradient, a border of another number."""
    for node in graph:
        reason = differentiable(node.op) or formless(node.op)
        if isinstance(node.op, Conv2d | SumPool) and node.op.border:
            reason = f"its border reads {node.op.border:g}; only borders of 0 are trained"
        if reason:
            raise TomatoError(f"{node.op.name} cannot be trained: {reason}", where=node.label)
    if not any(isinstance(node.op, Weighted) for node in graph):
        raise TomatoError("nothing to train: the network has no weights", where=graph.name)


def _order(port: Port) -> torch.Tensor:
    return torch.from_numpy(port.order.values.reshape(-1).astype(np.int64))


def _arranged(x: torch.Tensor, port: Port, shape: Shape, order: torch.Tensor) -> torch.Tensor:
    """Frames of a port as (batch, *shape)."""
    flat = x.reshape(len(x), -1)
    if port.order == Tensor(np.arange(flat.shape[1]).reshape(port.shape)):
        return flat.reshape(len(x), *shape)
    arranged = torch.empty_like(flat)
    arranged[:, order] = flat
    return arranged.reshape(len(x), *shape)
