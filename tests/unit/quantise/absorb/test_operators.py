"""Single layers in every dialect of quantised models, against the runtime."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from tests.networks.runtime import golden, integers, runtime
from tomato.core.formats import Array
from tomato.frontend import walk

SHAPE = (1, 4, 6, 5)
RNG = np.random.default_rng(0)


def model(
    folder: Path, nodes: list[Any], constants: Mapping[str, Any], inputs: Mapping[str, tuple[int, ...]], to: int = 1,
    outputs: tuple[str, ...] = ("y",),
) -> Path:  # fmt: skip
    """A model in a file."""
    graph = helper.make_graph(
        nodes, "tiny",
        [helper.make_tensor_value_info(n, to, list(s)) for n, s in inputs.items()],
        [helper.make_empty_tensor_value_info(name) for name in outputs],
        [numpy_helper.from_array(np.asarray(v), n) for n, v in constants.items()],
    )  # fmt: skip
    opsets = [helper.make_opsetid("", 17), helper.make_opsetid("com.microsoft", 1)]
    path = folder / "tiny.onnx"
    onnx.save(helper.make_model(graph, opset_imports=opsets, ir_version=8), path)
    return path


def op(kind: str, inputs: str, to: str, domain: str = "", **attributes: Any) -> Any:
    """One node; inputs separated by blanks."""
    return helper.make_node(kind, inputs.split(), [to], domain=domain, name=f"{kind}_{to}", **attributes)


def steps(kind: type[np.integer], **scales: float) -> dict[str, Any]:
    """Scale and zero point (`<name>s`, `<name>z`) of each name: zero points well inside the range."""
    lo = np.iinfo(kind).min
    return {
        key: value
        for i, (name, scale) in enumerate(scales.items())
        for key, value in ((f"{name}s", np.float32(scale)), (f"{name}z", kind(lo + 100 + 7 * i)))
    }


def weights(kind: type[np.integer], *shape: int) -> Array:
    """Random weights of the whole type."""
    info = np.iinfo(kind)
    return RNG.integers(info.min, info.max, shape, endpoint=True).astype(kind)


KINDS = [np.uint8, np.int8]
FRAMES = (RNG.standard_normal((32, *SHAPE[1:])) * 3).astype(np.float32)
IN = [op("QuantizeLinear", "x xs xz", "xq"), op("DequantizeLinear", "xq xs xz", "xr")]
OUT = [op("QuantizeLinear", "r ys yz", "yq"), op("DequantizeLinear", "yq ys yz", "y")]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("per_channel", [False, True])
@pytest.mark.parametrize("groups", [1, 4])
def test_qdq_conv(kind: type[np.integer], per_channel: bool, groups: int, tmp_path: Path) -> None:
    scale = np.float32(0.01) * (1 + np.arange(8, dtype=np.float32) / 8) if per_channel else np.float32(0.013)
    zero = np.zeros(8, np.int8) if per_channel else np.int8(0)
    constants = {
        **steps(kind, x=0.05, y=0.11), "w": weights(np.int8, 8, 4 // groups, 3, 3), "ws": scale, "wz": zero,
        "b": RNG.integers(-900, 900, 8).astype(np.int32), "bs": np.float32(0.05) * scale,
    }  # fmt: skip
    nodes = [
        *IN, op("DequantizeLinear", "w ws wz", "wr", axis=0), op("DequantizeLinear", "b bs", "br", axis=0),
        op("Conv", "xr wr br", "r", pads=[1, 1, 1, 1], group=groups), *OUT,
    ]  # fmt: skip
    path = model(tmp_path, nodes, constants, {"x": SHAPE})
    made = integers(path)
    assert np.array_equal(golden(made, FRAMES)[0], runtime(path, FRAMES)[0])
    assert all(p.differing == 0 for p in made.proofs)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    "middle",
    [
        [op("Relu", "xr", "r")],
        [op("Clip", "xr low high", "r")],
        [op("Sigmoid", "xr", "r")],
        [op("HardSwish", "xr", "r")],
        [op("LeakyRelu", "xr", "r", alpha=0.2)],
        [op("Tanh", "xr", "r")],
        [op("MaxPool", "xr", "r", kernel_shape=[2, 2], strides=[2, 2])],
        [op("GlobalAveragePool", "xr", "r")],
        [op("Flatten", "xr", "r")],
        [op("QuantizeLinear", "xr bs bz", "bq"), op("DequantizeLinear", "bq bs bz", "br"), op("Add", "xr br", "r")],
        [op("QuantizeLinear", "xr bs bz", "bq"), op("DequantizeLinear", "bq bs bz", "br"), op("Mul", "xr br", "r")],
        [op("QuantizeLinear", "xr bs bz", "bq"), op("DequantizeLinear", "bq bs bz", "br"),
         op("Concat", "xr br", "r", axis=1)],
        [op("Concat", "xr k", "r", axis=1)],
        [op("Sum", "xr offset", "r")],
        [op("DequantizeLinear", "kq bs bz", "kr"), op("Concat", "kr xr", "r", axis=1)],
    ],
    ids=lambda nodes: nodes[-1].op_type + str(len(nodes)),
)  # fmt: skip
def test_qdq(middle: list[Any], kind: type[np.integer], tmp_path: Path) -> None:
    constants = steps(kind, x=0.05, y=0.043, b=0.071) | {
        "low": np.float32(-1), "high": np.float32(2.5), "offset": np.float32(0.7).reshape(1, 1, 1, 1),
        "k": np.array([1.3, -0.4], np.float32).reshape(1, 2, 1, 1) * np.ones((1, 1, *SHAPE[2:]), np.float32),
        "kq": np.full((1, 5, *SHAPE[2:]), 77, kind),
    }  # fmt: skip
    path = model(tmp_path, [*IN, *middle, *OUT], constants, {"x": SHAPE})
    assert np.array_equal(golden(integers(path), FRAMES)[0], runtime(path, FRAMES)[0])


@pytest.mark.parametrize("kind", KINDS)
def test_slices_of_an_input_that_are_quantised_alike(kind: type[np.integer], tmp_path: Path) -> None:
    nodes = []
    for i in (0, 1):
        nodes += [op("Slice", f"x b{i} e a t", f"q{i}")]
        nodes += [op("QuantizeLinear", f"q{i} xs xz", f"c{i}"), op("DequantizeLinear", f"c{i} xs xz", f"r{i}")]
    nodes += [op("Concat", "r0 r1", "xc", axis=1), op("QuantizeLinear", "xc xs xz", "xq")]
    nodes += [op("DequantizeLinear", "xq xs xz", "xr"), op("Relu", "xr", "r"), *OUT]
    at = {"b0": [0], "b1": [1], "e": [99], "a": [2], "t": [2]}
    constants = steps(kind, x=0.05, y=0.043) | {name: np.array(v) for name, v in at.items()}
    path = model(tmp_path, nodes, constants, {"x": SHAPE})
    made = integers(path)
    assert np.array_equal(golden(made, FRAMES)[0], runtime(path, FRAMES)[0])
    assert [n.op.name for n in made.graph][:3] == ["slice", "slice", "concat"]


@pytest.mark.parametrize("parts", [0, 8])
@pytest.mark.parametrize("indices", [[2, 0, 3, 1], [3, 3, 0], [1]])
@pytest.mark.parametrize("codes", [False, True])
def test_channels_that_are_picked_keep_their_codes(
    codes: bool, indices: list[int], parts: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As slices that are joined again, or by a product with ones."""
    monkeypatch.setattr(walk, "MOST_PARTS", parts)
    pick = [IN[0], op("Gather", "xq i", "gq", axis=1), op("DequantizeLinear", "gq xs xz", "g")]
    pick = pick if codes else [*IN, op("Gather", "xr i", "g", axis=1)]
    nodes = [*pick, op("MaxPool", "g", "r", kernel_shape=[2, 2]), *OUT]
    constants = steps(np.uint8, x=0.05, y=0.043) | {"i": np.array(indices)}
    path = model(tmp_path, nodes, constants, {"x": SHAPE})
    assert np.array_equal(golden(integers(path), FRAMES)[0], runtime(path, FRAMES)[0])


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    ("node", "names"),
    [
        (op("QLinearConv", "xq xs xz w ws wz ys yz b", "yq", pads=[1, 0, 1, 0]), "conv"),
        (op("QLinearAdd", "xq xs xz xq xs xz ys yz", "yq", "com.microsoft"), "same"),
        (op("QLinearMul", "xq xs xz xq xs xz ys yz", "yq", "com.microsoft"), "same"),
        (op("QLinearConcat", "ys yz xq xs xz xq xs xz", "yq", "com.microsoft", axis=1), "same"),
        (op("QLinearGlobalAveragePool", "xq xs xz ys yz", "yq", "com.microsoft"), "same"),
        (op("QLinearSigmoid", "xq xs xz ys yz", "yq", "com.microsoft"), "same"),
        (op("QLinearLeakyRelu", "xq xs xz ys yz", "yq", "com.microsoft", alpha=0.1), "same"),
    ],
    ids=lambda node: node if isinstance(node, str) else node.op_type,
)  # fmt: skip
def test_qoperator(node: Any, names: str, kind: type[np.integer], tmp_path: Path) -> None:
    constants = steps(kind, x=0.057, y=0.1213)
    if names == "conv":
        constants |= {
            "w": weights(kind, 8, 4, 3, 3), "ws": np.float32(0.02), "wz": kind(np.iinfo(kind).min + 120),
            "b": RNG.integers(-900, 900, 8).astype(np.int32),
        }  # fmt: skip
    path = model(tmp_path, [IN[0], node, OUT[1]], constants, {"x": SHAPE})
    assert np.array_equal(golden(integers(path), FRAMES)[0], runtime(path, FRAMES)[0])


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("gemm", [True, False])
def test_qoperator_products(gemm: bool, kind: type[np.integer], tmp_path: Path) -> None:
    flat = "xq xs xz w ws wz"
    last = op("QGemm", f"{flat} b ys yz", "yq", "com.microsoft", transB=0) if gemm else op(
        "QLinearMatMul", f"{flat} ys yz", "yq")  # fmt: skip
    constants = steps(kind, x=0.05, y=0.5) | {
        "w": weights(kind, 24, 7), "ws": np.float32(0.02), "wz": kind(np.iinfo(kind).min + 130),
        "b": RNG.integers(-900, 900, 7).astype(np.int32),
    }  # fmt: skip
    path = model(tmp_path, [IN[0], last, OUT[1]], constants, {"x": (1, 24)})
    frames = (RNG.standard_normal((32, 24)) * 3).astype(np.float32)
    assert np.array_equal(golden(integers(path), frames)[0], runtime(path, frames)[0])


