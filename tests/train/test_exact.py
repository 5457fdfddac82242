"""Every code of the golden model of the compiled file is the code of the trained network."""

import random
from pathlib import Path

import numpy as np
import pytest
import torch

from tests.networks.nets import Net
from tests.networks.recurrent import real
from tests.networks.runtime import golden, runtime
from tests.train.drawn import FRAMES, WEIGHTS, Drawn, apart, differences, draw, evaluated, learn, loaded
from tomato import frontend
from tomato.core.formats import Array
from tomato.core.interpret import interpret
from tomato.core.ir import Graph
from tomato.measure.agreement import session
from tomato.ops.edge_pad import EdgePad
from tomato.ops.join import Add
from tomato.ops.matmul import MatMul
from tomato.ops.move import Concat, Flip, Pad, Reshape, Slice, Transpose
from tomato.ops.normalise import Normalise
from tomato.ops.pool import GlobalSum, MaxPool
from tomato.ops.quantise import Bias, Dequantise, Quantise
from tomato.ops.real import Affine, Function
from tomato.ops.recurrent import Gru, Lstm, Recurrent, Rnn
from tomato.ops.softmax import Softmax
from tomato.ops.weighted import Weighted
from tomato.ops.window import Window

LONG = {6, 19, 20, 27}
"""Seeds of much that has no exact constants: the search for the nearest takes too long."""
QUICK = [seed for seed in range(32) if seed not in LONG]
SLOW = [*range(32, 52), 73, 116, 136, 140, 164]
"""The last ones found something."""
EVERY = [f"{form}a{bits}" for form, bits in zip(WEIGHTS, [8, 4, 16, 2, 12] * len(WEIGHTS), strict=False)]
EVERY = list(dict.fromkeys([*EVERY, *(f"w{min(16, bits + 1)}a{bits}" for bits in range(1, 17))]))
NARROW = [p for p in EVERY if int(p.rpartition("a")[2]) <= 8 and not (p[0] == "w" and int(p[1:].split("a")[0]) > 8)]
"""Those that runtimes have integer kernels for."""

QUICKEST = [*NARROW[::2], "w11a10", "w8a12"]


@pytest.fixture(autouse=True, scope="module")
def one_thread() -> None:
    torch.set_num_threads(1)


def small() -> Drawn:
    """A network with a layer of every sort: depthwise, pool, residual sum, concatenation, function, dense."""
    net = Net(6, 5, 3, seed=5)
    same = Window((3, 3), pads=(1, 1, 1, 1))
    x = net.relu(net.affine(net.conv("x", 4, same, name="first")))
    y = net.affine(net.conv(x, 4, same, 4, "depthwise"), "shift", bias_only=True)
    x = net.add(Add(), x, y, name="sum")
    y = net.add(Function(("sigmoid", "x")), net.conv(x, 2, Window((1, 1)), name="point"), name="gate")
    x = net.add(MaxPool(Window((2, 2), (2, 2))), net.add(Concat(), x, y, name="both"), name="pool")
    x = net.add(GlobalSum(), net.relu(net.conv(x, 5, same, name="last"), "capped", 6.0), name="whole")
    x = net.affine(net.dense(x, 3), "score", bias_only=True)
    return loaded(net.graph(x), net.data(FRAMES))


def quantised(drawn: Drawn, precision: str) -> Drawn:
    """The same, trained a little with these formats."""
    drawn.trained.quantise(precision, *drawn.frames)
    learn(drawn)
    return drawn


def precision_of(seed: int) -> str:
    form = WEIGHTS[seed % len(WEIGHTS)]
    return f"{form}a{random.Random(seed).choice([8, 8, 8, 6, 4, 3, 2, 1, 10, 12, 16])}"


def outputs_of(drawn: Drawn, codes: dict[str, Array]) -> list[Array]:
    """The model's outputs from the trained network's values."""
    frozen = drawn.trained.frozen()
    pairs = zip(drawn.trained.outputs, frozen.outputs, strict=True)
    return [np.asarray(port.finish(port.from_graph(codes[value].astype(np.float64)))) for port, value in pairs]


def equal(drawn: Drawn, label: str) -> None:
    """All codes, and the results that no layer codes up to float32; or by codes, where these may differ."""
    codes, made = evaluated(drawn)
    assert made.places, label
    wrong = differences(codes, made)
    assert not wrong, f"{label}: " + "; ".join(f"{name}: {text}" for name, text in wrong.items())
    for mine, theirs in zip(outputs_of(drawn, codes), golden(made.integers, *drawn.frames), strict=True):
        near(mine, theirs, 0.01 if apart(made) else 1e-5, label)


