"""What the door refuses, each with one line, before any array is made of it; and what it mends."""

import resource
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from tests.networks.runtime import golden, integers
from tests.unit.frontend.test_errors import message
from tests.unit.frontend.tiny import Tiny, agree, op, randoms, run
from tomato import frontend
from tomato.frontend import door, limits
from tomato.frontend.translate import attributes, rules

W = {"w": randoms(2, 4, 1, 1)}
RELU = Tiny([op("Relu", "x", name="act")])
CONV = Tiny([op("Conv", "x", "w", name="conv")], constants=W)
SIZE = {"x": (1, 1, 100_000, 100_000)}
Change = Callable[[Any], None]


def edited(case: Tiny, change: Change, folder: Path) -> Path:
    proto = case.proto()
    change(proto)
    path = folder / "tiny.onnx"
    path.write_bytes(proto.SerializeToString())
    return path


def attribute(name: str, value: Any) -> Change:
    return lambda m: m.graph.node[-1].attribute.append(helper.make_attribute(name, value))


def _outside(location: str | None) -> Change:
    def change(model: Any) -> None:
        tensor = model.graph.initializer[0]
        tensor.ClearField("raw_data")
        tensor.data_location = TensorProto.EXTERNAL
        if location is not None:
            tensor.external_data.add(key="location", value=location)

    return change


def _functions(calls: int, depth: int) -> Change:
    """Local functions that call the next one so often; the last one itself if depth is 0."""

    def change(model: Any) -> None:
        opsets = [helper.make_opsetid("", 17), helper.make_opsetid("local", 1)]
        for i in range(depth + 1):
            inner = f"F{i + 1}" if i < depth else "Relu" if depth else "F0"
            names = [f"v{i}" for i in range(calls)] + ["b"]
            domain = "" if inner == "Relu" else "local"
            body = [
                helper.make_node(inner, [a], [b], domain=domain) for a, b in zip(["a", *names], names, strict=False)
            ]
            model.functions.append(helper.make_function("local", f"F{i}", ["a"], ["b"], body, opsets))
        model.graph.node[0].op_type, model.graph.node[0].domain = "F0", "local"
        model.opset_import.add(domain="local", version=1)

    return change


def _version(model: Any) -> None:
    model.opset_import[0].version = 10**12


def _ir(model: Any) -> None:
    model.ir_version = 2**40


def _same_constant(model: Any) -> None:
    model.graph.initializer.append(model.graph.initializer[0])


def _same_value(model: Any) -> None:
    model.graph.node.append(model.graph.node[0])


def _same_output(model: Any) -> None:
    model.graph.output.append(model.graph.output[0])


def _declared(model: Any) -> None:
    model.graph.output[0].type.tensor_type.elem_type = TensorProto.UINT8


def _float8(model: Any) -> None:
    model.graph.input[0].type.tensor_type.elem_type = TensorProto.FLOAT8E4M3FN


def _sparse(model: Any) -> None:
    values = numpy_helper.from_array(np.ones(1, np.float32), "s")
    model.graph.sparse_initializer.append(
        helper.make_sparse_tensor(values, numpy_helper.from_array(np.zeros(1, np.int64), "i"), [3])
    )


