"""Sizes of networks: by hand, and of what the compiler makes."""

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import tomato
from tests import digits
from tests.networks.nets import Net
from tomato.accelerator import Accelerator
from tomato.cli import show
from tomato.core.errors import TomatoError
from tomato.core.formats import Array, Codes, Real, Tensor
from tomato.core.ir import Builder, Graph, TensorType
from tomato.ops.conv2d import Conv2d
from tomato.ops.dense import Dense
from tomato.ops.quantise import Dequantise, Quantise
from tomato.ops.window import Window
from tomato.train.sizes import Size, entropy, sizes
from tomato.train.trainable import Trainable

BYTE = Codes.of(8, signed=False)
H_QUARTER = 0.25 * 2 + 0.75 * np.log2(4 / 3)
"""Entropy of shares of 1/4 and 3/4."""


def on_codes(weight: Array) -> Graph:
    """A matrix product of one pixel on codes."""
    build = Builder([("x", TensorType((1, 1, weight.shape[0]), BYTE))])
    y = build.add(Dense(Tensor(weight)), ["x"], "dense")
    return Graph("net", (("x", build.types["x"]),), tuple(build.nodes), (y,))


def frozen(weight: Array) -> Graph:
    """The same in reals behind codes: whole numbers as weights, as in what was trained."""
    inputs = (("x", TensorType((1, 1, weight.shape[0]), Real())),)
    build, step, zero = Builder(inputs), Tensor(np.full(1, 0.5)), Tensor(np.zeros(1))
    codes = build.add(Quantise(step, zero, 0, 255, kind=BYTE), ["x"], "x_codes")
    real = build.add(Dequantise(step, zero, BYTE), [codes], "x_real")
    y = build.add(Dense(Tensor(weight.astype(np.float64))), [real], "dense")
    return Graph("net", inputs, tuple(build.nodes), (y,))


@pytest.mark.parametrize(
    ("values", "bits", "per_weight"),
    [
        ([1, -1, -1, -1], 1, H_QUARTER),
        ([1, -1, 0, 0], 2, 1.5),
        ([-100, 3, 50, 7], 2, 2.0),
        ([0, 1, -8, 8], 4, 2.0),
        ([5, 5, 5, 5], 1, 0.0),
        ([0, 0, 0, 0], 1, 0.0),
        (range(-64, 64), 7, 7.0),
    ],
    ids=["binary", "ternary", "codebook", "shift", "one value", "zeros", "fixed"],
)
def test_integers_by_hand(values: list[int], bits: int, per_weight: float) -> None:
    """A codebook is not offered where weights are powers of two, though its codes would be narrower."""
    weight = np.array(values).reshape(-1, 2)
    for graph in (on_codes(weight), frozen(weight)):
        found = sizes(graph).layers["dense"]
        assert (found.weights, found.nonzeros) == (weight.size, len(weight[weight != 0]))
        assert found.dense_bits == found.stored_bits == bits * weight.size
        assert found.entropy_bits == pytest.approx(per_weight * weight.size, abs=1e-9)


def test_reals_by_hand() -> None:
    """Whole numbers in a real network are reals; zeros cost their part of the mask."""
    net = Net(1, 1, 4)
    y = net.add(Dense(Tensor(np.array([[0.5, 0.0], [2.0, 0.0], [-1.0, 0.0], [0.0, 0.0]]))), "x", name="sparse")
    y = net.add(Dense(Tensor(np.array([[1.0, 2.0], [3.0, 4.0]]))), y, name="whole")
    found = sizes(net.graph(y)).layers
    assert (found["sparse"].nonzeros, found["sparse"].dense_bits) == (3, 8 * 32)
    mask = -(3 * np.log2(3 / 8) + 5 * np.log2(5 / 8))
    assert found["sparse"].entropy_bits == pytest.approx(3 * 32 + mask)
    assert (found["whole"].dense_bits, found["whole"].entropy_bits) == (4 * 32, 4 * 32)


def test_work_counts_what_weights_are_used_for() -> None:
    net = Net(6, 5, 4)
    weight = np.ones((3, 3, 1, 4))
    weight[0] = 0.0
    y = net.add(Conv2d(Tensor(weight), Window((3, 3), pads=(1, 1, 1, 1)), groups=4), "x", name="depthwise")
    y = net.add(Dense(Tensor(np.array([[1.0, 0.0]] * 4))), y, name="pointwise")
    found = sizes(net.graph(y))
    assert (found.layers["depthwise"].macs, found.layers["depthwise"].effective_macs) == (30 * 36, 30 * 24)
    assert (found.layers["pointwise"].macs, found.layers["pointwise"].effective_macs) == (30 * 8, 30 * 4)
    assert found.total == Size(44, 28, 44 * 32, 44 * 32, found.total.entropy_bits, 30 * 44, 30 * 28)


