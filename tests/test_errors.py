"""Mistakes of the user: one clear message, exit code 1, nothing half-written. Everything through the command line."""

from pathlib import Path

import numpy as np
import onnx
import pytest
from click.testing import CliRunner

from tests.frontend.tiny import Tiny, op, randoms
from tests.models import model_path
from tomato.cli import main

DIGITS = Path(__file__).parents[1] / "examples/digits/digits.onnx"
LIST = "  hint: tomato inspect lists every node; change the network or export it differently\n"
LARGER = (
    "  hint: its weights take 8.4 Mbit, the memories that a design may use {0} Mbit: "
    "weights of {1} bits would fit (--precision w{1}a8), or a larger board (tomato targets)\n"
)


@pytest.fixture(autouse=True)
def _in_a_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def refused(*arguments: str | Path) -> str:
    """What a command says on stderr when it fails as it should: without a traceback and without new files."""
    before = snapshot()
    result = CliRunner().invoke(main, [str(a) for a in arguments])
    assert result.exit_code == 1
    assert isinstance(result.exception, SystemExit), "a traceback"
    assert result.stdout == ""
    assert snapshot() == before
    return result.stderr


def snapshot() -> dict[str, bytes]:
    return {str(p): p.read_bytes() if p.is_file() else b"" for p in sorted(Path().rglob("*"))}


def compile_refused(model: str | Path, *more: str, target: str = "u250") -> str:
    return refused("compile", model, "--target", target, *more)


def tiny(case: Tiny) -> str:
    case.save(Path())
    return "tiny.onnx"


def test_no_such_model() -> None:
    assert compile_refused("no.onnx") == (
        "error: the file does not exist\n  --> no.onnx\n  hint: check the path and the working directory\n"
    )


def test_not_onnx() -> None:
    Path("m.onnx").write_text("import torch\n")
    assert compile_refused("m.onnx") == (
        "error: this is not an ONNX file, or it holds no network\n"
        "  --> m.onnx\n"
        "  hint: export the network to ONNX, for example with torch.onnx.export or tf2onnx\n"
    )


def test_truncated() -> None:
    Path("m.onnx").write_bytes(DIGITS.read_bytes()[:-500])
    assert compile_refused("m.onnx") == (
        "error: the ONNX file is truncated or damaged\n  --> m.onnx\n  hint: copy, download or export it again\n"
    )


def test_missing_external_data() -> None:
    model = onnx.load(DIGITS)
    onnx.save(model, "m.onnx", save_as_external_data=True, location="weights.bin", size_threshold=0)
    Path("weights.bin").unlink()
    assert compile_refused("m.onnx") == (
        "error: the file with the model's weights is missing: weights.bin\n"
        "  --> m.onnx\n"
        "  hint: put it next to the ONNX file, or save the model with its weights inside: onnx.save(onnx.load(...))\n"
    )


def test_unknown_operators_are_named_together() -> None:
    nodes = [op("Frobnicate", "x", to="a"), op("Relu", "a", to="b"), op("Erf2", "b")]
    assert compile_refused(tiny(Tiny(nodes))) == (
        "error: 2 of 3 nodes cannot be compiled:\n"
        "    Frobnicate #0 (Frobnicate): the operator is not supported; replace it in the network by supported ones\n"
        "    Erf2 #2 (Erf2): the operator is not supported; replace it in the network by supported ones\n"
        "  --> tiny.onnx\n" + LIST
    )


def test_dynamic_size() -> None:
    case = Tiny([op("Relu", "x")], inputs={"x": (1, 4, "rows", 8)})
    assert compile_refused(tiny(case)) == (
        "error: axis 2 ('rows') has a dynamic size, but hardware needs a fixed one\n"
        "  --> tiny.onnx: input 'x'\n"
        "  hint: fix it: --shape rows=N\n"
    )


def test_weights_that_are_not_numbers() -> None:
    weights = randoms(4, 4, 3, 3)
    weights[1, 2] = np.nan
    assert compile_refused(tiny(Tiny([op("Conv", "x", "w")], constants={"w": weights}))) == (
        "error: 1 of 1 nodes cannot be compiled:\n"
        "    Conv #0 (Conv): the constant 'w' holds 9 NaN or infinite values; check the training and export again\n"
        "  --> tiny.onnx\n" + LIST
    )


