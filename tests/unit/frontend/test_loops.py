"""Recurrent layers that come as Scan, as Loop, or step by step."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from onnx import TensorProto, helper

from tests.unit.frontend.tiny import Tiny, agree, kinds, op, randoms
from tomato.core.errors import TomatoError
from tomato.frontend import load

EXPECTED = "expected each step to be that of an LSTM, a GRU or a plain recurrent layer"
STEPS, INPUTS, UNITS = 5, 3, 4
SEQUENCE = {"x": (1, STEPS, INPUTS)}

Nodes = list[Any]
Spelling = Callable[[str, str, str, str], Nodes]
"""The nodes of a step: from x, h and c (if there is one), which end in `h` and `c` with the last string behind them."""


def weights(gates: int) -> dict[str, Any]:
    """Matrices of all gates, and each gate's own, all of one layer."""
    w, r = randoms(gates * UNITS, INPUTS, seed=1), randoms(gates * UNITS, UNITS, seed=2)
    b, c = randoms(gates * UNITS, seed=3), randoms(gates * UNITS, seed=4)
    found: dict[str, Any] = {"w": w, "r": r, "b": b, "rb": c, "both": np.hstack([w, r]).T, "bias": b + c}
    for n in range(gates):
        rows = slice(n * UNITS, (n + 1) * UNITS)
        found |= {f"w{n}": w[rows].T, f"r{n}": r[rows].T, f"b{n}": b[rows], f"rb{n}": c[rows]}
    return found | {
        "one": np.float32(1),
        "clip_lo": np.float32(0),
        "clip_hi": np.float32(1),
        "first": np.array([UNITS] * 4),
    }


def lstm_end(i: str, f: str, g: str, o: str, c: str, t: str) -> Nodes:
    return [
        op("Sigmoid", i, to=f"si{t}"), op("Sigmoid", f, to=f"sf{t}"), op("Sigmoid", o, to=f"so{t}"),
        op("Tanh", g, to=f"tg{t}"), op("Mul", f"sf{t}", c, to=f"kept{t}"), op("Mul", f"si{t}", f"tg{t}", to=f"new{t}"),
        op("Add", f"kept{t}", f"new{t}", to=f"c{t}"), op("Tanh", f"c{t}", to=f"tc{t}"),
        op("Mul", f"so{t}", f"tc{t}", to=f"h{t}"),
    ]  # fmt: skip


def lstm_packed(x: str, h: str, c: str, t: str) -> Nodes:
    """PyTorch's order i, f, g, o, as two Gemms and a Split."""
    return [
        op("Gemm", x, "w", "b", to=f"gx{t}", transB=1), op("Gemm", h, "r", "rb", to=f"gh{t}", transB=1),
        op("Add", f"gx{t}", f"gh{t}", to=f"g{t}"),
        op("Split", f"g{t}", "first", to=[f"i{t}", f"f{t}", f"n{t}", f"o{t}"], axis=1),
        *lstm_end(f"i{t}", f"f{t}", f"n{t}", f"o{t}", c, t),
    ]  # fmt: skip


def lstm_joined(x: str, h: str, c: str, t: str) -> Nodes:
    """One matrix of [x, h]; one Sigmoid of three gates."""
    return [
        op("Concat", x, h, to=f"xh{t}", axis=1), op("MatMul", f"xh{t}", "both", to=f"m{t}"),
        op("Add", f"m{t}", "bias", to=f"g{t}"),
        op("Split", f"g{t}", "first", to=[f"o{t}", f"i{t}", f"f{t}", f"n{t}"], axis=1),
        *lstm_end(f"i{t}", f"f{t}", f"n{t}", f"o{t}", c, t),
    ]  # fmt: skip


def gates_apart(x: str, h: str, t: str, numbers: Mapping[str, int]) -> Nodes:
    return [
        node
        for name, n in numbers.items()
        for node in (
            op("MatMul", x, f"w{n}", to=f"{name}x{t}"),
            op("MatMul", h, f"r{n}", to=f"{name}h{t}"),
            op("Add", f"{name}x{t}", f"{name}h{t}", to=f"{name}s{t}"),
            op("Add", f"{name}s{t}", f"b{n}", to=f"{name}{t}"),
        )
    ]


