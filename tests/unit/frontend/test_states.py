"""States that a model takes and returns: its layers keep them, and frames are a sequence, as in ONNX Runtime."""

from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import onnx
import onnxruntime as ort
import pytest

import tomato
from tests.networks import sequences
from tests.networks.sequences import CLASSES, HIDDEN, WIDTH, Model, frames, one_layer, stacked, with_cells
from tests.unit.frontend.tiny import run
from tomato.core.errors import TomatoError
from tomato.core.formats import Array
from tomato.core.interface import Reading
from tomato.core.interpret import BATCH, Player
from tomato.core.state import lasting
from tomato.frontend import load
from tomato.frontend.likely_states import likely
from tomato.host.data import Data
from tomato.measure.evaluate import evaluate, sqnr

NEAR = 1e-5
PLACE = "its state returns in another place than where it came from"
FRAMES = 6
ONE, LSTM, STACK = {"h": "hn"}, {"h": "hn", "c": "cn"}, {"s": "sn"}
States = Mapping[str, str]


def fed_back(path: Path, states: States, x: Array) -> Array:
    """y of every frame by ONNX Runtime, states of 0 at first, then what the frame before returned."""
    session = ort.InferenceSession(path, providers=["CPUExecutionProvider"])
    kept = {i.name: np.zeros(i.shape, np.float32) for i in session.get_inputs() if i.name in states}
    rows = []
    for frame in x:
        y, *after = session.run(["y", *states.values()], {"x": frame[np.newaxis], **kept})
        kept = dict(zip(states, after, strict=True))
        rows.append(y)
    return np.concatenate(rows)


def imported(path: Path, states: States, x: Array) -> Array:
    """y of every frame by the graph that is imported."""
    model = load(path, Reading(states=states))
    assert [p.name for p in (*model.inputs, *model.outputs)] == ["x", "y"]
    return run(model, {"x": x})["y"].reshape(len(x), -1)


def agree(path: Path, states: States, x: Array) -> None:
    wanted = fed_back(path, states, x).reshape(len(x), -1)
    np.testing.assert_allclose(imported(path, states, x), wanted, rtol=0, atol=NEAR)


@pytest.mark.parametrize("steps", [1, 3])
@pytest.mark.parametrize("kind", ["GRU", "LSTM", "RNN"])
def test_a_layer_that_keeps_its_state(kind: str, steps: int, tmp_path: Path) -> None:
    agree(one_layer(tmp_path / "m.onnx", kind, steps), LSTM if kind == "LSTM" else ONE, frames(FRAMES, steps))


def test_a_cell_that_stays_is_read_as_well(tmp_path: Path) -> None:
    agree(with_cells(tmp_path / "m.onnx"), LSTM, frames(FRAMES, 2))


@pytest.mark.parametrize("squeezed", [False, True])
def test_states_in_one_tensor(squeezed: bool, tmp_path: Path) -> None:
    agree(stacked(tmp_path / "m.onnx", squeezed=squeezed), STACK, frames(FRAMES))


def directed(path: Path, direction: str, layout: int = 0, kind: str = "GRU") -> Path:
    """A layer of 3 steps, of all whose results the outputs are made, with the axes of one layout or the other."""
    m, count = Model(3), 1 + (direction == "bidirectional")
    shape = (1, count, HIDDEN) if layout else (count, 1, HIDDEN)
    x = m.input("x", 1, 3, WIDTH)
    x = x if layout else m.node("Transpose", [x], "steps", perm=[1, 0, 2])
    gates = sequences.GATES[kind] * HIDDEN
    weights = [m.weights(count, gates, WIDTH), m.weights(count, gates, HIDDEN)]
    more = {"direction": direction} | ({"layout": 1} if layout else {})
    m.node(kind, [x, *weights, "", "", m.input("h", *shape)], "every", "hn", hidden_size=HIDDEN, **more)
    y = m.node("Transpose", ["every"], "turned", perm=[0, 1, 2, 3] if layout else [2, 0, 1, 3])
    rows = m.node("Reshape", [y, m.constant([3, count * HIDDEN], np.int64)], "rows")
    m.node("Gemm", [rows, m.weights(count * HIDDEN, CLASSES)], "y")
    m.output("y", 3, CLASSES)
    m.output("hn", *shape)
    return m.made(path)


@pytest.mark.parametrize("direction", ["forward", "reverse", "bidirectional"])
def test_directions(direction: str, tmp_path: Path) -> None:
    agree(directed(tmp_path / "m.onnx", direction), ONE, frames(FRAMES, 3))


