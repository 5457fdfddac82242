"""Operators of QONNX against the definition that the qonnx package gives, and those of ONNX against their schemas."""

from collections.abc import Callable, Mapping
from functools import partial
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import helper

from tests.networks import qonnx as ours
from tests.networks.qonnx import DOMAIN
from tests.networks.runtime import golden, integers
from tests.unit.quantise.absorb.test_operators import model, op
from tests.unit.quantise.absorb.test_special import EXACT, WIDE, both
from tomato import frontend
from tomato.core.errors import TomatoError
from tomato.core.formats import Array
from tomato.frontend import rules_qdq, rules_qoperator
from tomato.frontend.model import OnnxNode

general = pytest.importorskip("qonnx.custom_op.general")
intquant = pytest.importorskip("qonnx.custom_op.general.intquant")
bipolar = pytest.importorskip("qonnx.custom_op.general.bipolar_quant")
trunc = pytest.importorskip("qonnx.custom_op.general.trunc")

MODES = ("ROUND", "HALF_EVEN", "CEIL", "FLOOR", "UP", "DOWN", "HALF_UP", "HALF_DOWN")
QUICK = ("ROUND", "FLOOR", "HALF_UP")
STEP = 0.11
FRAMES = (np.arange(-150, 150).reshape(1, 4, 15, 5) * STEP).astype(np.float32)
PER_CHANNEL = np.array([0.13, 0.25, 0.4, 1.1]).reshape(1, 4, 1, 1)
SCALES: Mapping[str, Any] = {"odd": 0.17, "power": 0.25, "coarse": 1.3, "channels": PER_CHANNEL}
WIDTHS = (1, 2, 3, 4, 8)
RANGES = list(product((0, 1), (0, 1)))
"""signed, narrow"""
ENTER = op("Quant", "x step none wide", "xq", DOMAIN, signed=1, narrow=0, rounding_mode="ROUND")


def mark(mode: str) -> Any:
    """The inner loop tries few modes."""
    return () if mode in QUICK else pytest.mark.slow


def run(folder: Path, nodes: list[Any], constants: Mapping[str, Any]) -> tuple[Array, list[Array]]:
    """The codes that enter, as reals, and the outputs of the compiled network; its nodes read xq and give y0, y1 ..."""
    given = {"step": STEP, "none": 0.0, "wide": 9.0} | dict(constants)
    path = model(folder, [ENTER, *nodes], {k: np.asarray(v, np.float64) for k, v in given.items()}, {"x": FRAMES.shape})
    made: Any = onnx.load(path)
    made.opset_import.append(helper.make_opsetid(DOMAIN, 2))
    del made.graph.output[:]
    made.graph.output.extend(helper.make_empty_tensor_value_info(n.output[0]) for n in nodes)
    onnx.save(made, path)
    entering = np.clip(np.round(FRAMES.astype(np.float64) / STEP), -256, 255) * STEP
    return entering, golden(integers(path), FRAMES)


def defined(scale: Array, zero: Array, bits: Array, x: Array, *, signed: int, narrow: int, mode: str) -> Array:
    """Quant of the qonnx package."""
    return np.asarray(intquant.int_quant(x, scale, zero, bits, bool(signed), bool(narrow), mode))


def same(got: Array, wanted: Array) -> bool:
    """Whether outputs, float32, are those of the definition."""
    return bool(np.ptp(wanted) >= 0 and np.abs(got - wanted).max() <= 1e-5 * max(1.0, float(np.abs(wanted).max())))


