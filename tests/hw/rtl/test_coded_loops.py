"""Recurrent layers in networks: of models that come quantised, and an LSTM whose cells are read."""

from pathlib import Path

import numpy as np
import onnx
import pytest

import tomato
from tests.networks.loops import Layer, save
from tests.networks.sequences import HIDDEN, frames, with_cells
from tomato.build.simulation import csim, describe, simulate


@pytest.mark.rtl
def test_a_recurrent_network_that_comes_quantised_is_exact(tmp_path: Path) -> None:
    compiled = tomato.compile(save(Layer("GRU", more={"linear_before_reset": 1}), tmp_path), "pynq-z2")
    found = simulate(compiled.write(tmp_path / "gru"), frames=3, stall=0.3)
    assert found["bit_exact"], describe(found)


@pytest.mark.rtl
@pytest.mark.parametrize("states", [{}, {"h": "hn", "c": "cn"}], ids=["frames", "sequence"])
def test_cells_that_are_read(states: dict[str, str], tmp_path: Path) -> None:
    """Results and cells of the last step, in frames of their own and from frame to frame."""
    path = with_cells(tmp_path / "lstm.onnx")
    if not states:
        begin_with_zeros(path)
    compiled = tomato.compile(path, "kv260", calibration=frames(64, 2), states=states)
    folder = compiled.write(tmp_path / "build", backends=("verilog", "hls"))
    compiled.write_vectors(folder, frames(5, 2, seed=1))
    played = csim(folder, frames=5)
    assert played["bit_exact"], describe(played)
    found = simulate(folder, frames=5, stall=0.3)
    assert found["bit_exact"], describe(found)


def begin_with_zeros(path: Path) -> None:
    """Constants for the states that are inputs."""
    model = onnx.load(path)
    for name in "hc":
        model.graph.input.remove(next(i for i in model.graph.input if i.name == name))
        model.graph.output.remove(next(o for o in model.graph.output if o.name == f"{name}n"))
        model.graph.initializer.append(onnx.numpy_helper.from_array(np.zeros((1, 1, HIDDEN), np.float32), name))
    onnx.save(model, path)
