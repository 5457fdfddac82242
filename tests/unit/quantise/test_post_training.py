"""Post-training quantisation on small networks."""

import re
from collections.abc import Mapping, Sequence
from math import inf

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.networks.generator import MEANING, networks
from tests.networks.nets import SILU, Net, decoded, layers_alone, magnification
from tests.networks.operators import described
from tests.networks.steps import bordered
from tomato.core.errors import TomatoError
from tomato.core.formats import Array, Codes, Tensor
from tomato.core.interpret import interpret
from tomato.core.ir import Encoding, Graph, Op
from tomato.ops.conv2d import Conv2d
from tomato.ops.dense import Dense
from tomato.ops.frame_requant import FrameRequant
from tomato.ops.join import Add
from tomato.ops.keep_largest import KeepLargest
from tomato.ops.move import Concat, Pad, Reshape
from tomato.ops.piecewise import Piecewise
from tomato.ops.pool import GlobalSum, MaxPool, SumPool
from tomato.ops.real import Affine, Clip, Expression, Function, RealOp
from tomato.ops.requant import Requant
from tomato.ops.select import Select
from tomato.ops.table import Table
from tomato.ops.window import Window
from tomato.passes import CLEAN, run
from tomato.quantise.calibrate import Range, calibrate
from tomato.quantise.post_training import code_names, quantise
from tomato.quantise.precision import Precision

SAME = Window((3, 3), pads=(1, 1, 1, 1))


def watched(graph: Graph, frames: Mapping[str, Array]) -> dict[str, Array]:
    """Every value of the graph."""
    seen: dict[str, Array] = {}
    interpret(graph, frames, watch=lambda name, values: seen.update({name: values}))
    return seen


def _codes(integer: Graph, frames: Mapping[str, Array]) -> dict[str, Array]:
    return {n: integer.encodings[n].encode(frames[n], integer.types[n].codes) for n, _ in integer.inputs}


def noise(real: Graph, integer: Graph, frames: Mapping[str, Array]) -> Mapping[str, float]:
    """Error over signal (root mean squares) of every value that has codes."""
    exact, got = watched(real, frames), watched(integer, _codes(integer, frames))
    found = {}
    for name, code in code_names(real).items():
        if code in got:
            error = integer.encodings[code].decode(got[code]) - exact[name]
            found[name] = float(np.sqrt((error**2).mean() / max(1e-30, (exact[name] ** 2).mean())))
    return found


@pytest.mark.slow
@given(networks(MEANING.without(described()[KeepLargest].step)))
def test_random_networks_at_twelve_bits_are_near_the_reals(case: tuple[Graph, Mapping[str, Array]]) -> None:
    """Without what may choose another channel where two are nearly alike."""
    raw, frames = case
    graph = run(raw, CLEAN)
    integer, _ = quantise(graph, calibrate(graph, [frames]), Precision(12, 12))
    integer.verify()
    assert not any(isinstance(n.op, RealOp) for n in integer)
    assert len(integer.outputs) == len(graph.outputs)
    for got, name in zip(decoded(integer, frames), graph.outputs, strict=True):
        want = interpret(graph, frames)[name]
        assert np.abs(got - want).max() <= 0.02 * max(1e-9, np.abs(want).max())


def own_error(integer: Graph, name: str) -> float:
    """Steps that a value may lie off because its operator is not exact on reals."""
    exact = integer.producers.get(integer.producers[name].args[0])
    found = described().get(type(exact.op)) if exact is not None else None
    return found.off * magnification(integer, name) if found is not None else 0.0


@given(networks(MEANING.without(bordered)))
def test_every_layer_of_random_networks_is_within_one_step(case: tuple[Graph, Mapping[str, Array]]) -> None:
    """With wide weights only the result is rounded; a quarter of a step is left for constants and weights.

    More is left where weights magnify the steps, and for what a normalisation rounds itself. Not so where a border
    other than 0 is rounded too.
    """
    raw, frames = case
    graph = run(raw, CLEAN)
    integer, _ = quantise(graph, calibrate(graph, [frames]), Precision(16, 12, output_bits=12))
    for name, want, got in layers_alone(graph, integer, frames):
        encoding = integer.encodings[name]
        moved = any(encoding == integer.encodings[x] for x, _ in integer.inputs)  # inputs keep unsigned codes
        wide = integer.types[name].codes.bits > 12  # what recurrent layers read
        lo, hi = encoding.decode(np.array([0, 4095] if moved else [-32768, 32767] if wide else [-2048, 2047]))
        steps = 0.5 + 0.25 * max(1.0, magnification(integer, name)) + own_error(integer, name)
        assert np.abs(got - np.clip(want, lo, hi)).max() <= steps * encoding.scale, name