def lstm_apart(x: str, h: str, c: str, t: str) -> Nodes:
    """A matrix for each gate."""
    return [
        *gates_apart(x, h, t, {"o": 0, "f": 1, "i": 2, "n": 3}),
        *lstm_end(f"i{t}", f"f{t}", f"n{t}", f"o{t}", c, t),
    ]


def gru_end(x: str, h: str, t: str, *, after: bool, turned: bool) -> Nodes:
    one, other = (f"n{t}", h) if not turned else (h, f"n{t}")
    reset = [
        op("Gemm", h, "r2", "rb2", to=f"nh{t}"), op("Mul", f"sr{t}", f"nh{t}", to=f"loop{t}"),
    ] if after else [
        op("Mul", f"sr{t}", h, to=f"part{t}"), op("MatMul", f"part{t}", "r2", to=f"loop{t}"),
    ]  # fmt: skip
    return [
        *gates_apart(x, h, t, {"z": 0, "r": 1}), op("Sigmoid", f"z{t}", to=f"sz{t}"),
        op("Sigmoid", f"r{t}", to=f"sr{t}"),
        op("Gemm", x, "w2", "b2", to=f"nx{t}"), *reset, op("Add", f"nx{t}", f"loop{t}", to=f"ns{t}"),
        op("Tanh", f"ns{t}", to=f"n{t}"), op("Sub", "one", f"sz{t}", to=f"rest{t}"),
        op("Mul", f"rest{t}", one, to=f"left{t}"), op("Mul", f"sz{t}", other, to=f"right{t}"),
        op("Add", f"left{t}", f"right{t}", to=f"h{t}"),
    ]  # fmt: skip


def gru_after(x: str, h: str, _c: str, t: str) -> Nodes:
    return gru_end(x, h, t, after=True, turned=False)


def gru_before(x: str, h: str, _c: str, t: str) -> Nodes:
    return gru_end(x, h, t, after=False, turned=False)


def gru_turned(x: str, h: str, _c: str, t: str) -> Nodes:
    """z and 1 - z the other way round."""
    return gru_end(x, h, t, after=False, turned=True)


def rnn(x: str, h: str, _c: str, t: str) -> Nodes:
    return [*gates_apart(x, h, t, {"s": 0}), op("Tanh", f"s{t}", to=f"h{t}")]


def rnn_clipped(x: str, h: str, _c: str, t: str) -> Nodes:
    """A hard sigmoid as Clip."""
    return [*gates_apart(x, h, t, {"s": 0}), op("Clip", f"s{t}", "clip_lo", "clip_hi", to=f"h{t}")]


def peephole(x: str, h: str, c: str, t: str) -> Nodes:
    """The forget gate sees the cell."""
    nodes = lstm_apart(x, h, c, t)
    at = next(i for i, n in enumerate(nodes) if n.op_type == "Sigmoid" and n.input[0] == f"f{t}")
    return [*nodes[:at], op("Add", f"f{t}", c, to=f"peep{t}"), op("Sigmoid", f"peep{t}", to=f"sf{t}"), *nodes[at + 1 :]]


def nearly(x: str, h: str, _c: str, t: str) -> Nodes:
    """A GRU whose parts do not quite add up."""
    return [
        *gru_before(x, h, "", t)[:-1],
        op("Mul", f"right{t}", "b0", to=f"odd{t}"),
        op("Add", f"left{t}", f"odd{t}", to=f"h{t}"),
    ]