def near(mine: Array, theirs: Array, share: float, label: str) -> None:
    assert mine.shape == theirs.shape, label
    limit = share * max(1e-6, float(np.abs(theirs).max()))
    np.testing.assert_allclose(mine, theirs, rtol=0, atol=limit, err_msg=label)


@pytest.mark.parametrize("seed", [*QUICK, *(pytest.param(s, marks=pytest.mark.slow) for s in SLOW)])
def test_codes_of_random_networks(seed: int) -> None:
    precision = precision_of(seed)
    equal(quantised(draw(seed), precision), f"seed {seed}, {precision}")


@pytest.mark.parametrize("precision", [p if p in QUICKEST else pytest.param(p, marks=pytest.mark.slow) for p in EVERY])
def test_codes_of_every_format(precision: str) -> None:
    equal(quantised(small(), precision), precision)


def test_codes_that_stay_what_they_are_behind_moved_ones() -> None:
    net = Net(4, 3, 2, seed=2)
    x = net.relu(net.affine(net.conv("x", 4, Window((1, 1)), name="first")), "positive")
    x = net.relu(net.add(Pad((1, 0, 0, 1)), x, name="border"), "again")
    x = net.add(
        Transpose((5, 4, 4), (1, 0, 2), (4, 5, 4)), net.relu(net.conv(x, 4, Window((1, 1)), name="second"), "ramp")
    )
    x = net.conv(net.relu(x, "still"), 3, Window((1, 1)), name="last")
    equal(quantised(loaded(net.graph(x), net.data(FRAMES)), "w4a4"), "w4a4")


@pytest.mark.parametrize("mirrored", [True, False])
def test_codes_around_a_frame(mirrored: bool) -> None:
    net = Net(5, 4, 3, seed=8)
    x = net.relu(net.conv("x", 4, Window((3, 3)), name="first"), "ramp")
    x = net.conv(net.add(EdgePad((1, 1, 0, 1), mirrored), x, name="border"), 3, Window((2, 2)), name="y0")
    equal(quantised(loaded(net.graph(x), net.data(FRAMES)), "w4a4"), "w4a4")


@pytest.mark.parametrize("precision", ["w8a8", "w4a4", "w8a12"])
@pytest.mark.parametrize("centred", [True, False])
def test_codes_behind_a_normalisation(precision: str, centred: bool) -> None:
    net = Net(5, 4, 3, seed=8)
    x = net.conv("x", 8, Window((1, 1)), name="first")
    x = net.affine(net.add(Normalise(1e-3, centred), x, name="normal"), "line")
    x = net.add(Add(), x, net.relu(net.conv(x, 8, Window((3, 3), pads=(1, 1, 1, 1)), name="second")), name="sum")
    x = net.dense(net.add(Normalise(1e-3, centred), x, name="last"), 3, name="y0")
    equal(quantised(loaded(net.graph(x), net.data(FRAMES)), precision), precision)


@pytest.mark.parametrize("precision", ["w8a8", "w4a4", "w8a12"])
def test_codes_behind_a_product_of_two_values(precision: str) -> None:
    net = Net(3, 4, 3, seed=8)
    x, key = (net.relu(net.conv("x", 6, Window((1, 1)), name=name), f"{name}_relu") for name in ("first", "key"))
    scores = net.add(Function(("tanh", "x")), net.add(MatMul(2, transposed=True), x, key, name="scores"), name="bend")
    x = net.add(MatMul(2), scores, x, name="values")
    equal(quantised(loaded(net.graph(net.dense(x, 3, name="y0")), net.data(FRAMES)), precision), precision)


@pytest.mark.parametrize(("precision", "groups"), [("w8a8", 1), ("w4a4", 2), ("w8a12", 4)])
def test_codes_behind_a_softmax(precision: str, groups: int) -> None:
    net = Net(5, 4, 3, seed=8)
    x = net.add(Softmax(groups), net.conv("x", 8, Window((1, 1)), name="first"), name="shares")
    x = net.conv(x, 8, Window((3, 3), pads=(1, 1, 1, 1)), name="second")
    x = net.dense(net.add(Softmax(groups), x, name="last"), 3, name="y0")
    equal(quantised(loaded(net.graph(x), net.data(FRAMES)), precision), precision)


