"""Circulant blocks: the nearest, expanded without rounding, and still there in the integers of a quantised layer."""

import numpy as np
import pytest

from tests.networks.nets import Net
from tomato.core.errors import TomatoError
from tomato.core.formats import Array
from tomato.core.ir import Graph
from tomato.ops.weighted import Weighted
from tomato.ops.window import Window
from tomato.quantise.weights.fit import fit_weights
from tomato.train.circulant import expand, index_map, is_circulant, make_circulant, project

SHAPES = [
    ((8, 12), 4, 1),
    ((3, 3, 8, 8), 4, 1),
    ((6, 9), 3, 1),
    ((1, 2, 4, 12), 4, 3),
    ((5, 7), 4, 1),
    ((3, 3, 1, 6), 2, 6),
]


def drawn(*shape: int) -> Array:
    return np.random.default_rng(0).normal(size=shape)


def test_a_block_is_a_row_turned() -> None:
    index = index_map((3, 3), 3)
    np.testing.assert_array_equal(index, [[0, 1, 2], [2, 0, 1], [1, 2, 0]])


def test_channels_left_over_are_free() -> None:
    index = index_map((3, 5), 2)
    np.testing.assert_array_equal(index[:2, :4], [[0, 1, 2, 3], [1, 0, 3, 2]])
    rest = np.concatenate([index[:2, 4], index[2]])
    assert sorted(rest.tolist()) == list(range(4, 11))


@pytest.mark.parametrize(("shape", "block", "groups"), SHAPES)
def test_every_parameter_stands_for_a_turned_diagonal(shape: tuple[int, ...], block: int, groups: int) -> None:
    index = index_map(shape, block, groups)
    assert index.shape == shape
    into, out = shape[-2], shape[-1] // groups
    whole = (into // block * block) * (out // block * block)
    lots = int(np.prod(shape)) // (into * out)
    assert int(index.max()) + 1 == lots * (whole // block + into * out - whole)
    for parameter in range(int(index.max()) + 1):
        places = np.argwhere(index == parameter)
        assert len(places) in (1, block)
        assert len(np.unique(places[:, :-2], axis=0)) == 1, "of one tap"
        if len(places) > 1:
            assert len(np.unique(places[:, -2] // block)) == len(np.unique(places[:, -1] // block)) == 1
            assert len(np.unique((places[:, -1] % out - places[:, -2]) % block)) == 1


@pytest.mark.parametrize(("shape", "block", "groups"), SHAPES)
def test_the_projection_is_the_nearest(shape: tuple[int, ...], block: int, groups: int) -> None:
    weight, index = drawn(*shape), index_map(shape, block, groups)
    near = expand(project(weight, index), index)
    assert is_circulant(near, block, groups)
    assert is_circulant(weight, block, groups) == (int(index.max()) + 1 == weight.size)
    np.testing.assert_allclose(project(near, index), project(weight, index), atol=1e-15)
    residue = np.bincount(index.ravel(), (weight - near).ravel())
    np.testing.assert_allclose(residue, 0.0, atol=1e-12)  # orthogonal to every circulant weight


def test_the_product_turns_the_input() -> None:
    """y[j] = sum of p[(j - i) mod b] x[i]: a circular convolution, which a Fourier transform would round."""
    parameters, x = drawn(5), drawn(5)
    weight = expand(parameters, index_map((5, 5), 5))
    want = np.fft.ifft(np.fft.fft(parameters) * np.fft.fft(x)).real
    np.testing.assert_allclose(x @ weight, want, atol=1e-12)


@pytest.mark.parametrize("bits", [8, 4])
def test_integers_of_a_quantised_layer_stay_circulant(bits: int) -> None:
    weight = drawn(3, 3, 16, 24)
    index = index_map(weight.shape, 8)
    near = expand(project(weight, index), index)
    codes, _ = fit_weights(near, 3.0, bits, 16)
    assert is_circulant(codes, 8)
    assert np.unique(codes).size > 1 << (bits - 1)
    np.testing.assert_array_equal(expand(project(codes, index).astype(np.int64), index), codes)


def graph() -> Graph:
    net = Net(4, 4, 4)
    x = net.conv("x", 8, Window((3, 3)), name="conv")
    return net.graph(net.dense(net.conv(x, 8, Window((2, 2)), groups=8, name="filters"), 6, name="dense"))


def test_layers_of_a_graph_become_circulant() -> None:
    made = make_circulant(graph(), {"conv": 4, "/dense": 2})
    made.verify()
    for name, block in {"conv": 4, "dense": 2}.items():
        op = made.producers[name].op
        assert isinstance(op, Weighted)
        assert is_circulant(op.weight.values, block)
    assert made.producers["filters"] == graph().producers["filters"]


def test_a_block_larger_than_a_layer() -> None:
    with pytest.raises(TomatoError) as caught:
        make_circulant(graph(), {"filters": 4})
    assert str(caught.value) == (
        "error: a block of 4 x 4 is larger than 1 x 1 channels\n  --> /filters\n"
        "  hint: take a smaller block, or leave the layer out"
    )
