"""Fake quantisers have the compiler's levels, and the gradients that their papers say."""

import numpy as np
import pytest
import torch

from tests.networks.nets import Net
from tests.train.drawn import loaded
from tomato.core.formats import Array, Codes
from tomato.ops.join import Add
from tomato.ops.window import Window
from tomato.quantise.weights.alphabet import Alphabet
from tomato.quantise.weights.codebook import LIMIT
from tomato.quantise.weights.kinds import KINDS
from tomato.train.quantisers import ActivationQuantiser, Method, WeightQuantiser

FORMS = [(kind, bits) for kind, about in KINDS.items() for bits in about.bits]
SHAPE = (3, 2, 4, 5)
"""Of a convolution's weights: height, width, channels in, channels out."""


def weights(seed: int = 0, shape: tuple[int, ...] = SHAPE) -> Array:
    """Two clusters, so that every kind has work, in channels of different size."""
    rng = np.random.default_rng(seed)
    values = rng.choice([-1.0, 1.0], shape) + rng.normal(0.0, 0.2, shape)
    return np.asarray((values * rng.uniform(0.1, 2.0, shape[-1])).astype(np.float32))


def alphabet(kind: str, bits: int, weight: Array) -> Alphabet:
    return KINDS[kind].choose(weight.reshape(-1, weight.shape[-1]).astype(np.float64), bits)


@pytest.mark.parametrize(("kind", "bits"), FORMS)
def test_levels_are_the_compilers(kind: str, bits: int) -> None:
    weight = weights()
    want, made = alphabet(kind, bits, weight), WeightQuantiser(weight, kind, bits)
    np.testing.assert_array_equal(made.table.detach().numpy(), want.levels)
    np.testing.assert_allclose(made.scale.detach().numpy(), want.scale, rtol=1e-5)
    codes = made.codes(torch.from_numpy(weight)).numpy()
    np.testing.assert_array_equal(codes, want.nearest(weight / made.scale.detach().numpy()))
    given = made(torch.from_numpy(weight)).detach().numpy()
    np.testing.assert_allclose(given, codes * made.scale.detach().numpy(), rtol=1e-5)


@pytest.mark.parametrize(("kind", "bits"), FORMS)
def test_gradients_of_weights_and_scales(kind: str, bits: int) -> None:
    weight, made = torch.from_numpy(weights(1)).requires_grad_(), WeightQuantiser(weights(), kind, bits)
    upstream = torch.from_numpy(weights(2))
    made(weight).backward(upstream)
    scale, levels = made.scale.detach().double(), made.levels.detach().double()
    steps = weight.detach().double() / scale
    inside = (steps >= levels[0]) & (steps <= levels[-1])
    assert inside.any()
    assert weight.grad is not None
    torch.testing.assert_close(weight.grad, torch.where(inside, upstream, 0.0))
    level = made.codes(weight).double()
    each = torch.where(inside, level - steps, level) * upstream
    want = each.sum((0, 1, 2)) * made.factor * scale * np.log(2.0)  # the parameter is the scale's logarithm
    assert made.factor == pytest.approx((24 * max(1.0, float(levels.abs().max()))) ** -0.5)
    assert made.scale_log2.grad is not None
    torch.testing.assert_close(made.scale_log2.grad.double(), want, rtol=1e-4, atol=1e-5)


def test_nothing_passes_beyond_the_levels() -> None:
    made = WeightQuantiser(weights(), "fixed", 3)
    beyond = (made.scale.detach() * 3.01 * torch.tensor([1.0, -1.0, 1.0, -1.0, 1.0])).reshape(1, 1, 1, -1)
    beyond = beyond.clone().requires_grad_()
    made(beyond).sum().backward()
    assert beyond.grad is not None
    assert not beyond.grad.any()


def test_centres_of_a_codebook_get_the_sum_of_their_weights_gradients() -> None:
    made = WeightQuantiser(weights(), "codebook", 2)
    weight, upstream = torch.from_numpy(weights(1)), torch.from_numpy(weights(2))
    made(weight).backward(upstream)
    codes, grad = made.codes(weight), made.levels.grad
    assert grad is not None
    for level, found in zip(made.levels.detach(), grad, strict=True):
        want = (torch.where(codes == level, upstream, 0.0) * made.scale.detach()).sum()
        torch.testing.assert_close(found, want, rtol=1e-4, atol=1e-4)


def test_levels_of_a_codebook_move_and_stay_integers_of_eight_bits() -> None:
    made = WeightQuantiser(weights(), "codebook", 2)
    with torch.no_grad():
        made.levels.copy_(torch.tensor([300.0, 20.3, -5.6, 20.4]))
    assert made.table.tolist() == [-6.0, 20.0, LIMIT]
    weight = torch.from_numpy(weights(1))
    torch.testing.assert_close(made(weight), made.codes(weight) * made.scale)


