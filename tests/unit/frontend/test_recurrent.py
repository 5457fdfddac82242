"""LSTM, GRU and RNN against ONNX Runtime, and what is refused of them."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime as ort
import pytest
from numpy.typing import ArrayLike

from tests.networks.recurrent import real
from tests.unit.frontend.tiny import Tiny, agree, kinds, op, randoms, run
from tomato.core.errors import TomatoError
from tomato.frontend import load
from tomato.frontend.write import formless, write
from tomato.ops.recurrent import Lstm, Recurrent, Rnn

RNG = np.random.default_rng(0)

STEPS, INPUTS, HIDDEN = 5, 3, 4
GATES = {"LSTM": 4, "GRU": 3, "RNN": 1}
FRAME = {"x": (1, STEPS, INPUTS)}
STEPS_FIRST = op("Transpose", "x", to="t", perm=[1, 0, 2])
"""ONNX has the steps in front of the batch."""
BATCH_FIRST = {"y": [2, 0, 1, 3], "z": [1, 0, 2], "last_c": [1, 0, 2]}


def weights(kind: str, directions: int = 1) -> dict[str, ArrayLike]:
    rows = GATES[kind] * HIDDEN
    return {
        "w": randoms(directions, rows, INPUTS, seed=1),
        "r": randoms(directions, rows, HIDDEN, seed=2),
        "b": randoms(directions, 2 * rows, seed=3),
        "h": np.tanh(randoms(directions, 1, HIDDEN, seed=4)),
        "c": randoms(directions, 1, HIDDEN, seed=5),
        "five": np.array([STEPS], np.int32),
        "four": np.array([STEPS - 1], np.int32),
        "peep": randoms(directions, 3 * HIDDEN, seed=6),
    }


def layer(
    kind: str, inputs: str = "w r b", *, to: str = "y", directions: int = 1, x: str = "t", **attributes: Any
) -> Tiny:
    """A layer between exchanges of batch and steps; "-" is what is left out.

    Outputs: all steps y, the last one z, its cell last_c.
    """
    names = ["" if name == "-" else name for name in inputs.split()]
    outputs = [name for name in to.split() if name != "-"]
    made = ["" if name == "-" else f"{name}s" for name in to.split()]
    nodes = [STEPS_FIRST, op(kind, x, *names, to=made, hidden_size=HIDDEN, name="layer", **attributes)]
    nodes += [op("Transpose", f"{name}s", to=name, perm=BATCH_FIRST[name]) for name in outputs]
    constants = {name: value for name, value in weights(kind, directions).items() if name in names}
    return Tiny(nodes, FRAME, constants, outputs, opset=14)


CASES: Mapping[str, Tiny] = {
    **{kind: layer(kind) for kind in GATES},
    **{f"{kind}_without_bias": layer(kind, "w r") for kind in GATES},
    **{f"{kind}_begins": layer(kind, "w r b - h c" if kind == "LSTM" else "w r b - h") for kind in GATES},
    **{f"{kind}_both_ways": layer(kind, directions=2, direction="bidirectional") for kind in GATES},
    "reverse": layer("GRU", "w r b five h", direction="reverse"),
    "last_alone": layer("LSTM", "w r b", to="- z"),
    "cell_alone": layer("LSTM", "w r b - h c", to="- - last_c"),
    "cell_and_last": layer("LSTM", "w r b - h c", to="y z last_c"),
    "cells_both_ways": layer("LSTM", "w r b", to="- z last_c", directions=2, direction="bidirectional"),
    "all_and_last": layer("GRU", to="y z"),
    "resets_behind": layer("GRU", linear_before_reset=1),
    "lengths": layer("LSTM", "w r b five"),
    "softsign": layer("RNN", activations=["Softsign"]),
    "sigmoid": layer("RNN", activations=["Sigmoid"]),
    "hard": layer(
        "LSTM", activations=["HardSigmoid", "Tanh", "Softsign"], activation_alpha=[0.3], activation_beta=[0.4]
    ),
    "hard_by_default": layer("GRU", activations=["HardSigmoid", "Tanh"]),
    "unlike_ways": layer(
        "RNN", directions=2, direction="bidirectional", activations=["HardSigmoid", "HardSigmoid"],
        activation_alpha=[0.3, 0.1], activation_beta=[0.4, 0.6],
    ),
    "identity": Tiny(
        [STEPS_FIRST, op("RNN", "t", "eye", "r", to="ys", hidden_size=3), op("Transpose", "ys", perm=BATCH_FIRST["y"])],
        FRAME, {"eye": np.eye(3)[None], "r": randoms(1, 3, 3)}, opset=14,
    ),
}  # fmt: skip


WRITTEN = [name for name in CASES if not any(word in name for word in ("ways", "reverse", "hard_by_default", "cell"))]
"""Those that go forward, show their results, and whose numbers are float32's."""


