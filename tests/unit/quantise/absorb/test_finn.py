"""MultiThreshold, FloatQuant and layers with their channels last, against the qonnx package."""

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

from tests.networks.qonnx import DOMAIN
from tests.networks.runtime import golden, integers
from tests.unit.quantise.absorb.test_dialects import ENTER, FRAMES, STEP, run
from tests.unit.quantise.absorb.test_operators import model, op
from tomato.core.errors import TomatoError
from tomato.core.formats import Array

threshold = pytest.importorskip("qonnx.custom_op.general.multithreshold")
floats = pytest.importorskip("qonnx.custom_op.general.floatquant")
wrapped = pytest.importorskip("qonnx.custom_op.channels_last.base_wrapped_op")
modelwrapper = pytest.importorskip("qonnx.core.modelwrapper")
execution = pytest.importorskip("qonnx.core.onnx_exec")

LAST = "qonnx.custom_op.channels_last"
LEVELS = np.sort(np.append(np.random.default_rng(0).normal(size=(4, 14)) * 4, np.zeros((4, 1)), axis=1), axis=1)


@pytest.mark.parametrize("rows", [1, 4])
@pytest.mark.parametrize(("scale", "bias"), [(1.0, 0.0), (0.25, -2.0), (2.0, -1.0)])
@pytest.mark.parametrize("domain", [DOMAIN, "finn.custom_op.general"])
def test_multi_threshold(rows: int, scale: float, bias: float, domain: str, tmp_path: Path) -> None:
    node = op("MultiThreshold", "xq t", "y0", domain, out_dtype="INT8", out_scale=scale, out_bias=bias)
    x, (got,) = run(tmp_path, [node], {"t": LEVELS[:rows]})
    assert np.array_equal(got, threshold.multithreshold(x, LEVELS[:rows], scale, bias))


def test_multi_threshold_with_channels_last(tmp_path: Path) -> None:
    turn = op("Transpose", "xq", "t0", perm=[0, 2, 3, 1])
    node = op("MultiThreshold", "t0 t", "y0", DOMAIN, out_dtype="UINT4", data_layout="NHWC")
    x, (_, got) = run(tmp_path, [turn, node], {"t": LEVELS})
    assert np.array_equal(got, threshold.multithreshold(x.transpose(0, 2, 3, 1), LEVELS, channels_last=True))


def test_many_thresholds_behind_a_layer_stay_exact(tmp_path: Path) -> None:
    w = np.random.default_rng(1).integers(-8, 8, (4, 4, 1, 1)) * 0.5
    levels = np.sort(np.random.default_rng(2).normal(size=(4, 255)) * 100, axis=1)
    nodes = [
        op("Quant", "w half none wide", "wq", DOMAIN, signed=1, narrow=0, rounding_mode="ROUND"),
        op("Conv", "xq wq", "c"),
        op("MultiThreshold", "c t", "y0", DOMAIN, out_dtype="UINT8"),
    ]
    x, (_, got) = _last(tmp_path, nodes, {"w": w, "half": 0.5, "t": levels})
    wanted = threshold.multithreshold(np.einsum("oi,bihw->bohw", w[:, :, 0, 0], x), levels)
    assert np.array_equal(got, wanted)


def _last(folder: Path, nodes: list[Any], constants: dict[str, Any]) -> tuple[Array, tuple[Any, Array]]:
    given = {"step": STEP, "none": 0.0, "wide": 9.0} | constants
    path = model(folder, [ENTER, *nodes], {k: np.asarray(v, np.float64) for k, v in given.items()}, {"x": FRAMES.shape})
    made: Any = onnx.load(path)
    made.opset_import.append(helper.make_opsetid(DOMAIN, 2))
    del made.graph.output[:]
    made.graph.output.append(helper.make_empty_tensor_value_info("y0"))
    onnx.save(made, path)
    entering = np.clip(np.round(FRAMES.astype(np.float64) / STEP), -256, 255) * STEP
    found = integers(path)
    assert all(p.proved for p in found.proofs)
    return entering, (found, golden(found, FRAMES)[0])


@pytest.mark.parametrize(("exponent", "mantissa", "bias", "most"), [(0, 3, 0, 1.75), (1, 2, 1, 3), (3, 2, 0, 4.0)])
@pytest.mark.parametrize("mode", ["ROUND", "FLOOR", "CEIL"])
def test_float_quant_of_evenly_spaced_numbers(
    exponent: int, mantissa: int, bias: int, most: float, mode: str, tmp_path: Path
) -> None:
    node = op("FloatQuant", "xq s e m b top", "y0", DOMAIN, has_inf=0, has_nan=0, has_subnormal=1, saturation=1,
              rounding_mode=mode)  # fmt: skip
    x, (got,) = run(tmp_path, [node], {"s": 1.7, "e": exponent, "m": mantissa, "b": bias, "top": most})
    wanted = floats.float_quant(x, 1.7, exponent, mantissa, bias, max_val=most, rounding_mode=mode)
    assert np.ptp(wanted) > 0
    np.testing.assert_allclose(got, wanted, rtol=1e-6, atol=1e-6)


