"""What quantised training needs beside gradients."""

import numpy as np
import pytest
import torch

from tests.train.small import frames, network
from tomato.train.hooks import Calm, Clips, Refit, fold_normalisation, put_normalisation
from tomato.train.trainable import Trainable


def quantised(precision: str) -> Trainable:
    small = network()
    net = Trainable(small.graph, small.inputs, small.outputs)
    net.quantise(precision, *frames(32).arrays())
    return net


def test_a_weight_that_goes_back_and_forth_is_frozen_where_it_was_most() -> None:
    net = quantised("w8a8, conv=w3a8")
    layer = net.module.layer("conv")
    assert layer.quantiser is not None
    calm, scale = Calm(net.module), float(layer.quantiser.scale[0].detach())
    still = layer.weight.detach().clone()
    for i in range(900):
        with torch.no_grad():
            layer.weight[0, 0, 0, 0] = scale * (1.6 if i % 3 else 1.4)  # two steps in three at 2, else at 1
        calm.after_step(net.module, 0.2 if i < 800 else 0.6)
    assert float(layer.weight[0, 0, 0, 0]) == pytest.approx(2 * scale)
    with torch.no_grad():
        layer.weight[0, 0, 0, 0] = -scale
    calm.after_step(net.module, 0.7)
    assert float(layer.weight[0, 0, 0, 0]) == pytest.approx(2 * scale)
    assert torch.equal(layer.weight[1], still[1])


def test_nothing_is_frozen_before_half_of_the_training() -> None:
    net = quantised("w3a8")
    layer = net.module.layer("conv")
    assert layer.quantiser is not None
    calm, scale = Calm(net.module), float(layer.quantiser.scale[0].detach())
    for i in range(100):
        with torch.no_grad():
            layer.weight[0, 0, 0, 0] = scale * (1.6 if i % 2 else 1.4)
        calm.after_step(net.module, 0.4)
    assert float(layer.weight[0, 0, 0, 0]) == pytest.approx(1.6 * scale)


def test_focused_levels_follow_the_weights_behind_ever_more_epochs() -> None:
    net = quantised("focused4a8, conv=focused4a8")
    layer = net.module.layer("conv")
    assert layer.quantiser is not None
    rng, seen = np.random.default_rng(1), []
    before = layer.quantiser.scale_log2.detach().clone()
    for epoch in range(9):
        with torch.no_grad():
            layer.weight.copy_(torch.from_numpy(rng.normal(size=layer.weight.shape)))
        Refit().before_epoch(net.module, epoch, 0.0)
        now = layer.quantiser.scale_log2.detach().clone()
        if not torch.equal(now, before):
            seen.append(epoch)
        before = now
    assert seen == [1, 2, 4, 8]


def test_statistics_are_estimated_over_all_frames_and_folded() -> None:
    net, given = quantised("w4a8"), frames(96)
    put_normalisation(net.module, given.take(np.arange(8)))
    assert [layer.norm is not None for _, layer in net.module.each()] == [True, False]
    first = next(net.module.each())[1]
    assert first.norm is not None
    watched: list[torch.Tensor] = []
    handle = first.norm.register_forward_hook(lambda _, args, __: watched.append(args[0].detach()))
    with torch.no_grad():
        net.module.train()
        net.module(torch.from_numpy(given.arrays()[0]))
    handle.remove()
    mean = watched[0].reshape(-1, watched[0].shape[-1]).mean(0)
    gain, shift = first.norm.gain.abs().detach().clone(), first.norm.shift.detach().clone()
    fold_normalisation(net.module, given)
    assert all(layer.norm is None for _, layer in net.module.each())
    variance = watched[0].reshape(-1, watched[0].shape[-1]).var(0, correction=0)
    torch.testing.assert_close(
        first.bias.detach(), shift - mean * gain / (variance + 1e-5).sqrt(), rtol=0.05, atol=0.05
    )
    assert net.check(*given.take(np.arange(16)).arrays())[0] == 0


def test_clips_of_pact_shrink_and_those_of_lsq_stay() -> None:
    small = network()
    net = Trainable(small.graph, small.inputs, small.outputs)
    net.quantise("w8a8", *frames(32).arrays(), method="pact")
    clips = Clips(net.module, 0.5)
    assert clips.quantisers
    for quantiser in clips.quantisers:
        quantiser.scale_log2.grad = torch.zeros(())
        quantiser.scale_log2.data += 1.0  # twice the first value
    clips.after_backward(net.module, 0.0)
    for quantiser, first in zip(clips.quantisers, clips.first, strict=True):
        at = quantiser.scale_log2.detach().clone().requires_grad_()
        (0.25 * (torch.exp2(at) / first) ** 2).backward()
        assert quantiser.scale_log2.grad is not None
        torch.testing.assert_close(quantiser.scale_log2.grad, at.grad)
        assert float(quantiser.scale_log2.grad) > 0
    assert not Clips(quantised("w8a8").module, 0.5).quantisers