@pytest.mark.parametrize("direction", ["forward", "bidirectional"])
def test_both_layouts_are_one_model(direction: str, tmp_path: Path) -> None:
    x = frames(FRAMES, 3)
    steps_first = imported(directed(tmp_path / "steps.onnx", direction), ONE, x)
    assert np.array_equal(imported(directed(tmp_path / "batch.onnx", direction, layout=1), ONE, x), steps_first)


def test_only_layers_whose_states_are_given_keep_them(tmp_path: Path) -> None:
    """A second layer, which begins every frame with 0."""
    m = Model(5)
    x = m.node("Transpose", [m.input("x", 1, 2, WIDTH)], "steps", perm=[1, 0, 2])
    m.layer("GRU", x, [m.input("h", 1, 1, HIDDEN)], ["hn"], results="first")
    flat = m.node("Squeeze", ["first", m.constant([1], np.int64)], "flat")
    m.layer("GRU", flat, [], ["last"], results="", width=HIDDEN)
    row = m.node("Reshape", ["last", m.constant([1, HIDDEN], np.int64)], "row")
    m.node("Gemm", [row, m.weights(HIDDEN, CLASSES)], "y")
    m.output("y", 1, CLASSES)
    m.output("hn", 1, 1, HIDDEN)
    path = m.made(tmp_path / "m.onnx")
    agree(path, ONE, frames(FRAMES, 2))
    graph = load(path, Reading(states=ONE)).graph
    assert [lasting(node.op) for node in graph if node.op.name in ("gru", "Gru")] == [True, False]


def last_result(graph: onnx.GraphProto) -> None:
    """The state that returns is taken from the results."""
    (layer,) = (n for n in graph.node if n.op_type == "GRU")
    layer.output[1] = ""
    for name, values in (("one", [1]), ("last", [-1]), ("behind", [99]), ("axis", [0])):
        graph.initializer.append(onnx.numpy_helper.from_array(np.array(values, np.int64), name))
    graph.node.append(onnx.helper.make_node("Squeeze", ["every", "one"], ["results"], "squeeze"))
    graph.node.append(onnx.helper.make_node("Slice", ["results", "last", "behind", "axis"], ["hn"], "take"))


def test_a_state_that_is_the_last_result(tmp_path: Path) -> None:
    agree(edited(last_result)(tmp_path / "m.onnx", steps=3), ONE, frames(FRAMES, 3))


def edited(change: Callable[[onnx.GraphProto], None]) -> Callable[..., Path]:
    """What writes a GRU whose graph is changed."""

    def write(path: Path, steps: int = 1) -> Path:
        model = onnx.load(one_layer(path, steps=steps))
        change(model.graph)
        onnx.save(model, path)
        return path

    return write


def halved_before(graph: onnx.GraphProto) -> None:
    (layer,) = (n for n in graph.node if n.op_type == "GRU")
    layer.input[5] = "half"
    graph.node.insert(0, onnx.helper.make_node("Add", ["h", "h"], ["half"], "halve"))


def halved_behind(graph: onnx.GraphProto) -> None:
    (layer,) = (n for n in graph.node if n.op_type == "GRU")
    layer.output[1] = "whole"
    graph.node.append(onnx.helper.make_node("Add", ["whole", "whole"], ["hn"], "halve"))


def read_twice(graph: onnx.GraphProto) -> None:
    (scores,) = (n for n in graph.node if n.name == "y")
    scores.output[0] = "early"
    graph.node.append(onnx.helper.make_node("ReduceMax", ["h"], ["most"], "most", keepdims=0))
    graph.node.append(onnx.helper.make_node("Add", ["early", "most"], ["y"], "y"))


def another_comes_back(graph: onnx.GraphProto) -> None:
    (layer,) = (n for n in graph.node if n.op_type == "GRU")
    layer.output[1] = ""
    graph.node.append(onnx.helper.make_node("Tanh", ["x"], ["bent"], "bend"))
    graph.initializer.append(onnx.numpy_helper.from_array(np.zeros((1, 1, HIDDEN - WIDTH), np.float32), "rest"))
    graph.node.append(onnx.helper.make_node("Concat", ["bent", "rest"], ["hn"], "join", axis=2))


def half_a_state(path: Path) -> Path:
    """An LSTM whose cell begins with 0 at every frame."""
    m = Model()
    m.input("x", 1, 1, WIDTH)
    m.layer("LSTM", "x", [m.input("h", 1, 1, HIDDEN), ""], ["hn", "cn"], results="")
    row = m.node("Reshape", ["hn", m.constant([1, HIDDEN], np.int64)], "row")
    m.node("Gemm", [row, m.weights(HIDDEN, CLASSES)], "y")
    m.output("y", 1, CLASSES)
    m.output("hn", 1, 1, HIDDEN)
    return m.made(path)