def test_floating_point_is_refused(tmp_path: Path) -> None:
    node = op("FloatQuant", "xq s e m b top", "y0", DOMAIN, has_inf=0, has_nan=0, has_subnormal=1, saturation=1)
    with pytest.raises(TomatoError, match="evenly spaced numbers, not floating-point ones with 4 bits of exponent"):
        run(tmp_path, [node], {"s": 1.0, "e": 4.0, "m": 3.0, "b": 7.0, "top": 448.0})


def test_widths_that_nothing_has_are_refused(tmp_path: Path) -> None:
    node = op("FloatQuant", "xq s e m b top", "y0", DOMAIN, has_inf=0, has_nan=0, has_subnormal=1, saturation=1)
    with pytest.raises(TomatoError, match="expected up to 8 bits of exponent and 32 of mantissa"):
        run(tmp_path, [node], {"s": 1.0, "e": 4000.0, "m": 3.0, "b": 0.0, "top": 9.0})


@pytest.mark.parametrize(
    ("levels", "text"),
    [(np.ones((3, 5)), "expected thresholds for all channels together or for each"),
     (np.full((1, 2), np.nan), "NaN")],
)  # fmt: skip
def test_thresholds_that_are_refused(levels: Array, text: str, tmp_path: Path) -> None:
    with pytest.raises(TomatoError, match=text):
        run(tmp_path, [op("MultiThreshold", "xq t", "y0", DOMAIN, out_dtype="INT8")], {"t": levels})


def test_a_largest_value_between_the_steps_is_refused(tmp_path: Path) -> None:
    node = op("FloatQuant", "xq s e m b top", "y0", DOMAIN, has_inf=0, has_nan=0, has_subnormal=1, saturation=1)
    with pytest.raises(TomatoError, match=r"a largest value that is a multiple of the step 0\.25, not 1\.875"):
        run(tmp_path, [node], {"s": 1.0, "e": 0.0, "m": 3.0, "b": 0.0, "top": 9.0})


@pytest.mark.parametrize("domain", [LAST, "finn.custom_op.channels_last"])
def test_layers_with_channels_last(domain: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    make: Any = wrapped.qonnx_make_model
    monkeypatch.setattr(wrapped, "qonnx_make_model", lambda *a, **k: make(*a, **k, ir_version=8))
    rng = np.random.default_rng(0)
    quant: dict[str, Any] = {"domain": DOMAIN, "signed": 1, "narrow": 0, "rounding_mode": "ROUND"}
    conv: dict[str, Any] = {
        "kernel_shape": [3, 3],
        "strides": [1, 1],
        "dilations": [1, 1],
        "pads": [1, 1, 1, 1],
        "group": 1,
    }
    nodes = [
        helper.make_node("Quant", ["x", "s", "n", "b"], ["xq"], **quant),
        helper.make_node("Quant", ["w", "s", "n", "b"], ["wq"], **quant),
        helper.make_node("Conv", ["xq", "wq"], ["c"], "conv", domain=domain, **conv),
        helper.make_node("BatchNormalization", ["c", *"ghmv"], ["d"], "norm", domain=domain, momentum=0.9),
        helper.make_node("Quant", ["d", "s4", "n", "b"], ["q"], **quant),
        helper.make_node("MaxPool", ["q"], ["y"], "pool", domain=domain, kernel_shape=[2, 2], strides=[2, 2],
                         pads=[0, 0, 0, 0]),
    ]  # fmt: skip
    constants: dict[str, Any] = {
        "w": rng.normal(size=(5, 3, 3, 4)), "s": 0.05, "s4": 0.31, "n": 0.0, "b": 8.0,
        "g": rng.uniform(0.5, 2, 5), "h": rng.normal(size=5), "m": rng.normal(size=5), "v": rng.uniform(0.5, 2, 5),
    }  # fmt: skip
    graph = helper.make_graph(
        nodes, "last",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, 6, 8, 4])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, [1, 3, 4, 5])],
        [onnx.numpy_helper.from_array(np.asarray(v, np.float32), k) for k, v in constants.items()],
    )  # fmt: skip
    opsets = [helper.make_opsetid(d, n) for d, n in (("", 13), (DOMAIN, 1), (domain, 14))]
    proto = helper.make_model(graph, opset_imports=opsets, ir_version=8)
    path = tmp_path / "last.onnx"
    onnx.save(proto, path)
    x = rng.normal(size=(8, 6, 8, 4)).astype(np.float32)
    (got,) = golden(integers(path), x)
    for node in proto.graph.node:
        node.domain = LAST if node.domain == domain else node.domain
    proto.opset_import[2].domain = LAST
    for name, size in (("xq", (6, 8, 4)), ("c", (6, 8, 5)), ("d", (6, 8, 5)), ("q", (6, 8, 5)), ("wq", (3, 3, 4))):
        first = 5 if name == "wq" else 1
        proto.graph.value_info.append(helper.make_tensor_value_info(name, TensorProto.FLOAT, [first, *size]))
    oracle = modelwrapper.ModelWrapper(proto)
    wanted = np.concatenate([execution.execute_onnx(oracle, {"x": frame[None]})["y"] for frame in x])
    assert np.count_nonzero(np.abs(got - wanted) > 1e-4) <= 0.001 * wanted.size
