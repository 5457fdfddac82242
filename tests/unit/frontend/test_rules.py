"""Every rule against ONNX Runtime on tiny models."""

import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

from tests.models import model_path
from tests.unit.frontend.tiny import Tiny, agree, kinds, op, randoms
from tomato.frontend import load

VECTOR = {"x": (1, 12)}
TOKENS = {"x": (1, 7, 6)}
LINE = {"x": (1, 3, 16)}
TWO = {"x": (1, 4, 6, 5), "z": (1, 4, 6, 5)}


CAST = helper.make_node("Cast", ["a"], ["y"], to=TensorProto.INT32)


def unary(kind: str, opset: int = 13, *, positive: bool = False, **attributes: Any) -> Tiny:
    return Tiny([op(kind, "x", **attributes)], opset=opset, positive=positive)


def binary(kind: str, shape: tuple[int, ...], *, first: bool = False, inputs: Any = None) -> Tiny:
    names = ("c", "x") if first else ("x", "c")
    c = np.abs(randoms(*shape)) + 0.5
    return Tiny([op(kind, *names)], inputs or {"x": (1, 4, 6, 5)}, {"c": c}, positive=kind == "Div")


def conv(weight: tuple[int, ...], inputs: Any = None, *, bias: bool = True, **attributes: Any) -> Tiny:
    constants = {"w": randoms(*weight)} | ({"b": randoms(weight[0])} if bias else {})
    return Tiny([op("Conv", "x", *constants, **attributes)], inputs or {"x": (1, 4, 9, 8)}, constants)


def transposed(weight: tuple[int, ...], *, size: tuple[int, ...] = (6, 5), groups: int = 1, **attributes: Any) -> Tiny:
    constants = {"w": randoms(*weight), "b": randoms(weight[1] * groups)}
    return Tiny(
        [op("ConvTranspose", "x", "w", "b", group=groups, **attributes)], {"x": (1, weight[0], *size)}, constants
    )


def normalisation(
    kind: str, shape: tuple[int, ...], scale: tuple[int, ...], *, bias: bool = True, opset: int = 17, **attributes: Any
) -> Tiny:
    constants = {"s": randoms(*scale)} | ({"b": randoms(*scale, seed=1)} if bias else {})
    return Tiny(
        [op("Relu", "x", to="r"), op(kind, "r", *constants, **attributes)], {"x": shape}, constants, opset=opset
    )


def written_out(axes: tuple[int, ...], *, centred: bool = True, square: str = "Pow", reciprocal: bool = False) -> Tiny:
    """A normalisation as exporters write it before operator set 17, times a factor."""
    rest = (
        [op("ReduceMean", "x", to="m", axes=axes), op("Sub", "x", "m", to="d")]
        if centred
        else [op("Identity", "x", to="d")]
    )
    squared = op("Pow", "d", "two", to="q") if square == "Pow" else op("Mul", "d", "d", to="q")
    root = [op("ReduceMean", "q", to="v", axes=axes), op("Add", "v", "tiny", to="e"), op("Sqrt", "e", to="s")]
    last = [op("Reciprocal", "s", to="i"), op("Mul", "i", "d", to="n")] if reciprocal else [op("Div", "d", "s", to="n")]
    constants = {"two": np.float32(2), "tiny": np.float32(1e-3), "g": np.float32(1.5)}
    return Tiny([*rest, squared, *root, *last, op("Mul", "n", "g")], {"x": (1, 4, 5, 6)}, constants)


def attention(*, packed: bool = False) -> Tiny:
    """Scores of two heads, a function of these, and what it makes of the values."""
    heads, together = np.array([1, 7, 2, 3]), np.array([1, 7, 6])
    if packed:  # one layer makes queries, keys and values: (token, which, head, channel)
        first = [op("MatMul", "x", "w", to="p"), op("Reshape", "p", "apart", to="r"),
                 op("Transpose", "r", to="t", perm=[2, 0, 3, 1, 4]), op("Split", "t", to=("q3", "k3", "v3"), axis=0),
                 *(op("Squeeze", f"{n}3", "zero", to=n) for n in "qkv"),
                 op("Transpose", "k", to="kt", perm=[0, 1, 3, 2])]  # fmt: skip
    else:
        first = [op("MatMul", "x", f"w{n}", to=f"{n}1") for n in "qkv"]
        first += [op("Reshape", f"{n}1", "heads", to=f"{n}2") for n in "qkv"]
        first += [op("Transpose", f"{n}2", to=to, perm=perm) for n, to, perm in (
            ("q", "q", [0, 2, 1, 3]), ("k", "kt", [0, 2, 3, 1]), ("v", "v", [0, 2, 1, 3]))]  # fmt: skip
    last = [op("MatMul", "q", "kt", to="s"), op("Mul", "s", "scale", to="n"), op("Sigmoid", "n", to="g"),
            op("MatMul", "g", "v", to="o"), op("Transpose", "o", to="b", perm=[0, 2, 1, 3]),
            op("Reshape", "b", "together")]  # fmt: skip
    constants: dict[str, Any] = {"heads": heads, "together": together, "scale": np.float32(0.4), "zero": np.array([0])}
    constants |= {"apart": np.array([1, 7, 3, 2, 3]), "w": randoms(6, 18)}
    constants |= {f"w{n}": randoms(6, 6, seed=i) for i, n in enumerate("qkv")}
    used = {name for node in (*first, *last) for name in node.input}
    return Tiny([*first, *last], TOKENS, {k: v for k, v in constants.items() if k in used})


def einsum(equation: str, x: tuple[int, ...], z: tuple[int, ...], *, constant: int | None = None) -> Tiny:
    """Of two activations behind functions, or of one and a constant on that side."""
    if constant is not None:
        names = ("c", "r") if constant == 0 else ("r", "c")
        nodes = [op("Relu", "x", to="r"), op("Einsum", *names, equation=equation)]
        return Tiny(nodes, {"x": x}, {"c": randoms(*z)})
    nodes = [op("Relu", "x", to="r"), op("Tanh", "z", to="s"), op("Einsum", "r", "s", equation=equation)]
    return Tiny(nodes, {"x": x, "z": z})


REDUCTIONS = ("ReduceMean", "ReduceMax", "ReduceMin", "ReduceL1", "ReduceL2", "ReduceSumSquare")


def reduction(kind: str, axes: tuple[int, ...]) -> Tiny:
    """Behind a layer, so that its input has an order."""
    return Tiny(
        [op("Conv", "x", "w", to="c"), op(kind, "c", to="r", axes=axes, keepdims=len(axes) % 2), op("Neg", "r")],
        constants={"w": randoms(3, 4, 1, 1)},
    )


def linear(scale: tuple[float, ...], mode: str = "linear", **attributes: Any) -> Tiny:
    """Behind a layer, so that its input has an order."""
    return Tiny(
        [op("Relu", "x", to="r"), op("Resize", "r", "", "s", mode=mode, **attributes)],
        constants={"s": np.asarray(scale, dtype=np.float32)},
    )


def inside(nodes: Sequence[Any], opset: int = 17, **constants: Any) -> Tiny:
    """Nodes that make `s` of `c`, between layers."""
    weights = {"w": randoms(6, 4, 1, 1), "v": randoms(3, 6, 1, 1, seed=1)}
    return Tiny(
        [op("Conv", "x", "w", to="c"), *nodes, op("Conv", "s", "v")], constants=weights | constants, opset=opset
    )


