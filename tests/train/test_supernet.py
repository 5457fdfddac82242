"""Shared weights: what a network takes of them, what it computes, and what is exported."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from itertools import permutations
from pathlib import Path

import numpy as np
import pytest
import torch

from tomato.core.formats import Array
from tomato.core.interface import Slot
from tomato.core.interpret import interpret
from tomato.frontend.write import write
from tomato.ops.join import Add
from tomato.quantise.precision import LayerFormat
from tomato.search.network import build
from tomato.search.network.layers import Architecture, Stage, layers
from tomato.search.network.space import Choices, Genes, Space, names, read
from tomato.train.data import Frames
from tomato.train.loop import Loop
from tomato.train.search import rounding
from tomato.train.search.supernet import Supernet
from tomato.train.search.teaching import Teaching
from tomato.train.trainable import Trainable

torch.set_num_threads(1)
FRAME, CLASSES = (8, 8, 2), 3
SPACE = Space(
    (
        Choices(("conv",), (3, 5), (4, 6), formats=("w16a16",)),
        Choices(
            ("conv", "separable", "inverted", "residual"), (3, 5), (4, 8), (1, 2), ("none", "stride", "max"), (2, 3),
            ("w16a16",),
        ),
    ),
    shrinks=(1, 2),
)  # fmt: skip


def some(count: int, space: Space = SPACE, seed: int = 0) -> Iterator[Genes]:
    rng = np.random.default_rng(seed)
    return (space.draw(rng, FRAME) for _ in range(count))


def test_every_network_finds_its_weights() -> None:
    for name in names():
        space = read(name)
        net, rng = Supernet(space, (32, 32, 3), CLASSES), np.random.default_rng(0)
        for _ in range(40):
            layers = net.layers(space.draw(rng, net.frame))
            widths = {"x": 3, **{layer.name: layer.shape[2] for layer in layers}}
            for layer in layers:
                if layer.weighted:
                    out, per_group, *kernel = net.taken(layer, widths[layer.args[0]]).shape
                    channels = 1 if layer.work == "depthwise" else widths[layer.args[0]]
                    assert (out, per_group, *kernel) == (layer.shape[2], channels, layer.kernel, layer.kernel)


def test_the_exported_graph_computes_what_the_shared_weights_do() -> None:
    net = Supernet(SPACE, FRAME, CLASSES)
    with torch.no_grad():
        for values in (*net.gains.values(), *net.shifts.values()):
            values.copy_(torch.rand(values.shape, generator=torch.Generator().manual_seed(len(values))) + 0.5)
    x = torch.randn(12, 2, 8, 8, generator=torch.Generator().manual_seed(1))
    for genes in some(12):
        layers = net.layers(genes)
        known = net.statistics(layers, x)
        graph = build.graph(layers, FRAME, of(net.folded(layers, known)))
        graph.verify()
        (got,) = interpret(graph, {"x": x.permute(0, 2, 3, 1).double().numpy()}).values()
        want = net.scores(layers, [x], known).numpy()
        np.testing.assert_allclose(got.reshape(12, CLASSES), want, rtol=5e-2, atol=5e-2)  # the mean has 8 bits there


def of(folded: Mapping[str, tuple[Array, Array]]) -> build.Weights:
    """Weights and biases by the name of a layer."""
    return lambda layer, _: folded[layer.name]


FORMS = "w8a8", "w4a4", "ternarya8", "w3a6"


def test_formats_reach_the_layers_of_the_file_that_is_trained(tmp_path: Path) -> None:
    """Stages in formats of their own, sums and means among them."""
    stages = (
        Stage("conv", 3, 4, 1, "none", 1, FORMS[0]), Stage("residual", 3, 8, 2, "stride", 1, FORMS[1]),
        Stage("inverted", 3, 8, 1, "none", 2, FORMS[2]), Stage("separable", 3, 8, 1, "none", 1, FORMS[3]),
    )  # fmt: skip
    for order in permutations(range(4)):
        forms = [FORMS[i] for i in order]
        found = Architecture(2, tuple(replace(s, form=f) for s, f in zip(stages, forms, strict=True)))
        made = layers(found, FRAME, CLASSES)
        graph = build.graph(made, FRAME)
        image, scores = build.ports(graph)
        write(graph, (image,), (scores,), tmp_path / "net.onnx")
        net = Trainable.load(tmp_path / "net.onnx")
        bits = build.precision(made)
        bits.check(net.graph())
        named = bits.with_ends(net.graph())
        want = {layer.name: LayerFormat.parse(layer.form) for layer in made if layer.form}
        for node in net.graph():
            owner = max((n for n in want if node.name.startswith(n)), key=len, default=None)
            if owner and (node.op.weights or isinstance(node.op, Add)):
                wide = owner in (made[1].name, "scores") and want[owner].corrects
                assert named.of(node).activation_bits == want[owner].activation_bits, node.name
                assert named.of(node).weight_bits == (8 if wide else want[owner].weight_bits), node.name


@pytest.mark.parametrize("form", ["w8a8", "w4a4", "w2a2", "ternarya4", "binarya1", "shift4a4"])
def test_rounding_leaves_few_values_and_gradients(form: str) -> None:
    wanted, rng = LayerFormat.parse(form), torch.Generator().manual_seed(0)
    weight = torch.randn(3, 40, 3, 3, generator=rng).requires_grad_()
    rounded = rounding.weights(weight, wanted)
    assert max(len(channel.detach().round(decimals=4).unique()) for channel in rounded) <= 2**wanted.weight_bits
    rounded.sum().backward()
    assert weight.grad is not None
    assert weight.grad.abs().mean() > 0.5
    x = torch.randn(6, 4, 9, 9, generator=rng)
    for values, positive in ((x, False), (x.relu(), True)):
        found = rounding.activations(values, wanted.activation_bits, positive=positive)
        assert len(found.round(decimals=4).unique()) <= 2**wanted.activation_bits
        assert not positive or found.min() >= 0


def test_wider_formats_are_nearer() -> None:
    weight = torch.randn(4, 200, generator=torch.Generator().manual_seed(0))
    errors = [float((rounding.weights(weight, LayerFormat(bits)) - weight).square().mean()) for bits in (2, 3, 4, 6, 8)]
    assert errors == sorted(errors, reverse=True)


def pictures(count: int = 120) -> Frames:
    rng = np.random.default_rng(5)
    labels = rng.integers(0, CLASSES, count)
    x = rng.normal(size=(count, 2, 8, 8)).astype(np.float32)
    for frame, label in zip(x, labels, strict=True):
        frame[:, 2 * label : 2 * label + 2] += 1.5
    return Frames.of([Slot("x", (2, 8, 8), "float32")], [x], labels)


def test_small_networks_learn_with_large_ones() -> None:
    space = Space((SPACE.stages[0], Choices(("conv", "separable"), (3,), (4, 8), downs=("stride",))))
    space = space.with_precision("w4a4")
    frames = pictures()
    teaching = Teaching(Supernet(space, FRAME, CLASSES), frames, Loop(epochs=12, batch=20, rate=1e-2))
    teaching.run()
    assert teaching.losses[-1] < teaching.losses[0]
    x, labels = torch.from_numpy(frames.arrays()[0]), torch.from_numpy(frames.classes())
    for genes in some(4, space):
        layers = teaching.net.layers(genes)
        scores = teaching.net.scores(layers, [x], teaching.net.statistics(layers, x))
        assert float((scores.argmax(1) == labels).float().mean()) > 0.6


def test_training_goes_on_where_it_was() -> None:
    frames, loop = pictures(60), Loop(epochs=3, batch=20, rate=1e-2)
    whole = Teaching(Supernet(SPACE, FRAME, CLASSES), frames, loop)
    states = []
    whole.run(after_epoch=lambda: states.append(_copied(whole.state())))
    later = Teaching(Supernet(SPACE, FRAME, CLASSES), frames, loop)
    later.restore(states[0])
    later.run()
    assert later.losses == whole.losses
    for a, b in zip(later.net.parameters(), whole.net.parameters(), strict=True):
        assert torch.equal(a, b)


def _copied(state: dict[str, object]) -> dict[str, object]:
    import copy

    return copy.deepcopy(state)
