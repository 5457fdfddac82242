"""Recurrent layers between codes, as models that come quantised have them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import helper

from tests.networks.model import WIDE
from tests.unit.quantise.absorb.test_operators import model, op
from tomato.core.formats import Array

GATES = {"LSTM": 4, "GRU": 3, "RNN": 1}
STEPS, INPUTS, HIDDEN = 12, 6, 7
STATES = {"LSTM": ("h", "c"), "GRU": ("h",), "RNN": ("h",)}
STEP = 1 / 120
"""Of the codes of a result."""


@dataclass(frozen=True)
class Layer:
    """Layers between codes. how: weights are "float", or codes "per tensor", "per row" and so on.

    last, cells: results of the last step alone, or its cells.
    states: the first states are inputs h0 and c0, what they are at the end outputs h0n and c0n.
    """

    kind: str
    how: str = "per row"
    x: type[np.integer] = np.int8
    w: type[np.integer] = np.int8
    y: type[np.integer] = np.int8
    last: bool = False
    cells: bool = False
    begins: bool = False
    ways: int = 1
    layers: int = 1
    states: bool = False
    more: Mapping[str, Any] = field(default_factory=dict)


def crossed(name: str, to: str, steps: str) -> list[Any]:
    """To codes and back."""
    return [op("QuantizeLinear", f"{name} {steps}s {steps}z", f"{to}_q"),
            op("DequantizeLinear", f"{to}_q {steps}s {steps}z", to)]  # fmt: skip


def weights(layer: Layer, name: str, value: Array, nodes: list[Any], constants: dict[str, Any]) -> None:
    """A constant as the layer has its weights."""
    if layer.how == "float":
        constants[name] = value.astype(np.float32)
        return
    axes = {"per tensor": (0, 1, 2), "per row": (0, 2), "per direction": (1, 2), "per input": (0, 1)}[layer.how]
    zero = 0 if layer.w is np.int8 else 120
    scale = (np.abs(value).max(axis=axes) / 120).astype(np.float32)
    shape = [1 if a in axes else n for a, n in enumerate(value.shape)]
    codes = np.rint(value / scale.reshape(shape)).astype(int) + zero
    constants |= {f"{name}q": codes.astype(layer.w), f"{name}s": scale, f"{name}z": np.full_like(scale, zero, layer.w)}
    axes_of = {"per row": 1, "per direction": 0, "per input": 2}
    axis: dict[str, Any] = {"axis": axes_of[layer.how]} if layer.how in axes_of else {}
    nodes.append(op("DequantizeLinear", f"{name}q {name}s {name}z", name, **axis))


def save(layer: Layer, folder: Path) -> Path:
    """The model in a file: x to y."""
    rng, rows = np.random.default_rng(4), GATES[layer.kind] * HIDDEN
    constants: dict[str, Any] = {
        "xs": np.float32(0.03), "xz": layer.x(np.iinfo(layer.x).min + 130), "ys": np.float32(STEP),
        "yz": layer.y(np.iinfo(layer.y).min + 128),
    }  # fmt: skip
    nodes = [*crossed("x", "a", "x"), op("Transpose", "a", "t", perm=[1, 0, 2])]
    given, size = "t", INPUTS
    for n in range(layer.layers):
        shapes = {"w": (size, 1.2 / np.sqrt(size)), "r": (HIDDEN, 0.9 / np.sqrt(HIDDEN))}
        for name, (columns, spread) in shapes.items():
            weights(layer, f"{name}{n}", rng.normal(0, spread, (layer.ways, rows, columns)), nodes, constants)
        bias = rng.normal(0, 0.3, (layer.ways, 2 * rows))
        constants |= {f"b{n}q": np.rint(bias * 1e4).astype(np.int32), "bs": np.float32(1e-4)}
        nodes.append(op("DequantizeLinear", f"b{n}q bs", f"b{n}"))
        names = [given, f"w{n}", f"r{n}", f"b{n}"]
        states = [f"{state}{n}" for state in STATES[layer.kind]]
        if layer.begins or layer.states:
            names += ["", *states]
        if layer.begins:
            constants |= {s: rng.uniform(-1, 1, (layer.ways, 1, HIDDEN)).astype(np.float32) for s in states}
        direction = {"direction": "bidirectional"} if layer.ways > 1 else {}
        made = [f"all{n}", *(f"{state}n" for state in states)]
        nodes.append(
            helper.make_node(layer.kind, names, made, name=f"loop{n}", hidden_size=HIDDEN, **direction, **layer.more)
        )
        if n < layer.layers - 1:
            shape, given, size = np.array([STEPS, 1, HIDDEN * layer.ways]), f"u{n}", HIDDEN * layer.ways
            constants["rows"] = shape
            nodes += [op("Transpose", f"all{n}", f"v{n}", perm=[0, 2, 1, 3]), op("Reshape", f"v{n} rows", f"w{n}d")]
            nodes += crossed(f"w{n}d", given, "y")
    n = layer.layers - 1
    end, perm = (f"{'hc'[layer.cells]}{n}n", [1, 0, 2]) if layer.last or layer.cells else (f"all{n}", [2, 0, 1, 3])
    nodes += [op("Transpose", end, "e", perm=perm), *crossed("e", "y", "y")]
    kept = STATES[layer.kind] if layer.states else ()
    inputs = {"x": (1, STEPS, INPUTS)} | {f"{state}0": (1, 1, HIDDEN) for state in kept}
    path = model(folder, nodes, constants, inputs, outputs=("y", *(f"{state}0n" for state in kept)))
    if layer.x is np.int16:
        made = onnx.load(path)
        made.opset_import[0].version, made.ir_version = WIDE, 10
        onnx.save(made, path)
    return path
