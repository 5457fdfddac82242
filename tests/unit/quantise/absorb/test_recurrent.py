"""Recurrent layers of models that come quantised, against ONNX Runtime, which computes them in float32."""

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest

import tomato
from tests.networks.loops import INPUTS, STEP, STEPS, Layer, save
from tests.networks.runtime import golden, integers, runtime
from tests.unit.frontend.test_states import fed_back
from tests.unit.quantise.absorb.test_operators import model, op
from tomato import frontend
from tomato.core.errors import TomatoError
from tomato.core.interpret import interpret
from tomato.host.data import Data
from tomato.measure.evaluate import evaluate
from tomato.ops.recurrent import HIDDEN_FRACTION, Recurrent
from tomato.quantise.absorb.proof import PROPERTIES, RECURRENT

FRAMES = np.random.default_rng(1).normal(0, 1.2, (40, STEPS, INPUTS)).astype(np.float32)
DIFFER = 0.03
"""Share of codes of 8 bits that are off by 1; half as many are usual."""

KINDS = [("LSTM", {}), ("GRU", {}), ("GRU", {"linear_before_reset": 1}), ("RNN", {})]
CASES = {
    **{f"{kind}{len(more)} {how}": Layer(kind, how, more=more) for kind, more in KINDS for how in ("float", "per row")},
    "per tensor": Layer("LSTM", "per tensor", np.uint8, np.int8, np.uint8),
    "weights with a zero point": Layer("GRU", "per tensor", w=np.uint8),
    "last alone": Layer("LSTM", last=True),
    "cells": Layer("LSTM", cells=True),
    "begins": Layer("LSTM", begins=True),
    "both ways": Layer("GRU", ways=2, begins=True),
    "per direction": Layer("RNN", "per direction", ways=2),
    "wide inputs": Layer("GRU", x=np.int16),
    "stacked": Layer("LSTM", layers=2, y=np.uint8),
    "stacked both ways": Layer("GRU", "float", ways=2, layers=2, last=True),
}


@pytest.mark.parametrize("name", CASES)
def test_a_layer_between_codes_is_near_the_runtime(name: str, tmp_path: Path) -> None:
    layer = CASES[name]
    path = save(layer, tmp_path)
    made = integers(path)
    apart = np.abs(golden(made, FRAMES)[0] - runtime(path, FRAMES)[0]) / STEP
    assert apart.max() < 1.5
    assert (apart > 0.5).mean() < DIFFER * layer.layers * (1 + layer.cells), "a cell goes further than its result"
    assert {p.caveat for p in made.proofs if p.caveat} == {RECURRENT}
    assert RECURRENT in PROPERTIES
    assert len(made.notes) == (2 * layer.layers if layer.how == "float" else 0)


def test_integer_weights_stay_as_they_are(tmp_path: Path) -> None:
    path = save(CASES["stacked"], tmp_path)
    made = integers(path)
    first, second = (n.op for n in made.graph if isinstance(n.op, Recurrent))
    for loop in (first, second):
        assert np.abs(loop.weight.values).max() == 120, "the largest of every row"
        assert loop.arithmetic is not None
        assert loop.steps is None
        assert loop.arithmetic.feed.bits == HIDDEN_FRACTION + 1, "the last result is multiplied as it is"


def test_real_weights_are_told(tmp_path: Path) -> None:
    path = save(CASES["RNN0 float"], tmp_path)
    assert integers(path).notes == (
        "loop0: weights come as reals, and get 16 bits", "loop0: recurrent weights come as reals, and get 16 bits",
    )  # fmt: skip


def test_weights_of_other_scales_are_refused(tmp_path: Path) -> None:
    with pytest.raises(TomatoError, match=r"loop0 \(RNN\): expected one scale per row of the weight; quantise it per "):
        integers(save(Layer("RNN", "per input"), tmp_path))


@pytest.mark.parametrize("kind", ["LSTM", "GRU"])
def test_states_from_frame_to_frame(kind: str, tmp_path: Path) -> None:
    path, states = save(Layer(kind, states=True), tmp_path), {"h0": "h0n", "c0": "c0n"}
    states = {name: end for name, end in states.items() if kind == "LSTM" or name == "h0"}
    made = tomato.compile(path, "pynq-z2", states=states)
    apart = np.abs(
        made.golden(FRAMES).reshape(len(FRAMES), -1) - fed_back(path, states, FRAMES).reshape(len(FRAMES), -1)
    )
    assert apart.max() < 1.5 * STEP
    counted = evaluate(made, Data(FRAMES))["codes"]
    assert 0 < counted["total"] - counted["equal"] == (apart > STEP / 2).sum() < DIFFER * apart.size


def test_a_model_in_qonnx(tmp_path: Path) -> None:
    """Its meaning is that of reals."""
    rng, hidden = np.random.default_rng(2), 5
    made = {"w": rng.normal(0, 0.5, (1, 3 * hidden, INPUTS)), "r": rng.normal(0, 0.5, (1, 3 * hidden, hidden))}
    constants: dict[str, Any] = {name: value.astype(np.float32) for name, value in made.items()}
    constants |= {"s": np.float32(2**-6), "z": np.float32(0), "bits": np.float32(8)}
    quant: dict[str, Any] = {"domain": "qonnx.custom_op.general", "signed": 1, "narrow": 0, "rounding_mode": "ROUND"}
    nodes = [op("Quant", f"{name} s z bits", f"{name}q", **quant) for name in ("x", "w", "r")]
    nodes += [op("Transpose", "xq", "t", perm=[1, 0, 2]), op("GRU", "t wq rq", "all", hidden_size=hidden)]
    nodes += [op("Transpose", "all", "e", perm=[2, 0, 1, 3]), op("Quant", "e s z bits", "y", **quant)]
    path = model(tmp_path, nodes, constants, {"x": (1, STEPS, INPUTS)})
    proto = onnx.load(path)
    proto.opset_import.add(domain="qonnx.custom_op.general", version=1)
    onnx.save(proto, path)
    read, coded = frontend.load(path), integers(path)
    (port,), ((value, kind),) = read.inputs, read.graph.inputs
    (wanted,) = [v for n, v in interpret(read.graph, {value: port.to_graph(FRAMES, kind.shape).astype(float)}).items()
                 if n == read.graph.outputs[0]]  # fmt: skip
    apart = np.abs(golden(coded, FRAMES)[0].reshape(wanted.shape) - wanted) * 2**6
    assert apart.max() < 1.5
    assert 0 < (apart > 0.5).mean() < DIFFER
    assert {p.caveat for p in coded.proofs if p.caveat} == {RECURRENT}
