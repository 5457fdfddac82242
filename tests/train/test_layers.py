"""A layer while it is trained: biases, masks, tied weights, normalisation, and what it is in integers."""

import numpy as np
import pytest
import torch

from tests.train.small import frames, network
from tomato.core.formats import Array, Tensor
from tomato.ops.conv2d import Conv2d
from tomato.ops.dense import Dense
from tomato.ops.window import Window
from tomato.train.hooks import fold_normalisation, put_normalisation
from tomato.train.layers import MOST_BIAS, Layer
from tomato.train.trainable import Trainable

RNG = np.random.default_rng(11)
STEP = 0.125


def layer(form: tuple[str, int] | None = ("fixed", 4), *, dense: bool = False) -> Layer:
    weight = RNG.normal(size=(4, 3) if dense else (3, 3, 2, 4))
    op = Dense(Tensor(weight)) if dense else Conv2d(Tensor(weight), Window((3, 3), pads=(1, 1, 1, 1)))
    made = Layer(op, weight, np.asarray(RNG.normal(size=weight.shape[-1])))
    if form:
        made.put_quantiser(*form)
    return made


def codes(channels: int = 2) -> torch.Tensor:
    """Values of codes with the step of all tests here."""
    return torch.from_numpy(RNG.integers(-8, 8, (5, 4, 3, channels)).astype(np.float32)) * STEP


def in_integers(made: Layer, x: torch.Tensor) -> Array:
    """What the frozen layer computes."""
    frozen = made.freeze(STEP)
    op = Dense(Tensor(frozen.codes.astype(float))) if isinstance(made.op, Dense) else Conv2d(
        Tensor(frozen.codes.astype(float)), Window((3, 3), pads=(1, 1, 1, 1)))  # fmt: skip
    total = op.golden([np.rint(x.numpy().astype(np.float64) / STEP)]) + frozen.bias
    return np.asarray(total * frozen.step.astype(np.float64))


@pytest.mark.parametrize("form", [("fixed", 8), ("ternary", 2), ("binary", 1), ("codebook", 3), ("shift", 4)])
@pytest.mark.parametrize("dense", [False, True])
def test_the_forward_pass_is_the_frozen_layer(form: tuple[str, int], dense: bool) -> None:
    made, x = layer(form, dense=dense), codes(4 if dense else 2)
    with torch.no_grad():
        given = made(x, torch.tensor(STEP)).numpy()
    np.testing.assert_allclose(given, in_integers(made, x), rtol=1e-4, atol=1e-4)


def test_biases_are_rounded_to_steps_of_the_sum_and_their_gradient_passes() -> None:
    made = layer(("fixed", 2))
    assert made.quantiser is not None
    x = torch.zeros(1, 2, 2, 2)
    given, unit = made(x, torch.tensor(STEP))[0, 0, 0], STEP * made.quantiser.scale
    torch.testing.assert_close(given, torch.round(made.bias / unit) * unit)
    assert (given != made.bias).any()
    given.sum().backward()
    assert made.bias.grad is not None
    assert made.bias.grad.tolist() == [1.0] * 4
    torch.testing.assert_close(made(x)[0, 0, 0], made.bias)


@pytest.mark.parametrize("form", [None, ("fixed", 4), ("binary", 1), ("codebook", 3)])
@pytest.mark.parametrize("returning", [False, True])
def test_pruned_weights_are_zero_and_come_back_if_they_may(form: tuple[str, int] | None, returning: bool) -> None:
    made = layer(form)
    made.mask.copy_(torch.from_numpy(RNG.integers(0, 2, made.mask.shape).astype(np.float32)))
    made.returning = returning
    gone, weight = made.mask == 0, made.effective_weight()
    assert not weight[gone].any()
    weight.sum().backward()
    assert made.weight.grad is not None
    assert made.weight.grad[gone].unique().tolist() == [float(returning)]
    assert made.weight.grad[~gone].any()
    assert not made.real()[0][gone.numpy()].any()
    if form:
        assert not made.freeze(STEP).codes[gone.numpy()].any()


def test_tied_weights_are_one_and_share_their_gradient() -> None:
    made = layer(None, dense=True)
    places = np.array([[0, 1, 2], [2, 0, 1], [1, 2, 0], [0, 1, 2]])
    made.tie(places, 3)
    made.put_quantiser("fixed", 4)
    whole = made.whole.detach().numpy()
    np.testing.assert_array_equal(whole, made.weight.detach().numpy().reshape(-1)[places])
    frozen = made.freeze(STEP).codes
    assert all(len(set(frozen[places == k])) == 1 for k in range(3))
    made.quantiser = None
    made.effective_weight().sum().backward()
    assert made.weight.grad is not None
    assert made.weight.grad.reshape(-1).tolist() == [4.0] * 3 + [0.0] * 9