@pytest.mark.parametrize("name", CASES)
def test_layers_are_what_the_runtime_computes(name: str, tmp_path: Path) -> None:
    agree(CASES[name].save(tmp_path))


def test_a_layer_is_a_product_a_bias_and_a_loop(tmp_path: Path) -> None:
    assert kinds(agree(CASES["LSTM"].save(tmp_path))) == ["dense", "affine", "lstm"]
    assert kinds(agree(CASES["LSTM_without_bias"].save(tmp_path))) == ["dense", "lstm"]
    assert kinds(agree(CASES["identity"].save(tmp_path))) == ["rnn"], "inputs that are the sums already"


def test_the_last_step_of_a_direction_back_is_its_first_column(tmp_path: Path) -> None:
    """Y_h is what each direction ends with."""
    agree(layer("LSTM", to="y z", directions=2, direction="bidirectional").save(tmp_path))


@pytest.mark.parametrize("name", WRITTEN)
def test_a_layer_that_is_written_reads_back(name: str, tmp_path: Path) -> None:
    """As the same operator; batches of any size are frames by themselves."""
    first = load(CASES[name].save(tmp_path))
    path = tmp_path / "written.onnx"
    write(first.graph, first.inputs, first.outputs, path)
    again = load(path)
    loops = [[node.op for node in model.graph if isinstance(node.op, Recurrent)] for model in (first, again)]
    assert loops[0] == loops[1] != []
    frames = randoms(3, STEPS, INPUTS)
    (got,) = ort.InferenceSession(path, providers=["CPUExecutionProvider"]).run(None, {"x": frames})[:1]
    port = first.outputs[0].name
    for frame, answer in zip(frames, got, strict=True):
        for model in (first, again):
            np.testing.assert_allclose(answer[None], run(model, {"x": frame[None]})[port], atol=1e-5)


@pytest.mark.parametrize(
    ("layer_on_reals", "says"),
    [
        pytest.param(replace(real(Rnn, 3, RNG), lasting=True),
                     "a state that lasts from frame to frame has no form in a file", id="lasting"),
        pytest.param(real(Lstm, 3, RNG, cells=True),
                     "the cells of all steps have no form in a file, which has those of the last one", id="cells"),
        pytest.param(replace(real(Rnn, 3, RNG), functions=(("erf", "x"),)),
                     "one of its functions has no form in a file", id="function"),
    ],
)  # fmt: skip
def test_what_has_no_form_in_a_file(layer_on_reals: Recurrent, says: str) -> None:
    assert formless(layer_on_reals) == says


@pytest.mark.parametrize(
    ("case", "says"),
    [
        pytest.param(layer("LSTM", "w r b - - - peep"),
                     "expected no peepholes; train the LSTM without them", id="peepholes"),
        pytest.param(layer("GRU", clip=3.0),
                     "expected neither a clip nor coupled gates; train the layer without them", id="clip"),
        pytest.param(layer("LSTM", input_forget=1),
                     "expected neither a clip nor coupled gates; train the layer without them", id="coupled"),
        pytest.param(layer("RNN", activations=["Relu"]),
                     "expected an activation that stays within -1 and 1, not Relu; use Sigmoid and Tanh",
                     id="unbounded"),
        pytest.param(layer("GRU", activations=["Tanh", "Tanh"]),
                     "expected gates between 0 and 1, Tanh goes from -1; use Sigmoid", id="gate_below_0"),
        pytest.param(layer("GRU", activations=["Sigmoid"]),
                     "expected 2 activations, not 1; check the exported model", id="too_few_activations"),
        pytest.param(layer("LSTM", "w r b four"),
                     "expected sequences of one fixed length; export the model without sequence lengths",
                     id="shorter"),
        pytest.param(layer("GRU", x="x"),
                     "expected a batch of 1, not of 5; export the model for one sequence", id="batch"),
        pytest.param(layer("GRU", direction="reverse", directions=2),
                     "its weights do not suit each other; check the exported model", id="directions"),
    ],
)  # fmt: skip
def test_what_is_refused(case: Tiny, says: str, tmp_path: Path) -> None:
    with pytest.raises(TomatoError) as refusal:
        load(case.save(tmp_path))
    assert says in str(refusal.value)