SPELLINGS: Mapping[str, tuple[Spelling, int, str]] = {
    "lstm, packed": (lstm_packed, 4, "lstm"),
    "lstm, joined": (lstm_joined, 4, "lstm"),
    "lstm, apart": (lstm_apart, 4, "lstm"),
    "gru, reset after": (gru_after, 3, "gru"),
    "gru, reset before": (gru_before, 3, "gru"),
    "gru, turned": (gru_turned, 3, "gru"),
    "rnn": (rnn, 1, "rnn"),
    "rnn, clipped": (rnn_clipped, 1, "rnn"),
}
ODD: Mapping[str, tuple[Spelling, int, str]] = {"peephole": (peephole, 4, ""), "nearly": (nearly, 3, "")}


def value(name: str, *shape: int, kind: int = TensorProto.FLOAT) -> Any:
    return helper.make_tensor_value_info(name, kind, list(shape))


def scan(spelling: Spelling, gates: int, opset: int = 13, **attributes: Any) -> Tiny:
    """A Scan of which all results are outputs."""
    states = ["h", "c"] if gates == 4 else ["h"]
    body = helper.make_graph(
        [*spelling("xt", "h", "c", "_new"), op("Identity", "h_new", to="every")], "step",
        [*(value(s, 1, UNITS) for s in states), value("xt", 1, INPUTS)],
        [*(value(f"{s}_new", 1, UNITS) for s in states), value("every", 1, UNITS)],
    )  # fmt: skip
    given: dict[str, Any] = {"num_scan_inputs": 1, "scan_input_axes": [1], "scan_output_axes": [1]} | attributes
    node = op("Scan", *(f"{s}0" for s in states), "x", to=[*(f"last_{s}" for s in states), "steps"], body=body, **given)
    begins = {f"{s}0": 0.3 * randoms(1, UNITS, seed=n) for n, s in enumerate(states)}
    behind = op("Reshape", "steps", "shape")
    return Tiny([node, behind], SEQUENCE, weights(gates) | begins | {"shape": [1, -1, UNITS]}, ["last_h", "y"], opset)


@pytest.mark.parametrize("case", SPELLINGS)
def test_scan_of_a_recurrent_step_is_the_layer(tmp_path: Path, case: str) -> None:
    spelling, gates, layer = SPELLINGS[case]
    found = kinds(agree(scan(spelling, gates).save(tmp_path)))
    assert (found.count(layer), found.count("dense")) == (1, 1)


@pytest.mark.parametrize(
    "attributes",
    [{"scan_input_directions": [1]}, {"scan_output_directions": [1]}, {"scan_output_axes": [0]},
     {"scan_output_axes": [-1]},
     {"scan_input_directions": [1], "scan_output_directions": [1]}],
    ids=str,
)  # fmt: skip
def test_scan_runs_in_any_direction_along_any_axis(tmp_path: Path, attributes: dict[str, Any]) -> None:
    assert "lstm" in kinds(agree(scan(lstm_packed, 4, **attributes).save(tmp_path)))


def looped(spelling: Spelling, gates: int, *, count: str = "count", extra: Nodes | None = None) -> Tiny:
    """A Loop that looks its input up by the number of the step."""
    states = ["h", "c"] if gates == 4 else ["h"]
    body = helper.make_graph(
        [op("Gather", "x", "t", to="xt", axis=1), *spelling("xt", "h", "c", "_new"), op("Identity", "going", to="on"),
         *(extra or [op("Identity", "h_new", to="every")])], "step",
        [value("t", kind=TensorProto.INT64), value("going", kind=TensorProto.BOOL),
         *(value(s, 1, UNITS) for s in states)],
        [value("on", kind=TensorProto.BOOL), *(value(f"{s}_new", 1, UNITS) for s in states), value("every", 1, UNITS)],
    )  # fmt: skip
    node = op("Loop", count, "", *("zeros" for _ in states), to=[*(f"last_{s}" for s in states), "steps"], body=body)
    begin = {"zeros": np.zeros((1, UNITS), np.float32), "count": np.array(STEPS)}
    return Tiny([node, op("Transpose", "steps", perm=[1, 0, 2])], SEQUENCE, weights(gates) | begin)


