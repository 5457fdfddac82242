"""Recurrent layers in training: what steps may do with their weights, and what is kept of them."""

from pathlib import Path

import numpy as np
import onnxruntime as ort
import pytest
import torch

from tests.networks.nets import Net
from tests.networks.recurrent import real
from tests.train.drawn import FRAMES, Drawn, learn, loaded
from tests.train.test_exact import equal, near, recurrent
from tomato.core.errors import TomatoError
from tomato.frontend import load
from tomato.ops.recurrent import Gru, Lstm, Recurrent
from tomato.train import checkpoint, prune
from tomato.train.named import by_layer
from tomato.train.recurrent import RecurrentLayer
from tomato.train.sizes import sizes

HIDDEN = 5


def loop(drawn: Drawn) -> RecurrentLayer:
    """The only recurrent layer."""
    (found,) = (layer for _, layer in drawn.trained.module.each() if isinstance(layer, RecurrentLayer))
    return found


def test_weights_of_the_last_result_learn(tmp_path: Path) -> None:
    """In reals too; the file has them."""
    drawn, path = recurrent(Gru, after=True), tmp_path / "trained.onnx"
    before = loop(drawn).real_operator()
    learn(drawn)
    after = loop(drawn).real_operator()
    assert isinstance(before, Gru)
    assert isinstance(after, Gru)
    assert before.inner is not None
    assert after.inner is not None
    for a, b in ((before.weight, after.weight), (before.inner, after.inner)):
        assert np.all(a.values != b.values)
    drawn.trained.export(path)
    (read,) = (n.op for n in load(path).graph if isinstance(n.op, Recurrent))
    np.testing.assert_array_equal(read.weight.values, after.weight.values)
    (x,), (port,) = drawn.frames, drawn.trained.inputs
    (theirs,) = ort.InferenceSession(path, providers=["CPUExecutionProvider"]).run(None, {port.name: x})
    near(drawn.trained.module(torch.from_numpy(x)).detach().numpy(), theirs, 1e-5, "the file")


def test_weights_are_pruned_by_name_and_stay_so() -> None:
    drawn = recurrent(Lstm)
    module = drawn.trained.module
    pruning = prune(drawn.trained, {"lstm*": 0.5})
    pruning.step(1.0)
    assert loop(drawn).mask.mean() == pytest.approx(0.5, abs=0.02)
    drawn.trained.quantise("w4a8", *drawn.frames)
    learn(drawn)
    equal(drawn, "pruned")
    (made,) = (n.op for n in drawn.trained.frozen() if isinstance(n.op, Recurrent))
    assert np.mean(made.weight.values == 0) >= 0.48
    name = next(node.name for node, _ in module.each() if isinstance(node.op, Recurrent))
    found = sizes(drawn.trained.frozen()).layers[name]
    assert found.weights == HIDDEN * HIDDEN * Lstm.gates
    assert found.dense_bits <= 4 * found.weights
    assert found.macs == 6 * found.weights, "of every step"


def test_steps_that_cannot_change_them_say_so() -> None:
    graph = recurrent(Lstm).trained.module.graph
    with pytest.raises(TomatoError, match=r"is a recurrent layer, whose weights can only be trained, pruned"):
        by_layer(graph, {"lstm*": 0.5})
    assert len(by_layer(graph, {"*": 0.5}, recurrent=True)) == len(by_layer(graph, {"*": 0.5})) + 1


def test_an_interrupted_training_goes_on_with_them(tmp_path: Path) -> None:
    drawn = recurrent(Gru)
    drawn.trained.quantise("w4a8", *drawn.frames)
    learn(drawn)
    checkpoint.save(tmp_path, drawn.trained)
    again = checkpoint.load(tmp_path)
    mine, theirs = drawn.trained.codes(*drawn.frames), again.codes(*drawn.frames)
    assert all(np.array_equal(mine[name], theirs[name]) for name in mine)


def test_sums_that_are_read_elsewhere_too_have_codes() -> None:
    net = Net(1, 4, 3, seed=4)
    sums = net.dense("x", 12, name="sums")
    y = net.add(real(Lstm, 3, net.rng), sums, name="loop")
    drawn = loaded(net.graph(net.dense(y, 2, name="y0"), net.dense(net.relu(sums), 2, name="y1")), net.data(FRAMES))
    drawn.trained.quantise("w4a8", *drawn.frames)
    learn(drawn)
    equal(drawn, "read twice")