SHARES = (
    op("ReduceMax", "c", to="m", axes=[1]),
    op("Sub", "c", "m", to="d"),
    op("Exp", "d", to="e"),
    op("ReduceSum", "e", "a", to="t"),
    op("Div", "e", "t", to="s"),
)
"""A softmax over channels, written out."""
HEADS = Tiny(
    [
        op("MatMul", "x", "w", to="m"),
        op("Reshape", "m", "r", to="h"),
        op("Transpose", "h", to="t", perm=[0, 2, 1, 3]),
        op("Softmax", "t", axis=-1, to="s"),
        op("Transpose", "s", to="u", perm=[0, 2, 1, 3]),
        op("Reshape", "u", "f", to="o"),
        op("MatMul", "o", "v"),
    ],
    {"x": (1, 7, 5)},
    {"w": randoms(5, 12), "r": np.array([1, 7, 3, 4]), "f": np.array([1, 7, 12]), "v": randoms(12, 5, seed=1)},
)
"""Scores of three heads for each of seven tokens: shape (1, 3, 7, 4)."""


def resize(scale: tuple[float, ...], **attributes: Any) -> Tiny:
    return Tiny(
        [op("Resize", "x", "", "s", mode="nearest", **attributes)], constants={"s": np.asarray(scale, dtype=np.float32)}
    )