def test_integer_products_with_scales_behind(tmp_path: Path) -> None:
    """MatMulInteger, then Cast, Mul, Add and QuantizeLinear: the float operators are absorbed."""
    nodes = [
        IN[0], op("MatMulInteger", "xq w xz", "acc"), helper.make_node("Cast", ["acc"], ["real"], to=TensorProto.FLOAT),
        op("Mul", "real gain", "scaled"), op("Add", "scaled shift", "r"), *OUT,
    ]  # fmt: skip
    constants = steps(np.uint8, x=0.05, y=0.5) | {
        "w": weights(np.int8, 24, 7), "gain": np.float32(0.001) * (1 + np.arange(7, dtype=np.float32)),
        "shift": np.linspace(-3, 3, 7, dtype=np.float32),
    }  # fmt: skip
    path = model(tmp_path, nodes, constants, {"x": (1, 24)})
    frames = (RNG.standard_normal((64, 24)) * 3).astype(np.float32)
    assert np.array_equal(golden(integers(path), frames)[0], runtime(path, frames)[0])


def test_integer_inputs_and_outputs(tmp_path: Path) -> None:
    nodes = [op("DequantizeLinear", "x xs xz", "xr"), op("Relu", "xr", "r"), op("QuantizeLinear", "r ys yz", "y")]
    path = model(tmp_path, nodes, steps(np.uint8, x=0.05, y=0.07), {"x": SHAPE}, TensorProto.UINT8)
    frames = RNG.integers(0, 255, (8, *SHAPE[1:]), endpoint=True).astype(np.uint8)
    assert np.array_equal(golden(integers(path), frames)[0], runtime(path, frames)[0])