WIDTHS = ("*=w2a2", "*=w3a5", "w8a8", "w16a16", "*=w1a1", "*=ternarya1", "*=shift5a16", "*=codebook2a2")


@pytest.mark.slow
@given(networks(), st.permutations(WIDTHS))
def test_random_networks_compile_without_cleaning_at_any_width(
    case: tuple[Graph, Mapping[str, Array]], widths: Sequence[str]
) -> None:
    graph, frames = case
    ranges = calibrate(graph, [frames], "percentile")
    for text in widths[:3]:
        integer, _ = quantise(graph, ranges, Precision.parse(text))
        integer.verify()
        answers = decoded(integer, frames)
        assert [y.shape[1:] for y in answers] == [graph.types[o].shape for o in graph.outputs]
        assert all(np.isfinite(y).all() for y in answers)


def test_a_layer_is_one_exact_operator_and_one_requant() -> None:
    net = Net(6, 6, 3)
    x = net.relu(net.affine(net.conv("x", 4, SAME), "bias", bias_only=True), hi=2.0)
    graph = net.graph(net.dense(x, 2))
    integer, notes = quantise(graph, calibrate(graph, [net.data()]))
    assert [(n.name, n.op.name, n.origin) for n in integer] == [
        ("conv", "conv2d", ("/conv",)),
        ("conv_q", "requant", ("/conv", "/bias", "/relu")),
        ("dense", "dense", ("/dense",)),
        ("dense_q", "requant", ("/dense",)),
    ]
    conv, relu = integer.nodes[0].op, integer.nodes[1].op
    assert isinstance(conv, Conv2d)
    assert isinstance(relu, Requant)
    assert conv.pad_value == integer.encodings["x"].zero, "the border is a real 0"
    assert (relu.lo, relu.hi) == (-128, 127), "limits of the codes do what Clip did"
    assert integer.encodings["conv_q"] == Encoding(2.0 / 255, -128)
    last = integer.producers["dense_q"].op
    assert isinstance(last, Requant)
    assert (last.lo, last.hi) == (-32768, 32767), "results have 16 bits"
    assert notes == ()


