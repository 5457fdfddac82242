"""Gates: what they compute, how they learn, and what of them is in the file."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
import torch

from tests.networks.nets import Net
from tests.train.small import CLASSES, frames, port
from tomato.core.errors import TomatoError
from tomato.core.formats import Array
from tomato.core.interpret import interpret
from tomato.core.ir import Graph, Op
from tomato.measure.agreement import session
from tomato.ops.keep_largest import KeepLargest
from tomato.ops.move import Pad, Reshape
from tomato.ops.pool import MaxPool
from tomato.ops.real import Function
from tomato.ops.window import Window
from tomato.train import checkpoint
from tomato.train.gates import Gates, add_gates, never_negative, opened
from tomato.train.loop import Loop, fit
from tomato.train.losses import Objective, given
from tomato.train.meaning import play
from tomato.train.open_channels import gated_work
from tomato.train.recipe import parse
from tomato.train.run import Run
from tomato.train.sizes import sizes
from tomato.train.trainable import Trainable

SAME = Window((3, 3), pads=(1, 1, 1, 1))
HALF = {"first": 0.5, "second": 0.5}


def graph(*, seed: int = 0) -> Graph:
    """Two convolutions, 8 and 12 channels, a pool between them, and scores."""
    net = Net(6, 4, 2, seed=seed)
    x = net.relu(net.affine(net.conv("x", 8, SAME, name="first"), bias_only=True), name="relu1")
    x = net.add(MaxPool(Window((2, 2), (2, 2))), x)
    x = net.relu(net.affine(net.conv(x, 12, SAME, name="second"), bias_only=True), name="relu2")
    x = net.dense(net.add(Reshape((1, 1, 72)), x), CLASSES, name="last")
    return net.graph(net.affine(x, bias_only=True, name="scores"))


def trainable(made: Graph) -> Trainable:
    inputs = tuple(port(name, name, kind.shape) for name, kind in made.inputs)
    return Trainable(made, inputs, (port("y", made.outputs[0], made.types[made.outputs[0]].shape),))


def trained(epochs: int = 2) -> Trainable:
    """With gates of two channels each, and 8 bits."""
    net = trainable(add_gates(graph(), HALF, 2))
    fit(net.module, frames(), Loop(epochs, distil=0.0), hooks=[Gates(net.module, HALF)])
    net.quantise("w8a8", *frames(32).arrays())
    fit(net.module, frames(), Loop(epochs, distil=0.0))
    return net


def values(made: Graph, x: Array) -> dict[str, Array]:
    found: dict[str, Array] = {}
    interpret(made, {"x": x}, watch=lambda name, y: found.update({name: y}))
    return found | {"x": x}


def test_a_gated_layer_is_that_of_the_paper() -> None:
    x = np.random.default_rng(1).normal(size=(5, 6, 4, 2))
    made, plain = add_gates(graph(), HALF, 2), values(graph(), x)
    found, nodes = values(made, x), made.producers
    dense = nodes["first_gate"].op
    assert isinstance(dense, Op)
    (phi,) = dense.constants
    gates = np.maximum(np.abs(x).mean(axis=(1, 2)) @ phi.values + 1.0, 0.0)
    limit = np.sort(gates, axis=1)[:, -2, None]
    kept = np.where(gates >= limit, gates, 0.0).repeat(2, axis=1)
    np.testing.assert_allclose(found["first_gated"], plain["relu1"] * kept[:, None, None, :], rtol=1e-12)
    assert nodes["second"].args == nodes["second_gate_sum"].args == ("maxpool",)
    assert nodes["second_gate_kept"].op == KeepLargest(3)


def test_the_magnitude_is_taken_only_of_what_may_be_negative() -> None:
    made = add_gates(graph(), HALF)
    functions = [node.name for node in made if isinstance(node.op, Function)]
    assert functions == ["first_gate_abs"]
    net = Net(4, 4, 2)
    x = net.relu(net.affine("x"))
    padded, below = net.add(Pad((1, 0, 0, 0), 1.0), x), net.add(Pad((1, 0, 0, 0), -1.0), x)
    found = never_negative(net.graph(padded, below))
    assert padded in found
    assert below not in found


def test_gates_are_new_for_every_seed_and_layer() -> None:
    one, same, other = (
        [n.op for n in add_gates(graph(), HALF, seed=seed) if n.name.endswith("_gate")] for seed in (0, 0, 1)
    )
    assert one == same
    assert one != other


def test_gates_are_spread_over_frames() -> None:
    steps = [{"do": "gate", "layers": HALF, "group": 2, "spread": 0.2, "epochs": 0}]
    run = Run(trainable(graph()), parse({"step": steps, "loop": {"distil": 0.0}}, "recipe"), frames(300))
    run.carry_out()
    (x,) = run.frames.arrays()
    found = values(opened(run.net.graph()), x.transpose(0, 2, 3, 1).astype(np.float64))
    for name in HALF:
        gates = found[f"{name}_gate_relu"].reshape(len(x), -1)
        np.testing.assert_allclose(gates.mean(axis=0), 1.0, atol=0.05)
        np.testing.assert_allclose(gates.std(axis=0), 0.2, rtol=0.2)


def test_gradients_pass_through_what_is_kept_alone() -> None:
    x = torch.tensor([[[[1.0, 3.0, 2.0, 3.0, 3.0]]]], requires_grad=True)
    y = play(KeepLargest(2), [x])
    assert y.tolist() == [[[[0.0, 3.0, 0.0, 3.0, 0.0]]]]
    (y * torch.arange(1.0, 6.0)).sum().backward()  # type: ignore[no-untyped-call, unused-ignore]
    assert x.grad is not None
    assert x.grad.tolist() == [[[[0.0, 2.0, 0.0, 4.0, 0.0]]]]


def test_densities_fall_step_by_step_and_hold_in_evaluation() -> None:
    net = trainable(add_gates(graph(), {"first": 0.5}, 1)).module
    hook, seen = Gates(net, {"first": 0.5}, until=0.5), []
    x = torch.from_numpy(frames(8).arrays()[0])
    for share in np.arange(0, 1, 0.05):
        hook.before_step(net, float(share))
        watched: dict[str, list[torch.Tensor]] = {"first_gate_kept": []}
        net.train()
        net.play(net.enter((x,)), watched)
        seen.append(int((watched["first_gate_kept"][0] > 0).sum(dim=3).max()))
    assert seen[:10] == [8, 8, 7, 7, 6, 6, 5, 5, 4, 4]
    assert seen[10:] == [4] * 10
    hook.before_step(net, 0.0)
    net.eval()
    net.play(net.enter((x,)), watched := {"first_gate_kept": []})
    assert int((watched["first_gate_kept"][0] > 0).sum(dim=3).max()) == 4
    assert [hook.settled(share) for share in (0.0, 0.49, 0.5, 1.0)] == [False, False, True, True]


def test_the_loss_has_the_sum_of_the_gates() -> None:
    net = trainable(add_gates(graph(), HALF, 2)).module
    part = frames(16)
    x, order = given(net, part), torch.arange(16)
    plain, charged = (
        Objective(net, charges=charges).loss(x, part.classes(), order, 1.0)
        for charges in ({}, Gates(net, HALF, penalty=0.5).charges())
    )
    watched: dict[str, list[torch.Tensor]] = {f"{name}_gate_relu": [] for name in HALF}
    net.play(net.enter(x), watched)
    total = sum(float(found[0].detach().sum()) for found in watched.values()) / 16
    assert float(charged.detach() - plain.detach()) == pytest.approx(0.5 * total, rel=1e-5)


def test_the_loss_has_how_unlike_gates_are_on_average() -> None:
    net = trainable(add_gates(graph(), HALF, 2)).module
    charge = Gates(net, HALF, penalty=0.0, balance=3.0).charges()["first_gate_relu"]
    even = torch.tensor([[0.0, 2.0], [2.0, 0.0]]).reshape(2, 1, 1, 2)
    assert float(charge(even)) == 0.0, "each frame chooses, none more often"
    assert float(charge(even + torch.tensor([0.0, 2.0]))) == pytest.approx(3.0 * 0.25)


def test_balanced_gates_are_alike_on_average() -> None:
    found = []
    for balance in (0.0, 10.0):
        net = trainable(add_gates(graph(), HALF, 2, seed=3))
        fit(net.module, frames(), Loop(12, distil=0.0), hooks=[Gates(net.module, HALF, balance=balance)])
        watched: dict[str, list[torch.Tensor]] = {"first_gate_relu": []}
        net.module.play(net.module.enter(given(net.module, frames())), watched)
        mean = watched["first_gate_relu"][0].detach().mean(dim=(0, 1, 2))
        found.append(float(mean.std() / mean.mean()))
    assert found[1] < 0.8 * found[0]


def test_work_that_gates_leave_is_counted() -> None:
    made = add_gates(graph(), HALF, 2)
    assert gated_work(graph()) == {}
    assert gated_work(made) == {"first": 0.5, "second": 0.25}
    net = trained(0)
    for one in (net.graph(), net.frozen()):
        layers = sizes(one).layers
        for name, share in {"first": 0.5, "second": 0.25, "last": 1.0}.items():
            size = layers[name]
            assert size.effective_macs == pytest.approx(share * size.macs * size.nonzeros / size.weights, abs=1)


def test_the_compiled_network_is_the_trained_one() -> None:
    wrong, compared = trained().check(*frames(64, seed=9).arrays())
    assert wrong == 0
    assert compared > 10_000


@pytest.mark.parametrize("quantised", [False, True])
def test_the_runtime_agrees(quantised: bool, tmp_path: Path) -> None:
    net = trained() if quantised else trainable(add_gates(graph(), HALF, 2))
    path, (x,) = tmp_path / "gated.onnx", frames(64, seed=9).arrays()
    net.export(path)
    (found,) = session(path).run(None, {"x": x})
    with torch.no_grad():
        np.testing.assert_allclose(found, net.module(torch.from_numpy(x)).numpy(), rtol=1e-5, atol=1e-5)


def test_a_recipe_with_gates() -> None:
    steps = [
        {"do": "gate", "layers": HALF, "group": 2, "penalty": 1e-6, "epochs": 2},
        {"do": "quantise", "precision": "w8a8", "epochs": 1},
    ]
    run = Run(trainable(graph()), parse({"step": steps, "loop": {"distil": 0.0}}, "recipe"), frames(200))
    rows = run.carry_out()
    assert [row.step for row in rows] == ["start", "1 gate", "2 quantise"]
    assert rows[1].sizes.effective_macs < 0.5 * rows[0].sizes.macs
    assert run.net.module.keeping == {}


def refused(made: Graph, layers: Sequence[str], group: int = 1) -> str:
    with pytest.raises(TomatoError) as told:
        add_gates(made, dict.fromkeys(layers, 0.5), group, where="recipe: step 1 gate")
    assert told.value.where == "recipe: step 1 gate"
    return told.value.what


def test_layers_that_cannot_have_gates() -> None:
    net = Net(4, 4, 4)
    x = net.relu(net.affine(net.conv("x", 4, SAME, 2, name="grouped"), bias_only=True))
    grouped = net.graph(net.affine(net.conv(x, 4, SAME, name="bare"), bias_only=True))
    assert refused(graph(), ["last"]) == "/last cannot have gates: it is no convolution"
    assert refused(grouped, ["grouped"]) == "/grouped cannot have gates: its channels are in groups"
    assert refused(grouped, ["bare"]) == "/bare cannot have gates: no ReLU is behind it"
    assert refused(graph(), ["first"], 3) == "/first cannot have gates: its 8 channels are no multiple of the group, 3"
    assert refused(add_gates(graph(), HALF), ["second"]) == "/second cannot have gates: it has some"
    assert refused(graph(), ["third"]) == "no layer is called third"


def test_a_checkpoint_has_the_gates(tmp_path: Path) -> None:
    net = trained(1)
    checkpoint.save(tmp_path, net)
    x = torch.from_numpy(frames(16).arrays()[0])
    with torch.no_grad():
        assert torch.equal(checkpoint.load(tmp_path).module.eval()(x), net.module(x))