@pytest.mark.parametrize("case", ["lstm, joined", "gru, reset after", "rnn"])
def test_loop_over_the_steps_is_the_layer(tmp_path: Path, case: str) -> None:
    spelling, gates, layer = SPELLINGS[case]
    assert layer in kinds(agree(looped(spelling, gates).save(tmp_path)))


def test_what_a_step_makes_of_its_state_alone_is_a_layer_behind(tmp_path: Path) -> None:
    head = [op("Gemm", "h_new", "r1", "b1", to="every")]
    model = looped(rnn, 1, extra=head)
    constants: dict[str, Any] = {**model.constants, "r1": randoms(UNITS, UNITS, seed=7), "b1": randoms(UNITS, seed=8)}
    found = kinds(agree(Tiny(model.nodes, model.inputs, constants).save(tmp_path)))
    assert (found.count("rnn"), found.count("dense")) == (1, 2)


def test_what_the_network_makes_of_every_step_is_one_layer(tmp_path: Path) -> None:
    model = steps(gru_turned, 3)
    nodes = list(model.nodes[:-1])
    nodes += [op("Gemm", f"h_{t}", "r1", "b1", to=f"head_{t}") for t in range(STEPS)]
    nodes.append(op("Concat", *(f"head_{t}" for t in range(STEPS)), to="y", axis=1))
    found = kinds(agree(Tiny(nodes, model.inputs, model.constants).save(tmp_path)))
    assert (found.count("gru"), found.count("dense")) == (1, 2)