@pytest.mark.models
def test_recurrent_network() -> None:
    path = model_path("lstm_mnist_float.onnx")
    assert compile_refused(path) == (
        "error: 1 of 7 nodes cannot be compiled:\n"
        "    LSTM_2 (LSTM): recurrent layers are not supported; use a convolution over time instead\n"
        f"  --> {path}\n"
        "  hint: --host any compiles the rest all the same: the host runs before the chip Transpose_1 (Transpose), "
        "LSTM_2 (LSTM), Squeeze_3 (Squeeze) and 1 more: 95.0% of the multiply-accumulates\n"
    )


def test_unknown_target() -> None:
    assert compile_refused(DIGITS, target="u251") == (
        "error: unknown target 'u251'\n"
        "  hint: did you mean u250? known targets: arria10-gx1150, kv260, pynq-z2, stratix10-gx2800, u250, u280, "
        "u55c, ulx3s, zcu102, zcu104\n"
    )


def test_calibration_of_another_shape() -> None:
    np.save("x.npy", np.zeros((4, 1, 9, 8), np.float32))
    assert compile_refused(DIGITS, "--calibrate", "x.npy") == (
        "error: the data has the shape (4, 1, 9, 8): expected (frames, 1, 8, 8)\n"
        "  --> x.npy\n"
        "  hint: the first axis counts frames, the others are those of the model's input\n"
    )


def test_calibration_for_another_number_of_inputs() -> None:
    assert compile_refused(DIGITS, "--calibrate", "a.npy", "--calibrate", "b.npy") == (
        "error: data files given: 2, but inputs of the model: 1 (image)\n"
        "  hint: repeat the option, once per input and in this order\n"
    )


def test_calibration_that_is_no_archive() -> None:
    Path("x.npz").write_bytes(b"PK\x03\x04 and then nothing")
    assert compile_refused(DIGITS, "--calibrate", "x.npz") == (
        "error: cannot read the data: File is not a zip file\n"
        "  --> x.npz\n"
        "  hint: give a .npz, a .npy or a folder of images\n"
    )


@pytest.mark.parametrize(
    ("target", "taken", "budget", "memory", "bits"),
    [pytest.param("ulx3s", 457, 187, 3.4, 2, marks=pytest.mark.slow), ("pynq-z2", 456, 252, 4.6, 3)],
)
def test_network_that_cannot_fit(target: str, taken: int, budget: int, memory: float, bits: int) -> None:
    case = Tiny([op("Gemm", "x", "w", name="huge")], inputs={"x": (1, 1024)}, constants={"w": randoms(1024, 1024)})
    lines = compile_refused(tiny(case), target=target).splitlines(keepends=True)
    start, largest = lines[0].split(" The largest layer is ")
    assert start == (
        f"error: the network does not fit {target}, even at its slowest: "
        f"it takes {taken} bram18 of {budget} ({taken - budget} too many)."
    )
    assert largest.startswith("huge with ")
    assert lines[1:] == ["  --> tiny.onnx\n", LARGER.format(memory, bits)]


def test_rate_out_of_reach() -> None:
    assert compile_refused(DIGITS, "--fps", "1e9") == (
        "error: 1e+09 frames/s is out of reach on u250 at 250 MHz: "
        "the fastest that fits makes 3,906,250 frames/s (64 cycles a frame)\n"
        f"  --> {DIGITS}\n"
        "  hint: ask for less, raise --clock, or choose a larger board\n"
    )


def test_folder_of_somebody_else() -> None:
    Path("mine").mkdir()
    Path("mine/thesis.tex").write_text("years of work")
    assert compile_refused(DIGITS, "-o", "mine") == (
        "error: the output folder is not empty and was not written by tomato: nothing was touched\n"
        "  --> mine\n"
        "  hint: choose another folder with -o, or remove it yourself\n"
    )


