"""Layers as people read them: a row each, and their knobs in few words."""

from collections.abc import Mapping, Sequence
from typing import Any

KINDS = {"lut": "LUT", "ff": "FF", "dsp": "DSP", "bram18": "BRAM18", "uram": "URAM"}
RAMS = ("LUT", "BRAM", "URAM")
MULTIPLIERS = ("fixed", "codebook")
"""Cells that multiply, in DSP blocks or in LUTs."""


def merged(layers: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Layers with the requantisation of their result as one row; `gives` is the value behind both."""
    rows: dict[str, dict[str, Any]] = {}
    for layer in layers:
        row = rows.get(layer["name"].removesuffix("_q"))
        if row and layer["op"] == "requant" and layer["reads"] == [row["name"]]:
            row |= {k: layer[k] for k in ("output", "ends")} | {"gives": layer["name"]}
            row["onnx"] = list(dict.fromkeys([*row["onnx"], *layer["onnx"]]))
            row["cycles"] = max(row["cycles"], layer["cycles"])
            row["resources"] = {k: n + layer["resources"][k] for k, n in row["resources"].items()}
        else:
            rows[layer["name"]] = dict(layer) | {"gives": layer["name"]}
    return list(rows.values())


def unrolling(layer: Mapping[str, Any]) -> str:
    """The knobs of a layer in few words: `16 x 8` are lanes in and out."""
    knobs = dict(layer["unrolling"])
    words = []
    if {"lanes_in", "lanes_out"} <= knobs.keys():
        words.append(f"{knobs.pop('lanes_in')} x {knobs.pop('lanes_out')}")
    elif "lanes" in knobs:
        words.append(str(knobs.pop("lanes")))
    if (pixels := knobs.pop("pixels", 1)) != 1:
        words.append(f"{pixels} pixels")
    counts = [(knobs.pop(several, 1), several) for several in ("parts", "lists", "frames")]
    words += [f"{count} {several}" for count, several in counts if count != 1]
    if (pace := knobs.pop("pace", 1)) != 1:
        words.append(f"pace {pace}")
    taps = knobs.pop("parallel_rows", 0), knobs.pop("parallel_columns", 0)
    if any(taps):
        words.append({(1, 1): "all taps", (1, 0): "all rows", (0, 1): "all columns"}[taps[0], taps[1]])
    cell, pack = knobs.pop("cell", "fixed"), knobs.pop("pack", 1)
    if cell != "fixed":
        words.append(cell)
    if pack > 1 or (pack == 0 and cell in MULTIPLIERS):
        words.append(f"{pack}/DSP" if pack else "LUT mult")
    if in_luts := knobs.pop("in_luts", 0):
        words.append(f"{in_luts} in LUTs")
    for knob in [k for k in knobs if k.endswith("ram")]:
        kind = RAMS[knobs.pop(knob)]
        words += [f"{knob.removesuffix('ram').strip('_') or 'memory'} in {kind}"] if kind != "LUT" else []
    return ", ".join([*words, *(f"{k} {v}" for k, v in knobs.items())])
