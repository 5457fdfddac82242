"""The twin that ONNX Runtime computes exactly on every processor: fused alike, equal where nothing saturates."""

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

import tomato
from tests.unit.quantise.absorb.test_operators import FRAMES, IN, OUT, SHAPE, model, op, steps
from tomato import frontend
from tomato.cli import show
from tomato.core.formats import Array
from tomato.host.data import Data
from tomato.measure import agreement
from tomato.measure.evaluate import evaluate

onnxruntime = pytest.importorskip("onnxruntime")

RNG = np.random.default_rng(0)
SMALL = 64
"""Two products of uint8 and weights up to this add up to less than 2**15."""
FREE = 4
"""The first version of the format whose constants are no inputs."""
AXIS = 13
"""The first operator set with scales per channel; here with weights beside the model."""
WEIGHT = op("DequantizeLinear", "w ws wz", "wr", axis=0)
BARE = op("DequantizeLinear", "w ws", "wr", axis=0)
CONV = op("Conv", "xr wr", "r")
CAST = helper.make_node("Cast", ["acc"], ["y"], to=TensorProto.FLOAT)
FLAT = op("Flatten", "xr", "f")
SCALES = np.linspace(0.005, 0.01, 8, dtype=np.float32)
CONSTANT = helper.make_node(
    "Constant", [], ["w"], value=numpy_helper.from_array(RNG.integers(-SMALL, SMALL, (8, 4, 3, 3)).astype(np.int8))
)
TABLE = RNG.integers(-SMALL, SMALL, (120, 8)).astype(np.int8)


def kernel(**other: Any) -> dict[str, Any]:
    """The constants of a convolution."""
    codes = RNG.integers(-SMALL, SMALL, (8, 4, 3, 3)).astype(np.int8)
    return {"w": codes, "ws": np.float32(0.01), "wz": np.int8(0)} | other


def table(**other: Any) -> dict[str, Any]:
    """The constants of a matrix product."""
    return {"w": TABLE, "ws": np.float32(0.01), "wz": np.int8(0)} | other


CASES: dict[str, tuple[list[Any], dict[str, Any]]] = {
    "conv": ([*IN, WEIGHT, CONV, *OUT], kernel()),
    "zero point": ([*IN, WEIGHT, CONV, *OUT], kernel(wz=np.int8(-11))),
    "no zero point": ([*IN, BARE, CONV, *OUT], kernel()),
    "per channel": ([*IN, WEIGHT, CONV, *OUT], kernel(ws=SCALES, wz=np.zeros(8, np.int8))),
    "per channel without zero points": ([*IN, BARE, CONV, *OUT], kernel(ws=SCALES)),
    "zero points per channel": ([*IN, WEIGHT, CONV, *OUT], kernel(ws=SCALES, wz=np.arange(-4, 4).astype(np.int8))),
    "bias": (
        [*IN, WEIGHT, op("DequantizeLinear", "b bs", "br"), op("Conv", "xr wr br", "r"), *OUT],
        kernel(b=np.arange(-400, 400, 100).astype(np.int32), bs=np.float32(0.05 * 0.01)),
    ),
    "constant node": ([*IN, CONSTANT, WEIGHT, CONV, *OUT], {k: v for k, v in kernel().items() if k != "w"}),
    "computed": (
        [*IN, op("QuantizeLinear", "real ws wz", "wq"), op("Clip", "wq lo hi", "w"), WEIGHT, CONV, *OUT],
        {k: v for k, v in kernel(real=RNG.normal(0, 0.3, (8, 4, 3, 3)).astype(np.float32), lo=np.int8(-50),
                                 hi=np.int8(49)).items() if k != "w"},
    ),
    "two readers": (
        [*IN, WEIGHT, op("Conv", "xr wr", "c"), op("QuantizeLinear", "c xs xz", "cq"),
         op("DequantizeLinear", "cq xs xz", "cr"), op("GlobalAveragePool", "cr", "g"),
         op("Conv", "xr wr", "e"), op("QuantizeLinear", "e ys yz", "eq"), op("DequantizeLinear", "eq ys yz", "er"),
         op("Add", "er cr", "r"), *OUT],
        kernel(),
    ),
    "gemm": ([*IN, FLAT, op("QuantizeLinear", "f xs xz", "fq"), op("DequantizeLinear", "fq xs xz", "fr"), WEIGHT,
              op("Gemm", "fr wr", "r"), *OUT], table()),
    "transposed": ([*IN, FLAT, op("QuantizeLinear", "f xs xz", "fq"), op("DequantizeLinear", "fq xs xz", "fr"),
                    WEIGHT, op("Transpose", "wr", "wt", perm=[1, 0]), op("MatMul", "fr wt", "r"), *OUT],
                   table(w=np.ascontiguousarray(TABLE.T))),
    "matmul": ([*IN, WEIGHT, op("MatMul", "xr wr", "r"), *OUT],
               table(w=TABLE[:5])),
    "matmul to reals": ([*IN, WEIGHT, op("MatMul", "xr wr", "y")], table(w=TABLE[:5])),
    "QLinearConv": ([IN[0], op("QLinearConv", "xq xs xz w ws wz ys yz", "yq"), OUT[1]], kernel()),
    "QLinearConv per channel": ([IN[0], op("QLinearConv", "xq xs xz w ws wz ys yz", "yq"), OUT[1]],
                                kernel(ws=SCALES, wz=np.zeros(8, np.int8))),
    "QLinearMatMul": ([IN[0], op("QLinearMatMul", "xq xs xz w ws wz ys yz", "yq"), OUT[1]], table(w=TABLE[:5])),
    "QGemm": ([IN[0], op("Flatten", "xq", "f"),
               op("QGemm", "f xs xz w ws wz b ys yz", "yq", "com.microsoft", alpha=1.0), OUT[1]],
              table(b=np.arange(8).astype(np.int32))),
    "ConvInteger": ([IN[0], op("ConvInteger", "xq w", "acc"), CAST], kernel()),
    "MatMulInteger": ([IN[0], op("MatMulInteger", "xq w xz", "acc"), CAST],
                      table(w=TABLE[:5])),
}  # fmt: skip


