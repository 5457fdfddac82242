"""Weights that are taken out: how many, which, in which pattern, and which return."""

import numpy as np
import pytest
import torch

from tests.train.small import network
from tomato.core.errors import TomatoError
from tomato.train.pruning import Pattern, Pruning, uniform


def test_blocks_of_words_go_together() -> None:
    weight = torch.from_numpy(np.random.default_rng(0).normal(size=(3, 3, 8, 12)))
    pattern = Pattern.parse("words 4x8")
    scores = pattern.scores(weight)
    assert scores.shape == (9, 2, 2)
    expected = weight[1, 2, 4:8, 0:8].square().mean().sqrt()
    torch.testing.assert_close(scores[5, 1, 0], expected)
    mask = pattern.spread((scores > scores.median()).to(weight.dtype), tuple(weight.shape))
    assert mask.shape == weight.shape
    assert set(mask[0, 0, :4, :8].flatten().tolist()) in ({0.0}, {1.0})


def test_every_lane_keeps_as_many_words_of_each_fold() -> None:
    net = network()
    layer = net.layer("dense")
    pattern = Pattern.parse("words 1x2 over 3")
    taken = Pruning(net, {"dense": 0.6}, patterns={"dense": pattern}, end=0.5)
    for i in range(40):
        taken.step(0.5 + i / 100)
    inputs, outputs = layer.mask.shape[-2:]
    words = layer.mask.reshape(-1, inputs, outputs)[:, :, ::2]
    assert bool((layer.mask.reshape(-1, inputs, outputs)[:, :, 1::2] == words[:, :, : outputs // 2]).all())
    lanes = torch.stack([words[:, lane::3].sum((0, 1)) for lane in range(3)])
    assert lanes.unique().tolist() == [round(-(-inputs // 3) * len(words) * 0.4)]


def test_lanes_keep_their_greatest() -> None:
    scores = torch.tensor([[[1.0], [9.0], [4.0], [8.0], [3.0], [7.0]]])
    kept = Pattern.parse("words 1x1 over 2").balanced(scores, 2 / 3)
    assert kept.flatten().tolist() == [0.0, 1.0, 1.0, 0.0, 0.0, 0.0]


def test_two_of_four_inputs_stay() -> None:
    weight = torch.from_numpy(np.random.default_rng(1).normal(size=(8, 5)))
    mask = Pattern.parse("2:4").groups(weight)
    assert mask.reshape(2, 4, 5).sum(1).unique().tolist() == [2.0]
    kept = weight.abs().reshape(2, 4, 5).sort(1).values[:, 2:].sum()
    torch.testing.assert_close((weight.abs() * mask).sum(), kept)


@pytest.mark.parametrize("method", ["magnitude", "surgery", "movement"])
def test_the_schedule_is_cubic_and_ends_at_the_sparsity(method: str) -> None:
    net = network()
    wanted = {node.name: 0.5 for node, _ in net.each()}
    taken = Pruning(net, wanted, method, end=0.8)  # type: ignore[arg-type]
    shares = []
    for i in range(101):
        taken.step(i / 100)
        for _, layer in net.each():
            layer.weight.grad = torch.randn(layer.weight.shape, generator=torch.Generator().manual_seed(i))
        taken.learn()
        shares.append(1.0 - float(net.layer("dense").mask.mean()))
    assert shares[0] == 0.0
    assert shares[-1] == pytest.approx(0.5, abs=0.02)
    if method != "surgery":
        assert shares[40] == pytest.approx(0.5 * (1 - 0.5**3), abs=0.03)
        assert shares == sorted(shares)


def test_surgery_lets_weights_return_and_magnitude_takes_the_smallest() -> None:
    net = network()
    layer = net.layer("dense")
    taken = Pruning(net, {"dense": 0.5}, "surgery", end=0.5)
    for i in range(40):
        taken.step(0.4 + i / 1000)
    gone = (layer.mask == 0).nonzero()[0]
    net.train()
    layer.weight.grad = None
    layer.effective_weight().sum().backward()
    assert layer.weight.grad is not None
    assert layer.weight.grad[tuple(gone)] == 1.0
    with torch.no_grad():
        layer.weight[tuple(gone)] = 100.0
    for i in range(8):
        taken.step(0.45 + i / 1000)
    assert layer.mask[tuple(gone)] == 1.0
    for i in range(8):
        taken.step(0.9 + i / 1000)
    left = layer.weight.abs()
    assert left[layer.mask == 0].max() <= left[layer.mask == 1].min()


def test_one_threshold_for_all_is_relative_to_each_layer() -> None:
    net = network()
    with torch.no_grad():
        net.layer("dense").weight.mul_(100.0)
    shares = uniform(net, 0.5)
    total = sum(layer.weight.numel() for _, layer in net.each())
    assert sum(shares[n.name] * layer.weight.numel() for n, layer in net.each()) / total == pytest.approx(0.5, abs=0.01)
    assert abs(shares["dense"] - shares["conv"]) < 0.2


def test_nothing_left_of_a_layer_is_told() -> None:
    with pytest.raises(TomatoError, match="leaves nothing of the layer") as told:
        Pruning(network(), {"dense": 0.999})
    assert told.value.where == "dense"
    with pytest.raises(TomatoError, match="no pattern"):
        Pattern.parse("4:2")
    with pytest.raises(TomatoError, match="no pattern"):
        Pattern.parse("words 4x8 over 2")