@pytest.mark.parametrize("precision", ["w8a8", "w4a4", "w8a12", "ternarya6", "w12a8"])
@pytest.mark.parametrize(("kind", "after"), [(Lstm, False), (Gru, False), (Gru, True), (Rnn, False)])
def test_codes_behind_a_recurrent_layer(kind: type[Recurrent], after: bool, precision: str) -> None:
    """Also without reading back, where there are exact constants; and what trains is near what is evaluated."""
    drawn = quantised(recurrent(kind, after=after), precision)
    equal(drawn, precision)
    trained, frames = drawn.trained, [torch.from_numpy(x) for x in drawn.frames]
    if precision != "w8a12":
        (want,) = outputs_of(drawn, trained.codes(*drawn.frames))
        np.testing.assert_array_equal(trained.module(*frames).detach().numpy().reshape(want.shape), want.astype("f4"))
    exact = trained.module(*frames)
    trained.module.train()
    apart = (trained.module(*frames) - exact).abs().max() / exact.abs().max()
    assert apart < 0.02


def test_recurrent_layers_of_both_directions_behind_one_another() -> None:
    net = Net(1, 5, 3, seed=4)
    x = net.add(real(Gru, 4, net.rng, after=True), net.dense("x", 12, name="first"), name="loop")
    back = net.add(Flip(columns=True), x, name="back")
    y = net.add(real(Lstm, 3, net.rng, begin=True), net.dense(back, 12, name="second"), name="again")
    both = net.add(Concat(), x, net.add(Flip(columns=True), y, name="forth"), name="both")
    drawn = loaded(net.graph(net.dense(both, 2, name="y0")), net.data(FRAMES))
    equal(quantised(drawn, "w4a8, lstm*=w8a6"), "both")
    largest = [
        int(np.rint(np.abs(n.op.weight.values / n.op.steps.values)).max())
        for n in drawn.trained.frozen() if isinstance(n.op, Recurrent) and n.op.steps is not None
    ]  # fmt: skip
    assert 7 >= largest[0] > 0
    assert 127 >= largest[1] > 7, "a pattern names the second one"


def recurrent(kind: type[Recurrent], *, after: bool = False) -> Drawn:
    """A layer of 5 units between two products, and its last result."""
    net = Net(1, 6, 3, seed=4)
    x = net.affine(net.dense("x", 5 * kind.gates, name="inputs"), "bias", bias_only=True)
    x = net.add(real(kind, 5, net.rng, begin=True, after=after), x, name="loop")
    x = net.add(Slice((0, 5, 0), (1, 6, 5)), x, name="last")
    return loaded(net.graph(net.dense(x, 3, name="y0")), net.data(FRAMES))


@pytest.mark.parametrize("precision", ["w8a8", "w4a4", "w8a12"])
def test_codes_behind_constants_that_differ_per_pixel(precision: str) -> None:
    net = Net(5, 4, 3, seed=8)
    x = net.add(Reshape((1, 1, 160)), net.conv("x", 8, Window((1, 1)), name="first"), name="flat")
    x = net.relu(net.add(Reshape((5, 4, 8)), net.affine(x, "places"), name="frame"))
    x = net.dense(net.add(GlobalSum(), net.conv(x, 8, Window((3, 3)), name="second"), name="whole"), 3, name="y0")
    equal(quantised(loaded(net.graph(x), net.data(FRAMES)), precision), precision)


@pytest.mark.parametrize("precision", NARROW[::4])
def test_the_module_evaluates_to_its_codes(precision: str) -> None:
    drawn = quantised(small(), precision)
    with torch.no_grad():
        given = drawn.trained.module(*(torch.from_numpy(x) for x in drawn.frames)).numpy()
    (want,) = outputs_of(drawn, drawn.trained.codes(*drawn.frames))
    np.testing.assert_array_equal(given.reshape(want.shape), want.astype(np.float32))


@pytest.mark.parametrize("precision", ["w8a8", "w4a4", "ternarya8", "codebook3a6", "shift4a8", "w1a1"])
def test_the_runtime_agrees(precision: str, tmp_path: Path) -> None:
    drawn, path = quantised(small(), precision), tmp_path / "trained.onnx"
    drawn.trained.export(path)
    (mine,) = outputs_of(drawn, drawn.trained.codes(*drawn.frames))
    near(runtime(path, *drawn.frames)[0], mine, 1e-5, precision)


@pytest.mark.parametrize("precision", ["w8a12", "w12a8", "w16a16"])
def test_the_runtime_agrees_where_it_computes_in_float(precision: str, tmp_path: Path) -> None:
    drawn, path = quantised(small(), precision), tmp_path / "trained.onnx"
    drawn.trained.export(path)
    (mine,) = outputs_of(drawn, drawn.trained.codes(*drawn.frames))
    near(runtime(path, *drawn.frames)[0], mine, 0.01, precision)