REFUSALS: Mapping[str, tuple[Tiny, str]] = {
    "peephole": (scan(peephole, 4), EXPECTED),
    "nearly": (scan(nearly, 3), EXPECTED),
    "operator": (
        looped(lambda x, h, c, t: [*gates_apart(x, h, t, {"s": 0}), op("Sin", f"s{t}", to=f"h{t}")], 1),
        f"{EXPECTED}, which has no Sin",
    ),
    "results": (
        looped(rnn, 1, extra=[op("Exp", "h_new", to="every")]),
        "expected results that are the layer's states, times and plus constants",
    ),
    "number": (
        looped(rnn, 1, extra=[helper.make_node("Cast", ["t"], ["tf"], to=1),
                              op("Add", "h_new", "tf", to="every")]),
        f"{EXPECTED}, and this one depends on its number",
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", REFUSALS)
def test_other_loops_are_refused_by_what_was_expected(tmp_path: Path, case: str) -> None:
    model, expected = REFUSALS[case]
    with pytest.raises(TomatoError) as error:
        load(model.save(tmp_path))
    kind = model.nodes[0].op_type
    todo = "export the layer itself (nn.LSTM, nn.GRU, nn.RNN), or by tracing"
    count = len(model.nodes)
    assert str(error.value).splitlines()[:2] == [
        f"error: 1 of {count} nodes cannot be compiled:", f"    {kind} #0 ({kind}): {expected}; {todo}"
    ]  # fmt: skip


def steps(spelling: Spelling, gates: int, *, begin: float = 0.0) -> Tiny:
    """The same step by step, as a loop in Python is exported."""
    nodes: Nodes = []
    for t in range(STEPS):
        before = f"_{t - 1}" if t else "start"
        nodes += [
            op("Gather", "x", f"at{t}", to=f"x{t}", axis=1),
            *spelling(f"x{t}", f"h{before}", f"c{before}", f"_{t}"),
        ]
    nodes.append(op("Concat", *(f"h_{t}" for t in range(STEPS)), to="y", axis=1))
    start = {f"{s}start": np.full((1, UNITS), begin, np.float32) for s in "hc"}
    return Tiny(nodes, SEQUENCE, weights(gates) | start | {f"at{t}": np.array(t) for t in range(STEPS)})


@pytest.mark.parametrize("case", SPELLINGS)
def test_steps_one_behind_the_other_are_the_layer(tmp_path: Path, case: str) -> None:
    spelling, gates, layer = SPELLINGS[case]
    found = kinds(agree(steps(spelling, gates, begin=0.25).save(tmp_path)))
    assert (found.count(layer), found.count("dense")) == (1, 1)


@pytest.mark.parametrize("case", ODD)
def test_steps_of_nothing_known_stay_as_they_are(tmp_path: Path, case: str) -> None:
    spelling, gates, _ = ODD[case]
    found = kinds(agree(steps(spelling, gates).save(tmp_path)))
    assert not {"lstm", "gru", "rnn"} & set(found)


def test_one_other_constant_keeps_the_steps_apart(tmp_path: Path) -> None:
    model = steps(rnn, 1)
    odd = next(n for n in model.nodes if n.output[0] == "ss_2")
    odd.input[1] = "b0"
    assert "rnn" not in kinds(agree(model.save(tmp_path)))


def test_functions_of_a_layer_are_read(tmp_path: Path) -> None:
    node = op("LSTM", "x", "w", "r", hidden_size=UNITS, activations=["HardSigmoid", "Softsign", "Tanh"],
              activation_alpha=[0.25], activation_beta=[0.5])  # fmt: skip
    given = {"w": randoms(1, 4 * UNITS, INPUTS, seed=1), "r": randoms(1, 4 * UNITS, UNITS, seed=2)}
    agree(Tiny([node], {"x": (1, 1, INPUTS)}, given).save(tmp_path))


def test_layers_as_keras_and_tf2onnx_write_them(tmp_path: Path) -> None:
    """Batch first; weights joined of constants; states of the input's own, dynamic batch; directions squeezed away."""
    kernel, inner, bias = (
        randoms(INPUTS, 4 * UNITS, seed=1),
        randoms(UNITS, 4 * UNITS, seed=2),
        randoms(4 * UNITS, seed=3),
    )
    nodes = []
    for name, given in (("kernel", "W"), ("inner", "R")):  # i, c, f, o as Keras has them become i, o, f, c
        nodes += [
            op("Split", name, "units", to=[f"{name}{g}" for g in "icfo"], axis=1),
            op("Concat", *(f"{name}{g}" for g in "iofc"), to=f"{name}_onnx", axis=1),
            op("Transpose", f"{name}_onnx", to=f"{name}_rows", perm=[1, 0]),
            op("Unsqueeze", f"{name}_rows", "first", to=given),
        ]
    nodes += [
        op("Concat", "bias", "no_bias", to="both", axis=0), op("Unsqueeze", "both", "first", to="B"),
        op("Shape", "x", to="shape"), op("Gather", "shape", "zero", to="batch", axis=0),
        op("Unsqueeze", "batch", "first", to="batch1"),
        op("Concat", "one", "batch1", "hidden", to="begin_shape", axis=0),
        op("ConstantOfShape", "begin_shape", to="h0"), op("Expand", "c", "begin_shape", to="c0"),
        op("Gather", "shape", "first_axis", to="length", axis=0),
        helper.make_node("Cast", ["length"], ["length32"], to=TensorProto.INT32),
        op("Expand", "length32", "batch1", to="lengths"),
        op("Transpose", "x", to="steps", perm=[1, 0, 2]),
        op("LSTM", "steps", "W", "R", "B", "lengths", "h0", "c0", to=["every", "last"], hidden_size=UNITS),
        op("Squeeze", "every", "one", to="plain"), op("Transpose", "plain", to="y", perm=[1, 0, 2]),
        op("Squeeze", "last", "first", to="z"),
    ]  # fmt: skip
    constants: dict[str, Any] = {
        "kernel": kernel, "inner": inner, "bias": bias, "no_bias": np.zeros(4 * UNITS), "units": [UNITS] * 4,
        "first": [0],
        "zero": np.array(0), "one": [1], "hidden": [UNITS], "c": np.full((1, 1, UNITS), 0.5), "first_axis": np.array(1),
    }  # fmt: skip
    found = kinds(agree(Tiny(nodes, {"x": ("N", STEPS, INPUTS)}, constants, ["y", "z"]).save(tmp_path)))
    assert "lstm" in found
