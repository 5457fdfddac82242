"""A graph becomes an ONNX file: quantised networks as QCDQ, which any ONNX runtime runs.

Values are held as pictures, (batch, channels, height, width). Codes are clipped between QuantizeLinear and
DequantizeLinear where they take less than their type; weights and biases are integers behind a DequantizeLinear.
"""

from collections.abc import Callable, Sequence
from pathlib import Path

import onnx

from tomato.core.errors import TomatoError
from tomato.core.files import refusals
from tomato.core.interface import Port
from tomato.core.ir import Graph, Node, Op
from tomato.frontend.write import codes, composites, functions, layers, moves, recurrent, windows
from tomato.frontend.write.model import Writer
from tomato.ops.conv2d import Conv2d
from tomato.ops.dense import Dense
from tomato.ops.edge_pad import EdgePad
from tomato.ops.keep_largest import KeepLargest
from tomato.ops.matmul import MatMul
from tomato.ops.move import Concat, DepthToSpace, Flip, Pad, Reshape, Slice, SpaceToDepth, Transpose, Upsample
from tomato.ops.normalise import Normalise
from tomato.ops.pool import GlobalSum, MaxPool, SumPool
from tomato.ops.quantise import Dequantise, Quantise
from tomato.ops.real import Affine, Clip, Function
from tomato.ops.recurrent import Gru, Lstm, Recurrent, Rnn
from tomato.ops.softmax import Softmax


@refusals("cannot write the model")
def write(graph: Graph, inputs: Sequence[Port], outputs: Sequence[Port], path: Path) -> None:
    """Write a real graph, or one with Quantise and Dequantise, with the ports of the model that it comes from.

    The batch is dynamic. Raises TomatoError for what ONNX does not say.
    """
    writer = Writer(graph)
    writer.names.update(port.name for port in outputs)
    for port in inputs:
        writer.enter(port)
    for node in graph:
        _visit(writer, node)
    for port, value in zip(outputs, graph.outputs, strict=True):
        writer.leave(port, value)
    proto = writer.model(inputs, outputs)
    onnx.checker.check_model(proto, full_check=True)
    onnx.save(proto, path)


def formless(op: Op) -> str | None:
    """Why an operator of reals has no form in a file; None if it has one."""
    if type(op) not in RULES and not op.elementwise:
        return f"{op.name} has no form in a file"
    match op:
        case Function():
            return functions.formless(op)
        case Recurrent():
            return recurrent.formless(op)
    return None


def _visit(writer: Writer, node: Node) -> None:
    """The nodes for one of the graph."""
    if node.name in writer.merged:
        return
    writer.current = node.name
    rule, args = RULES.get(type(node.op)), [writer.held[a] for a in node.args]
    if rule is None and not node.op.elementwise:
        raise TomatoError(f"{node.op.name} has no form in a file", where=node.label)
    writer.held[node.name] = (
        rule(writer, node, args) if rule else functions.called(writer, node, node.op.elementwise, args)
    )


RULES: dict[type, Callable[[Writer, Node, list[str]], str]] = {
    Conv2d: layers.weighted, Dense: layers.weighted, Quantise: codes.quantise, Dequantise: codes.dequantise,
    Affine: functions.affine, Clip: functions.clip, Function: functions.function, Flip: moves.flip,
    Concat: moves.concat, Slice: moves.sliced, Pad: moves.pad, EdgePad: moves.edge_pad,
    Upsample: moves.upsample,
    DepthToSpace: moves.blocks, SpaceToDepth: moves.blocks, Reshape: moves.reorder, Transpose: moves.reorder,
    KeepLargest: composites.keep_largest, MatMul: composites.matmul, MaxPool: windows.max_pool,
    Normalise: composites.normalise, SumPool: windows.sum_pool, GlobalSum: windows.sum_pool,
    Lstm: recurrent.recurrent, Gru: recurrent.recurrent, Rnn: recurrent.recurrent, Softmax: composites.softmax,
}  # fmt: skip