@pytest.mark.parametrize(("signed", "narrow"), RANGES)
@pytest.mark.parametrize(
    ("name", "mode"), [*(pytest.param("Quant", m, marks=mark(m)) for m in MODES), ("IntQuant", "FLOOR")]
)
def test_quant(name: str, mode: str, signed: int, narrow: int, tmp_path: Path) -> None:
    """Half of all scales, widths and zero points with each mode and range."""
    nodes: list[Any] = []
    constants: dict[str, Any] = {f"w{w}": float(w) for w in WIDTHS} | {f"s_{k}": v for k, v in SCALES.items()}
    constants |= {"z0": 0.0, "z3": 3.0}
    wanted: list[Callable[[Array], Array]] = []
    turn = MODES.index(mode) + signed + 2 * narrow
    for i, (scale, width, zero) in enumerate(product(SCALES, WIDTHS, (0.0, 3.0))):
        if (i // 2 + i + turn) % 2 or (zero and signed and width == 1):
            continue
        nodes.append(op(name, f"xq s_{scale} z{zero:.0f} w{width}", f"y{len(nodes)}", DOMAIN, signed=signed,
                        narrow=narrow, rounding_mode=mode))  # fmt: skip
        numbers = (np.asarray(v, np.float64) for v in (SCALES[scale], zero, width))
        wanted.append(partial(defined, *numbers, signed=signed, narrow=narrow, mode=mode))
    x, got = run(tmp_path, nodes, constants)
    wrong = [n.input[1:4] for n, g, f in zip(nodes, got, wanted, strict=True) if not same(g, f(x))]
    assert wrong == []


def test_bipolar_quant(tmp_path: Path) -> None:
    nodes = [op("BipolarQuant", f"xq s_{scale}", f"y{i}", DOMAIN) for i, scale in enumerate(SCALES)]
    x, got = run(tmp_path, nodes, {f"s_{k}": v for k, v in SCALES.items()})
    for g, scale in zip(got, SCALES.values(), strict=True):
        assert same(g, bipolar.binary_quant(x, np.asarray(scale, np.float64)))


@pytest.mark.parametrize("mode", MODES)
def test_trunc_1(mode: str, tmp_path: Path) -> None:
    cases = list(product((STEP, 0.25), (0.0, 3.0), ((8, 4), (9, 8), (8, 1), (6, 6))))
    constants = {f"c{v:g}": v for v in (STEP, 0.25, 0.0, 1.0, 3.0, 4.0, 6.0, 8.0, 9.0)}
    nodes = [
        op("Trunc", f"xq c{s:g} c{z:g} c{b:g} c{a:g}", f"y{i}", DOMAIN, rounding_mode=mode)
        for i, (s, z, (b, a)) in enumerate(cases)
    ]
    x, got = run(tmp_path, nodes, constants)
    wrong = [
        case
        for g, case in zip(got, cases, strict=True)
        if not same(g, trunc.trunc_v1(x, case[0], case[1], float(case[2][0]), float(case[2][1]), mode))
    ]
    assert wrong == []


@pytest.mark.parametrize(("signed", "narrow"), RANGES)
@pytest.mark.parametrize("mode", [pytest.param(m, marks=mark(m)) for m in MODES])
def test_trunc_2(signed: int, narrow: int, mode: str, tmp_path: Path) -> None:
    """The scale of the result: a power of two times that of the argument, or what is rounded to one."""
    cases = list(product((STEP,), (0.0, 4.0), (STEP, 2 * STEP, 8 * STEP, 1.0, 2.0, 4.0), (3, 8)))
    constants = {f"c{v:g}": v for v in (STEP, 2 * STEP, 8 * STEP, 0.0, 1.0, 2.0, 3.0, 4.0, 8.0)}
    nodes = [
        op("Trunc", f"xq c{s:g} c{z:g} c8 c{t:g} c{a:g}", f"y{i}", DOMAIN, rounding_mode=mode, signed=signed,
           narrow=narrow)
        for i, (s, z, t, a) in enumerate(cases)
    ]  # fmt: skip
    x, got = run(tmp_path, nodes, constants)
    wrong = [
        case
        for g, case in zip(got, cases, strict=True)
        if not same(
            g,
            trunc.trunc_v2(x, case[0], case[1], 8.0, bool(narrow), bool(signed), case[2], np.float64(case[3]), mode),
        )
    ]
    assert wrong == []


@pytest.mark.parametrize(
    ("node", "text"),
    [
        (op("Trunc", "xq step none wide", "y0", DOMAIN), "expected 5 or 6 inputs, not 4"),
        (op("Trunc", "xq step none wide step none wide", "y0", DOMAIN), "expected 5 or 6 inputs, not 7"),
        (op("Quant", "xq step none", "y0", DOMAIN, signed=1, narrow=0), "expected 4 inputs, not 3"),
        (op("Quant", "xq step none wide wide", "y0", DOMAIN, signed=1, narrow=0), "expected 4 inputs, not 5"),
        (op("BipolarQuant", "xq step step", "y0", DOMAIN), "expected 2 inputs, not 3"),
        (helper.make_node("Quant", ["xq", "step", "", "wide"], ["y0"], "Quant_y0", domain=DOMAIN, signed=1, narrow=0),
         "expected 4 inputs, not 3"),
        (op("Trunc", "xq step none wide wide", "y0", DOMAIN, signed=0), "expected no range of the result without its"),
        (op("Quant", "xq step none half", "y0", DOMAIN, signed=1, narrow=0), "expected one whole bit width of 1 to 32"),
        (op("Quant", "xq step one bit", "y0", DOMAIN, signed=1, narrow=0), "expected a zero point of 0 for one signed"),
        (op("Quant", "xq step none wide", "y0", DOMAIN, signed=1, narrow=0, rounding_mode="ODD"),
         "the rounding mode 'ODD' is unknown"),
    ],
    ids=lambda v: v.op_type if isinstance(v, onnx.NodeProto) else v,
)  # fmt: skip
def test_what_is_refused(node: Any, text: str, tmp_path: Path) -> None:
    with pytest.raises(TomatoError) as error:
        run(tmp_path, [node], {"half": 4.5, "one": 1.0, "bit": 1.0})
    assert text in str(error.value)
    assert "_y0" in str(error.value)


def test_our_own_evaluator_has_the_same_meaning() -> None:
    """The evaluator that other tests use, where both know a mode."""
    x = FRAMES.astype(np.float64)
    step, none, before, target = (np.asarray(v) for v in (0.17, 0.0, 8.0, 0.68))
    for mode, (signed, narrow), width in product(("ROUND", "FLOOR", "CEIL"), RANGES, (1, 3, 8)):
        bits = np.asarray(float(width))
        wanted = defined(step, none, bits, x, signed=signed, narrow=narrow, mode=mode)
        got = ours.quant(x, step, none, bits, signed=signed, narrow=narrow, rounding_mode=mode)
        assert np.array_equal(got, wanted)
        wanted = trunc.trunc_v2(x, step, none, before, bool(narrow), bool(signed), target, bits, mode)
        got = ours.trunc(x, step, none, before, target, bits, signed=signed, narrow=narrow, rounding_mode=mode)
        assert np.abs(got - wanted).max() < 1e-12


RULES = rules_qdq.RULES | rules_qoperator.RULES
READ_BY_NOBODY = {
    ("QuantizeLinear", "saturate"): "codes of floating-point types alone, which are refused",
    ("QLinearConv", "kernel_shape"): "the weight's shape says it",
    ("ConvInteger", "kernel_shape"): "the weight's shape says it",
    ("QuantizeLinear", "axis"): "asked for where there is a scale per channel",
    ("DequantizeLinear", "axis"): "asked for where there is a scale per channel",
}
X4, X2 = (1, 4, 6, 5), (1, 24)
Q = "xq s z"
SMALLEST: Mapping[str, tuple[tuple[int, ...], Any]] = {
    "QuantizeLinear": (X4, op("QuantizeLinear", "xr s z", "yq")),
    "DequantizeLinear": (X4, op("DequantizeLinear", Q, "y")),
    "QLinearConv": (X4, op("QLinearConv", f"{Q} w s zi s z", "yq")),
    "QLinearMatMul": (X2, op("QLinearMatMul", f"{Q} m s zi s z", "yq")),
    "QGemm": (X2, op("QGemm", f"{Q} m s zi b s z", "yq", "com.microsoft")),
    "ConvInteger": (X4, op("ConvInteger", "xq w z zi", "y")),
    "MatMulInteger": (X2, op("MatMulInteger", "xq m z zi", "y")),
    "QLinearConcat": (X4, op("QLinearConcat", f"s z {Q} {Q}", "yq", "com.microsoft", axis=1)),
    "QLinearAveragePool": (X4, op("QLinearAveragePool", f"{Q} s z", "yq", "com.microsoft", kernel_shape=[2, 2])),
    "QLinearSoftmax": (X2, op("QLinearSoftmax", f"{Q} s z", "yq", "com.microsoft", opset=13, axis=1)),
    "QLinearAdd": (X4, op("QLinearAdd", f"{Q} {Q} s z", "yq", "com.microsoft")),
    "QLinearMul": (X4, op("QLinearMul", f"{Q} {Q} s z", "yq", "com.microsoft")),
    **{name: (X4, op(name, f"{Q} s z", "yq", "com.microsoft"))
       for name in ("QLinearGlobalAveragePool", "QLinearSigmoid", "QLinearLeakyRelu")},
}  # fmt: skip


def schemas() -> dict[str, Any]:
    """The newest definition of every operator that our rules for quantised operators know."""
    state = pytest.importorskip("onnxruntime.capi.onnxruntime_pybind11_state")
    found: dict[str, Any] = {}
    for schema in state.get_all_operator_schema():
        if schema.name in RULES and schema.domain in ("", "com.microsoft"):
            known = found.get(schema.name)
            found[schema.name] = schema if not known or schema.since_version > known.since_version else known
    return found


def test_every_rule_has_a_definition() -> None:
    assert schemas().keys() == RULES.keys() == SMALLEST.keys()


@pytest.mark.parametrize("name", SMALLEST)
def test_every_attribute_is_read_or_has_a_reason(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An attribute that a rule does not ask for would be ignored in silence."""
    asked: set[str] = set()
    for method in ("integer", "real", "text", "integers", "reals"):
        original = getattr(OnnxNode, method)

        def recording(node: OnnxNode, key: str, *more: Any, original: Any = original) -> Any:
            asked.add(key)
            return original(node, key, *more)

        monkeypatch.setattr(OnnxNode, method, recording)
    shape, node = SMALLEST[name]
    constants = {
        "s": np.float32(0.1), "z": np.uint8(7), "zi": np.int8(0), "w": np.ones((2, 4, 3, 3), np.int8),
        "m": np.ones((24, 3), np.int8), "b": np.ones(3, np.int32),
    }  # fmt: skip
    enter = [op("QuantizeLinear", "x s z", "xq"), op("DequantizeLinear", Q, "xr")]
    last = [op("DequantizeLinear", "yq s z", "y")] if node.output[0] == "yq" else []
    frontend.load(
        model(tmp_path, [*enter[: 2 if name == "QuantizeLinear" else 1], node, *last], constants, {"x": shape})
    )
    silent = {a for a in schemas()[name].attributes if a not in asked and (name, a) not in READ_BY_NOBODY}
    assert silent == set()
    inputs = [i.name for i in schemas()[name].inputs]
    assert len(node.input) <= len(inputs) or name == "QLinearConcat"


@pytest.mark.parametrize("kind", [onnx.TensorProto.INT8, onnx.TensorProto.UINT8, onnx.TensorProto.INT16])
def test_a_type_of_codes_without_a_zero_point(kind: int, tmp_path: Path) -> None:
    nodes = [
        op("QuantizeLinear", "x s", "xq", output_dtype=kind), op("DequantizeLinear", "xq s", "xr"),
        op("HardSwish", "xr", "r"), op("QuantizeLinear", "r t", "yq", output_dtype=kind),
        op("DequantizeLinear", "yq t", "y"),
    ]  # fmt: skip
    _, got, wanted = both(tmp_path, nodes, {"s": np.float32(0.05), "t": np.float32(0.031)}, WIDE, EXACT)
    assert np.ptp(wanted) > 1
    assert np.array_equal(got, wanted)


@pytest.mark.parametrize(
    ("nodes", "text"),
    [
        ([op("QuantizeLinear", "x s z", "xq", block_size=2), op("DequantizeLinear", Q, "y")], "not per block"),
        ([op("QuantizeLinear", "x s z", "xq"), op("DequantizeLinear", Q, "y", block_size=2)], "not per block"),
        ([op("QuantizeLinear", "x s", "xq", output_dtype=onnx.TensorProto.FLOAT8E4M3FN),
          op("DequantizeLinear", "xq s", "y")], "expected integer codes, not float8_e4m3fn"),
        ([op("QuantizeLinear", "x s z", "xq"),
          op("QLinearSoftmax", f"{Q} s z", "yq", "com.microsoft", opset=11, axis=1),
          op("DequantizeLinear", "yq s z", "y")], "expected a softmax as of operator set 13"),
        ([op("QuantizeLinear", "x s z", "xq"),
          op("QLinearConv", f"{Q} w s z s z", "yq", "com.microsoft", channels_last=1),
          op("DequantizeLinear", "yq s z", "y")], "expected channels first"),
    ],
    ids=["blocks", "blocks behind", "float8", "old softmax", "channels last"],
)  # fmt: skip
def test_attributes_that_are_refused(nodes: list[Any], text: str, tmp_path: Path) -> None:
    constants = {"s": np.float32(0.1), "z": np.uint8(7), "w": np.ones((2, 4, 3, 3), np.uint8)}
    path = model(tmp_path, nodes, constants, {"x": X4})
    changed = onnx.load(path)
    changed.opset_import[0].version, changed.ir_version = 21, 10
    onnx.save(changed, path)
    with pytest.raises(TomatoError) as error:
        frontend.load(path)
    assert text in str(error.value)