def test_entropy_of_symbols() -> None:
    assert entropy(np.array([1, 2, 2, 2])) == pytest.approx(H_QUARTER)
    assert str(entropy(np.zeros(3))) == "0.0"


def test_ratios_to_a_larger_network() -> None:
    found = sizes(on_codes(np.array([[1, -1], [0, 0]])))
    assert found.ratios() == {"dense": 16.0, "stored": 16.0, "entropy": round(128 / 6, 3)}
    assert found.ratios(40) == {"dense": 160.0, "stored": 160.0, "entropy": round(1280 / 6, 3)}
    assert sizes(on_codes(np.zeros((2, 2), np.int64))).ratios()["entropy"] is None
    data = found.data(40)
    assert json.loads(json.dumps(data)) == data
    assert (data["reference"], data["dense_bits"], data["layers"][0]["name"]) == (40, 8, "dense")


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> tuple[Graph, Accelerator]:
    """The digits with ternary weights, and what the compiler makes of the exported file."""
    path = tmp_path_factory.mktemp("sizes") / "ternary.onnx"
    net = Trainable.load(digits.MODEL)
    net.quantise("ternary, classify_*=w4a8", digits.frames()[0][:20])
    net.export(path)
    return net.frozen(), tomato.compile(path, "pynq-z2", fps=1000)


def test_a_frozen_network_and_its_accelerator(trained: tuple[Graph, Accelerator]) -> None:
    graph, accelerator = trained
    found = sizes(graph, accelerator)
    assert found == sizes(accelerator.graph, accelerator)
    assert found.target == "pynq-z2"
    assert found.total.dense_bits == sizes(graph).total.dense_bits
    memories = {i.name: i.memories for i in accelerator.lowered.netlist.instances}
    for name, size in found.layers.items():
        (memory,) = memories[name].values()
        assert size.stored_bits == memory.depth * memory.width >= size.dense_bits >= size.entropy_bits
    assert found.layers["block1_body_body_0_body_0_0_Conv"].dense_bits == 2 * 9 * 16 * 16


def test_lanes_without_a_weight_are_stored(trained: tuple[Graph, Accelerator]) -> None:
    graph, accelerator = trained
    name, plan = "classify_Gemm", accelerator.plan
    knobs = {**plan.layers[name].knobs, "lanes_in": 1, "lanes_out": 4}  # of 10 outputs: 4, 4 and 2
    wide = replace(plan, layers={**plan.layers, name: replace(plan.layers[name], knobs=knobs)})
    padded = replace(accelerator, plan=wide)
    field = padded.lowered.units[name].weight_bits // 320
    assert sizes(graph, padded).layers[name].stored_bits == 32 * 12 * field > 320 * field


def test_an_accelerator_of_another_network(trained: tuple[Graph, Accelerator]) -> None:
    with pytest.raises(TomatoError) as error:
        sizes(on_codes(np.ones((2, 2), np.int64)), trained[1])
    assert str(error.value) == (
        f"error: the accelerator has no layer dense\n  --> {trained[1].model}\n"
        "  hint: compile the network whose sizes are asked for"
    )


def test_the_table(
    trained: tuple[Graph, Accelerator], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    graph, accelerator = trained
    monkeypatch.setenv("COLUMNS", "160")
    show.sizes(sizes(graph, accelerator).data(100_000))
    text, total = capsys.readouterr().out, sizes(graph, accelerator).total
    (together,) = [line for line in text.splitlines() if line.startswith(" together")]
    share = f"{total.nonzeros / total.weights:.1%}"
    numbers = (total.dense_bits, total.stored_bits, round(total.entropy_bits), total.macs, total.effective_macs)
    assert together.split()[1:] == [f"{total.weights:,}", share, *(f"{n:,}" for n in numbers)]
    ratios = [f"{3_200_000 / n:.1f}x" for n in (total.dense_bits, total.stored_bits, total.entropy_bits)]
    assert (
        f"smaller than 100,000 weights in float32: dense {ratios[0]}, stored {ratios[1]}, entropy {ratios[2]}" in text
    )
    assert "stored: in the memories on pynq-z2, lanes without a weight included" in text


def test_the_table_without_a_target(capsys: pytest.CaptureFixture[str]) -> None:
    show.sizes(sizes(on_codes(np.zeros((2, 2), np.int64))).data())
    text = capsys.readouterr().out
    assert "stored" not in text
    assert "smaller than 4 weights in float32: dense 32.0x, entropy -" in text


def test_the_table_in_few_columns(
    trained: tuple[Graph, Accelerator], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    show.sizes(sizes(*trained).data())
    text = capsys.readouterr().out
    assert "MACs" not in text
    assert any(line.startswith(" together") for line in text.splitlines())


def test_neither_sizes_nor_pictures_need_torch() -> None:
    code = "import sys; sys.modules['torch'] = None; import tomato.train.sizes, tomato.train.picture"
    subprocess.run([sys.executable, "-c", code], check=True, cwd=Path(__file__).parents[2])