def saved(folder: Path, name: str, kind: type[np.integer] = np.uint8) -> Path:
    nodes, constants = CASES[name]
    return model(folder, nodes, steps(kind, x=0.05, y=0.043) | constants, {"x": SHAPE})


def kinds(given: str | bytes, folder: Path) -> list[str]:
    """The operators that ONNX Runtime runs, sorted: a product's place may differ."""
    options = onnxruntime.SessionOptions()
    options.add_session_config_entry(*agreement.INTEGER_KERNELS)
    options.optimized_model_filepath, options.log_severity_level = str(folder / "optimised.onnx"), 3
    onnxruntime.InferenceSession(given, options, providers=["CPUExecutionProvider"])
    return sorted(node.op_type for node in onnx.load(options.optimized_model_filepath).graph.node)


def run(session: Any, frames: Array = FRAMES) -> Array:
    return np.concatenate([session.run(None, {"x": frame[None]})[0] for frame in frames])


@pytest.mark.parametrize("name", CASES)
def test_it_is_fused_alike_and_equal_where_nothing_saturates(name: str, tmp_path: Path) -> None:
    path = saved(tmp_path, name)
    twin = frontend.twin(path)
    assert twin is not None
    assert kinds(twin, tmp_path) == kinds(str(path), tmp_path)
    as_it_is = agreement.session(path, integers=True, exact=False)
    assert np.array_equal(run(agreement.session(path, integers=True)), run(as_it_is))


@pytest.mark.parametrize(("opset", "ir"), [(10, 3), (11, 8), (13, 8), (19, 9), (21, 10), (23, 11)])
@pytest.mark.parametrize("name", ["conv", "QLinearConv", "MatMulInteger"])
def test_old_and_new_operator_sets(name: str, opset: int, ir: int, tmp_path: Path) -> None:
    """Before version 4 of the format constants are inputs too; weights may lie beside the model."""
    path = saved(tmp_path, name)
    other = onnx.load(path)
    other.ir_version, other.opset_import[0].version = ir, opset
    if ir < FREE:
        constants = other.graph.initializer
        other.graph.input.extend(helper.make_tensor_value_info(t.name, t.data_type, t.dims) for t in constants)
    if opset < AXIS:
        for made in (n for n in other.graph.node if n.op_type == "DequantizeLinear"):
            del made.attribute[:]
    onnx.save(other, path, save_as_external_data=opset == AXIS, location="weights.bin", size_threshold=0)
    assert kinds(frontend.twin(path) or b"", tmp_path) == kinds(str(path), tmp_path)
    as_it_is = agreement.session(path, integers=True, exact=False)
    assert np.array_equal(run(agreement.session(path, integers=True)), run(as_it_is))


def test_steps_that_differ_between_readers(tmp_path: Path) -> None:
    """Without zero points, one weight per tensor and per channel."""
    nodes = [
        *IN, BARE, op("DequantizeLinear", "w cs", "wc", axis=0), op("Conv", "xr wr", "a"), op("Conv", "xr wc", "b"),
        op("Add", "a b", "y"),
    ]  # fmt: skip
    path = model(tmp_path, nodes, steps(np.uint8, x=0.05) | kernel(cs=SCALES), {"x": SHAPE})
    as_it_is = agreement.session(path, integers=True, exact=False)
    assert np.array_equal(run(agreement.session(path, integers=True)), run(as_it_is))


@pytest.mark.parametrize("name", CASES)
def test_it_holds_no_more_constants_than_the_model(name: str, tmp_path: Path) -> None:
    """What is replaced goes, and no int8 is multiplied with uint8."""
    path = saved(tmp_path, name)
    twin = onnx.load_from_string(frontend.twin(path) or b"")
    constants = {t.name: t.data_type for t in twin.graph.initializer}
    unread = constants.keys() - {i for node in twin.graph.node for i in node.input}
    assert unread <= {"ys", "yz"} | (CASES[name][1].keys() - {"w"}), "as in the model"
    assert all(
        constants.get(name, TensorProto.UINT8) == TensorProto.UINT8 for name in ("w", "wz") if name not in unread
    )