@pytest.mark.parametrize("output", ["file", "file/below"])
def test_output_that_is_a_file(output: str) -> None:
    Path("file").write_text("kept")
    assert compile_refused(DIGITS, "-o", output) == (
        "error: the output is a file, not a folder\n  --> file\n  hint: choose another with -o\n"
    )


PLANS = {
    "unknown layer": (
        '[layers.nope]\nengine = "dense_fold"\n',
        (
            "error: the plan names a layer that the model does not have: nope\n  --> plan.toml\n"
            "  hint: the layers are y, y_q\n"
        ),
    ),
    "unknown engine": (
        '[layers.y]\nengine = "magic"\n',
        "error: engine 'magic' does not implement dense\n  --> plan.toml: [layers.y]\n  hint: choose from dense_fold\n",
    ),
    "unknown knob": (
        '[layers.y]\nengine = "dense_fold"\nspeed = 2\n',
        (
            "error: the knobs are speed\n  --> plan.toml: [layers.y]\n"
            "  hint: dense_fold has exactly lanes_in, lanes_out, cell, pack, weight_ram\n"
        ),
    ),
    "unknown key": (
        "speed = 9\n",
        (
            "error: the plan has an unknown key: speed\n  --> plan.toml\n"
            "  hint: it has target, clock_mhz, precision, layers, fifos, regions\n"
        ),
    ),
    "precision of a number": (
        '[precision]\n"conv*" = 4\n',
        'error: conv* = 4 is not a precision\n  --> plan.toml: [precision]\n  hint: write it like "w4a8"\n',
    ),
    "no table": (
        "layers = 3\n",
        "error: layers = 3 is not a table\n  --> plan.toml\n  hint: write [layers.<layer>]\n",
    ),
    "knob of text": (
        '[layers.y]\nengine = "dense_fold"\ndsp = "all"\n',
        "error: dsp = 'all' is not an integer\n  --> plan.toml: [layers.y]\n",
    ),
    "unknown name": (
        '[layers.y]\nengine = "dense_fold"\ncell = "magic"\n',
        (
            "error: cell = 'magic' is not a cell\n  --> plan.toml: [layers.y]\n"
            "  hint: choose from fixed, binary, ternary, shift, focused, codebook\n"
        ),
    ),
    "no engine": (
        "[layers.y]\ndsp = 1\n",
        'error: a layer of the plan names no engine\n  --> plan.toml: [layers.y]\n  hint: add engine = "..."\n',
    ),
}


@pytest.mark.parametrize("case", PLANS)
def test_plan(case: str) -> None:
    text, message = PLANS[case]
    Path("plan.toml").write_text(text)
    model = Tiny([op("Gemm", "x", "w")], inputs={"x": (1, 8)}, constants={"w": randoms(8, 4)})
    assert compile_refused(tiny(model), "--plan", "plan.toml") == message


def test_missing_plan() -> None:
    assert compile_refused(DIGITS, "--plan", "absent.toml") == (
        "error: cannot read the plan: No such file or directory\n  --> absent.toml\n"
    )


@pytest.mark.parametrize("arguments", [("simulate",), ("evaluate", "--data", "x.npz")])
def test_folder_that_is_no_build(arguments: tuple[str, ...]) -> None:
    command, *rest = arguments
    Path("other").mkdir()
    assert refused(command, "other", *rest) == (
        "error: this is not a folder that tomato compile wrote\n  --> other\n  hint: compile a model first\n"
    )
    assert refused(command, "absent", *rest) == (
        "error: the folder does not exist\n  --> absent\n  hint: compile a model first\n"
    )


def test_precision_of_a_layer_that_is_not_there() -> None:
    text = compile_refused(DIGITS, "--precision", "w8a8, fc*=w4")
    assert text.startswith(
        "error: a precision is asked for fc*, but nothing is called so\n  --> digits\n  hint: layers "
    )
    assert "classify_Gemm" in text


def test_bits_out_of_range() -> None:
    assert compile_refused(DIGITS, "--precision", "w0a8") == (
        "error: 'w0a8' is not a precision\n"
        "  hint: write weights and activations like w4a8: weights w1 to w16, shift2 to shift5, focused3 to focused5, "
        "codebook1 to codebook4, ternary, binary; activations a1 to a16 (a8 if left out)\n"
    )
