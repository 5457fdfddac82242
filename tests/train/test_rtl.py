"""Trained networks in hardware: every beat is the golden model's, and that is the trained network's."""

from pathlib import Path

import numpy as np
import pytest
import torch

import tomato
from tests.digits import CALIBRATION, MODEL
from tomato.train import Trainable, quantise
from tomato.train.gates import add_gates


@pytest.mark.rtl
@pytest.mark.parametrize(("precision", "gates"), [("w4a4", {}), ("ternarya6", {}), ("w8a8", {"*body_0_0_Conv": 0.5})])
def test_a_trained_network_is_bit_exact_in_verilog(precision: str, gates: dict[str, float], tmp_path: Path) -> None:
    with np.load(CALIBRATION) as stored:
        x = stored["x"][:64]
    net = Trainable.load(MODEL)
    if gates:
        net = Trainable(add_gates(net.graph(), gates, 4), net.inputs, net.outputs)
    quantise(net, precision, x)
    optimiser = torch.optim.SGD([p for p in net.module.parameters() if p.requires_grad], 1e-4)
    for _ in range(2):
        net.module(torch.from_numpy(x)).square().mean().backward()
        optimiser.step()
    net.module.eval()
    net.export(tmp_path / "small.onnx")
    assert net.check(x)[0] == 0
    accelerator = tomato.compile(tmp_path / "small.onnx", "pynq-z2", fps=1000)
    with torch.no_grad():
        mine = net.module(torch.from_numpy(x[:4])).numpy()
    np.testing.assert_allclose(accelerator.simulate(x[:4]), mine, rtol=1e-6, atol=1e-5)