def test_focused_weights_are_refitted_and_stored() -> None:
    made, moved = WeightQuantiser(weights(), "focused", 4), weights(3) * np.float32(0.5) + np.float32(0.3)
    before = made.levels.tolist()
    made.refit(moved)
    want = alphabet("focused", 4, moved)
    assert made.levels.tolist() == want.levels.tolist() != before
    np.testing.assert_allclose(made.scale.detach().numpy(), want.scale, rtol=1e-5)
    fresh = WeightQuantiser(weights(), "focused", 4)
    fresh.load_state_dict(made.state_dict())
    assert fresh.levels.tolist() == made.levels.tolist()
    assert not made.levels.requires_grad


def test_a_channel_without_weights_stays_finite() -> None:
    weight = weights()
    weight[..., 2] = 0.0
    for kind, bits in FORMS:
        made = WeightQuantiser(weight, kind, bits)
        given = made(torch.from_numpy(weight).requires_grad_())
        given.sum().backward()
        assert made.scale_log2.grad is not None
        assert torch.isfinite(made.scale_log2.grad).all(), (kind, bits)
        assert given[..., 2].abs().max() < 1e-9, (kind, bits)


def test_channels_in_a_row_share_their_scale() -> None:
    weight = weights(shape=(4, 6))
    made = WeightQuantiser(weight, "fixed", 4, together=3)
    assert made.scale_log2.shape == (2,)
    want = alphabet("fixed", 4, np.stack([weight[:, :3].ravel(), weight[:, 3:].ravel()], axis=1))
    np.testing.assert_allclose(made.scale.detach().numpy(), np.repeat(want.scale, 3), rtol=1e-5)


@pytest.mark.parametrize("method", ["lsq", "pact"])
@pytest.mark.parametrize("zero", [0, 5, 15])
def test_values_become_codes(method: Method, zero: int) -> None:
    made = ActivationQuantiser(0.25, zero, Codes(0, 15), method)
    x = torch.linspace(-6.0, 6.0, 203)[None]
    want = (torch.round(x / 0.25) + zero).clamp(0, 15)
    torch.testing.assert_close(made(x), (want - zero) * 0.25)


@pytest.mark.parametrize("zero", [0, 5])
def test_the_gradient_of_a_learned_step(zero: int) -> None:
    made, x = ActivationQuantiser(0.25, zero, Codes(0, 15)), torch.linspace(-6.0, 6.0, 406).reshape(2, 203)
    x.requires_grad_()
    upstream = torch.from_numpy(weights(4, (2, 203)))
    made(x).backward(upstream)
    steps, lo, hi = x.detach() / 0.25, -zero, 15 - zero
    inside = (steps > lo) & (steps < hi)
    each = torch.where(inside, steps.round() - steps, torch.where(steps < 0, float(lo), float(hi)))
    want = (each * upstream).sum() / (203 * max(hi, zero)) ** 0.5 * 0.25 * np.log(2.0)
    assert made.scale_log2.grad is not None
    torch.testing.assert_close(made.scale_log2.grad, want, rtol=1e-4, atol=1e-5)
    assert x.grad is not None
    torch.testing.assert_close(x.grad, torch.where(inside, upstream, 0.0))


def test_the_gradient_of_a_clip() -> None:
    made, x = ActivationQuantiser(0.25, 5, Codes(0, 15), "pact"), torch.linspace(-6.0, 6.0, 203)[None]
    x.requires_grad_()
    upstream = torch.from_numpy(weights(4, (1, 203)))
    made(x).backward(upstream)
    steps = x.detach() / 0.25
    each = torch.where(steps < -5, -5.0, 0.0) + torch.where(steps > 10, 10.0, 0.0)
    want = (each * upstream).sum() / (203 * 10) ** 0.5 * 0.25 * np.log(2.0)
    assert made.scale_log2.grad is not None
    torch.testing.assert_close(made.scale_log2.grad, want, rtol=1e-4, atol=1e-5)
    assert x.grad is not None
    torch.testing.assert_close(x.grad, torch.where((steps > -5) & (steps < 10), upstream, 0.0))


def test_a_given_step_is_not_learned() -> None:
    made = ActivationQuantiser(1.0, 0, Codes(0, 255), fixed=True)
    assert not made.scale_log2.requires_grad
    assert ActivationQuantiser(1.0, 0, Codes(0, 255)).scale_log2.requires_grad


def test_both_arguments_of_a_sum_share_one_step() -> None:
    net = Net(4, 4, 2, seed=3)
    a, b = (net.conv("x", 3, Window((1, 1)), name=name) for name in "ab")
    c = net.conv(net.add(Add(), net.relu(a, "over"), b, name="sum"), 2, Window((1, 1)), name="c")
    drawn = loaded(net.graph(c), net.data())
    drawn.trained.quantise("w8a6", *drawn.frames)
    module = drawn.trained.module
    (joined,) = (node for node in module.graph if isinstance(node.op, Add))
    first, second = (module.quantiser(value) for value in joined.args)
    assert first is not None
    assert second is not None
    assert first is not second
    assert first.scale_log2 is second.scale_log2
    assert {first.zero == 0, second.zero == 0} == {True, False}
    steps = [p for name, p in module.named_parameters() if name.startswith("quantisers.")]
    assert len(steps) == len(module.quantisers) - 1