def test_requant_equals_rational_arithmetic_on_every_accumulator() -> None:
    net = Net(1, 1, 1)
    x = net.affine(net.dense("x", 3), bias_only=True)
    graph = net.graph(net.dense(net.relu(x), 1, name="end"))
    ranges = calibrate(graph, [{"x": np.linspace(-1, 2, 64).reshape(64, 1, 1, 1)}])
    integer, _ = quantise(graph, ranges)
    every = np.arange(256).reshape(256, 1, 1, 1)
    got = watched(integer, {"x": every})
    requant = integer.nodes[1].op
    assert isinstance(requant, Requant)
    scaled = (got["dense"] * requant.mult.values).astype(object) + requant.bias.values.astype(object)
    want = np.clip(np.vectorize(lambda v: v // (1 << requant.shift))(scaled), -128, 127)
    assert np.array_equal(got["dense_q"], want)
    real = watched(graph, {"x": integer.encodings["x"].decode(every)})["relu"]
    assert np.abs(integer.encodings["dense_q"].decode(got["dense_q"]) - real).max() < 0.02


def test_pictures_keep_the_scale_one() -> None:
    net = Net(4, 4, 3)
    graph = net.graph(net.conv("x", 2, SAME))
    frames = {"x": net.rng.integers(0, 255, (4, 4, 4, 3)).astype(float)}
    integer, _ = quantise(graph, calibrate(graph, [frames]))
    assert integer.encodings["x"] == Encoding(1.0)
    assert integer.types["x"].codes == Codes(0, 255)
    narrow, _ = quantise(graph, calibrate(graph, [frames]), Precision.parse("w8a4, x=w8a4"))
    assert narrow.encodings["x"].scale > 16


def test_movement_shares_one_encoding() -> None:
    net = Net(6, 6, 2)
    a = net.relu(net.conv("x", 3, SAME, name="a"))
    b = net.conv("x", 2, SAME, name="b")
    joined = net.add(Concat(), net.add(MaxPool(Window((2, 2))), a), net.add(MaxPool(Window((2, 2))), b, name="b_pool"))
    graph = net.graph(net.dense(net.add(Pad((1, 0, 0, 0), -9.0), joined), 2))
    integer, _ = quantise(graph, calibrate(graph, [net.data()]))
    names = ("a_q", "b_q", "maxpool", "b_pool", "concat", "pad")
    assert len({integer.encodings[n] for n in names}) == 1
    pad = integer.producers["pad"].op
    assert isinstance(pad, Pad)
    assert pad.value == -128, "the border is the lowest value of the range"
    assert integer.encodings["pad"].decode(np.array(-128)) == pytest.approx(-9.0, rel=0.01)


def test_an_input_is_requantised_where_it_joins_others() -> None:
    net = Net(6, 6, 2)
    joined = net.add(Concat(), "x", net.conv("x", 2, SAME))
    graph = net.graph(net.dense(joined, 2))
    frames = {"x": net.rng.integers(0, 256, (4, 6, 6, 2)).astype(float)}
    integer, notes = quantise(graph, calibrate(graph, [frames]))
    assert integer.encodings["x"] == Encoding(1.0)
    assert isinstance(integer.producers["x_own"].op, Requant)
    assert integer.encodings["x_own"] == integer.encodings["concat"] != Encoding(1.0)
    assert [str(n) for n in notes] == ["%x_own: an input requantised to be moved together with other values"]


def test_an_input_that_is_only_moved_keeps_its_codes() -> None:
    net = Net(4, 4, 1)
    graph = net.graph(net.dense(net.add(Reshape((1, 1, 16)), "x"), 2))
    integer, _ = quantise(graph, calibrate(graph, [net.data()]))
    assert [n.op.name for n in integer] == ["reshape", "dense", "requant"]
    assert integer.encodings["reshape"] == integer.encodings["x"]


def test_functions_become_tables_exact_at_every_code() -> None:
    net = Net(4, 4, 2)
    x = net.affine(net.dense("x", 3), bias_only=True)
    graph = net.graph(net.dense(net.add(Function(SILU), x, name="silu"), 2, name="end"))
    integer, notes = quantise(graph, calibrate(graph, [net.data()]))
    table, inner, outer = integer.producers["silu"].op, integer.encodings["dense_q"], integer.encodings["silu"]
    assert isinstance(table, Table)
    for column, entry in enumerate(table.entries.values[0]):
        value = (column + table.lo - inner.zero) * inner.scale
        assert entry == np.clip(np.rint(value / (1 + np.exp(-value)) / outer.scale) + outer.zero, -128, 127)
    assert [str(n) for n in notes] == ["%silu: table of 256 entries"]


@pytest.mark.parametrize(("bits", "kind"), [(11, Table), (12, Piecewise), (16, Piecewise)])
def test_functions_of_many_codes_are_lines(bits: int, kind: type[Op]) -> None:
    """Off the real ones by what the note says."""
    net = Net(4, 4, 2)
    x = net.affine(net.dense("x", 3), bias_only=True)
    graph = net.graph(net.dense(net.add(Function(SILU), x, name="silu"), 2, name="end"))
    integer, notes = quantise(graph, calibrate(graph, [net.data()]), Precision.parse(f"*=w8a{bits}"))
    node, inner, outer = integer.producers["silu"], integer.encodings["dense_q"], integer.encodings["silu"]
    assert isinstance(node.op, kind)
    codes = np.arange(-(1 << bits - 1), 1 << bits - 1)
    value = inner.decode(codes)
    real = np.clip(value / (1 + np.exp(-value)) / outer.scale + outer.zero, codes[0], codes[-1])
    off = np.abs(node.op.golden([codes[:, None]])[:, 0] - real).max()
    (note,) = map(str, notes)
    if kind is Piecewise:
        assert off <= 0.75
        assert re.fullmatch(rf"%silu: \d+ lines, off by {off:.2f} steps at most, of which rounding is 0.5", note)
    else:
        assert off <= 0.5


@pytest.mark.parametrize("function", [("sqrt", ("abs", "x")), ("max", "x", ("mul", Tensor(np.array([0.1, 0.5])), "x"))])
def test_what_no_lines_come_near_to_and_functions_per_channel_are_tables(function: Expression) -> None:
    net = Net(4, 4, 2)
    graph = net.graph(net.add(Function(function), "x", name="f"))
    integer, notes = quantise(graph, calibrate(graph, [net.data()]), Precision.parse("*=w8a16"))
    assert isinstance(integer.producers["f"].op, Table)
    assert "table of" in str(notes[0])


def test_a_function_per_channel_is_a_table_per_channel() -> None:
    net = Net(4, 4, 2)
    slope = Tensor(np.array([0.1, 0.5]))
    graph = net.graph(net.add(Function(("max", "x", ("mul", slope, "x"))), "x", name="prelu"))
    frames = net.data()
    integer, notes = quantise(graph, calibrate(graph, [frames]))
    assert [str(n) for n in notes] == ["%prelu: table of 256 entries for each of 2 channels"]
    (got,), want = decoded(integer, frames), interpret(graph, frames)["prelu"]
    assert np.abs(got - want).max() < 0.6 * integer.encodings["x"].scale


@pytest.mark.parametrize(("factor", "widest"), [(1.0, 255), (0.37, 255), (1e-3, 2000), (1e-9, 65025)])
def test_residual_sum_of_unlike_scales(factor: float, widest: int) -> None:
    net = Net(6, 6, 2)
    small = net.add(Affine(Tensor(np.array([factor])), Tensor(np.zeros(1))), net.conv("x", 2, SAME), name="small")
    graph = net.graph(net.dense(net.relu(net.add(Add(), "x", small)), 2))
    frames = net.data()
    integer, _ = quantise(graph, calibrate(graph, [frames]))
    add = integer.producers["add"].op
    assert isinstance(add, Add)
    assert 1 <= min(add.scale_a, add.scale_b) <= max(add.scale_a, add.scale_b) <= widest
    assert noise(graph, integer, frames)["relu"] < 0.015


def test_equal_encodings_add_without_factors() -> None:
    net = Net(4, 4, 2)
    graph = net.graph(net.add(Add(), "x", "x"))
    integer, _ = quantise(graph, calibrate(graph, [net.data()]))
    assert integer.producers["add"].op == Add(1, 1)


def test_average_of_pixels() -> None:
    net = Net(5, 7, 3)
    mean = net.add(Affine(Tensor(np.array([1 / 35])), Tensor(np.zeros(1))), net.add(GlobalSum(), "x"), name="mean")
    graph = net.graph(net.relu(net.dense(mean, 2)))
    frames = net.data()
    integer, _ = quantise(graph, calibrate(graph, [frames]))
    assert [n.name for n in integer] == ["globalsum", "globalsum_q", "dense", "dense_q"]
    assert noise(graph, integer, frames)["mean"] < 0.03


@pytest.mark.parametrize("layer", ["conv", "pool", "sum", "limited"])
def test_constants_that_differ_per_pixel_are_in_the_requant(layer: str) -> None:
    net = Net(4, 5, 3)
    x = net.conv("x", 6, Window((3, 3), pads=(1, 1, 1, 1)))
    if layer == "pool":
        x = net.add(SumPool(Window((3, 3), pads=(1, 1, 1, 1))), "x")
    if layer == "sum":
        x = net.add(Add(), "x", net.conv("x", 3, Window((1, 1))))
    if layer == "limited":
        x = net.relu(x)
    size = 20 * net.channels(x)
    x = net.add(Reshape((1, 1, size)), x)
    x = net.affine(x, bias_only=layer == "conv") if layer != "pool" else net.affine(x, zero_offset=True)
    real = net.graph(net.relu(net.add(Reshape((4, 5, size // 20)), x)))
    frames = net.data()
    integer, _ = quantise(real, calibrate(real, [frames]))
    places = next(n for n in integer if isinstance(n.op, FrameRequant))
    assert isinstance(integer.producers[places.args[0]].op, Requant) == (layer == "limited")
    assert all(n.type.pixels == 20 for n in integer)
    want, (got,) = interpret(real, frames)[real.outputs[0]], decoded(integer, frames)
    assert np.sqrt(((got.reshape(want.shape) - want) ** 2).mean()) < 0.03 * want.std()


def test_dead_channels_give_their_bias() -> None:
    net = Net(2, 2, 2)
    weight = np.zeros((2, 3))
    weight[:, 0] = 1.0
    x = net.add(Conv2d(Tensor(weight.reshape(1, 1, 2, 3)), Window((1, 1))), "x", name="conv")
    x = net.add(Affine(Tensor(np.ones(1)), Tensor(np.array([0.0, 0.75, -0.5]))), x, name="bias")
    graph = net.graph(x)
    frames = net.data()
    integer, notes = quantise(graph, calibrate(graph, [frames]))
    (got,) = decoded(integer, frames)
    assert np.abs(got[..., 1] - 0.75).max() < 1e-3
    assert np.abs(got[..., 2] + 0.5).max() < 1e-3
    assert [str(n) for n in notes] == ["%conv_q: 2 of 3 channels have no weights"]


def test_negative_scale_goes_into_the_weights() -> None:
    net = Net(4, 4, 2)
    graph = net.graph(net.affine(net.conv("x", 4, SAME)))
    frames = net.data()
    integer, _ = quantise(graph, calibrate(graph, [frames]))
    requant = integer.producers["conv_q"].op
    assert isinstance(requant, Requant)
    assert requant.mult.values.min() > 0
    assert noise(graph, integer, frames)["affine"] < 0.02


def test_long_sums_at_full_width_leave_room_for_the_product() -> None:
    net = Net(1, 1, 1 << 16)
    graph = net.graph(net.add(Dense(Tensor(net.rng.choice([-1.0, 1.0], (1 << 16, 1)))), "x", name="dense"))
    frames = net.data(4)
    integer, _ = quantise(graph, calibrate(graph, [frames]), Precision(16, 16))
    assert noise(graph, integer, frames)["dense"] < 0.001


@pytest.mark.parametrize("channels", [128, 512])
@pytest.mark.parametrize(("precision", "error"), [("w16a16", 2e-4), ("w16a8", 0.02), ("w8a16", 0.02)])
def test_many_channels_with_a_border_of_wide_codes(channels: int, precision: str, error: float) -> None:
    net = Net(4, 4, channels)
    shifted = net.add(Affine(Tensor(np.ones(1)), Tensor(np.full(1, 3.0))), net.conv("x", channels, SAME), name="bias")
    graph = net.graph(net.conv(net.relu(shifted), 8, SAME, name="last"))
    frames = net.data(4)
    integer, _ = quantise(graph, calibrate(graph, [frames]), Precision.parse(precision))
    (got,), (want,) = decoded(integer, frames), interpret(graph, frames).values()
    assert np.abs(got - want).max() < error * np.abs(want).max()


@pytest.mark.parametrize("precision", ["w8a8", "w16a16"])
def test_a_channel_far_below_its_limit_stays_there(precision: str) -> None:
    net = Net(4, 4, 8)
    offset = np.array([0.0, -1e9, 0.1, 1e3])
    far = net.add(Affine(Tensor(np.ones(1)), Tensor(offset)), net.conv("x", 4, SAME), name="bias")
    graph = net.graph(net.conv(net.relu(far, hi=0.001), 2, SAME, name="last"))
    frames = net.data()
    integer, _ = quantise(graph, calibrate(graph, [frames]), Precision.parse(precision))
    got = integer.encodings["conv_q"].decode(watched(integer, _codes(integer, frames))["conv_q"])
    assert np.all(got[..., 1] == 0.0)
    np.testing.assert_allclose(got[..., 3], 0.001, rtol=0.01)
    assert np.abs(got - watched(graph, frames)["relu"]).mean() < 1e-4


def test_a_negligible_summand_leaves_the_other_its_bits() -> None:
    net = Net(6, 6, 2)
    small = net.add(Affine(Tensor(np.array([1e-13])), Tensor(np.zeros(1))), net.conv("x", 2, SAME), name="small")
    graph = net.graph(net.relu(net.add(Add(), "x", small)))
    frames = net.data()
    integer, _ = quantise(graph, calibrate(graph, [frames]), Precision(16, 16))
    assert noise(graph, integer, frames)["relu"] < 1e-4


def test_what_no_product_holds_is_refused_by_layer() -> None:
    net = Net(2, 2, 64)
    steep = net.add(Affine(Tensor(np.array([1e30])), Tensor(np.zeros(1))), net.add(GlobalSum(), "x"), name="steep")
    graph = net.graph(net.relu(steep, hi=1e-9))
    with pytest.raises(TomatoError) as error:
        quantise(graph, calibrate(graph, [net.data()]), Precision(16, 16))
    assert str(error.value) == (
        "error: the results of /globalsum cannot be requantised: a step of its sums is 7.16e+39 steps of its result\n"
        "  --> /globalsum, /steep, /relu\n"
        "  hint: --precision globalsum=w8a8 takes fewer bits; check the layer's scales, or calibrate it on other data"
    )


def test_overrides_reach_weights_and_activations() -> None:
    net = Net(4, 4, 2)
    graph = net.graph(net.dense(net.relu(net.conv("x", 4, SAME)), 2))
    precision = Precision.parse("w8a8", {"/conv": "w2a4", "x": "w8a6"})
    integer, _ = quantise(graph, calibrate(graph, [net.data()]), precision)
    types = integer.types
    assert (types["x"].codes.bits, types["conv_q"].codes.bits, types["dense_q"].codes.bits) == (6, 4, 16)
    assert integer.producers["conv"].op.constants[0].fmt == Codes(-1, 1)


def test_clipped_ranges_are_noted() -> None:
    net = Net(4, 4, 2)
    graph = net.graph(net.dense(net.add(Function(("tanh", "x")), "x", name="tanh"), 2))
    ranges = calibrate(graph, [net.data()]) | {"tanh": Range(-0.5, 0.5, clipped=0.0123)}
    _, notes = quantise(graph, ranges)
    assert [n.kind for n in notes] == ["table", "clipped"]
    assert str(notes[1]) == "%tanh: 1.2 % of the calibration values lie outside the range"


def test_a_missing_range_is_reported() -> None:
    net = Net(4, 4, 2)
    graph = net.graph(net.relu("x"))
    with pytest.raises(TomatoError) as error:
        quantise(graph, {"x": Range(0.0, 1.0)})
    assert str(error.value) == ("error: value %relu has no range\n  hint: calibrate the same graph that is quantised")


def test_clip_of_moved_values_is_a_requant_of_its_own() -> None:
    net = Net(4, 4, 2)
    pooled = net.add(MaxPool(Window((2, 2))), "x")
    graph = net.graph(net.dense(net.add(Clip(0.0, inf), pooled, name="relu"), 2))
    frames = net.data()
    integer, _ = quantise(graph, calibrate(graph, [frames]))
    assert isinstance(integer.producers["relu"].op, Requant)
    assert integer.encodings["relu"].zero == -128, "a real 0 is the lowest code"
    assert noise(graph, integer, frames)["relu"] < 0.02


@pytest.mark.parametrize("low", [-1.0, 0.0])
@pytest.mark.parametrize("bits", [1, 2])
def test_activations_of_few_bits(bits: int, low: float) -> None:
    """Signed or not: the codes fit the bits, and most values are nearer than to 0."""
    net = Net(6, 6, 4)
    hidden = net.add(Clip(low, 1.0), net.conv("x", 8, SAME), name="hidden")
    graph = net.graph(net.dense(hidden, 3))
    frames = net.data(32)
    precision = Precision.parse(f"w8a{bits}")
    integer, _ = quantise(graph, calibrate(graph, [frames], "mse", precision=precision), precision)
    assert integer.types["conv_q"].codes.bits <= bits
    real = watched(graph, frames)["hidden"]
    codes = {"x": integer.encodings["x"].encode(frames["x"], integer.types["x"].codes)}
    got = integer.encodings["conv_q"].decode(watched(integer, codes)["conv_q"])
    assert len(np.unique(got)) == 1 << bits
    assert ((got - real) ** 2).mean() < (0.75 if bits == 1 else 0.25) * (real**2).mean()


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("binary", {-1, 1}),
        ("ternary", {-1, 0, 1}),
        ("shift3", {-4, -2, -1, 0, 1, 2, 4}),
        ("codebook1", None),
    ],
)
def test_weights_are_of_the_kind_asked_for(text: str, values: set[int] | None) -> None:
    net = Net(6, 6, 3)
    graph = net.graph(net.dense(net.relu(net.conv("x", 6, SAME)), 2))
    integer, notes = quantise(graph, calibrate(graph, [net.data()]), Precision.parse(f"conv={text}"))
    conv = integer.producers["conv"].op
    assert isinstance(conv, Conv2d)
    found = set(np.unique(conv.weight.values).tolist())
    assert found <= values if values else len(found) == 2
    assert notes == ()


def test_what_was_not_done_as_asked_is_told() -> None:
    net = Net(6, 6, 3)
    hidden = net.relu(net.conv(net.conv("x", 6, SAME, name="front"), 6, SAME))
    graph = net.graph(net.dense(hidden, 2))
    _, notes = quantise(graph, calibrate(graph, [net.data()]), Precision.parse("focused4"))
    assert [str(n).split(" (")[0] for n in notes] == [
        "%front_q: weights keep 8 bits in the first and last layers; --precision front=focused4a8 changes that",
        "%conv_q: plain powers of two: the weights have no two separate components",
        "%dense_q: weights keep 8 bits in the first and last layers; --precision dense=focused4a8 changes that",
    ]


def test_a_binary_channel_without_weights_gives_its_offset() -> None:
    net = Net(4, 4, 3)
    weight = net.rng.normal(size=(3, 4))
    weight[:, 1] = 0.0
    graph = net.graph(net.affine(net.add(Dense(Tensor(weight)), "x"), bias_only=True))
    frames = net.data()
    integer, _ = quantise(graph, calibrate(graph, [frames]), Precision.parse("*=binary"))
    (got,) = decoded(integer, frames)
    want = watched(graph, frames)["affine"]
    assert np.abs(got[..., 1] - want[..., 1]).max() <= integer.encodings["dense_q"].scale


@pytest.mark.parametrize(
    ("constant", "scale", "swallowed"),
    [(0.0, 1.0, 0), (-3.4e38, 1.0, 7), (1.0, 1e-7, 8)],
    ids=["none", "a huge constant", "a tiny input"],
)
def test_a_range_that_swallows_the_signal_is_told(constant: float, scale: float, swallowed: int) -> None:
    net = Net(1, 1, 8)
    offset = np.zeros(8)
    offset[8 - (swallowed if scale < 1 else 1) :] = constant
    real = net.graph(net.add(Affine(Tensor(np.ones(8)), Tensor(offset)), "x"))
    frames = {"x": net.data()["x"] * scale}
    _, notes = quantise(real, calibrate(real, [frames]))
    told = [str(note) for note in notes if note.kind == "swallowed"]
    assert len(told) == (swallowed > 0)
    assert all(f"THE RANGE SWALLOWS THE SIGNAL: {swallowed} of 8 channels" in text for text in told)


@pytest.mark.parametrize("joined", [False, True])
def test_a_condition_is_0_or_1_whatever_else_reads_it(joined: bool) -> None:
    net = Net(5, 6, 3)
    mask = net.add(Function(("gt", "x", 0.35)), "x", name="mask")
    deep = net.conv("x", 3, SAME, name="deep")
    chosen = net.add(Select(), mask, deep, "x", name="chosen")
    beside = net.add(Concat(), mask, deep, name="beside") if joined else mask
    graph, frames = run(net.graph(chosen, beside), CLEAN), net.data(32)
    integer, _ = quantise(graph, calibrate(graph, [frames]))
    (select,) = (n for n in integer if isinstance(n.op, Select))
    assert integer.types[select.args[0]].codes == Codes(0, 1)
    asked = np.abs(frames["x"] - 0.35) > 0.05  # what rounds to the other side is chosen otherwise
    for got, name in zip(decoded(integer, frames), graph.outputs, strict=True):
        want = interpret(graph, frames)[name]
        near = np.abs(got - want) <= 0.02 * np.ptp(want)
        assert near[..., :3][asked].all()
