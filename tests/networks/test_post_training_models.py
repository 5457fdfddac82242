"""Post-training quantisation of trained networks on real data."""

from collections.abc import Mapping

import numpy as np
import pytest

from tests.models import model_path
from tests.networks.nets import layers_alone
from tomato import frontend
from tomato.core.formats import Array
from tomato.core.interpret import interpret
from tomato.core.ir import Graph
from tomato.passes import CLEAN, run
from tomato.quantise.calibrate import Method, calibrate
from tomato.quantise.post_training import quantise
from tomato.quantise.precision import Precision
from tomato.quantise.weights.moments import Collector, Moments

pytestmark = [pytest.mark.models, pytest.mark.slow]


def load(name: str) -> tuple[Graph, frontend.Network]:
    model = frontend.load(model_path(f"{name}.onnx"))
    return run(model.graph, CLEAN), model


def frames_of(model: frontend.Network, x: Array) -> dict[str, Array]:
    (port,) = model.inputs
    return {port.value: port.to_graph(x.astype(np.float64), dict(model.graph.inputs)[port.value].shape)}


def pictures(name: str) -> Array:
    """Crops of photographs as the network wants them."""
    x = np.load(model_path("openimages_8_rgb224.npz"))["x"].astype(np.float64)
    if name == "resnet8_float":
        return np.concatenate([x[:, i : i + 32, j : j + 32] for i in (0, 64, 128) for j in (0, 96)]).transpose(
            0, 3, 1, 2
        )
    return (np.concatenate([x[:, :128, :128], x[:, 96:, 96:]]) / 127.5 - 1).transpose(0, 3, 1, 2)


def labelled(name: str) -> tuple[Array, Array]:
    """Inputs as ONNX shapes them, and labels."""
    data = np.load(model_path("mnist_t10k_2000.npz" if name == "mnist8_float" else "kws_1000.npz"))
    x = data["x"].astype(np.float64)
    return (x[:, np.newaxis] if name == "mnist8_float" else x), data["labels"]


def answers(integer: Graph, frames: Mapping[str, Array]) -> Array:
    types = integer.types
    codes = {n: integer.encodings[n].encode(v, types[n].codes) for n, v in frames.items()}
    (output,) = integer.outputs
    return interpret(integer, codes)[output].reshape(len(next(iter(frames.values()))), -1)


@pytest.mark.parametrize(
    ("name", "precision", "method", "loss"),
    [
        ("mnist8_float", "w8a8", "minmax", 0.01),
        ("mnist8_float", "w4a8", "minmax", 0.01),
        ("mnist8_float", "w4a4", "percentile", 0.01),
        ("kws_float", "w8a8", "minmax", 0.01),
        ("kws_float", "w8a8", "mse", 0.01),
        ("kws_float", "w4a8", "minmax", 0.03),
    ],
)
def test_accuracy(name: str, precision: str, method: Method, loss: float) -> None:
    graph, model = load(name)
    x, labels = labelled(name)
    frames = frames_of(model, x)
    first = {n: v[:100] for n, v in frames.items()}
    integer, _ = quantise(graph, calibrate(graph, [first], method), Precision.parse(precision))
    (output,) = graph.outputs
    real = interpret(graph, frames)[output].reshape(len(labels), -1)
    got = answers(integer, frames)
    assert (got.argmax(axis=1) == labels).mean() >= (real.argmax(axis=1) == labels).mean() - loss


@pytest.mark.parametrize(
    ("name", "precision", "loss", "gain"),
    [("kws_float", "w3a8", 0.04, 0.05), ("kws_float", "shift4a8", 0.04, 0.0), ("mnist8_float", "binary", 0.02, 0.01)],
)
def test_compensation_pays(name: str, precision: str, loss: float, gain: float) -> None:
    """Most of the accuracy that rounding to the nearest loses comes back, on frames that were not seen."""
    graph, model = load(name)
    x, labels = labelled(name)
    half = len(x) // 2
    frames = frames_of(model, x)
    collector = Collector(graph, lambda _: True)
    ranges = calibrate(graph, [{n: v[:half] for n, v in frames.items()}], watch=collector)
    test = {n: v[half:] for n, v in frames.items()}
    real = interpret(graph, test)[graph.outputs[0]].reshape(len(x) - half, -1)

    def accuracy(moments: Mapping[str, Moments]) -> float:
        integer, _ = quantise(graph, ranges, Precision.parse(precision), moments=moments)
        return float((answers(integer, test).argmax(axis=1) == labels[half:]).mean())

    compensated = accuracy(collector.moments)
    assert compensated >= (real.argmax(axis=1) == labels[half:]).mean() - loss
    assert compensated >= accuracy({}) + gain


@pytest.mark.parametrize("name", ["mnist8_float", "kws_float", "resnet8_float", "mobilenet_v1_025_128_float"])
def test_every_layer_alone_loses_little(name: str) -> None:
    """Signal to noise of each layer fed with the decoded codes that the integer network feeds it."""
    graph, model = load(name)
    x = labelled(name)[0][:64] if name in ("mnist8_float", "kws_float") else pictures(name)
    frames = frames_of(model, x)
    integer, _ = quantise(graph, calibrate(graph, [frames]))
    for layer, want, got in layers_alone(graph, integer, frames):
        error = float(((got - want) ** 2).mean())
        assert error == 0.0 or 10 * np.log10((want**2).mean() / error) > 25, layer


@pytest.mark.parametrize(("name", "agreement"), [("resnet8_float", 0.9), ("mobilenet_v1_025_128_float", 0.85)])
def test_integers_choose_as_reals_do(name: str, agreement: float) -> None:
    graph, model = load(name)
    frames = frames_of(model, pictures(name))
    integer, _ = quantise(graph, calibrate(graph, [frames]))
    (output,) = graph.outputs
    got = answers(integer, frames)
    real = interpret(graph, frames)[output].reshape(got.shape)
    assert (got.argmax(axis=1) == real.argmax(axis=1)).mean() >= agreement


@pytest.mark.parametrize("name", ["kws_float", "resnet8_float"])
@pytest.mark.parametrize(("precision", "error"), [("w16a16", 1e-3), ("w16a8", 0.1), ("w8a16", 0.1)])
def test_wide_codes_come_near_the_reals(name: str, precision: str, error: float) -> None:
    graph, model = load(name)
    x = labelled(name)[0][:32] if name == "kws_float" else pictures(name)
    frames = frames_of(model, x)
    integer, _ = quantise(graph, calibrate(graph, [frames]), Precision.parse(precision))
    (output,) = graph.outputs
    got = integer.encodings[integer.outputs[0]].decode(answers(integer, frames))
    real = interpret(graph, frames)[output].reshape(got.shape)
    assert np.sqrt(((got - real) ** 2).mean() / (real**2).mean()) < error