CASES: dict[str, Tiny] = {
    "tile_channels": Tiny([op("Relu", "x", to="r"), op("Tile", "r", "t")], constants={"t": np.array([1, 2, 1, 1])}),
    "tile_of_channels_of_tokens": Tiny(
        [op("Relu", "x", to="r"), op("Tile", "r", "t")], TOKENS, {"t": np.array([1, 1, 3])}
    ),
    "stacks_of_matrices": Tiny(
        [
            op("Relu", "x", to="r"),
            op("Relu", "z", to="s"),
            op("Reshape", "r", "few", to="f"),
            op("Reshape", "s", "many", to="m"),
            op("MatMul", "f", "m"),
        ],
        {"x": (1, 7, 6), "z": (1, 6, 12)},
        {"few": np.array([1, 1, 7, 6]), "many": np.array([1, 1, 6, 12])},
    ),
    "stacks_that_broadcast": Tiny(
        [
            op("Relu", "x", to="r"),
            op("Relu", "z", to="s"),
            op("Reshape", "r", "parts", to="p"),
            op("Transpose", "p", to="a", perm=[0, 2, 1, 3]),
            op("Reshape", "s", "one", to="b"),
            op("MatMul", "a", "b"),
        ],
        {"x": (1, 7, 6), "z": (1, 3, 5)},
        {"parts": np.array([1, 7, 2, 3]), "one": np.array([1, 1, 3, 5])},
    ),
    "one_matrix_for_several": Tiny([op("MatMul", "x", "z")], {"x": (1, 3, 2, 3), "z": (1, 1, 3, 4)}),
    "gather_twice": Tiny(
        [op("Relu", "x", to="r"), op("Gather", "r", "i", axis=1)], TOKENS, {"i": np.array([4, 0, 0, 5])}
    ),
    "conv": conv((5, 4, 3, 3)),
    "conv_no_bias": conv((5, 4, 3, 3), bias=False),
    "conv_groups": conv((6, 2, 3, 3), group=2, pads=[1, 1, 1, 1]),
    "conv_depthwise": conv((8, 1, 3, 3), group=4, pads=[1, 0, 2, 1], strides=[2, 1]),
    "conv_dilated": conv((3, 4, 3, 2), dilations=[2, 3], pads=[2, 1, 0, 3]),
    "conv_same_upper": conv((3, 4, 3, 4), auto_pad="SAME_UPPER", strides=[2, 2]),
    "conv_same_lower": conv((3, 4, 4, 3), auto_pad="SAME_LOWER", strides=[2, 3]),
    "conv_valid": conv((3, 4, 3, 3), auto_pad="VALID"),
    "conv_wide_border": conv((3, 4, 1, 1), pads=[1, 1, 1, 1]),
    "conv_1d": conv((5, 3, 4), LINE, pads=[2, 1], strides=[2], dilations=[1]),
    "batch_norm": Tiny(
        [op("BatchNormalization", "x", *"gbmv", epsilon=1e-3)],
        constants={"g": randoms(4), "b": randoms(4, seed=1), "m": randoms(4, seed=2), "v": np.abs(randoms(4)) + 1},
    ),
    "batch_norm_vector": Tiny(
        [op("BatchNormalization", "x", *"gbmv")],
        VECTOR,
        {"g": randoms(12), "b": randoms(12, seed=1), "m": randoms(12, seed=2), "v": np.abs(randoms(12)) + 1},
        opset=9,
    ),
    "gemm": Tiny([op("Gemm", "x", "w", "b")], VECTOR, {"w": randoms(12, 5), "b": randoms(5)}),
    "gemm_all": Tiny(
        [op("Gemm", "x", "w", "b", alpha=0.5, beta=2.0, transB=1)], VECTOR, {"w": randoms(5, 12), "b": randoms(1, 5)}
    ),
    "gemm_trans_a": Tiny([op("Gemm", "x", "w", transA=1)], {"x": (1, 1)}, {"w": randoms(1, 3)}),
    "gemm_scalar_bias": Tiny([op("Gemm", "x", "w", "b")], VECTOR, {"w": randoms(12, 5), "b": randoms(1)}),
    "matmul": Tiny([op("MatMul", "x", "w")], VECTOR, {"w": randoms(12, 5)}),
    "matmul_tokens": Tiny(
        [op("MatMul", "x", "w", to="t"), op("Add", "b", "t")], TOKENS, {"w": randoms(6, 5), "b": randoms(5)}
    ),
    "matmul_4d": Tiny([op("MatMul", "x", "w")], {"x": (1, 4, 6, 5)}, {"w": randoms(5, 3)}),
    "flatten_gemm": Tiny(
        [op("Conv", "x", "k", to="c"), op("Flatten", "c", to="f"), op("Gemm", "f", "w")],
        constants={"k": randoms(3, 4, 2, 2), "w": randoms(60, 7)},
    ),
    "flatten_bias": Tiny(
        [op("Conv", "x", "k", to="c"), op("Flatten", "c", to="f"), op("Add", "f", "b")],
        constants={"k": randoms(3, 4, 2, 2), "b": randoms(60)},
    ),
    "add_number": binary("Add", ()),
    "add_channel": binary("Add", (4, 1, 1)),
    "add_vector": binary("Add", (12,), inputs=VECTOR),
    "add_tokens": binary("Add", (6,), inputs=TOKENS),
    "add_extra_axis": binary("Add", (1, 1, 12), inputs=VECTOR),
    "sub": binary("Sub", (1, 4, 1, 1)),
    "sub_from": binary("Sub", (4, 1, 1), first=True),
    "mul": binary("Mul", (4, 1, 1), first=True),
    "div": binary("Div", (4, 1, 1)),
    "div_into": binary("Div", (4, 1, 1), first=True),
    "mul_columns": binary("Mul", (5,)),
    "add_places": binary("Add", (4, 6, 5)),
    "add_rows_and_channels": binary("Add", (4, 6, 1)),
    "sub_from_places": binary("Sub", (1, 6, 5), first=True),
    "mul_places_of_tokens": binary("Mul", (7, 6), inputs=TOKENS),
    "div_by_places": binary("Div", (4, 6, 5)),
    "div_into_places": binary("Div", (1, 1, 6, 5), first=True),
    "add_places_behind_a_product": Tiny(
        [op("MatMul", "x", "w", to="m"), op("Add", "m", "p", to="a"), op("Add", "a", "b")],
        TOKENS,
        {"w": randoms(6, 5), "p": randoms(7, 5), "b": randoms(5)},
    ),
    "add_places_of_a_sum": Tiny([op("Sum", "x", "c", "z")], TWO, {"c": randoms(6, 5)}),
    "gemm_bias_of_every_row": Tiny(
        [op("Squeeze", "x", "a", to="s"), op("Gemm", "s", "w", "b", to="g", beta=0.5), op("Unsqueeze", "g", "a")],
        TOKENS,
        {"a": np.array([0]), "w": randoms(6, 3), "b": randoms(7, 3)},
    ),
    "join_add": Tiny([op("Add", "x", "z")], TWO),
    "join_sub": Tiny([op("Sub", "x", "z")], TWO),
    "join_mul": Tiny([op("Mul", "x", "z")], TWO),
    "join_sum": Tiny([op("Sum", "x", "z", "x")], TWO),
    "join_itself": Tiny([op("Mul", "x", "x")]),
    "join_excite": Tiny([op("Mul", "x", "z")], {"x": (1, 4, 6, 5), "z": (1, 4, 1, 1)}),
    "join_attention": Tiny([op("Mul", "z", "x")], {"x": (1, 4, 6, 5), "z": (1, 1, 6, 5)}),
    "join_vectors": Tiny([op("Add", "z", "x")], {"x": (1, 12), "z": (1, 12)}),
    "join_tokens": Tiny([op("Mul", "z", "x")], {"x": (1, 7, 6), "z": (1, 7, 1)}),
    "join_layouts": Tiny(
        [op("Transpose", "x", to="t", perm=[0, 1, 3, 2]), op("Relu", "z", to="r"), op("Add", "t", "r")],
        {"x": (1, 4, 6, 5), "z": (1, 4, 5, 6)},
    ),
    "join_reordered": Tiny(
        [op("Relu", "x", to="r"), op("Transpose", "r", to="t", perm=[0, 1, 3, 2]), op("Add", "t", "r")],
        {"x": (1, 4, 5, 5)},
    ),
    "join_shuffled": Tiny(
        [
            op("Conv", "x", "w", to="c"),
            op("Reshape", "c", "a", to="r"),
            op("Transpose", "r", to="t", perm=[0, 2, 1, 3, 4]),
            op("Reshape", "t", "b", to="s"),
            op("Add", "s", "c", to="j"),
            op("Conv", "j", "w"),
        ],
        {"x": (1, 6, 4, 4)},
        {"a": np.array([1, 2, 3, 4, 4]), "b": np.array([1, 6, 4, 4]), "w": randoms(6, 6, 1, 1)},
    ),
    "expand": Tiny([op("Expand", "x", "s")], {"x": (1, 4, 1, 1)}, {"s": np.array([1, 4, 3, 2])}),
    "neg": unary("Neg"),
    "relu": unary("Relu"),
    "clip": Tiny([op("Clip", "x", "a", "b")], constants={"a": -0.5, "b": 1.0}),
    "clip_upper": Tiny([op("Clip", "x", "", "b")], constants={"b": 1.0}),
    "clip_open": unary("Clip"),
    "clip_6": unary("Clip", 7, min=-0.5, max=0.5),
    "leaky_relu": unary("LeakyRelu", alpha=0.2),
    "prelu": Tiny([op("PRelu", "x", "s")], constants={"s": randoms(4, 1, 1)}),
    "prelu_one": Tiny([op("PRelu", "x", "s")], constants={"s": randoms(1)}),
    "sigmoid": unary("Sigmoid"),
    "tanh": unary("Tanh"),
    "hard_sigmoid": unary("HardSigmoid", alpha=0.3, beta=0.4),
    "hard_swish": unary("HardSwish", 14),
    "elu": unary("Elu", alpha=0.7),
    "selu": unary("Selu"),
    "celu": unary("Celu", alpha=0.7),
    "softplus": unary("Softplus"),
    "softsign": unary("Softsign"),
    "mish": unary("Mish", 18),
    "gelu": unary("Gelu", 20),
    "gelu_tanh": unary("Gelu", 20, approximate="tanh"),
    "thresholded_relu": unary("ThresholdedRelu", alpha=0.5),
    "erf": unary("Erf"),
    "exp": unary("Exp"),
    "log": unary("Log", positive=True),
    "sqrt": unary("Sqrt", positive=True),
    "abs": unary("Abs"),
    "reciprocal": unary("Reciprocal", positive=True),
    "pow": Tiny([op("Pow", "x", "e")], constants={"e": 2.0}),
    "pow_channel": Tiny([op("Pow", "x", "e")], constants={"e": np.ones((4, 1, 1)) * 1.5}, positive=True),
    "min": Tiny([op("Min", "x", "c")], constants={"c": 0.3}),
    "max_channel": Tiny([op("Max", "c", "x", "d")], constants={"c": randoms(4, 1, 1), "d": -0.2}),
    "max_pool": unary("MaxPool", kernel_shape=[3, 2], strides=[2, 1], pads=[1, 0, 1, 1]),
    "max_pool_dilated": unary("MaxPool", kernel_shape=[2, 2], dilations=[2, 3]),
    "max_pool_ceil": unary("MaxPool", kernel_shape=[3, 3], strides=[2, 2], ceil_mode=1),
    "max_pool_ceil_drops": unary("MaxPool", kernel_shape=[1, 2], strides=[4, 3], ceil_mode=1),
    "max_pool_same": unary("MaxPool", kernel_shape=[3, 3], strides=[2, 2], auto_pad="SAME_UPPER"),
    "max_pool_1d": Tiny([op("MaxPool", "x", kernel_shape=[3], strides=[2], pads=[1, 1])], LINE),
    "average_pool": unary("AveragePool", kernel_shape=[2, 3], strides=[2, 1]),
    "average_pool_include": unary("AveragePool", kernel_shape=[3, 3], pads=[1, 1, 1, 1], count_include_pad=1),
    "average_pool_border": unary("AveragePool", kernel_shape=[3, 3], pads=[1, 1, 1, 1]),
    "average_pool_ceil": unary("AveragePool", kernel_shape=[2, 2], strides=[2, 2], ceil_mode=1),
    "average_pool_same": unary("AveragePool", kernel_shape=[3, 2], strides=[2, 2], auto_pad="SAME_LOWER"),
    "average_pool_line": Tiny([op("AveragePool", "x", kernel_shape=[3], pads=[1, 1])], LINE),
    "average_pool_whole": unary("AveragePool", kernel_shape=[8, 9], pads=[1, 2, 1, 2]),
    "average_pool_1d": Tiny([op("AveragePool", "x", kernel_shape=[4], strides=[4])], LINE),
    "global_average_pool": unary("GlobalAveragePool"),
    "global_average_pool_1d": Tiny([op("GlobalAveragePool", "x")], LINE),
    "global_max_pool": unary("GlobalMaxPool"),
    "reduce_mean": unary("ReduceMean", axes=[2, 3]),
    "reduce_mean_squeezed": unary("ReduceMean", axes=[-1, -2], keepdims=0),
    "reduce_mean_18": Tiny([op("ReduceMean", "x", "a", keepdims=0)], constants={"a": np.array([2, 3])}, opset=18),
    "reduce_mean_tokens": Tiny([op("ReduceMean", "x", axes=[1], keepdims=0)], TOKENS),
    "reduce_sum": Tiny([op("ReduceSum", "x", "a")], constants={"a": np.array([2, 3])}),
    "reduce_sum_11": unary("ReduceSum", 11, axes=[2, 3]),
    "reduce_max": unary("ReduceMax", axes=[3, 2]),
    "concat": Tiny([op("Concat", "x", "z", "x", axis=1)], {"x": (1, 4, 6, 5), "z": (1, 3, 6, 5)}),
    "concat_vectors": Tiny([op("Concat", "x", "z", axis=-1)], {"x": (1, 4), "z": (1, 3)}),
    "concat_flattened": Tiny(
        [op("Conv", "x", "k", to="c"), op("Flatten", "c", to="f"), op("Concat", "f", "z", "f", axis=1)],
        {"x": (1, 4, 6, 5), "z": (1, 3)},
        {"k": randoms(3, 4, 2, 2)},
    ),
    "concat_rows": Tiny([op("Concat", "x", "z", axis=2)], {"x": (1, 4, 6, 5), "z": (1, 4, 2, 5)}),
    "concat_constant": Tiny(
        [op("Relu", "x", to="r"), op("Concat", "c", "r", "d", axis=1)],
        constants={"c": np.ones((1, 2, 6, 5)) * [[[2.0]], [[-1.0]]], "d": np.full((1, 9, 6, 5), 3.0)},
    ),
    "concat_constant_vector": Tiny([op("Concat", "x", "c", axis=-1)], VECTOR, {"c": randoms(1, 3)}),
    "concat_constant_row": Tiny([op("Concat", "x", "c", axis=2)], constants={"c": np.full((1, 4, 1, 5), 0.5)}),
    "concat_coordinates": Tiny([op("Concat", "c", "x", axis=1)], constants={"c": randoms(1, 2, 6, 5)}),
    "concat_rows_of_constants": Tiny(
        [op("Relu", "x", to="r"), op("Concat", "c", "r", "d", axis=2)],
        constants={"c": randoms(1, 4, 2, 5), "d": randoms(1, 4, 1, 5)},
    ),
    "class_token": Tiny(
        [
            op("MatMul", "x", "w", to="m"),
            op("Concat", "t", "m", to="c", axis=1),
            op("Add", "c", "p", to="e"),
            op("Gather", "e", "i", axis=1),
        ],
        TOKENS,
        {"w": randoms(6, 5), "t": randoms(1, 1, 5), "p": randoms(1, 8, 5), "i": np.array(0)},
    ),
    "class_token_expanded": Tiny(
        [
            op("Shape", "x", to="s"),
            op("Gather", "s", "z", to="n", axis=0),
            op("Concat", "n", "l", to="k", axis=0),
            op("Expand", "t", "k", to="e"),
            op("Concat", "e", "x", axis=1),
        ],
        TOKENS,
        {"z": np.array([0]), "l": np.array([1, 6]), "t": randoms(1, 1, 6)},
    ),
    "sum_constants": Tiny([op("Sum", "c", "x", "d", "z")], TWO, {"c": randoms(4, 1, 1), "d": randoms(1)}),
    "pad": unary("Pad", 10, pads=[0, 0, 1, 2, 0, 0, 0, 3], value=0.5),
    "pad_11": Tiny([op("Pad", "x", "p", "v")], constants={"p": np.array([0, 0, 1, 2, 0, 0, 3, 0]), "v": 1.5}),
    "pad_18": Tiny(
        [op("Pad", "x", "p", "", "a")], constants={"p": np.array([1, 2, 0, 1]), "a": np.array([3, 2])}, opset=18
    ),
    "pad_negative": unary("Pad", 10, pads=[0, 0, -1, 2, 0, 0, 1, -3]),
    "pad_reflect": unary("Pad", 10, pads=[0, 0, 1, 2, 0, 0, 0, 3], mode="reflect"),
    "pad_reflect_negative": unary("Pad", 10, pads=[0, 0, -1, 2, 0, 0, 1, -2], mode="reflect"),
    "pad_reflect_channels": unary("Pad", 10, pads=[0, 1, 0, 1, 0, 2, 0, 0], mode="reflect"),
    "pad_reflect_line": Tiny([op("Pad", "x", pads=[0, 0, 3, 0, 0, 1], mode="reflect")], LINE, opset=10),
    "pad_wrap": Tiny([op("Pad", "x", "p", mode="wrap")], constants={"p": np.array([0, 1, 2, 5, 0, 2, 0, 1])}, opset=19),
    "pad_edge": unary("Pad", 10, pads=[0, 0, 7, 2, 0, 0, 0, 9], mode="edge"),
    "pad_edge_18": Tiny(
        [op("Pad", "x", "p", "", "a", mode="edge")],
        constants={"p": np.array([1, 2, 0, 1]), "a": np.array([3, 2])},
        opset=18,
    ),
    "pad_edge_negative": unary("Pad", 10, pads=[0, 0, -1, 2, 0, 0, 1, -3], mode="edge"),
    "pad_line": Tiny([op("Pad", "x", pads=[0, 0, 3, 0, 0, 1])], LINE, opset=10),
    "slice_9": unary("Slice", 9, starts=[1, 2], ends=[3, 100], axes=[1, 3]),
    "slice": Tiny(
        [op("Slice", "x", *"seat")],
        constants={"s": np.array([1, -5]), "e": np.array([6, -1]), "a": np.array([2, 3]), "t": np.array([2, 1])},
    ),
    "slice_vector": Tiny(
        [op("Slice", "x", *"sea")], VECTOR, {"s": np.array([2]), "e": np.array([9]), "a": np.array([1])}
    ),
    "slice_nothing": unary("Slice", 9, starts=[0], ends=[100], axes=[1]),
    "split": Tiny([op("Split", "x", to=["y", "z"], axis=1)], outputs=("y", "z")),
    "split_sizes": Tiny(
        [op("Split", "x", "s", to=["y", "z"], axis=2)], constants={"s": np.array([2, 4])}, outputs=("z", "y")
    ),
    "split_11": Tiny([op("Split", "x", to=["y", "z"], axis=1, split=[3, 1])], outputs=("y", "z"), opset=11),
    "split_18": Tiny([op("Split", "x", to=["y", "z"], axis=2, num_outputs=2)], outputs=("y", "z"), opset=18),
    "gather": Tiny([op("Gather", "x", "i", axis=2)], constants={"i": np.array(-1)}),
    "gather_every": Tiny([op("Gather", "x", "i", axis=3)], constants={"i": np.array([0, 2, 4])}),
    "bgr_gather": Tiny(
        [op("Gather", "x", "i", to="g", axis=1), op("Conv", "g", "w")],
        {"x": (1, 3, 6, 5)},
        {"i": np.array([2, 1, 0]), "w": randoms(4, 3, 3, 3)},
    ),
    "bgr_slice": Tiny(
        [op("Slice", "x", *"seat", to="g"), op("Conv", "g", "w")],
        {"x": (1, 3, 6, 5)},
        {"s": np.array([-1]), "e": np.array([-100]), "a": np.array([1]), "t": np.array([-1]), "w": randoms(4, 3, 3, 3)},
    ),
    "bgr_behind": Tiny(
        [op("Conv", "x", "v", to="c"), op("Gather", "c", "i", to="g", axis=1), op("Conv", "g", "w")],
        {"x": (1, 3, 6, 5)},
        {"v": randoms(4, 3, 3, 3), "i": np.array([2, 0, -1, 1]), "w": randoms(5, 4, 3, 3)},
    ),
    "bgr_sum": Tiny(
        [op("Relu", "x", to="r"), op("Gather", "r", "i", to="g", axis=1), op("Add", "g", "r")],
        constants={"i": np.array([3, 2, 0, 1])},
    ),
    "gather_depthwise": Tiny(
        [op("Relu", "x", to="r"), op("Gather", "r", "i", to="g", axis=1), op("Conv", "g", "w", group=4)],
        constants={"i": np.array([3, 2, 0, 1]), "w": randoms(4, 1, 3, 3)},
    ),
    "gather_few_of_the_input": Tiny([op("Gather", "x", "i", axis=1)], constants={"i": np.array([3, 0, 1])}),
    "gather_many": Tiny(
        [op("Relu", "x", to="r"), op("Gather", "r", "i", to="g", axis=1), op("MaxPool", "g", kernel_shape=[2, 2])],
        {"x": (1, 16, 4, 5)},
        {"i": np.random.default_rng(0).permutation(16)},
    ),
    "gather_any": Tiny(
        [op("Relu", "x", to="r"), op("Gather", "r", "i", axis=1)], constants={"i": np.array([3, 0, 0, 1, 1])}
    ),
    "gather_rows_of_the_input": Tiny([op("Gather", "x", "i", axis=2)], constants={"i": np.array([3, 0, 0])}),
    "gather_table": Tiny([op("Gather", "x", "i", axis=1)], VECTOR, {"i": np.array([[3, 0], [7, 7]])}),
    "flip_the_input": Tiny(
        [op("Slice", "x", *"seat", to="g"), op("Conv", "g", "w")],
        constants={
            "s": np.array([-1, 100]),
            "e": np.array([-100, 0]),
            "a": np.array([2, 3]),
            "t": np.array([-1, -2]),
            "w": randoms(4, 4, 3, 2),
        },
    ),
    "flip_the_output": Tiny(
        [op("Relu", "x", to="r"), op("Slice", "r", *"seat")],
        constants={"s": np.array([4]), "e": np.array([0]), "a": np.array([2]), "t": np.array([-1])},
    ),
    "focus": Tiny(
        [
            *(op("Slice", "x", f"s{i}", "e", "a2", "t", to=f"r{i}") for i in (0, 1)),
            *(op("Slice", f"r{i}", f"s{j}", "e", "a3", "t", to=f"q{i}{j}") for i in (0, 1) for j in (0, 1)),
            op("Concat", "q00", "q10", "q01", "q11", to="c", axis=1),
            op("Conv", "c", "w"),
        ],
        {"x": (1, 3, 8, 6)},
        {
            "s0": np.array([0]),
            "s1": np.array([1]),
            "e": np.array([1 << 40]),
            "a2": np.array([2]),
            "a3": np.array([3]),
            "t": np.array([2]),
            "w": randoms(4, 12, 3, 3),
        },
    ),
    "transposed": transposed((4, 3, 3, 2), strides=[2, 2], pads=[1, 0, 1, 1], output_padding=[1, 0]),
    "transposed_even": transposed((4, 3, 4, 4), strides=[2, 2], pads=[1, 1, 1, 1]),
    "transposed_1d": transposed((4, 5, 6), size=(7,), strides=[3], pads=[2, 1]),
    "transposed_unlike_strides": transposed((4, 2, 3, 3), strides=[3, 2], dilations=[2, 1]),
    "transposed_groups": transposed((4, 3, 3, 3), groups=2, strides=[2, 2], pads=[1, 1, 1, 1]),
    "transposed_depthwise": transposed((4, 1, 4, 2), groups=4, strides=[2, 1], auto_pad="SAME_UPPER"),
    "transposed_same_lower": transposed((4, 2, 5, 3), strides=[2, 2], auto_pad="SAME_LOWER"),
    "transposed_gaps": transposed((4, 2, 1, 2), strides=[3, 3], pads=[1, 2, 0, 0], output_padding=[2, 2]),
    "transposed_shape": transposed((4, 2, 4, 4), strides=[2, 2], output_shape=[13, 11]),
    "transposed_wide_border": transposed((4, 2, 2, 2), strides=[1, 1], dilations=[5, 1]),
    "div_of_two": Tiny([op("Relu", "x", to="a"), op("Sigmoid", "x", to="b"), op("Div", "a", "b")], positive=True),
    "div_by_a_number_of_the_frame": Tiny(
        [op("ReduceSum", "x", "all", to="s"), op("Div", "x", "s")],
        constants={"all": np.array([1, 2, 3])},
        positive=True,
    ),
    "softsign_in_simple_operators": Tiny(
        [op("Abs", "x", to="a"), op("Add", "a", "one", to="p"), op("Div", "x", "p")], constants={"one": np.float32(1)}
    ),
    "matmul_left": Tiny([op("MatMul", "c", "x")], {"x": (1, 4, 6, 5)}, {"c": randoms(3, 6)}),
    "matmul_left_of_a_column": Tiny([op("MatMul", "c", "x")], {"x": (1, 7, 1)}, {"c": randoms(6, 7)}),
    "matmul_left_behind_a_layer": Tiny(
        [op("Relu", "x", to="r"), op("MatMul", "c", "r", to="m"), op("Relu", "m")],
        {"x": (1, 16, 8)},
        {"c": randoms(5, 16)},
    ),
    "matmul_of_inputs": Tiny([op("MatMul", "x", "z")], {"x": (1, 3, 2, 4), "z": (1, 3, 4, 5)}),
    "matmul_with_itself": Tiny(
        [op("Relu", "x", to="r"), op("Transpose", "r", to="t", perm=[0, 2, 1]), op("MatMul", "r", "t")], TOKENS
    ),
    "matmul_of_pictures": Tiny(  # of the rows and columns of every channel
        [op("Conv", "x", "w", to="c"), op("Transpose", "z", to="t", perm=[0, 1, 3, 2]), op("MatMul", "c", "t")],
        TWO,
        {"w": randoms(4, 4, 1, 1)},
    ),
    "gemm_of_two": Tiny(
        [
            op("Reshape", "x", "ax", to="a"),
            op("Reshape", "z", "bx", to="b"),
            op("Gemm", "a", "b", "c", to="g", transA=1, transB=1, alpha=0.5, beta=2.0),
            op("Reshape", "g", "all"),
        ],
        {"x": (1, 12), "z": (1, 20)},
        {"ax": np.array([4, 3]), "bx": np.array([5, 4]), "all": np.array([1, 15]), "c": randoms(5)},
    ),
    "causal_mask": Tiny(
        [op("Relu", "x", to="r"), op("Add", "r", "mask", to="m"), op("Softmax", "m", to="s", axis=-1), op("Neg", "s")],
        {"x": (1, 5, 5)},
        {"mask": np.where(np.tri(5, dtype=bool), 0, -np.inf).astype(np.float32)},
    ),
    "causal_where": Tiny(
        [
            op("Relu", "x", to="r"),
            op("Where", "seen", "r", "low", to="m"),
            op("Softmax", "m", to="s", axis=-1),
            op("Neg", "s"),
        ],
        {"x": (1, 5, 5)},
        {"seen": np.tri(5, dtype=bool), "low": np.float32(-np.inf)},
    ),
    "where_of_two": Tiny([op("Where", "c", "x", "z")], TWO, {"c": np.arange(4).reshape(1, 4, 1, 1) % 2 == 0}),
    "where_number_first": Tiny([op("Where", "c", "n", "x")], VECTOR, {"c": np.arange(12) > 7, "n": np.float32(3)}),
    "where_per_place": Tiny([op("Where", "c", "x", "n")], TOKENS, {"c": np.tri(7, 6, dtype=bool), "n": randoms(7, 1)}),
    "einsum_of_heads": einsum("bnhd,bmhd->bhnm", (1, 5, 2, 3), (1, 4, 2, 3)),
    "einsum_of_values": einsum("bhnm, bmhd -> bnhd", (1, 2, 5, 4), (1, 4, 2, 3)),
    "einsum_of_pictures": einsum("bchw,bcij->bhwij", (1, 6, 2, 3), (1, 6, 3, 2)),
    "einsum_outer": einsum("bi,bj->bij", (1, 5), (1, 4)),
    "einsum_implicit": einsum("...ij,...jk", (1, 5, 4), (1, 4, 3)),
    "einsum_ellipsis": einsum("...ij,...jk->...ik", (1, 2, 5, 4), (1, 2, 4, 3)),
    "einsum_with_constant": einsum("btc,cd->btd", (1, 5, 4), (4, 3), constant=1),
    "einsum_constant_first": einsum("ij,bjk->bik", (1, 5, 4), (3, 5), constant=0),
    "einsum_of_two_axes": einsum("bthd,hde->bte", (1, 5, 2, 3), (2, 3, 7), constant=1),
    "attention": attention(),
    "attention_of_one_layer": attention(packed=True),
    "layer_norm": normalisation("LayerNormalization", (1, 3, 6, 8), (8,)),
    "layer_norm_of_a_frame": normalisation("LayerNormalization", (1, 4, 3, 2), (4, 3, 2), axis=1),
    "rms_norm": normalisation("RMSNormalization", (1, 6, 8), (8,), bias=False, opset=23),
    "instance_norm": normalisation("InstanceNormalization", (1, 4, 3, 5), (4,)),
    "instance_norm_1d": normalisation("InstanceNormalization", (1, 4, 7), (4,)),
    "group_norm": normalisation("GroupNormalization", (1, 6, 3, 5), (6,), num_groups=2, opset=21),
    "l2_norm": Tiny([op("LpNormalization", "x", axis=1)]),
    "layer_norm_in_simple_operators": written_out((-1,)),
    "layer_norm_of_a_square_by_itself": written_out((-1,), square="Mul"),
    "rms_norm_of_what_another_mean_was_taken_from": Tiny(
        [
            op("ReduceMean", "x", to="m", axes=[-1]),
            op("Sub", "x", "m", to="d"),
            op("Mul", "d", "d", to="q"),
            op("ReduceMean", "q", to="v", axes=[1]),
            op("Add", "v", "tiny", to="e"),
            op("Sqrt", "e", to="s"),
            op("Div", "d", "s"),
        ],
        {"x": (1, 4, 6)},
        {"tiny": np.float32(1e-3)},
    ),
    "rms_norm_in_simple_operators": written_out((-1,), centred=False, reciprocal=True),
    "instance_norm_in_simple_operators": written_out((2, 3), reciprocal=True),
    **{
        f"{kind}_of_{''.join(map(str, axes))}": reduction(kind, axes)
        for kind in REDUCTIONS
        for axes in ((1,), (2,), (1, 3))
    },
    "upsample_7": unary("Upsample", 7, mode="nearest", scales=[1.0, 1.0, 2.0, 3.0]),
    "upsample_9": Tiny([op("Upsample", "x", "s")], constants={"s": [1.0, 1, 3, 2]}, opset=9),
    "resize_10": Tiny([op("Resize", "x", "s")], constants={"s": [1.0, 1, 3, 2]}, opset=10),
    "resize_half_pixel": resize((1, 1, 2, 2)),
    "resize_half_pixel_odd": resize((1, 1, 3, 1), nearest_mode="round_prefer_ceil"),
    "resize_asymmetric": resize((1, 1, 2, 4), coordinate_transformation_mode="asymmetric", nearest_mode="floor"),
    "resize_pytorch": resize((1, 1, 2, 2), coordinate_transformation_mode="pytorch_half_pixel"),
    "resize_corners": resize((1, 1, 2, 2), coordinate_transformation_mode="align_corners"),
    "resize_fraction": resize((1, 1, 1.5, 0.6)),
    "resize_floor": resize((1, 1, 2, 2), nearest_mode="floor"),
    "linear_upsample_9": Tiny([op("Upsample", "x", "s", mode="linear")], constants={"s": [1.0, 1, 3, 2]}, opset=9),
    "cubic": linear((1, 1, 2, 2), mode="cubic"),
    "cubic_by_unlike_factors": linear((1, 1, 3, 0.7), mode="cubic", cubic_coeff_a=-0.5, exclude_outside=1),
    "cubic_corners": linear((1, 1, 2, 3), mode="cubic", coordinate_transformation_mode="align_corners"),
    "linear_half_pixel": linear((1, 1, 2, 2)),
    "linear_by_unlike_factors": linear((1, 1, 3, 0.7)),
    "linear_asymmetric": linear((1, 1, 2, 4), coordinate_transformation_mode="asymmetric"),
    "linear_pytorch": linear((1, 1, 2, 1.5), coordinate_transformation_mode="pytorch_half_pixel"),
    "linear_corners": linear((1, 1, 2, 3), coordinate_transformation_mode="align_corners"),
    "linear_sizes": Tiny(
        [op("Resize", "x", "", "", "z", mode="linear", coordinate_transformation_mode="align_corners")],
        constants={"z": np.array([1, 4, 11, 1])},
    ),
    "linear_symmetric": Tiny(
        [op("Resize", "x", "", "s", mode="linear", coordinate_transformation_mode="half_pixel_symmetric")],
        constants={"s": np.array([1, 1, 2.5, 1.3], np.float32)},
        opset=19,
    ),
    "linear_1d": Tiny([op("Resize", "x", "", "s", mode="linear")], {"x": (1, 3, 7)}, {"s": [1.0, 1.0, 2.0]}),
    "resize_sizes": Tiny(
        [op("Resize", "x", "", "", "z", coordinate_transformation_mode="asymmetric", nearest_mode="floor")],
        constants={"z": np.array([1, 4, 12, 10])},
    ),
    "resize_axes": Tiny([op("Resize", "x", "", "s", axes=[3, 2])], constants={"s": [2.0, 4.0]}, opset=18),
    "depth_to_space": unary("DepthToSpace", blocksize=2),
    "depth_to_space_crd": Tiny([op("DepthToSpace", "x", blocksize=2, mode="CRD")], {"x": (1, 12, 2, 3)}),
    "depth_to_space_behind": Tiny(
        [op("Relu", "x", to="r"), op("DepthToSpace", "r", blocksize=2, mode="CRD")], {"x": (1, 12, 2, 3)}
    ),
    "space_to_depth": Tiny([op("SpaceToDepth", "x", blocksize=2)], {"x": (1, 3, 6, 4)}),
    "softmax_inside": inside([op("Softmax", "c", axis=1, to="s")]),
    "softmax_inside_rows": inside([op("Softmax", "c", axis=2, to="s")]),
    "softmax_inside_vector": Tiny([op("Softmax", "x", to="s"), op("Neg", "s")], VECTOR),
    "softmax_inside_7": Tiny(
        [op("Relu", "x", to="r"), op("Softmax", "r", to="s"), op("Neg", "s")], {"x": (1, 3, 2, 5)}, opset=7
    ),
    "softmax_inside_11": Tiny(
        [op("Relu", "x", to="r"), op("Softmax", "r", axis=2, to="s"), op("Neg", "s")], {"x": (1, 3, 2, 5)}, opset=11
    ),
    "softmax_twice": inside([op("Softmax", "c", axis=1, to="t"), op("Softmax", "t", axis=-1, to="s")]),
    "softmax_of_heads": HEADS,
    "softmax_read_and_given": Tiny(
        [op("Conv", "x", "w", to="c"), op("Softmax", "c", axis=1, to="s"), op("Neg", "s")],
        constants={"w": randoms(3, 4, 1, 1)},
    ),
    "softmax_written_out": inside(SHARES, a=np.array([1])),
    "softmax_written_out_raw": inside(
        [op("Exp", "c", to="e"), op("ReduceSum", "e", "a", to="t"), op("Div", "e", "t", to="s")], a=np.array([1])
    ),
    "softmax_written_out_reciprocal": inside(
        [
            op("Exp", "c", to="e"),
            op("ReduceSum", "e", to="t", axes=[2, 3]),
            op("Reciprocal", "t", to="i"),
            op("Mul", "i", "e", to="s"),
        ],
        opset=11,
    ),
    "softmax_written_out_at_the_end": Tiny(
        [op("Exp", "x", to="e"), op("ReduceSum", "e", "a", to="t"), op("Div", "e", "t")], VECTOR, {"a": np.array([1])}
    ),
    "softmax": Tiny([op("Softmax", "x")], VECTOR),
    "softmax_11": Tiny([op("Softmax", "x")], {"x": (1, 10, 1, 1)}, opset=11),
    "softmax_image": unary("Softmax", axis=1),
    "log_softmax": Tiny([op("LogSoftmax", "x", axis=-1)], VECTOR),
    "softmax_reshaped": Tiny(
        [op("Softmax", "x", to="s"), op("Reshape", "s", "r")], VECTOR, {"r": np.array([1, 12, 1, 1])}
    ),
    "softmax_transposed": Tiny([op("Softmax", "x", to="s", axis=1), op("Transpose", "s", perm=[0, 2, 3, 1])]),
    "softmax_argmax": Tiny([op("Softmax", "x", to="s"), op("ArgMax", "s", axis=1, keepdims=0)], VECTOR),
    "argmax": unary("ArgMax", axis=1),
    "argmax_cast": Tiny([op("ArgMax", "x", to="a", axis=1), CAST], VECTOR),
    "identity": Tiny([op("Identity", "x", to="a"), op("Dropout", "a")]),
    "dropout_11": Tiny([op("Dropout", "x", ratio=0.5)], opset=11),
    "transposed_out": Tiny([op("Relu", "x", to="r"), op("Transpose", "r", perm=[0, 2, 3, 1])]),
    "squeezed": Tiny([op("Squeeze", "x", "a")], {"x": (1, 4, 1, 5)}, {"a": np.array([2])}),
    "squeezed_11": Tiny([op("Unsqueeze", "x", to="u", axes=[1]), op("Squeeze", "u", axes=[0])], VECTOR, opset=11),
    "nhwc_input": Tiny(
        [op("Mul", "x", "c", to="m"), op("Transpose", "m", to="t", perm=[0, 3, 1, 2]), op("Conv", "t", "w")],
        {"x": (1, 6, 5, 3)},
        {"c": randoms(3), "w": randoms(4, 3, 3, 3)},
    ),
    "shuffle": Tiny(
        [
            op("Reshape", "x", "a", to="r"),
            op("Transpose", "r", to="t", perm=[0, 2, 1, 3, 4]),
            op("Reshape", "t", "b", to="s"),
            op("Conv", "s", "w"),
        ],
        {"x": (1, 6, 4, 4)},
        {"a": np.array([1, 2, 3, 4, 4]), "b": np.array([0, -1, 4, 4]), "w": randoms(2, 6, 1, 1)},
    ),
    "shuffle_behind": Tiny(
        [
            op("Conv", "x", "w", to="c"),
            op("Reshape", "c", "a", to="r"),
            op("Transpose", "r", to="t", perm=[0, 2, 1, 3, 4]),
            op("Reshape", "t", "b", to="s"),
            op("Conv", "s", "w"),
        ],
        {"x": (1, 6, 4, 4)},
        {"a": np.array([1, 2, 3, 4, 4]), "b": np.array([1, 6, 4, 4]), "w": randoms(6, 6, 1, 1)},
    ),
    "pytorch_view": Tiny(
        [
            op("Relu", "x", to="r"),
            op("Shape", "r", to="s"),
            op("Gather", "s", "zero", to="n", axis=0),
            op("Unsqueeze", "n", "axes", to="n1"),
            op("Concat", "n1", "rest", to="target", axis=0),
            op("Reshape", "r", "target", to="f"),
            op("Gemm", "f", "w"),
        ],
        {"x": ("batch", 4, 3, 2)},
        {"zero": np.array(0), "axes": np.array([0]), "rest": np.array([-1]), "w": randoms(24, 5)},
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_rule_agrees_with_onnx_runtime(name: str, tmp_path: Path) -> None:
    case = CASES[name]
    path = case.save(tmp_path)
    agree(path, positive=case.positive)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        pytest.param("nhwc_input", ["affine", "conv2d"], id="the host permutes an input of channels last"),
        pytest.param(
            "flatten_gemm", ["conv2d", "reshape", "dense"], id="rows of the weight are permuted, not the data"
        ),
        pytest.param("flatten_bias", ["conv2d", "reshape", "affine"], id="a constant per element is permuted"),
        pytest.param("concat_flattened", ["conv2d", "reshape", "concat"], id="vectors are joined as they lie"),
        pytest.param("matmul_tokens", ["dense", "affine"], id="tokens are pixels"),
        pytest.param("shuffle", ["conv2d"], id="the host shuffles"),
        pytest.param("shuffle_behind", ["conv2d", "conv2d"], id="a shuffle of channels goes into the weights behind"),
        pytest.param("bgr_gather", ["conv2d"], id="the host exchanges channels"),
        pytest.param("bgr_slice", ["conv2d"], id="the host reverses channels"),
        pytest.param("bgr_behind", ["conv2d", "conv2d"], id="channels are exchanged in the weights behind"),
        pytest.param("flip_the_input", ["slice", "conv2d"], id="the host flips"),
        pytest.param("flip_the_output", ["clip", "slice"], id="the host flips an output"),
        pytest.param("gather_many", ["clip", "dense", "maxpool"], id="many channels are picked by a product"),
        pytest.param("transposed_out", ["clip"], id="an output is permuted by the host"),
        pytest.param("join_layouts", ["clip", "add"], id="an unbound input follows the other operand"),
        pytest.param("join_shuffled", ["conv2d", "transpose", "add", "conv2d"], id="the common layout wins a join"),
        pytest.param("conv_wide_border", ["pad", "conv2d", "affine"], id="a border wider than the kernel"),
        pytest.param("join_excite", ["upsample", "multiply"], id="a vector is repeated over the pixels"),
        pytest.param("slice_nothing", [], id="a slice of everything"),
        pytest.param("softmax_of_heads", ["dense", "softmax", "dense"], id="heads are runs of channels"),
        pytest.param("softmax_inside", ["conv2d", "softmax", "conv2d"], id="a softmax inside is the network's"),
        pytest.param("softmax_written_out", ["conv2d", "softmax", "conv2d"], id="a softmax is found as a whole"),
        pytest.param("softmax_written_out_raw", ["conv2d", "softmax", "conv2d"], id="also without its maximum"),
        pytest.param("pytorch_view", ["clip", "dense"], id="the target of a reshape is computed"),
    ],
)
def test_emits_no_more_than_needed(name: str, expected: list[str], tmp_path: Path) -> None:
    assert kinds(agree(CASES[name].save(tmp_path))) == expected


