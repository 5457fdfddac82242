"""Models trained and quantised in Brevitas are compiled as they are, in each of its two forms."""

from collections.abc import Sequence
from copy import deepcopy
from functools import cache
from pathlib import Path
from typing import Any

import brevitas.nn as qnn
import numpy as np
import pytest
import torch
from brevitas.export import export_onnx_qcdq, export_qonnx
from brevitas.quant import Int8ActPerTensorFloat, Int8WeightPerChannelFloat, Int32Bias, Uint8ActPerTensorFloat
from torch.nn import functional

import tomato
from tests.networks.runtime import runtime
from tomato.accelerator import Accelerator
from tomato.core.formats import Array
from tomato.ops.requant import Requant
from tomato.ops.threshold import Threshold
from tomato.ops.weighted import Weighted

pytestmark = pytest.mark.slow
SHAPE = (3, 16, 16)
CLASSES = 10
NEAR = 5e-6
"""Scores are float32 in Brevitas; one step of a code in front of the last layer changes some by more than that."""
TIES = 1e-4
"""Codes of 8 bits behind one next to a tie, of all: Brevitas and QCDQ round float32 numbers, QONNX real ones."""


class Net(torch.nn.Module):
    """Conv, depthwise and pointwise conv with a residual sum, pool, dense; `w` bits of weights, `a` of activations."""

    def __init__(self, w: int, a: int, bias: type | None = Int32Bias) -> None:
        super().__init__()
        weights = {"weight_bit_width": w, "weight_quant": Int8WeightPerChannelFloat, "bias_quant": bias}
        between = {"act_quant": Uint8ActPerTensorFloat, "bit_width": a, "return_quant_tensor": True}
        self.image = qnn.QuantIdentity(act_quant=Int8ActPerTensorFloat, bit_width=8, return_quant_tensor=True)
        self.stem = qnn.QuantConv2d(3, 8, 3, stride=2, padding=1, bias=True, return_quant_tensor=True, **weights)
        self.depthwise = qnn.QuantConv2d(8, 8, 3, padding=1, groups=8, bias=True, return_quant_tensor=True, **weights)
        self.pointwise = qnn.QuantConv2d(8, 8, 1, bias=True, return_quant_tensor=True, **weights)
        # Brevitas adds values of one scale only: both arguments of the sum come from one quantiser.
        self.relu, self.inner, self.sum = (qnn.QuantReLU(**between) for _ in range(3))
        self.pool = torch.nn.MaxPool2d(2)
        self.dense = qnn.QuantLinear(8 * 4 * 4, CLASSES, bias=True, **weights)

    def forward(self, x: Any) -> Any:
        x = self.relu(self.stem(self.image(x)))
        branch = self.relu(self.pointwise(self.inner(self.depthwise(x))))
        return self.dense(self.pool(self.sum(x + branch)).flatten(1))


@cache
def trained(w: int, a: int, bias: type | None = Int32Bias) -> Net:
    """A network after a few steps on random data."""
    torch.manual_seed(1)
    net = Net(w, a, bias)
    x, labels = torch.randn(64, *SHAPE), torch.randint(0, CLASSES, (64,))
    optimiser = torch.optim.SGD(net.parameters(), lr=0.05, momentum=0.9)
    for _ in range(8):
        optimiser.zero_grad()
        functional.cross_entropy(net(x), labels).backward()
        optimiser.step()
    net.eval()
    return net


def frames(net: Net) -> Array:
    """On the grid of the input: between two steps, QONNX and float32 round differently."""
    x = np.random.default_rng(2).standard_normal((256, *SHAPE)).astype(np.float32)
    with torch.no_grad():
        return np.asarray(net.image(torch.from_numpy(x)).value.numpy())


def scores(net: Net, x: Array) -> Array:
    """What Brevitas computes."""
    with torch.no_grad():
        return np.asarray(net(torch.from_numpy(x)).numpy())


def compiled(net: Net, folder: Path, *, dynamo: bool = False) -> list[Accelerator]:
    """The network from QONNX and from QCDQ, which the newer exporter (dynamo) refuses for biases that are rounded."""
    found = []
    for name, export in (("qonnx", export_qonnx), ("qcdq", export_onnx_qcdq)):
        path = folder / f"{name}.onnx"
        export(deepcopy(net), torch.zeros(1, *SHAPE), export_path=str(path), dynamo=dynamo)
        found.append(tomato.compile(path, "kv260"))
    return found


def codes(accelerator: Accelerator, x: Array) -> Sequence[Array]:
    """Every integer of the hardware, layer by layer."""
    found: list[Array] = []
    accelerator.run(accelerator.encode(x), watch=lambda _, values: found.append(values))
    return found


