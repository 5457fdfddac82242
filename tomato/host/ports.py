"""What a host has to know of the chip's ports: ONNX names, what codes mean, where elements lie, what is left to do."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from tomato.core.formats import Array
from tomato.core.interface import Port
from tomato.core.ir import Graph, Op
from tomato.frontend import layout
from tomato.ops.exits import number_bits
from tomato.ops.quantise import Quantise
from tomato.ops.real import Affine


def described(graph: Graph, inputs: tuple[Port, ...], outputs: tuple[Port, ...]) -> dict[str, list[dict[str, Any]]]:
    """Both ends of a network as plain data.

    Per port: `onnx`, `dtype` and `shape` (without the batch) of the model; `value` and `stream` (rows, columns,
    channels) of the chip; `codes`, `scale` and `zero`: real = (code - zero) * scale, a number or one per channel;
    `reshape` and `transpose`: the stream is the ONNX array after both (inputs), or the other way round (outputs), null
    where no transposition says it and golden/graph.json lists the order; `number`: bits of the frame's number, which
    the last codes of the stream are where results leave as they come, else 0; `host`: what the host computes besides,
    in front of that or behind it.
    """
    return {
        "inputs": [_input(graph, port) for port in inputs],
        "outputs": [_output(graph, port) for port in outputs],
    }


def _input(graph: Graph, port: Port) -> dict[str, Any]:
    last = port.chain[-1] if port.chain else None
    steps = (last.scale.values, last.zero.values) if isinstance(last, Quantise) else _encoding(graph, port)
    host = [str(op) for op in port.chain[:-1]]
    return _common(graph, port, *steps, layout.inverse(port.order.values)) | {"host": host}


def _output(graph: Graph, port: Port) -> dict[str, Any]:
    first = port.chain[0] if port.chain else None
    rest: tuple[Op, ...] = port.chain
    if isinstance(first, Affine):
        scale, offset = np.broadcast_arrays(first.scale.values, first.offset.values)
        steps = scale, -offset / np.where(scale == 0, 1.0, scale)
        rest = port.chain[1:]
    elif port.chain or port.value not in graph.encodings:
        steps = np.ones(1), np.zeros(1)
    else:
        steps = _encoding(graph, port)
    return _common(graph, port, *steps, port.order.values) | {"host": [*map(str, rest), *map(str, port.host)]}


def _encoding(graph: Graph, port: Port) -> tuple[Array, Array]:
    encoding = graph.encodings[port.value]
    return np.array([encoding.scale]), np.array([float(encoding.zero)])


def _common(graph: Graph, port: Port, scale: Array, zero: Array, source: Array) -> dict[str, Any]:
    kind = graph.types[port.value]
    turned = layout.factor(source.reshape(-1))
    return {
        "onnx": port.name,
        "dtype": port.dtype,
        "shape": list(port.shape),
        "value": port.value,
        "stream": list(kind.shape),
        "codes": [kind.codes.lo, kind.codes.hi],
        "scale": _numbers(scale),
        "zero": _numbers(np.asarray(zero) + 0.0),
        "reshape": None if turned is None else list(turned[0]),
        "transpose": None if turned is None else list(turned[1]),
        "number": number_bits(graph, port.value),
    }


def _numbers(values: Array) -> float | list[float]:
    """One number where all are the same."""
    flat = np.asarray(values, np.float64).reshape(-1)
    return float(flat[0]) if np.all(flat == flat[0]) else [float(v) for v in flat]


def sentence(port: Mapping[str, Any], *, is_input: bool) -> str:
    """The same in words."""
    shape = "x".join(map(str, port["shape"])) or "one number"
    what = f"ONNX {'input' if is_input else 'output'} {port['onnx']} ({shape}, {port['dtype']})"
    scale, zero = (v if isinstance(v, float) else None for v in (port["scale"], port["zero"]))
    if scale is None or zero is None:
        worth = "scale and zero point per channel in report.json"
    else:
        worth = f"real = (code - {zero:g}) * {scale:.9g}"
    if port["reshape"] is None:
        order = "order in golden/graph.json"
    elif len(port["reshape"]) == 1:
        order = "in ONNX's order"
    else:
        view, perm = (", ".join(map(str, port[k])) for k in ("reshape", "transpose"))
        order = f"{'sent' if is_input else 'ONNX has it'} as reshape({view}).transpose({perm})"
    number = f", then its frame's number of {port['number']} bits, lowest digit first" if port["number"] else ""
    host = f"; the host computes {', '.join(port['host'])}" if port["host"] else ""
    return f"{what}: {worth}, {order}{number}{host}"