def test_names_and_origins_come_from_the_nodes(tmp_path: Path) -> None:
    nodes = [
        op("Conv", "x", "w", "b", to="c", name="/features/0/Conv"),
        op("Relu", "c", to="1.wire"),
        op("Conv", "1.wire", "v", to="y", name="module"),
    ]
    constants = {"w": randoms(4, 4, 1, 1), "b": randoms(4), "v": randoms(2, 4, 1, 1)}
    graph = load(Tiny(nodes, constants=constants).save(tmp_path)).graph
    assert [(n.name, n.origin) for n in graph] == [
        ("features_0_Conv", ("/features/0/Conv",)),
        ("features_0_Conv_bias", ("/features/0/Conv",)),
        ("v1_wire", ("Relu #1",)),
        ("module_", ("module",)),
    ]


def test_notes_say_what_was_assumed_and_what_the_host_does(tmp_path: Path) -> None:
    model = load(Tiny([op("Softmax", "x")], {"x": ("N", 12)}).save(tmp_path))
    assert model.notes == (
        "input 'x': the dynamic batch (N) is one frame",
        "output 'y': the host computes softmax(axis 1)",
    )


def test_initializers_listed_as_inputs_are_constants(tmp_path: Path) -> None:
    proto = Tiny([op("Conv", "x", "w")], constants={"w": randoms(2, 4, 1, 1)}).proto()
    proto.graph.input.append(helper.make_tensor_value_info("w", TensorProto.FLOAT, [2, 4, 1, 1]))
    path = tmp_path / "listed.onnx"
    onnx.save(proto, path)
    assert [p.name for p in agree(path).inputs] == ["x"]