@pytest.mark.parametrize("seed", range(0, 16, 2))
def test_float_networks_stay_what_they_are(seed: int, tmp_path: Path) -> None:
    drawn, path = draw(seed), tmp_path / "trained.onnx"
    learn(drawn)
    drawn.trained.export(path)
    after = results(drawn, frontend.load(path))
    with torch.no_grad():
        found = drawn.trained.module(*(torch.from_numpy(x) for x in drawn.frames))
    before = [y.numpy() for y in (found if isinstance(found, tuple) else (found,))]
    runner = session(path)
    theirs = runner.run(None, {i.name: x for i, x in zip(runner.get_inputs(), drawn.frames, strict=True)})
    for a, b, c in zip(before, after, theirs, strict=True):
        near(b, a, 1e-5, f"seed {seed}: the file read back")
        near(c, a, 1e-4, f"seed {seed}: the runtime")


def test_an_untrained_network_is_the_one_that_it_was_loaded_from(tmp_path: Path) -> None:
    for seed in range(1, 24, 2):
        drawn, path = draw(seed), tmp_path / f"{seed}.onnx"
        drawn.trained.export(path)
        want = interpret(drawn.graph, as_held(drawn))
        after = results(drawn, frontend.load(path))
        for a, b in zip([want[o] for o in drawn.graph.outputs], after, strict=True):
            near(np.sort(b.reshape(len(b), -1)), np.sort(a.reshape(len(a), -1)), 1e-5, f"seed {seed}")


def as_held(drawn: Drawn) -> dict[str, Array]:
    """Frames as the graph that was drawn takes them."""
    shapes = {name: kind.shape for name, kind in drawn.graph.inputs}
    pairs = zip(drawn.trained.inputs, drawn.frames, strict=True)
    pictures = {p.name: x.reshape(-1, shapes[p.name][2], *shapes[p.name][:2]) for p, x in pairs}
    return {name: x.transpose(0, 2, 3, 1).astype(np.float64) for name, x in pictures.items()}


def results(drawn: Drawn, model: frontend.Network) -> list[Array]:
    """The outputs of a model's real graph."""
    shapes = {name: kind.shape for name, kind in model.graph.inputs}
    feed = {
        p.value: p.to_graph(x, shapes[p.value]).astype(np.float64)
        for p, x in zip(model.inputs, drawn.frames, strict=True)
    }
    values = interpret(model.graph, feed)
    return [np.asarray(p.finish(p.from_graph(values[p.value]))) for p in model.outputs]


@pytest.mark.parametrize("precision", ["w8a8", "w3a4", "ternarya8", "focused4a4", "codebook3a6", "w12a12"])
def test_the_importer_reads_the_integers_that_were_frozen(precision: str, tmp_path: Path) -> None:
    for drawn in (small(), draw(3)):
        quantised(drawn, precision)
        path = tmp_path / "trained.onnx"
        drawn.trained.export(path)
        mine, theirs = drawn.trained.frozen(), frontend.load(path).graph
        assert weights(mine) == weights(theirs)
        assert codes(mine) == codes(theirs)


def weights(graph: Graph) -> list[tuple[object, ...]]:
    """Integers and scales of every layer, with those of its bias."""
    found = []
    for node in graph:
        if isinstance(node.op, Weighted):
            (scale,) = graph.uses[node.name]
            (bias,) = graph.uses[scale.name]
            assert isinstance(scale.op, Affine)
            assert isinstance(bias.op, Bias)
            assert bias.op.codes is not None
            assert bias.op.step is not None
            size = node.op.weight.shape[-1]
            each = [np.broadcast_to(t.values, size).tolist() for t in (scale.op.scale, bias.op.codes, bias.op.step)]
            found.append((node.name, node.op.weight.values.reshape(-1).tolist(), *each))
    return found


def codes(graph: Graph) -> list[tuple[object, ...]]:
    """What codes mean, of every Quantise and Dequantise that something reads, by name."""
    found = set[tuple[object, ...]]()
    for node in graph:
        if isinstance(node.op, Quantise):
            name = node.name.removesuffix("_clipped")
            found.add((name, node.op.lo, node.op.hi, *meaning(node.op)))
        if isinstance(node.op, Dequantise):
            found.add(("back", *meaning(node.op)))
    return sorted(found, key=str)


def meaning(op: Quantise | Dequantise) -> tuple[object, ...]:
    assert op.kind is not None
    return float(op.scale.values[0]), int(op.zero.values[0]), op.kind.lo, op.kind.hi