def test_ties_of_a_step_that_is_a_power_of_two(tmp_path: Path) -> None:
    """Halves go to even, which no multiplier does: a table or thresholds do."""
    constants = {"xs": np.float32(0.25), "xz": np.int8(0), "ys": np.float32(0.5), "yz": np.int8(3)}
    nodes = [*IN, op("GlobalAveragePool", "xr", "r"), *OUT]
    path = model(tmp_path, nodes, constants, {"x": (1, 4, 8, 8)})
    frames = (RNG.standard_normal((64, 4, 8, 8)) * 6).astype(np.float32)
    made = integers(path)
    assert np.array_equal(golden(made, frames)[0], runtime(path, frames)[0])
    assert [p.how for p in made.proofs] != ["requant"]


def test_a_sum_full_of_ties_says_how_often_it_differs(tmp_path: Path) -> None:
    """Steps in the ratio 5 to 12: a twelfth of all pairs lies at a half, which the kernel's float32 settles."""
    node = op("QLinearAdd", "xq xs xz xq xs xz ys yz", "yq", "com.microsoft")
    path = model(tmp_path, [IN[0], node, OUT[1]], steps(np.uint8, x=0.05, y=0.12), {"x": SHAPE})
    made = integers(path)
    (proof,) = made.proofs
    assert (proof.checked, proof.largest) == (1 << 16, 1)
    assert 0 < proof.differing < proof.checked / 12
    assert np.abs(golden(made, FRAMES)[0] - runtime(path, FRAMES)[0]).max() < 0.121