MISSING = "the file with the model's weights is missing: "
GRAPHS: dict[str, tuple[Tiny, Change, str]] = {
    "recursive function": (RELU, _functions(1, 0), "the local function 'F0' calls itself"),
    "functions without end": (RELU, _functions(2, 40), "its local functions stand for more than 100,000 nodes"),
    "operator set": (RELU, _version, "operator set 1000000000000 is too new: the installed onnx"),
    "IR version": (RELU, _ir, "IR version 1099511627776 is too new: the installed onnx"),
    "constant twice": (CONV, _same_constant, "there are two constants 'w'"),
    "value twice": (CONV, _same_value, "Conv 'conv' computes 'y', which is there already"),
    "output twice": (CONV, _same_output, "there are two outputs 'y'"),
    "no output": (CONV, lambda m: m.graph.output.pop(), "the network has no output"),
    "type of output": (CONV, _declared, "the output is declared as uint8 and is float"),
    "type of input": (CONV, _float8, "the input's type is float8e4m3fn"),
    "sparse": (CONV, _sparse, "its weights are stored as sparse tensors"),
    "external": (CONV, _outside("x" * 5000), f"{MISSING}{'x' * 80}... (5,000 letters)"),
    "external nul": (CONV, _outside("a\0b"), f"{MISSING}a\0b"),
    "external nothing": (CONV, _outside(None), f"{MISSING}it has no name"),
    "values": (
        Tiny([op("Relu", "x")], SIZE), lambda _: None,
        "the input claims 1x1x100000x100000 = 10,000,000,000 values; 33,554,432 are the most of a frame",
    ),
    "axes": (
        Tiny([op("Relu", "x")], {"x": (1,) * 17}), lambda _: None,
        "the input claims a tensor of 17 axes; 16 are the most",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", GRAPHS)
def test_graph(name: str, tmp_path: Path) -> None:
    case, change, text = GRAPHS[name]
    lines = message(edited(case, change, tmp_path)).splitlines()
    assert lines[0].startswith(f"error: {text}")
    assert [line.split(":")[0].split(" ->")[0].strip() for line in lines[1:]] == ["--> tiny.onnx", "hint"]


MATRIX = {"w": randoms(12, 5)}
BLOCK = [op("ConstantOfShape", "huge", to="c"), op("Mul", "x", "c")]
NODES: dict[str, tuple[Tiny, Change | None, str]] = {
    "missing input": (Tiny([op("Conv", "x")]), None, "has input size 1 not in range [min=2, max=3]"),
    "required attribute": (Tiny([op("Concat", "x", "x")]), None, "Required attribute 'axis' is missing"),
    "unknown attribute": (RELU, attribute("alpha", 0.1), "Unrecognized attribute: alpha for operator Relu"),
    "type of attribute": (Tiny([op("LeakyRelu", "x")]), attribute("alpha", "much"), "Mismatched attribute type"),
    "attribute twice": (Tiny([op("Concat", "x", "x", axis=1)]), attribute("axis", 1), "it gives an attribute twice"),
    "NaN": (Tiny([op("LeakyRelu", "x", alpha=float("nan"))]), None, "'alpha' is not a finite number"),
    "infinite": (Tiny([op("LeakyRelu", "x", alpha=float("inf"))]), None, "'alpha' is not a finite number"),
    "perm": (Tiny([op("Transpose", "x", perm=[0, 1, 1, 2])]), None, "perm"),
    "kernel": (Tiny([op("MaxPool", "x", kernel_shape=[0, 0])]), None, "must only contain positive values"),
    "border": (
        Tiny([op("MaxPool", "x", kernel_shape=[10**9] * 2, pads=[10**9 - 1] * 4, strides=[10**9] * 2)]), None,
        "with its border it needs",
    ),
    "pad": (
        Tiny([op("Pad", "x", "p")], constants={"p": np.array([0, 0, 10**9, 10**9] * 2)}), None, "its result claims"
    ),
    "huge constant": (Tiny(BLOCK, constants={"huge": np.array([10**5, 10**5])}), None, "its result claims"),
    "loop": (
        Tiny([helper.make_node("Loop", ["n", "b", "n"], ["l"], body=helper.make_graph([], "b", [], [])),
              op("Cast", "l", to="f"), op("Add", "x", "f")], constants={"n": np.array(2**62), "b": np.array(True)}),
        None, "Loop #0 (Loop)",
    ),
    "split": (
        Tiny([op("Split", "x", to=("y", "z"), axis=1, num_outputs=4)], outputs=("y", "z"), opset=18), None,
        "num_outputs=4 of 2 outputs",
    ),
    "operator of a later set": (Tiny([op("Gelu", "x")]), None, "operator set 13 has no Gelu"),
    "operator of another domain": (Tiny([op("Relu", "x", domain="com.microsoft")]), None, "domain 'com.microsoft'"),
    "mode": (Tiny([op("DepthToSpace", "x", blocksize=2, mode="ABC")]), None, "expected mode 'DCR' or 'CRD', not 'ABC'"),
    "limits": (
        Tiny([op("Clip", "x", "w")], constants={"w": randoms(4, 1, 1)}), None, "expected one number as min, not 4"
    ),
    "variance": (
        Tiny([op("BatchNormalization", "x", *"gbmv")], constants={k: randoms(4) - 9 for k in "gbmv"}), None,
        "expected variances above 0",
    ),
    "large weights": (
        Tiny([op("Conv", "x", "w")], constants={"w": np.full((2, 4, 1, 1), 1e38)}), None, "values up to 1e+38"
    ),
    "rows": (
        Tiny([op("Flatten", "x", to="f"), op("Gemm", "f", "w")], constants=MATRIX, opset=11), None, "expected a matrix"
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", NODES)
def test_node(name: str, tmp_path: Path) -> None:
    case, change, text = NODES[name]
    lines = message(edited(case, change or (lambda _: None), tmp_path)).splitlines()
    assert lines[0].endswith("nodes cannot be compiled:")
    assert any(text in line for line in lines[1:-2]), lines
    assert frontend.inspect(tmp_path / "tiny.onnx")


def test_a_dead_node_that_is_not_valid_counts(tmp_path: Path) -> None:
    case = Tiny([op("Conv", "x", to="dead"), op("Relu", "x")])
    assert "1 of 2 nodes cannot be compiled" in message(case.save(tmp_path))


def test_claims_take_no_memory(tmp_path: Path) -> None:
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    for name in ("values", "functions without end"):
        message(edited(*GRAPHS[name][:2], tmp_path))
    for name in ("border", "pad", "huge constant", "loop"):
        message(NODES[name][0].save(tmp_path))
    grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) << 10
    assert grown < limits.MOST_VALUES


INT: dict[str, Any] = {
    "d": np.array(3, np.int32),
    "a": np.array(200, np.uint8),
    "b": np.array(-5, np.int32),
    "e": np.array(9, np.int32),
}
TYPES: dict[str, tuple[list[Any], int, str]] = {
    "division": ([op("Div", "x", "d", to="i")], TensorProto.INT32, "integer arithmetic of Div is not supported"),
    "wrap": (
        [op("Add", "x", "a", to="i")], TensorProto.UINT8, "the integers 200 to 455 that it may give do not fit uint8"
    ),
    "sum of all": ([op("Add", "x", "x", to="i")], TensorProto.INT32, "do not fit int32: they would wrap around"),
    "negative": (
        [op("Neg", "x", to="i")], TensorProto.INT8, "the integers -127 to 128 that it may give do not fit int8"
    ),
    "cast like": (
        [op("Cast", "x", to="f"), op("CastLike", "f", "d", to="i")], TensorProto.UINT8,
        "expected no cast of reals to integers",
    ),
}  # fmt: skip


def _typed(nodes: list[Any], kind: int, folder: Path) -> Path:
    read = {i for n in nodes for i in n.input}
    case = Tiny([*nodes, op("Cast", "i")], constants={k: v for k, v in INT.items() if k in read}, opset=17)
    proto = case.proto()
    for node in proto.graph.node:
        if node.op_type == "Cast":
            node.attribute.append(helper.make_attribute("to", TensorProto.FLOAT))
    proto.graph.input[0].type.tensor_type.elem_type = kind
    onnx.save(proto, folder / "tiny.onnx")
    return folder / "tiny.onnx"


@pytest.mark.parametrize("name", TYPES)
def test_integers_have_their_meaning_or_are_refused(name: str, tmp_path: Path) -> None:
    nodes, kind, text = TYPES[name]
    assert text in message(_typed(nodes, kind, tmp_path))


def test_integers_that_stay_in_their_type(tmp_path: Path) -> None:
    widened = helper.make_node("Cast", ["x"], ["w"], to=TensorProto.INT32)
    nodes = [widened, op("Mul", "w", "b", to="m"), op("Add", "m", "e", to="p"), op("Abs", "p", to="i")]
    path = _typed(nodes, TensorProto.UINT8, tmp_path)
    proto = onnx.load(path)
    del proto.graph.node[0].attribute[1]
    onnx.save(proto, path)
    x = np.random.default_rng(0).integers(0, 256, (1, 4, 6, 5))
    assert np.array_equal(run(frontend.load(path), {"x": x})["y"], np.abs(-5 * x + 9))


def test_depth_to_space_and_back_in_both_orders(tmp_path: Path) -> None:
    for mode in ("DCR", "CRD"):
        agree(Tiny([op("DepthToSpace", "x", blocksize=2, mode=mode)], {"x": (1, 12, 2, 3)}).save(tmp_path))
    nodes = [op("Relu", "x", to="r"), op("SpaceToDepth", "r", to="s", blocksize=2, mode="CRD"),
             op("DepthToSpace", "s", blocksize=2, mode="CRD")]  # fmt: skip
    path = Tiny(nodes, {"x": (1, 3, 4, 6)}, opset=28).save(tmp_path)
    x = np.random.default_rng(0).normal(size=(1, 3, 4, 6)).astype(np.float32)
    assert np.array_equal(run(frontend.load(path), {"x": x})["y"], np.maximum(x, 0))


def test_every_attribute_of_every_operator_set_is_known_or_refused() -> None:
    """A rule that does not know an attribute of its operator is one more test away: add it, or say here why not."""
    refused = {
        ("Concat", 1): set(), ("Reshape", 1): {"shape"},
    }  # fmt: skip
    for schema in onnx.defs.get_all_schemas_with_history():
        if schema.domain or schema.name not in rules() or schema.since_version > door.NEWEST_OPSET:
            continue
        later = [
            s.since_version for s in onnx.defs.get_all_schemas_with_history()
            if s.name == schema.name and not s.domain and s.since_version > schema.since_version
        ]  # fmt: skip
        if later and min(later) <= door.OLDEST_OPSET:
            continue
        unknown = set(schema.attributes) - attributes()[schema.name]
        assert unknown == refused.get((schema.name, schema.since_version), set()), schema.name


def test_an_operator_that_changed_after_the_newest_known_set_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(door, "NEWEST_OPSET", 20)
    path = Tiny([op("Transpose", "x", to="t"), op("Relu", "t")], opset=21).save(tmp_path)
    text = message(path)
    assert "1 of 2 nodes" in text
    assert "its meaning since operator set 21 is not known; export with 20" in text


def test_an_attribute_that_no_rule_knows_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = Tiny([op("DepthToSpace", "x", blocksize=2, mode="CRD")]).save(tmp_path)
    frontend.load(path)
    monkeypatch.setitem(attributes(), "DepthToSpace", frozenset({"blocksize"}))
    assert "the attribute 'mode' is not supported" in message(path)


def _quant(domain: str) -> Tiny:
    numbers = {"s": 0.25, "z": 0.0, "b": 4.0}
    node = op("Quant", "x", *numbers, domain=domain, signed=1, narrow=0, rounding_mode="ROUND")
    return Tiny([node], constants=numbers)


@pytest.mark.parametrize("domain", ["", "qonnx.custom_op.general", "onnx.brevitas"])
def test_qonnx_in_any_domain_imported_or_not(domain: str, tmp_path: Path) -> None:
    x = randoms(1, 4, 6, 5)
    assert np.array_equal(golden(integers(_quant(domain).save(tmp_path)), x)[0], np.clip(np.rint(x * 4), -8, 7) / 4)


def test_a_graph_without_name_and_an_output_without_type(tmp_path: Path) -> None:
    path = edited(CONV, lambda m: m.graph.ClearField("name"), tmp_path)
    with pytest.raises(onnx.checker.ValidationError):
        onnx.checker.check_model(str(path))
    assert frontend.load(path).outputs[0].shape == (2, 6, 5)


def test_reduction_of_a_vector_to_a_number(tmp_path: Path) -> None:
    for kind in ("ReduceMax", "ReduceMean"):
        nodes = [op("Reshape", "x", "s", to="r"), op(kind, "r", keepdims=1)]
        path = Tiny(nodes, {"x": (1, 8)}, {"s": np.array([8])}).save(tmp_path)
        assert frontend.load(path).outputs[0].shape == ()
