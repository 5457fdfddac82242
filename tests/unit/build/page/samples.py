"""Designs to draw: the digits example, and what its folder may come to hold."""

import copy
import json
from functools import cache
from pathlib import Path
from typing import Any

from tests import digits
from tomato.build.page.design import Design, read

HOSTILE = '</script><img src=x onerror="throw 1"><b>%{x}&lt;{{ 7 * 7 }}\u202e$x$'
"""A name that would be markup, script, plotly's or a template's language, or turn the line around."""


@cache
def _files() -> tuple[dict[str, Any], dict[str, Any]]:
    acc = digits.compiled()
    ports = [
        {"name": "image", "layer": "image", "width": 8, "lanes": 1, "frame_beats": 64},
        {"name": "classify_Gemm_q", "layer": "classify_Gemm_q", "width": 16, "lanes": 1, "frame_beats": 10},
    ]
    return acc.report, {"tomato": "1.2.3", "inputs": ports[:1], "outputs": ports[1:]}


def design(**found: Any) -> Design:
    """The digits example on its board, and what was found out about it."""
    report, ports = copy.deepcopy(_files())
    return Design("digits", report, ports, **found)


def simulated(**changed: Any) -> dict[str, Any]:
    """What simulation.json may say."""
    usual = {"bit_exact": True, "stall": 0.0, "frames": 4, "mismatches": 0, "interval_cycles": 64.0}
    return {**usual, "latency_cycles": 371, "layers": {"image": [0, 63], "block1_Add_q": [101, 164]}, **changed}


def evaluated(**changed: Any) -> dict[str, Any]:
    """What evaluation.json may say."""
    usual = {"frames": 599, "top1": {"float": 0.9967, "accelerator": 0.9933}, "agreement": 0.995, "codes": None,
             "outputs": [{"name": "scores", "sqnr_db": 37.8, "max_error": 0.119}], "layer_frames": 16,
             "layers": [{"name": "a_q", "onnx": "/a", "sqnr_db": 40.0}, {"name": "b_q", "onnx": "/b", "sqnr_db": None}],
             }  # fmt: skip
    return {**usual, **changed}


def renamed(folder: Path, old: str, new: str) -> Design:
    """Give a layer in a build folder another name, wherever its files name it."""
    for path in (folder / "report.json", folder / "sim" / "design.json"):
        path.write_text(json.dumps(_renamed(json.loads(path.read_text()), old, new)))
    return read(folder)


def _renamed(data: Any, old: str, new: str) -> Any:
    if isinstance(data, dict):
        return {_renamed(k, old, new): _renamed(v, old, new) for k, v in data.items()}
    if isinstance(data, list):
        return [_renamed(v, old, new) for v in data]
    return data.replace(old, new) if isinstance(data, str) else data
