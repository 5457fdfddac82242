"""A float model that can be trained with the compiler's quantisers, and exported as what was trained."""

from dataclasses import replace
from pathlib import Path
from typing import Self

import numpy as np
import torch

from tomato import frontend
from tomato.core.errors import TomatoError
from tomato.core.formats import Array, Tensor
from tomato.core.interface import Port, Reading, Slot
from tomato.core.ir import Builder, Graph, Node
from tomato.frontend import Network as Model
from tomato.frontend.write import write
from tomato.host.samples import calibration_frames
from tomato.ops.quantise import Dequantise, Quantise
from tomato.ops.real import Affine, Clip
from tomato.ops.recurrent import Recurrent
from tomato.ops.weighted import Weighted
from tomato.passes import CLEAN, run
from tomato.passes.groups import partition
from tomato.passes.rewrite import ONE
from tomato.quantise.integers import Integers
from tomato.quantise.precision import Precision
from tomato.quantise.separate_inputs import separate_inputs
from tomato.train.evaluation import Evaluation
from tomato.train.freeze import freeze
from tomato.train.module import Network
from tomato.train.points import points
from tomato.train.quantisers import Method
from tomato.train.readback import alike, compiled, differing, inexact, places
from tomato.train.recurrent import RecurrentLayer

BATCH = 64


