"""Ranges measured on data."""

import numpy as np
import pytest

from tests.networks.nets import Net
from tomato.core.errors import TomatoError
from tomato.core.formats import Tensor
from tomato.ops.move import Reshape
from tomato.ops.real import Affine, Function
from tomato.ops.softmax import Softmax
from tomato.ops.window import Window
from tomato.quantise.calibrate import REACH, Method, Range, _squared_error, calibrate, synthetic_ranges
from tomato.quantise.precision import LayerFormat, Precision


def test_minmax_of_inputs_and_of_what_will_be_codes() -> None:
    net = Net(4, 4, 1)
    graph = net.graph(net.relu(net.conv("x", 2, Window((1, 1)))))
    frames = {"x": np.arange(32.0).reshape(2, 4, 4, 1)}
    ranges = calibrate(graph, [{"x": frames["x"][:1]}, {"x": frames["x"][1:]}])
    assert sorted(ranges) == ["relu", "x"], "the sum in front of the relu is never stored"
    assert (ranges["x"].lo, ranges["x"].hi, ranges["x"].integral) == (0.0, 31.0, True)
    assert ranges["x"].mean is not None
    assert ranges["x"].mean.values.tolist() == [15.5]
    assert not ranges["relu"].integral


@pytest.mark.parametrize("method", ["percentile", "mse"])
def test_outliers_are_clipped_inside_but_not_at_the_ends(method: str) -> None:
    net = Net(32, 32, 1)
    x = net.add(Function(("mul", "x", 1.0)), "x", name="inner")
    graph = net.graph(net.add(Function(("neg", "x")), x, name="end"))
    values = net.rng.normal(size=(8, 32, 32, 1))
    values[0, 0, 0, 0] = 1000.0
    done: list[tuple[int, int]] = []
    ranges = calibrate(
        graph,
        [{"x": values[:4]}, {"x": values[4:]}],
        "percentile" if method == "percentile" else "mse",
        percentile=99.9,
        progress=lambda *now: done.append(now),
    )
    assert ranges["x"].hi == 1000.0
    assert ranges["end"].lo == -1000.0
    if method == "percentile":
        assert ranges["inner"].hi < 10.0
        assert 0 < ranges["inner"].clipped <= 0.001
    assert done == [(1, 4), (2, 4), (3, 4), (4, 4)]


def test_least_error_clips_a_long_tail() -> None:
    net = Net(64, 64, 1)
    x = net.add(Function("x"), "x", name="inner")
    graph = net.graph(net.add(Function(("neg", "x")), x, name="end"))
    values = net.rng.laplace(size=(64, 64, 64, 1))
    found = calibrate(graph, [{"x": values}], "mse")["inner"]
    assert found.hi < 0.95 * values.max()
    assert 0 < found.clipped < 0.001


def test_synthetic_ranges_repeat() -> None:
    net = Net(4, 4, 2)
    graph = net.graph(net.conv("x", 2, Window((3, 3))))
    assert synthetic_ranges(graph) == synthetic_ranges(graph)


def test_no_data() -> None:
    net = Net(1, 1, 1)
    with pytest.raises(TomatoError) as error:
        calibrate(net.graph(net.relu("x")), [])
    assert str(error.value) == "error: there is no calibration data\n  hint: give at least one frame"


def test_values_that_are_not_finite() -> None:
    net = Net(1, 1, 1)
    graph = net.graph(net.add(Function(("exp", "x")), "x", name="boom"))
    with pytest.raises(TomatoError) as error, np.errstate(over="ignore"):
        calibrate(graph, [{"x": np.full((1, 1, 1, 1), 1e4)}])
    assert str(error.value) == (
        "error: the calibration data gives values that are not finite\n"
        "  --> value %boom\n"
        "  hint: check the data and its normalisation"
    )


def test_auto_clips_narrow_values_alone() -> None:
    net = Net(4, 4, 4)
    graph = net.graph(net.dense(net.dense(net.dense("x", 4, "narrow"), 4, "wide"), 4, "out"))
    batches, bits = [net.data(64)], Precision(overrides={"narrow": LayerFormat(8, 3)})
    methods: tuple[Method, ...] = ("minmax", "mse", "auto")
    least, clipped, found = (calibrate(graph, batches, m, precision=bits) for m in methods)
    assert found["narrow"] == clipped["narrow"] != least["narrow"]
    assert found["wide"] == least["wide"]
    assert calibrate(graph, batches, "auto") == least


def test_a_union_holds_both_and_knows_what_both_know() -> None:
    whole, real = Range(0.0, 3.0, integral=True, clipped=0.01), Range(-2.0, 1.0, integral=False, clipped=0.2)
    for one, other in ((whole, real), (real, whole)):
        both = one.union(other)
        assert (both.lo, both.hi, both.integral, both.clipped) == (-2.0, 3.0, False, 0.2)
    assert whole.union(whole).integral


@pytest.mark.parametrize(
    ("ends", "values", "errors"),
    [
        pytest.param((-1.0, 3.0), [0.0, 3.0, -1.0, 1.4, 1.6], [0.0, 0.0, 1.0, 1.96, 1.96], id="0 and the upper end"),
        pytest.param((-3.0, 1.0), [0.0, -3.0, 1.0, -1.4], [0.0, 0.0, 1.0, 1.96], id="the lower end and 0"),
    ],
)
def test_one_bit_is_0_and_the_farther_end(ends: tuple[float, float], values: list[float], errors: list[float]) -> None:
    middle = np.array(values)
    found = _squared_error(middle, middle - np.clip(middle, *ends), *ends, bits=1)
    assert found.tolist() == pytest.approx(errors)


def test_a_mask_in_front_of_a_softmax_does_not_take_the_range_along() -> None:
    net = Net(1, 5, 5)
    mask = Affine(Tensor(np.ones(25)), Tensor(np.where(np.tri(5), 0.0, -1000.0).reshape(-1)))
    flat = net.add(mask, net.add(Reshape((1, 1, 25)), "x", name="flat"), name="masked")
    graph = net.graph(net.add(Softmax(), net.add(Reshape((1, 5, 5)), flat, name="frame"), name="shares"))
    data = net.data()
    scores = data["x"]
    found = calibrate(graph, [data])["masked"]
    assert found.lo >= scores.min() - REACH
    assert found.hi <= scores.max()
    read_twice = net.graph(*graph.outputs, "frame")
    assert calibrate(read_twice, [data])["masked"].lo < -900