def too_much_state(path: Path) -> Path:
    """Two rows of states, of which a layer takes one."""
    m = Model()
    m.input("x", 1, 1, WIDTH)
    m.input("s", 2, 1, HIDDEN)
    m.layer("GRU", "x", [m.taken("s", 0, "h")], ["end"], results="")
    m.node("Concat", ["end", m.taken("s", 1, "rest")], "sn", axis=0)
    row = m.node("Reshape", ["end", m.constant([1, HIDDEN], np.int64)], "row")
    m.node("Gemm", [row, m.weights(HIDDEN, CLASSES)], "y")
    m.output("y", 1, CLASSES)
    m.output("sn", 2, 1, HIDDEN)
    return m.made(path)


@pytest.mark.parametrize(
    ("write", "states", "what", "where"),
    [
        (edited(halved_before), ONE, "Add computes with a state", ": halve"),
        (edited(halved_behind), ONE, "it is not the state of a recurrent layer", ": output 'hn'"),
        (edited(read_twice), ONE, "ReduceMax computes with a state", ": most"),
        (edited(another_comes_back), ONE, "it is not the state of a recurrent layer", ": output 'hn'"),
        (half_a_state, ONE, "only one of its states comes from an input", ": hn"),
        (too_much_state, STACK, "not all of it is the state of a recurrent layer", ": input 's'"),
        (lambda path: stacked(path, ("h1", "h0", "c0", "c1")), STACK, PLACE, ": h0n"),
        (lambda path: stacked(path, ("c0", "h1", "h0", "c1")), STACK, PLACE, ": h0n"),
        (lambda path: one_layer(path, "LSTM"), {"h": "cn", "c": "hn"}, PLACE, ": every"),
        (lambda path: one_layer(path, "LSTM"), {"c": "cn"}, "only one of its states comes from an input", ": every"),
        (one_layer, {"x": "y"}, "GRU computes with a state", ": every"),
        (one_layer, {"g": "hn"}, "there is no input 'g'", "\n  hint: the inputs are x, h"),
        (one_layer, {"h": "gn"}, "there is no output 'gn'", "\n  hint: the outputs are y, hn"),
        (lambda path: one_layer(path, "LSTM"), {"h": "hn", "c": "hn"}, "the output 'hn' is named twice",
         "\n  hint: the outputs are y, hn, cn"),
        (one_layer, {"h": "hn", "x": "y"}, "no input is left", "\n  hint: name only those that carry a state"),
    ],
)  # fmt: skip
def test_what_cannot_stay_is_refused(
    write: Callable[[Path], Path], states: States, what: str, where: str, tmp_path: Path
) -> None:
    path = tmp_path / "m.onnx"
    with pytest.raises(TomatoError) as error:
        load(write(path), Reading(states=states))
    layers = "\n  hint: only states of LSTM, GRU and RNN can stay on the chip"
    assert str(error.value) == f"error: --state: {what}\n  --> {path}{where}{'' if 'hint' in where else layers}"


def test_golden_and_evaluation_play_one_sequence(tmp_path: Path) -> None:
    """More frames than are played at once, next to ONNX Runtime with its states fed back."""
    path, x = one_layer(tmp_path / "gru.onnx"), frames(2 * BATCH + 9, seed=1)
    accelerator = tomato.compile(path, "kv260", calibration=frames(4 * BATCH), states=ONE)
    golden, reference = accelerator.golden(x), fed_back(path, ONE, x)
    player, codes, port = Player(accelerator.graph), accelerator.encode(x), accelerator.outputs[0].value
    parts = [player.play({k: v[i : i + 50] for k, v in codes.items()})[port] for i in range(0, len(x), 50)]
    assert np.array_equal(np.concatenate(parts), accelerator.run(codes)[port])
    result = evaluate(accelerator, Data(x))
    assert result["outputs"][0]["sqnr_db"] == pytest.approx(sqnr(reference, golden), abs=0.02)
    assert result["outputs"][0]["sqnr_db"] > 30
    assert all(layer["sqnr_db"] > 30 for layer in result["layers"])
    anew = np.concatenate([accelerator.golden(x[i : i + BATCH]) for i in range(0, len(x), BATCH)])
    lost = sqnr(reference, anew)
    assert lost is not None
    assert lost < 25, "a state that is lost is seen"