def test_nodes_that_no_output_needs_are_left_out(tmp_path: Path) -> None:
    nodes = [op("Relu", "x"), op("LSTM", "x", "w", "w", to="unused")]
    model = load(Tiny(nodes, constants={"w": randoms(1)}).save(tmp_path))
    assert kinds(model) == ["clip"]


def test_weights_in_a_file_beside_the_model(tmp_path: Path) -> None:
    proto = Tiny([op("Conv", "x", "w")], constants={"w": randoms(8, 4, 3, 3)}).proto()
    path = tmp_path / "external.onnx"
    onnx.save(proto, path, save_as_external_data=True, location="weights.bin", size_threshold=0)
    agree(path)


@pytest.mark.parametrize("opset", [7, 9, 11, 13, 15, 18, 21])
def test_a_network_in_every_operator_set(opset: int, tmp_path: Path) -> None:
    nodes = [
        op("Conv", "x", "w", "b", to="c", pads=[1, 1, 1, 1]),
        op("BatchNormalization", "c", *"ghmv", to="n"),
        op("Relu", "n", to="r"),
        op("MaxPool", "r", to="p", kernel_shape=[2, 2], strides=[2, 2]),
        op("Shape", "p", to="s"),
        op("Slice", "s", to="batch", starts=[0], ends=[1])
        if opset < 10
        else op("Slice", "s", "zero", "one", to="batch"),
        op("Concat", "batch", "rest", to="target", axis=0),
        op("Reshape", "p", "target", to="f"),
        op("Gemm", "f", "k", "l"),
    ]
    channels = {name: np.abs(randoms(3, seed=i)) + 0.5 for i, name in enumerate("bghmv")}
    indices = {"zero": np.array([0]), "one": np.array([1]), "rest": np.array([-1])}
    constants = channels | indices | {"w": randoms(3, 4, 3, 3), "k": randoms(18, 5), "l": randoms(5)}
    model = agree(Tiny(nodes, {"x": ("N", 4, 6, 5)}, constants, opset=opset).save(tmp_path))
    assert kinds(model) == ["conv2d", "affine", "affine", "clip", "maxpool", "reshape", "dense", "affine"]


