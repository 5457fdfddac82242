"""Recurrent layers while they are trained, and in integers."""

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import torch

from tomato.core.formats import Real, Tensor
from tomato.core.interpret import interpret
from tomato.core.ir import Graph, Node, TensorType
from tomato.ops.quantise import Dequantise, Quantise
from tomato.ops.recurrent import Gru, Recurrent
from tomato.passes import QUANTISED, run
from tomato.quantise.absorb import absorb
from tomato.train import recurrence
from tomato.train.layers import Layer
from tomato.train.meaning import evaluate


class RecurrentLayer(Layer):
    """A layer whose `weight` is that of its last result; `bias` is what a Gru adds inside, empty where it does not.

    Once it has a quantiser, everything inside is rounded as the compiler rounds it.
    """

    def __init__(self, op: Recurrent) -> None:
        inner = op.inner.values if isinstance(op, Gru) and op.inner is not None else np.zeros(0)
        super().__init__(op, op.weight.values, inner)

    def forward(self, x: torch.Tensor, step: torch.Tensor | None = None) -> torch.Tensor:
        assert isinstance(self.op, Recurrent)
        weight, inner = self.effective_weight(), self.bias if self.bias.numel() else None
        on = None if self.quantiser is None else recurrence.grids(self._with(weight), evaluate)
        return recurrence.play(self.op, x, evaluate, weight, inner, on)

    @torch.no_grad()
    def real_operator(self) -> Recurrent:
        """The layer as it is now, in reals."""
        made: Recurrent = self._with(self.whole * self.mask)
        return made

    @torch.no_grad()
    def operator(self) -> Recurrent:
        """The layer with whole numbers of steps for weights."""
        assert self.quantiser is not None, "a layer without a quantiser has no integers"
        tiny = np.float32(np.finfo(np.float32).tiny)
        scale = np.maximum(self.quantiser.scale.cpu().numpy().astype(np.float32), tiny).astype(np.float64)
        codes = np.rint((self.quantiser.codes(self.whole) * self.mask).cpu().numpy()).astype(np.float64)
        made: Recurrent = self._with(self.whole)
        return replace(made, weight=Tensor(codes * scale), steps=Tensor(scale))

    @torch.no_grad()
    def _with(self, weight: torch.Tensor) -> Recurrent:
        assert isinstance(self.op, Recurrent)
        made: Recurrent = replace(self.op, weight=Tensor(weight.double().cpu().numpy()))
        if isinstance(made, Gru) and made.inner is not None:
            made = replace(made, inner=Tensor(self.bias.double().cpu().numpy()))
        return made


class Loops:
    """Recurrent layers of a frozen graph as the compiler makes them: by name, each with the codes that it reads."""

    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self._made: dict[str, tuple[str, Graph]] = {}

    def play(self, node: Node, codes: Mapping[str, torch.Tensor]) -> torch.Tensor:
        """The result of a layer in steps of 2^-fraction, of the codes of all values in front of it."""
        if node.name not in self._made:
            self._made[node.name] = self._integers(node)
        source, graph = self._made[node.name]
        given = codes[source].cpu().numpy().astype(np.int64)
        ((port, kind),) = graph.inputs
        values = interpret(graph, {port: given.reshape(len(given), *kind.shape)})
        return torch.from_numpy(values[graph.outputs[0]].astype(np.float64)).to(codes[source].device)

    def _integers(self, node: Node) -> tuple[str, Graph]:
        """The codes that a layer and the product in front of it read, and both in integers."""
        makers, row = self.graph.producers, [node]
        while not isinstance(row[-1].op, Dequantise):
            (arg,) = row[-1].args
            row.append(makers[arg])
        back = row[-1].op
        assert isinstance(back, Dequantise)
        (source,) = row[-1].args
        kind = self.graph.types[source]
        enter = Quantise(back.scale, back.zero, kind.codes.lo, kind.codes.hi, kind=back.kind)
        name = f"{source}_entered"
        nodes = (Node(source, enter, (name,), kind), *reversed(row))
        part = Graph(self.graph.name, ((name, TensorType(kind.shape, Real())),), nodes, (node.name,))
        return source, absorb(run(part, QUANTISED)).graph
