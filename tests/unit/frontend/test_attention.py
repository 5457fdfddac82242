"""Attention that comes as one node, against ONNX Runtime's kernels."""

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from tests.unit.frontend.tiny import agree, randoms
from tomato.core.errors import TomatoError
from tomato.core.formats import Array
from tomato.frontend import load

TOKENS, WIDTH = 5, 8
ONES, ZEROS = np.ones(WIDTH, np.float32), np.zeros(WIDTH, np.float32)
MASK = np.where(np.arange(TOKENS) < 4, 0, -1e9).astype(np.float32).reshape(1, 1, 1, TOKENS).repeat(TOKENS, 2)


def fused(kind: str, inputs: str, outputs: str = "y", **attributes: Any) -> Any:
    return helper.make_node(kind, inputs.split(" "), outputs.split(" "), domain="com.microsoft", **attributes)


def plain(kind: str, inputs: str, outputs: str = "y", **attributes: Any) -> Any:
    return helper.make_node(kind, inputs.split(), outputs.split(), **attributes)


THREE = [plain("MatMul", f"x w{n}", n) for n in "qkv"]
WEIGHTS = {f"w{n}": randoms(WIDTH, WIDTH, seed=i) for i, n in enumerate("qkv")}
PACKED = {"w": randoms(WIDTH, 3 * WIDTH), "b": randoms(3 * WIDTH, seed=4)}
HEADS = [plain("Reshape", f"{n} apart", f"{n}r") for n in "qkv"]
HEADS += [plain("Transpose", f"{n}r", f"{n}h", perm=[0, 2, 1, 3]) for n in "qkv"]
STACKED = {"apart": np.array([1, TOKENS, 2, WIDTH // 2]), "back": np.array([1, TOKENS, WIDTH])}
LAST = [plain("Transpose", "m", "t", perm=[0, 2, 1, 3]), plain("Reshape", "t back")]
SHARED = {"wq": WEIGHTS["wq"], **{f"w{n}": WEIGHTS[f"w{n}"][:, : WIDTH // 2] for n in "kv"}}
REPEATED = [*HEADS[:1], *HEADS[3:4]]
for name in "kv":
    REPEATED += [
        plain("Reshape", f"{name} few", f"{name}r"),
        plain("Transpose", f"{name}r", f"{name}t", perm=[0, 2, 3, 1, 4]),
        plain("Expand", f"{name}t many", f"{name}e"),
        plain("Reshape", f"{name}e heads", f"{name}h"),
    ]
REPEATED += [plain("Attention", "qh kh vh", "m"), *LAST]
REPEATS = {
    "few": np.array([1, TOKENS, 1, 1, WIDTH // 2]), "many": np.array([1, 1, 2, TOKENS, WIDTH // 2]),
    "heads": np.array([1, 2, TOKENS, WIDTH // 2]),
}  # fmt: skip
CASES: dict[str, tuple[list[Any], dict[str, Array]]] = {
    "attention": ([fused("Attention", "x w b", num_heads=2)], PACKED),
    "attention_causal": ([fused("Attention", "x w b", num_heads=4, unidirectional=1)], PACKED),
    "attention_bias": ([fused("Attention", "x w b   mask", num_heads=1, scale=0.3)], {**PACKED, "mask": MASK}),
    "multihead": ([*THREE, fused("MultiHeadAttention", "q k v", num_heads=2)], WEIGHTS),
    "multihead_bias": ([*THREE, fused("MultiHeadAttention", "q k v b", num_heads=2)], {**WEIGHTS, "b": PACKED["b"]}),
    "multihead_mask": (
        [*THREE, fused("MultiHeadAttention", "q k v   mask", num_heads=2)], {**WEIGHTS, "mask": MASK}
    ),
    "onnx": ([*THREE, plain("Attention", "q k v", q_num_heads=2, kv_num_heads=2)], WEIGHTS),
    "onnx_shared_keys": ([*THREE, plain("Attention", "q k v", q_num_heads=4, kv_num_heads=2)], SHARED),
    "onnx_one_key": ([*THREE, plain("Attention", "q k v", q_num_heads=2, kv_num_heads=1)], SHARED),
    "keys_repeated": ([*THREE, *REPEATED], {**SHARED, **STACKED, **REPEATS}),
    "onnx_causal": ([*THREE, plain("Attention", "q k v", q_num_heads=2, kv_num_heads=2, is_causal=1)], WEIGHTS),
    "onnx_of_truths": (
        [*THREE, plain("Attention", "q k v mask", q_num_heads=2, kv_num_heads=2)],
        {**WEIGHTS, "mask": np.tri(TOKENS, dtype=bool)},
    ),
    "onnx_stacked": ([*THREE, *HEADS, plain("Attention", "qh kh vh", "m", scale=0.7), *LAST], {**WEIGHTS, **STACKED}),
    "skip": (
        [*THREE[:1], fused("SkipLayerNormalization", "x q ones zeros bias", "n   s", epsilon=1e-5),
         plain("Add", "n s")],
        {"wq": WEIGHTS["wq"], "ones": ONES, "zeros": ZEROS, "bias": PACKED["b"][:WIDTH]},
    ),
    "skip_simplified": (
        [*THREE[:1], fused("SkipSimplifiedLayerNormalization", "x q ones", epsilon=1e-5)],
        {"wq": WEIGHTS["wq"], "ones": ONES},
    ),
    "bias_gelu": ([fused("BiasGelu", "x bias")], {"bias": PACKED["b"][:WIDTH]}),
    "fast_gelu": ([fused("FastGelu", "x")], {}),
}  # fmt: skip


def saved(folder: Path, nodes: list[Any], constants: dict[str, Array]) -> Path:
    shape = [1, TOKENS, WIDTH]
    graph = helper.make_graph(
        nodes, "fused", [helper.make_tensor_value_info("x", TensorProto.FLOAT, shape)],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, shape)],
        [numpy_helper.from_array(value, name) for name, value in constants.items()],
    )  # fmt: skip
    domains = [helper.make_opsetid("", 23), helper.make_opsetid("com.microsoft", 1)]
    path = folder / "fused.onnx"
    onnx.save(helper.make_model(graph, opset_imports=domains, ir_version=10), path)
    return path


@pytest.mark.parametrize("name", CASES)
def test_fused_nodes_are_what_the_runtime_computes(name: str, tmp_path: Path) -> None:
    agree(saved(tmp_path, *CASES[name]))


@pytest.mark.parametrize(
    ("nodes", "constants", "says"),
    [
        ([fused("Attention", "x w b lengths", num_heads=2)], {**PACKED, "lengths": np.array([TOKENS], np.int32)},
         "expected no mask of its lengths; export the model for whole sequences without them"),
        ([fused("MultiHeadAttention", "x", num_heads=2)], {},
         "expected queries, keys and values apart; optimise the model without packing them"),
        ([*THREE, plain("Attention", "q k v x", q_num_heads=2, kv_num_heads=2)], WEIGHTS,
         "expected a constant mask; give every frame as many tokens"),
        ([*THREE, plain("Attention", "q k v", q_num_heads=2, kv_num_heads=2, softcap=2.0)], WEIGHTS,
         "expected no softcap; bend the scores in front of a Softmax instead"),
    ],
    ids=["lengths", "packed", "mask", "softcap"],
)  # fmt: skip
def test_what_is_refused(nodes: list[Any], constants: dict[str, Array], says: str, tmp_path: Path) -> None:
    with pytest.raises(TomatoError) as refusal:
        load(saved(tmp_path, nodes, constants))
    assert says in str(refusal.value)
