"""Networks of reals as ONNX models: the frontend's inverse."""

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from onnx import TensorProto, helper

from tests.networks.onnx_operators import WRITERS
from tests.networks.onnx_writer import LAST, PICTURE, Axes, Held, Writer
from tomato.core.formats import Array
from tomato.core.ir import Graph

WIDE = 21
"""The first operator set with codes of 16 bits; models of an older one are written in an older format, too."""


@dataclass(frozen=True)
class Written:
    """A model, and how it holds the outputs: their axes, by name."""

    model: Any
    axes: Mapping[str, Axes]

    def as_held(self, name: str, frames: Array) -> Array:
        """Frames of an output (batch, height, width, channels) as the model answers them."""
        axes = self.axes[name]
        missing = [a for a in LAST if a not in axes]
        moved = frames.transpose(0, *(a + 1 for a in (*axes, *missing)))
        return moved.reshape(moved.shape[: 1 + len(axes)])


def write(graph: Graph, draw: random.Random | None = None, *, opset: int = 17) -> Written:
    """The model; inputs are pictures."""
    writer = Writer(graph, draw)
    for name, _ in graph.inputs:
        writer.held[name] = Held(name, PICTURE)
    for node in graph:
        if node.name not in writer.merged:
            WRITERS[type(node.op)](writer, node)
    axes = {name: writer.held[name].axes for name in graph.outputs}
    for name in graph.outputs:
        writer.give(name)
    made = helper.make_graph(
        writer.nodes,
        "random",
        [_info(name, writer.size(kind.shape, PICTURE)) for name, kind in graph.inputs],
        [_info(y, writer.size(writer.types[n].shape, axes[n])) for y, n in zip(writer.outputs, axes, strict=True)],
        writer.constants,
    )
    opsets = [helper.make_opsetid("", opset)]
    return Written(helper.make_model(made, opset_imports=opsets, ir_version=8 if opset < WIDE else 10), axes)


def _info(name: str, sizes: Sequence[int]) -> Any:
    return helper.make_tensor_value_info(name, TensorProto.FLOAT, [1, *sizes])