class Trainable:
    """The chip's part of a float model: `module` is an ordinary torch module for anybody's loop.

    In training mode a quantised module computes with fake quantisers; in evaluation mode exactly, on integers: what it
    gives then is what the compiled file gives.
    """

    def __init__(self, graph: Graph, inputs: tuple[Port, ...], outputs: tuple[Port, ...]) -> None:
        """A real graph with its ports. Raises TomatoError for what cannot be trained."""
        graph = with_biases(graph)
        self.inputs = inputs
        self.outputs = tuple(replace(p, value=v) for p, v in zip(outputs, graph.outputs, strict=True))
        self.module = Network(graph, self.inputs, self.outputs)
        self.module.exact = self._exact
        self._cached: tuple[tuple[tuple[int, int], ...], Evaluation] | None = None

    @classmethod
    def load(cls, path: str | Path, shapes: dict[str, tuple[int, ...]] | None = None) -> Self:
        """From an ONNX file. Raises TomatoError for what is quantised already, or needs the host."""
        source = frontend.source(Path(path))
        model = frontend.settle(source, Reading(shapes or {}), "ends")
        refuse(model, str(path))
        graph = separate_inputs(run(model.graph, CLEAN))
        try:
            return cls(graph, model.inputs, model.outputs)
        except TomatoError as reason:
            raise TomatoError(reason.what, where=f"{path}: {reason.where}", hint=reason.hint) from reason

    @property
    def quantised(self) -> bool:
        """Whether values have codes."""
        return len(self.module.quantisers) > 0

    @property
    def slots(self) -> tuple[Slot, ...]:
        """The model's inputs."""
        return tuple(Slot(p.name, p.shape, p.dtype) for p in self.inputs)

    def graph(self) -> Graph:
        """The real graph with the weights and biases that there are now."""
        return with_weights(self.module)

    def quantise(self, precision: str | Precision, *frames: Array, method: Method = "lsq") -> None:
        """Put quantisers into the module, with scales that suit its weights and what it computes on these frames.

        frames: as the model takes them, batch first, one array per input.
        """
        asked = Precision.parse(precision) if isinstance(precision, str) else precision
        graph, module = self.graph(), self.module
        asked.check(graph)
        given = calibration_frames(self.slots, frames)
        bits = asked.with_ends(graph)
        found = points(graph, self.inputs, given, asked)
        for node, layer in module.each():
            form = bits.of(node)
            layer.put_quantiser(form.kind, form.weight_bits)
        module.put_points(found, method)

    def frozen(self) -> Graph:
        """The network in integers: the graph that the compiler reads from the exported file."""
        return freeze(self.module)

    def codes(self, *frames: Array) -> dict[str, Array]:
        """The codes of every value that has some, by its name in `frozen()`, for frames as the model takes them."""
        frozen = self.frozen()
        return self._codes(frozen, compiled(frozen, self.inputs, self.outputs), frames)

    def _codes(self, frozen: Graph, integers: Integers, frames: tuple[Array, ...]) -> dict[str, Array]:
        """The same, of this frozen graph and what the compiler makes of it."""
        parts = list[dict[str, torch.Tensor]]()
        evaluation = Evaluation(frozen, inexact(frozen, self.inputs, integers))
        given = calibration_frames(self.slots, frames)
        for start in range(0, len(given[0]), BATCH):
            batch = tuple(torch.from_numpy(p.real(x[start : start + BATCH])) for p, x in zip(self.inputs, given,
                                                                                             strict=True))  # fmt: skip
            outputs, found = evaluation.play(self.module.enter(batch))
            parts.append(found | outputs)
        return {name: np.concatenate([p[name].numpy() for p in parts]) for name in parts[0]}

    def check(self, *frames: Array) -> tuple[int, int]:
        """How many codes of the compiled network's golden model are not the trained network's, and of how many."""
        frozen = self.frozen()
        integers = compiled(frozen, self.inputs, self.outputs)
        where, codes = places(frozen, self.inputs, integers), self._codes(frozen, integers, frames)
        given = calibration_frames(self.slots, frames)
        wrong = differing(integers, where, codes, given, same=alike(self.inputs, integers))
        return wrong, sum(codes[name].size for name in where)

    def _exact(self, values: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
        """The outputs of the frozen network, which is made anew when a parameter has changed."""
        tensors = (*self.module.parameters(), *self.module.buffers())
        version = tuple((id(t), t._version) for t in tensors)  # noqa: SLF001
        if self._cached is None or self._cached[0] != version:
            self._cached = version, Evaluation(self.frozen())
        outputs = self._cached[1].play(values)[0]
        return dict(zip(self.module.graph.outputs, outputs.values(), strict=True))

    def export(self, path: str | Path) -> None:
        """Write the model: as it is trained where it is quantised (QCDQ), else with its float weights."""
        graph = self.frozen() if self.quantised else self.graph()
        write(graph, self.inputs, self.outputs, Path(path))


def refuse(model: Model, where: str) -> None:
    """Raise TomatoError for a model that cannot be trained as it is."""
    for node in model.graph:
        if isinstance(node.op, Quantise | Dequantise):
            raise TomatoError(
                "the model is quantised already", where=f"{where}: {node.label}",
                hint="train the float model that it was made from",
            )  # fmt: skip
    if model.ends is not None:
        raise TomatoError(
            f"only what the chip computes can be trained: {model.ends}", where=where,
            hint="cut the model there (onnx.utils.extract_model) and train the part for the chip",
        )  # fmt: skip


def with_biases(graph: Graph) -> Graph:
    """The graph with a bias of 0 behind layers that have nothing behind them: it is trained like the others."""
    bare = {g.head.name for g in partition(graph) if isinstance(g.head.op, Weighted) and not g.chain}

    def rewrite(node: Node, build: Builder) -> str | None:
        if node.name not in bare:
            return None
        name = build.add(node.op, node.args, node.name, node.origin)
        bias = Affine(ONE, Tensor(np.zeros(build.types[name].channels)))
        return build.add(bias, [name], f"{node.name}_bias", node.origin)

    return graph.rebuild(rewrite) if bare else graph


def with_weights(module: Network) -> Graph:
    """The module's graph with its present weights and biases."""
    groups = {g.head.name: g for g in module.groups if isinstance(g.head.op, Weighted)}
    behind = {node.name for g in groups.values() for node in g.chain}

    def rewrite(node: Node, build: Builder) -> str | None:
        if node.name in groups:
            group = groups[node.name]
            weight, bias = module.layer(node.name).real()
            assert isinstance(node.op, Weighted)
            name = build.add(replace(node.op, weight=Tensor(weight)), node.args, node.name, node.origin)
            ramp, origin = group.ramp, group.chain[0].origin
            limited = (ramp.lo, ramp.hi) != (-np.inf, np.inf)
            name = build.add(
                Affine(ONE, Tensor(bias)), [name], f"{node.name}_bias" if limited else group.output, origin
            )
            if limited:
                name = build.add(Clip(ramp.lo, ramp.hi), [name], group.output, group.chain[-1].origin)
            return name
        if isinstance(node.op, Recurrent):
            layer = module.layer(node.name)
            assert isinstance(layer, RecurrentLayer)
            return build.add(layer.real_operator(), node.args, node.name, node.origin)
        return node.args[0] if node.name in behind else None

    return module.graph.rebuild(rewrite)