def beside(path: Path, at: str) -> Path:
    """A GRU with a node that the chip has not: in "front" of it, "behind" all, or in the "middle" of the rest."""
    m = Model()
    x, axis = m.input("x", 1, 1, WIDTH), m.constant(-1, np.int32)
    x = m.node("CumSum", [x, axis], "before") if at == "front" else x
    m.layer("GRU", x, [m.input("h", 1, 1, HIDDEN)], ["hn"], results="")
    row = m.node("Reshape", ["hn", m.constant([1, HIDDEN], np.int64)], "row")
    row = m.node("CumSum", [row, axis], "between") if at == "middle" else row
    wide = m.node("Relu", [m.node("Gemm", [row, m.weights(HIDDEN, 99)], "spread")], "wide")
    scores = m.node("Gemm", [wide, m.weights(99, CLASSES)], "scores")
    m.node("CumSum", [scores, axis], "y") if at == "behind" else m.node("Relu", [scores], "y")
    m.output("y", 1, CLASSES)
    m.output("hn", 1, 1, HIDDEN)
    return m.made(path)


@pytest.mark.parametrize("at", ["front", "middle", "behind"])
def test_the_host_runs_the_ends_of_a_network_with_states(at: str, tmp_path: Path) -> None:
    """The layer stays on the chip, also where more work is behind what the chip has not."""
    path, x = beside(tmp_path / "m.onnx", at), frames(BATCH + 9, seed=1)
    accelerator = tomato.compile(path, "kv260", calibration=frames(2 * BATCH), states=ONE, host="any")
    assert accelerator.ends is not None
    assert accelerator.ends.after if at != "front" else accelerator.ends.before
    assert any(lasting(node.op) for node in accelerator.graph)
    golden, reference = accelerator.golden(x), fed_back(path, ONE, x)
    found = evaluate(accelerator, Data(x))["outputs"][0]["sqnr_db"]
    assert found == pytest.approx(sqnr(reference, golden), abs=0.02)
    assert found > 25


def test_layers_that_keep_states_are_not_left_to_the_host(tmp_path: Path) -> None:
    """Between two of them is what the chip has not."""
    m = Model()
    m.layer("GRU", m.input("x", 1, 1, WIDTH), [m.input("h", 1, 1, HIDDEN)], ["hn"], results="")
    m.node("CumSum", ["hn", m.constant(-1, np.int32)], "between")
    m.layer("GRU", "between", [m.input("g", 1, 1, HIDDEN)], ["gn"], results="", width=HIDDEN)
    row = m.node("Reshape", ["gn", m.constant([1, HIDDEN], np.int64)], "row")
    m.node("Gemm", [row, m.weights(HIDDEN, CLASSES)], "y")
    m.output("y", 1, CLASSES)
    for name in ("hn", "gn"):
        m.output(name, 1, 1, HIDDEN)
    path = m.made(tmp_path / "m.onnx")
    with pytest.raises(TomatoError, match="CumSum"):
        tomato.compile(path, "kv260", calibration=frames(BATCH), states={"h": "hn", "g": "gn"}, host="any")


@pytest.mark.parametrize(
    ("make", "option"),
    [
        (one_layer, "if h is a state that returns as hn, give --state h=hn; else "),
        (
            lambda path: one_layer(path, "LSTM"),
            "if h, c are states that return as hn, cn, give --state h=hn --state c=",
        ),
        (stacked, "if s is a state that returns as sn, give --state s=sn; else export the model with a batch of 1"),
    ],
)
def test_who_forgets_a_state_is_told(make: Callable[[Path], Path], option: str, tmp_path: Path) -> None:
    with pytest.raises(TomatoError) as refused:
        tomato.compile(make(tmp_path / "m.onnx"), "pynq-z2")
    assert refused.value.hint.startswith(option)
    assert refused.value.hint.count("--state") == option.count("--state")


@pytest.mark.parametrize(
    ("inputs", "outputs", "pairs"),
    [
        ("x state0 state1", "y state0_out state1_out", {"state0": "state0_out", "state1": "state1_out"}),
        ("x h_in c_in", "y h_out c_out", {"h_in": "h_out", "c_in": "c_out"}),
        ("x in.h", "y out.h", {"in.h": "out.h"}),
        ("x h0 c0", "y hn cn", {"h0": "hn", "c0": "cn"}),
        ("x prev_h", "new_h y", {"prev_h": "new_h"}),
        ("input state", "output stateN", {"state": "stateN"}),
        ("x_in", "x_out", {}),
        ("x a", "y b", {}),
        ("x h_in", "y h_out:1x9", {}),
        ("x h0 h_in", "y hn", {}),
    ],
)
def test_pairs_of_names(inputs: str, outputs: str, pairs: States) -> None:
    def described(text: str) -> list[onnx.ValueInfoProto]:
        names = [part.partition(":") for part in text.split()]
        sizes = [[int(n) for n in size.split("x")] if size else [1, 8] for _, _, size in names]
        return [onnx.helper.make_tensor_value_info(n, 1, s) for (n, _, _), s in zip(names, sizes, strict=True)]

    assert likely(onnx.helper.make_graph([], "g", described(inputs), described(outputs))) == pairs