def widths(accelerator: Accelerator) -> tuple[int, int]:
    """Bits of the widest weights, which are symmetric, and of the widest activations behind the input."""
    weights = [n.op.weight.values for n in accelerator.graph if isinstance(n.op, Weighted)]
    tops = [n.op.hi for n in accelerator.graph if isinstance(n.op, Requant)]
    return int(max(np.abs(w).max() for w in weights)).bit_length() + 1, max(tops).bit_length()


def with_rounded_biases(net: Net) -> Net:
    """A copy whose biases in front of quantisers are multiples of the accumulator's step."""
    net = deepcopy(net)
    for quantiser, layer in ((net.image, net.stem), (net.relu, net.depthwise), (net.inner, net.pointwise)):
        step = quantiser.act_quant.scale() * layer.quant_weight().scale.reshape(-1)
        layer.bias.data = torch.round(layer.bias.data / step) * step
    return net


def agree(golden: Array, wanted: Array, share: float = 1.0) -> None:
    """So many frames have the same scores, and all the same class."""
    assert np.mean(np.abs(golden - wanted).max(axis=1) < NEAR) >= share
    assert np.array_equal(golden.argmax(axis=1), wanted.argmax(axis=1))


@pytest.mark.parametrize(("w", "a"), [(4, 4), (3, 4)])
def test_both_exports_are_one_hardware(w: int, a: int, tmp_path: Path) -> None:
    """With biases that Brevitas rounds in training."""
    net = trained(w, a)
    x = frames(net)
    qonnx, qcdq = compiled(net, tmp_path)
    assert widths(qonnx) == (w, a)
    assert [n.op for n in qonnx.graph] == [n.op for n in qcdq.graph]
    assert np.array_equal(qonnx.golden(x), qcdq.golden(x))
    agree(qonnx.golden(x), scores(net, x))


def test_eight_bits_differ_next_to_ties_alone(tmp_path: Path) -> None:
    net = trained(8, 8)
    x = frames(net)
    qonnx, qcdq = compiled(net, tmp_path)
    assert widths(qonnx) == widths(qcdq) == (8, 8)
    for ours, theirs in zip(qonnx.graph, qcdq.graph, strict=True):
        assert ours.op == theirs.op or {type(ours.op), type(theirs.op)} <= {Requant, Threshold}, "what rounds alone"
    pairs = list(zip(codes(qonnx, x), codes(qcdq, x), strict=True))
    assert sum(np.count_nonzero(a != b) for a, b in pairs) <= TIES * sum(a.size for a, _ in pairs)
    for made in (qonnx, qcdq):
        agree(made.golden(x), scores(net, x), share=0.99)


@pytest.mark.parametrize("dynamo", [False, True])
def test_real_biases_are_exact_in_qonnx_and_rounded_in_qcdq(dynamo: bool, tmp_path: Path) -> None:
    """QCDQ means what ONNX Runtime computes, which rounds them: Brevitas says the same once they are."""
    net = trained(4, 4, None)
    x = frames(net)
    qonnx, qcdq = compiled(net, tmp_path, dynamo=dynamo)
    agree(qonnx.golden(x), scores(net, x))
    agree(qcdq.golden(x), scores(with_rounded_biases(net), x))
    agree(qcdq.golden(x), runtime(qcdq.model, x)[0])
    assert np.abs(qcdq.golden(x) - qonnx.golden(x)).max() > NEAR


class Recurrent(torch.nn.Module):
    """An LSTM between codes, its weights quantised alone; `width` inputs."""

    def __init__(self, width: int, hidden: int) -> None:
        super().__init__()
        inner = dict.fromkeys(("io", "gate_acc", "sigmoid", "tanh", "cell_state", "bias"))
        left = {f"{name}_quant": kind for name, kind in inner.items()}
        self.first, self.last = (qnn.QuantIdentity(act_quant=Int8ActPerTensorFloat) for _ in range(2))
        self.loop = qnn.QuantLSTM(width, hidden, weight_quant=Int8WeightPerChannelFloat, **left)

    def forward(self, x: Any) -> Any:
        return self.last(self.loop(self.first(x).transpose(0, 1))[0])


def test_an_lstm_is_near(tmp_path: Path) -> None:
    """Brevitas computes the inside in reals; codes next to a tie differ, by 1."""
    torch.manual_seed(2)
    net, x = Recurrent(6, 5), torch.randn(30, 8, 6)
    for frame in x:
        net(frame[None])
    net.eval()
    with torch.no_grad():
        wanted = np.stack([net(frame[None]).numpy() for frame in x])
    step = float(net.last.act_quant.scale())
    for export in (export_onnx_qcdq, export_qonnx):
        path = tmp_path / f"{export.__name__}.onnx"
        export(net, x[:1], export_path=str(path), opset_version=14, dynamo=False)
        apart = np.abs(tomato.compile(path, "pynq-z2").golden(x.numpy()).reshape(wanted.shape) - wanted) / step
        assert apart.max() < 1.5
        assert np.mean(apart > 0.5) < 0.05