def test_an_integer_product_with_a_zero_point_per_channel(tmp_path: Path) -> None:
    nodes = [
        IN[0], op("ConvInteger", "xq w xz wz", "acc"),
        helper.make_node("Cast", ["acc"], ["real"], name="Cast_real", to=TensorProto.FLOAT),
        op("Mul", "real gain", "r"), *OUT,
    ]  # fmt: skip
    constants = steps(np.uint8, x=0.05, y=0.5) | {
        "w": weights(np.uint8, 3, 4, 3, 3), "wz": np.array([120, 131, 7], np.uint8), "gain": np.float32(0.001),
    }  # fmt: skip
    path = model(tmp_path, nodes, constants, {"x": SHAPE})
    made = integers(path)
    assert np.array_equal(golden(made, FRAMES)[0], exact(constants))
    assert all(p.proved for p in made.proofs)


def exact(constants: dict[str, Any]) -> Array:
    """That network in exact integers, then float32: ONNX Runtime knows one zero point for all."""
    x = np.clip(np.rint(FRAMES / constants["xs"]) + constants["xz"], 0, 255).astype(np.int64) - int(constants["xz"])
    w = constants["w"].astype(np.int64) - constants["wz"].astype(np.int64).reshape(3, 1, 1, 1)
    views = np.lib.stride_tricks.sliding_window_view(x, (3, 3), axis=(2, 3))
    real = np.einsum("nchwij,ocij->nohw", views, w).astype(np.float32) * constants["gain"]
    codes = np.clip(np.rint(real / constants["ys"]) + constants["yz"], 0, 255)
    return np.asarray((codes - constants["yz"]).astype(np.float32) * constants["ys"])