@pytest.mark.parametrize("name", ["conv", "gemm", "transposed", "two readers", "QLinearConv"])
def test_equal_types_stay(name: str, tmp_path: Path) -> None:
    """int8 with int8 is exact everywhere, and only equal types are fused."""
    assert frontend.twin(saved(tmp_path, name, np.int8)) is None


def test_a_weight_that_also_meets_int8_stays_there(tmp_path: Path) -> None:
    nodes = [
        *IN, WEIGHT, CONV, op("QuantizeLinear", "r ss sz", "sq"), op("DequantizeLinear", "sq ss sz", "sr"),
        op("Conv", "sr wr", "y"),
    ]  # fmt: skip
    square = RNG.integers(-SMALL, SMALL, (4, 4, 1, 1)).astype(np.int8)
    constants = steps(np.uint8, x=0.05, y=0.05) | kernel(w=square, ss=np.float32(0.05), sz=np.int8(3))
    path = model(tmp_path, nodes, constants, {"x": SHAPE})
    twin = onnx.load_from_string(frontend.twin(path) or b"")
    first, second = (node for node in twin.graph.node if node.op_type == "Conv")
    assert first.input[1] != "wr"
    assert second.input[1] == "wr"


@pytest.mark.parametrize("zeros", [None, np.int8(-7), np.arange(-4, 4).astype(np.int8)], ids=["none", "one", "many"])
def test_products_of_the_whole_range_are_exact(zeros: Any, tmp_path: Path) -> None:
    x, w = np.full((1, 64), 255, np.uint8), RNG.choice(np.array([-128, 127], np.int8), (64, 8))
    names = "x w xz" if zeros is None else "x w xz wz"
    constants = {"w": w, "xz": np.uint8(3), "wz": np.int8(0) if zeros is None else zeros}
    path = model(tmp_path, [op("MatMulInteger", names, "y")], constants, {"x": x.shape}, TensorProto.UINT8)
    exact = (x.astype(int) - 3) @ (w.astype(int) - np.asarray(0 if zeros is None else zeros, int))
    assert np.array_equal(agreement.session(path).run(None, {"x": x})[0], exact)
    alone = agreement.session(path, exact=False).run(None, {"x": x})[0]
    assert np.array_equal(alone, exact) != agreement.saturates(), "the probe tells what becomes of the model as it is"


def test_the_order_of_constants_and_activations_counts(tmp_path: Path) -> None:
    """A uint8 constant in front of an int8 activation saturates too: there the constant becomes int8."""
    a, b = RNG.choice(np.array([0, 255], np.uint8), (8, 64)), np.full((64, 1), 127, np.int8)
    path = model(tmp_path, [op("MatMulInteger", "a x", "y")], {"a": a}, {"x": b.shape}, TensorProto.INT8)
    assert np.array_equal(agreement.session(path).run(None, {"x": b})[0], a.astype(int) @ b.astype(int))


def test_float_models_have_none(tmp_path: Path) -> None:
    path = model(tmp_path, [op("Relu", "x", "y")], {}, {"x": SHAPE})
    assert frontend.twin(path) is None


def test_evaluate_says_what_becomes_of_the_model_as_it_is(tmp_path: Path) -> None:
    """Where the runtime saturates; what is compared with is right everywhere."""
    whole = kernel(w=RNG.choice(np.array([-128, 127], np.int8), (8, 4, 3, 3)))
    path = model(tmp_path, CASES["conv"][0], steps(np.uint8, x=0.05, y=0.5) | whole, {"x": SHAPE})
    result = evaluate(tomato.compile(path, "u250"), Data(FRAMES))
    assert result["codes"]["equal"] == result["codes"]["total"]
    assert (result["saturation"] is not None) == agreement.saturates()
    if agreement.saturates():
        assert 0 < result["saturation"]["wrong"] <= result["saturation"]["total"] == result["codes"]["total"]


def test_small_weights_are_no_reason_to_say_so(tmp_path: Path) -> None:
    accelerator = tomato.compile(saved(tmp_path, "conv"), "u250")
    assert evaluate(accelerator, Data(FRAMES[:2]))["saturation"] is None


def test_what_is_said(capsys: pytest.CaptureFixture[str]) -> None:
    result: dict[str, Any] = {
        "frames": 2, "top1": None, "agreement": None, "codes": None, "outputs": [],
        "saturation": {"wrong": 3, "total": 1200},
    }  # fmt: skip
    show.evaluation(result, brief=True)
    assert capsys.readouterr().out == (
        "2 frames\n"
        "ONNX Runtime on this processor adds products of uint8 and int8 in 16 bits, which saturate: 3 of 1,200 outputs "
        "of the model as it is are wrong; compared with an equal model whose weights are uint8\n"
    )
