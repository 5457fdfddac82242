"""The example of a loop of one's own, run as its first line says."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

import tomato
from tests.digits import CALIBRATION, MODEL
from tests.models import model_path
from tomato.train import Trainable, prune, quantise

EXAMPLE = Path(__file__).parents[2] / "examples" / "training" / "own_loop.py"


def run(model: Path, frames: np.ndarray, folder: Path) -> Path:
    data, out = folder / "frames.npz", folder / "small.onnx"
    np.savez(data, x=frames)
    subprocess.run([sys.executable, EXAMPLE, model, data, out], check=True)
    return out


def test_digits(tmp_path: Path) -> None:
    with np.load(CALIBRATION) as stored:
        x = stored["x"]
    path = run(MODEL, x, tmp_path)
    accelerator, real = tomato.compile(path, "pynq-z2"), Trainable.load(MODEL).module
    with torch.no_grad():
        wanted = real(torch.from_numpy(x)).numpy()
    assert np.mean(accelerator.golden(x).argmax(1) == wanted.argmax(1)) > 0.8
    assert {layer["weight_format"] for layer in accelerator.report["layers"] if layer.get("weight_format")} == {
        "s8",
        "s4",
    }


@pytest.mark.models
@pytest.mark.slow
def test_resnet8(tmp_path: Path) -> None:
    """On crops of photographs, without labels."""
    photographs = np.load(model_path("openimages_8_rgb224.npz"))["x"]
    corners = range(0, 193, 48)
    crops = [p[i : i + 32, j : j + 32] for p in photographs for i in corners for j in corners]
    x = np.stack(crops).transpose(0, 3, 1, 2).astype(np.float32)
    model = model_path("resnet8_float.onnx")
    accelerator, real = tomato.compile(run(model, x, tmp_path), "kv260"), Trainable.load(model).module
    with torch.no_grad():
        wanted = real(torch.from_numpy(x)).numpy()
    assert np.mean(accelerator.golden(x).argmax(1) == wanted.argmax(1)) > 0.45


def test_weights_are_taken_out_in_a_loop_of_ones_own() -> None:
    net = Trainable.load(MODEL)
    with np.load(CALIBRATION) as stored:
        x = stored["x"]
    quantise(net, "w8a8", x[:64])
    taken = prune(net, 0.6, method="movement")
    optimiser = torch.optim.SGD(net.module.parameters(), 1e-4)
    net.module.train()
    for i in range(12):
        taken.step(i / 12)
        net.module(torch.from_numpy(x[:32])).square().mean().backward()
        taken.learn()
        optimiser.step()
        optimiser.zero_grad()
    masks = [layer.mask for _, layer in net.module.each()]
    assert sum(float(m.sum()) for m in masks) / sum(m.numel() for m in masks) == pytest.approx(0.4, abs=0.03)
    assert net.check(x[:16])[0] == 0