@pytest.mark.parametrize("form", [None, ("fixed", 4), ("codebook", 3)])
def test_normalisation_is_folded_exactly(form: tuple[str, int] | None) -> None:
    made, x = layer(form), codes()
    with torch.no_grad():
        total = made(x) - made.bias
        made.put_normalisation(total.mean((0, 1, 2)), total.var((0, 1, 2), correction=0))
        made.train()
        torch.testing.assert_close(made(x), total + made.bias, rtol=1e-5, atol=1e-5)
        norm = made.norm
        assert norm is not None
        norm.gain.mul_(torch.tensor([0.5, -2.0, 1.0, 3.0]))
        norm.shift.add_(0.7)
        norm.mean.mul_(1.5).add_(0.1)
        norm.variance.mul_(0.6)
        made.eval()
        before, real = made(x), made.real()
        frozen = in_integers(made, x) if form else None
        made.fold_normalisation()
        assert made.norm is None
        torch.testing.assert_close(made(x), before, rtol=1e-5, atol=1e-5)
        for a, b in zip(made.real(), real, strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-6)
        if frozen is not None:
            np.testing.assert_allclose(in_integers(made, x), frozen, rtol=1e-4, atol=1e-4)


def test_statistics_of_a_normalisation_follow_training_and_not_evaluation() -> None:
    made, x = layer(None), codes()
    made.put_normalisation(torch.zeros(4), torch.ones(4))
    assert made.norm is not None
    made.eval()
    made(x)
    assert made.norm.mean.tolist() == [0.0] * 4
    made.train()
    total = torch.from_numpy(made.op.golden([x.double().numpy()]))
    made(x)
    torch.testing.assert_close(made.norm.mean.double(), 0.1 * total.mean((0, 1, 2)), rtol=1e-4, atol=1e-5)
    want = 0.9 + 0.1 * total.var((0, 1, 2), correction=0)
    torch.testing.assert_close(made.norm.variance.double(), want, rtol=1e-4, atol=1e-5)


def test_a_network_that_is_normalised_and_folded_is_what_it_was() -> None:
    made, given = network(), frames()
    x = torch.from_numpy(given.arrays()[0])
    with torch.no_grad():
        want = made(x)
        put_normalisation(made, given)
        norms = [one.norm is not None for _, one in made.each()]
        assert norms == [True, False]
        torch.testing.assert_close(made.eval()(x), want, rtol=1e-5, atol=1e-5)
        fold_normalisation(made, given.take(np.arange(64)))
        assert all(one.norm is None for _, one in made.each())
        torch.testing.assert_close(made(x).mean(), want.mean(), rtol=0.2, atol=0.2)


def test_frozen_biases_fit_their_register_and_scales_are_float32() -> None:
    made = layer()
    with torch.no_grad():
        made.bias.copy_(torch.tensor([1e20, -1e20, 0.0, 0.3]))
    frozen = made.freeze(STEP)
    assert frozen.bias[:3].tolist() == [MOST_BIAS, -MOST_BIAS, 0]
    assert (frozen.scale.dtype, frozen.step.dtype) == (np.float32, np.float32)
    assert made.quantiser is not None
    np.testing.assert_array_equal(frozen.scale, made.quantiser.scale.detach().numpy())
    np.testing.assert_array_equal(frozen.step, np.float32(STEP) * frozen.scale)
    assert frozen.bias[3] == round(made.bias[3].item() / float(frozen.step[3]))


def test_evaluation_follows_the_parameters() -> None:
    made = network()
    trained = Trainable(made.graph, made.inputs, made.outputs)
    given = frames()
    trained.quantise("w6a6", *given.arrays())
    x = torch.from_numpy(given.arrays()[0])
    module = trained.module.eval()
    with torch.no_grad():
        before = module(x)
        assert torch.equal(module(x), before)
        *_, (_, last) = module.each()
        last.bias.add_(1.0)
        torch.testing.assert_close(module(x), before + 1.0, rtol=0, atol=0.05)


def test_small_weights_learn_slower_and_logarithms_faster() -> None:
    net = network()
    with torch.no_grad():
        net.layer("conv").weight.mul_(0.01)
    groups = net.parameter_groups(0.1, step_rate=5.0, decay=0.3)
    rates = {id(p): (g["lr"], g["weight_decay"]) for g in groups for p in g["params"]}
    assert len(rates) == len(list(net.parameters())) == sum(len(g["params"]) for g in groups)
    assert rates[id(net.layer("conv").weight)][0] < 0.01
    assert rates[id(net.layer("dense").weight)] == (0.1, 0.3)
    assert rates[id(net.layer("conv").bias)] == (0.1, 0.3)