def test_importing_the_frontend_does_not_import_onnx() -> None:
    code = "import sys, tomato.frontend; sys.exit('onnx' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


@pytest.mark.models
@pytest.mark.parametrize("name", ["mnist8_float", "kws_float", "resnet8_float", "mobilenet_v1_025_128_float"])
def test_trained_network_agrees_with_onnx_runtime(name: str) -> None:
    agree(model_path(f"{name}.onnx"))


@pytest.mark.parametrize("perm", [(0, 1, 2, 3), (0, 1, 3, 2)])
@pytest.mark.parametrize("axes", [(2,), (3,), (2, 3)])
def test_a_picture_backwards(axes: tuple[int, ...], perm: tuple[int, ...], tmp_path: Path) -> None:
    """Turned on the chip behind a layer, also where a transposition follows."""
    nodes = [
        op("Relu", "x", to="r"),
        op("MaxPool", "r", to="m", kernel_shape=[2, 2]),
        op("Slice", "m", "s_", "e_", "a_", "t_", to="f"),
        op("Transpose", "f", to="t", perm=perm),
        op("MaxPool", "t", kernel_shape=[2, 3]),
    ]
    every = np.ones(len(axes), dtype=np.int64)
    constants = dict(zip("seat", (-every, -100 * every, np.array(axes), -every), strict=True))
    path = Tiny(nodes, {"x": (1, 4, 6, 6)}, {f"{name}_": value for name, value in constants.items()}).save(tmp_path)
    assert kinds(agree(path)).count("flip") == 1
