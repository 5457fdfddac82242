"""What a build folder's host/ holds: the package tomato_host, and of every port what that has to know."""

import json
from pathlib import Path
from typing import Any

import numpy as np

from tomato.core.assets import package
from tomato.core.files import share, write_text
from tomato.core.formats import Array
from tomato.core.interface import HostStep, Port
from tomato.core.ir import Op
from tomato.frontend import Network
from tomato.hardware.memory import LOAD_BITS
from tomato.hardware.netlist import Netlist, Stream, load_beats
from tomato.host.codes import takes_codes
from tomato.host.ends import AFTER, BEFORE, HOST
from tomato.ops.quantise import Dequantise, Quantise
from tomato.ops.real import Affine, Clip

PACKAGE = "tomato_host"
PORTS, ORDERS, LOADER = "host.json", "orders.npz", "loader.bin"
REGISTERS = "registers.json"
SHELLS = (REGISTERS, "serial.json")
"""What is known of the shells, in board/ and, for boards, here."""


def write(folder: Path, network: Network, netlist: Netlist, model: str) -> None:
    """Write host/ of a build folder; before.onnx and after.onnx are there already, if the host runs any."""
    host = folder / HOST
    (host / PACKAGE).mkdir(parents=True)
    for path in sorted(package("runtime").glob("*.py")):
        write_text(host / PACKAGE / path.name, path.read_text())
    ports, orders = described(network, netlist)
    ends = [name for name in (BEFORE, AFTER) if (host / name).exists()]
    reading = {side: [p.name for p in getattr(network, side)] for side in ("inputs", "outputs")}
    whole = {side: [s.name for s in getattr(network.ends, side)] for side in ("inputs", "outputs")} if ends else reading
    text = {
        "model": model, "name": netlist.name, "sequence": netlist.lasting, **ports, "ends": ends, "chip": reading,
        "whole": whole,
    }  # fmt: skip
    write_text(host / PORTS, json.dumps(text, indent=1) + "\n")
    save: Any = np.savez_compressed
    save(host / ORDERS, **orders)
    for name in SHELLS:
        shell = folder / "board" / name
        if shell.exists():
            write_text(host / name, shell.read_text())
    if (host / REGISTERS).exists():
        for master in json.loads((host / REGISTERS).read_text())["masters"]:
            if master["fetched"] and master["file"]:
                share(folder / "mem" / master["file"], host / master["file"])
    if netlist.loaded:
        beats = load_beats(netlist.loaded, LOAD_BITS)
        (host / LOADER).write_bytes(b"".join(int(b).to_bytes(LOAD_BITS // 8, "little") for b in beats))


def described(network: Network, netlist: Netlist) -> tuple[dict[str, list[dict[str, Any]]], dict[str, Array]]:
    """Every port as plain data, for `tomato.runtime.codec.Codec`, and the orders that it names."""
    ports: dict[str, list[dict[str, Any]]] = {"inputs": [], "outputs": []}
    orders: dict[str, Array] = {}
    for side, streams in (("inputs", netlist.inputs), ("outputs", netlist.outputs)):
        known = {s.value: s for s in streams}
        for i, port in enumerate(getattr(network, side)):
            if port.value not in known:  # an input that nothing reads
                continue
            order = np.asarray(port.order.values, np.int64)
            plain = np.array_equal(order.reshape(-1), np.arange(np.prod(known[port.value].shape)))
            if not plain:
                orders[f"{side}{i}"] = order
            steps = _input(network, port) if side == "inputs" else _output(network, port)
            ports[side].append(
                _common(network, port, known[port.value], side) | {"order": None if plain else f"{side}{i}"} | steps
            )
    return ports, orders


def _common(network: Network, port: Port, stream: Stream, side: str) -> dict[str, Any]:
    return {
        "name": port.name,
        "dtype": port.dtype,
        "shape": list(port.shape),
        "number": stream.number,
        "pointer": f"{'in' if side == 'inputs' else 'out'}_{port.value}",
        "frame": list(network.graph.types[port.value].shape),
        "stream": {"shape": list(stream.shape), "bits": stream.bits, "signed": stream.signed, "lanes": stream.lanes},
    }


def _input(network: Network, port: Port) -> dict[str, Any]:
    codes = dict(network.graph.inputs)[port.value].codes
    limits = {"lo": codes.lo, "hi": codes.hi}
    if takes_codes(port):
        return {"before": [{"do": "codes"} | limits]}
    if port.chain:
        return {"before": [_op(op) for op in port.chain]}
    encoding = network.graph.encodings[port.value]
    return {"before": [{"do": "encode", "scale": encoding.scale, "zero": encoding.zero} | limits]}


def _output(network: Network, port: Port) -> dict[str, Any]:
    if network.quantised:
        before = [_op(op) for op in port.chain]
    else:
        encoding = network.graph.encodings[port.value]
        before = [{"do": "dequantise", "scale": encoding.scale, "zero": encoding.zero}]
    return {"before": before, "after": [_step(step) for step in port.host]}


def _op(op: Op) -> dict[str, Any]:
    match op:
        case Quantise():
            return {
                "do": "quantise", "scale": _plain(op.scale.values), "zero": _plain(op.zero.values), "lo": op.lo,
                "hi": op.hi, "rounding": op.rounding, "arithmetic": op.arithmetic,
            }  # fmt: skip
        case Dequantise():
            return {"do": "dequantise", "scale": _plain(op.scale.values), "zero": _plain(op.zero.values)}
        case Affine():
            return {"do": "affine", "scale": _plain(op.scale.values), "offset": _plain(op.offset.values)}
        case Clip():
            return {"do": "clip"} | {k: v for k, v in (("lo", op.lo), ("hi", op.hi)) if np.isfinite(v)}
    return {"do": "unknown", "what": str(op)}


def _step(step: HostStep) -> dict[str, Any]:
    match step.kind:
        case "softmax" | "logsoftmax":
            return {"do": step.kind, "axis": step.axis}
        case "argmax":
            return {"do": "argmax", "axis": step.axis, "keepdims": step.keepdims}
        case "quantise":
            return {"do": "requantise"} | dict(zip(("scale", "zero", "lo", "hi"), step.numbers, strict=True))
        case "qlinearsoftmax":
            given, wanted = list(step.numbers[:4]), list(step.numbers[4:])
            return {"do": "qlinearsoftmax", "axis": step.axis, "given": given, "wanted": wanted}
        case "dequantise":
            return {"do": "dequantise"} | dict(zip(("scale", "zero"), step.numbers, strict=True))
    return {"do": "unknown", "what": str(step)}


def _plain(values: Array) -> list[float]:
    return [float(v) for v in np.asarray(values, np.float64).reshape(-1)]
