"""Mistakes of the user: one clear message, exit code 1, nothing half-written. Everything through the command line."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import pytest
from click.testing import CliRunner

from tests import digits
from tests.unit.frontend.tiny import THIRDS, Tiny, op, randoms
from tomato import targets
from tomato.accelerator import load
from tomato.cli import main
from tomato.core.assets import tool

DIGITS = Path(__file__).parents[2] / "examples/digits/digits.onnx"
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


def test_what_would_mostly_be_the_hosts() -> None:
    assert compile_refused(tiny(THIRDS)) == (
        "error: 2 of 5 nodes cannot be compiled:\n"
        "    most, last_most (Hardmax): the operator is not supported; replace it in the network by supported ones\n"
        "  --> tiny.onnx\n"
        "  hint: --host any compiles the rest all the same: the host runs behind the chip most (Hardmax), "
        "middle (Conv), last_most (Hardmax) and 1 more: 66.7% of the multiply-accumulates\n"
    )


def test_unknown_target() -> None:
    assert compile_refused(DIGITS, target="u251") == (
        "error: unknown target 'u251'\n"
        "  hint: did you mean u250? known targets: arria10-gx1150, colorlight-i5, colorlight-i9, kv260, "
        "orangecrab, pynq-z2, stratix10-gx2800, tang-nano-20k, u250, u280, u50, u55c, ulx3s, zcu102, zcu104\n"
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
    [pytest.param("ulx3s", 460, 187, 3.4, 2, marks=pytest.mark.slow), ("pynq-z2", 459, 252, 4.6, 3)],
)
def test_network_that_cannot_fit(target: str, taken: int, budget: int, memory: float, bits: int) -> None:
    case = Tiny([op("Gemm", "x", "w", name="huge")], inputs={"x": (1, 1024)}, constants={"w": randoms(1024, 1024)})
    lines = compile_refused(tiny(case), "--weights", "chip", target=target).splitlines(keepends=True)
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
            "  hint: it has target, clock_mhz, exit_order, spilled, double_clock, precision, exits, reordered, layers, "
            "fifos, regions\n"
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


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return digits.small().write(tmp_path_factory.mktemp("built") / "out")


@pytest.mark.parametrize("name", ["rtl", "sim", "mem", "golden", "host", "README.md", "Makefile", "plan.toml"])
@pytest.mark.parametrize("put", ["link", "other kind"])
def test_place_in_the_output_that_is_taken(name: str, put: str, built: Path) -> None:
    shutil.copytree(built, "out")
    place = Path("out", name)
    kind = "folder" if place.is_dir() else "file"
    shutil.rmtree(place) if place.is_dir() else place.unlink()
    if put == "link":
        place.symlink_to(built / name)
    elif kind == "folder":
        place.write_text("mine")
    else:
        place.mkdir()
        (place / "mine").touch()
    assert compile_refused(DIGITS, "-o", "out") == (
        f"error: {name} in the output folder is no {kind} that tomato wrote: nothing was touched\n"
        f"  --> out/{name}\n  hint: choose another folder with -o, or move it away\n"
    )


@pytest.mark.parametrize(
    ("output", "says"),
    [
        ("/proc/x", "cannot write the output folder: No such file or directory"),
        ("n" * 300, "cannot write the output folder: File name too long"),
        ("new/" + "n" * 300, "cannot write the output folder: File name too long"),
        ("a/" * 3000, "cannot write the output folder: File name too long"),
        ("/dev/null/x", "the output is a file, not a folder"),
    ],
)
def test_output_that_cannot_be_written(output: str, says: str) -> None:
    assert compile_refused(DIGITS, "-o", output).startswith(f"error: {says}\n  --> ")


def test_output_that_is_a_link_to_nothing() -> None:
    Path("out").symlink_to("nothing")
    assert compile_refused(DIGITS, "-o", "out").startswith("error: the output is a file, not a folder\n  --> out\n")


def test_names_as_long_as_can_be() -> None:
    name = "n" * 255
    assert CliRunner().invoke(main, ["compile", str(DIGITS), "--target", "u250", "-q", "-o", name]).exit_code == 0


def ill_formed(text: str) -> str:
    """A graph whose output nothing makes."""
    document = json.loads(text)
    document["graph"]["outputs"] = ["nothing"]
    return json.dumps(document)


DAMAGED: dict[str, tuple[str, Callable[[str], str], str]] = {
    "no clock": (
        "plan.toml",
        lambda text: text.replace("clock_mhz", "#"),
        "the plan of the build folder names no clock",
    ),
    "no layer": ("plan.toml", lambda text: text.split("[layers")[0], "the plan lacks the layer "),
    "no such engine": ("plan.toml", lambda text: text.replace("add_stream", "magic"), "engine 'magic' does not "),
    "no target": ("golden/target.json", lambda _: "[]", "faulty target file: it names no target"),
    "half a target": (
        "golden/target.json",
        lambda text: text[:99],
        "this is not a folder that tomato compile wrote, or",
    ),
    "half a graph": (
        "golden/graph.json",
        lambda text: text[:999],
        "this is not a folder that tomato compile wrote, or",
    ),
    "other graph": ("golden/graph.json", lambda text: text.replace('"shape"', '"form"'), "this is not a folder that "),
    "ill-formed graph": ("golden/graph.json", ill_formed, "this is not a folder that tomato compile wrote, or it is"),
    "no graph": ("golden/graph.json", lambda _: "[]", "the folder was written by another version (format unknown"),
    "no samples": ("golden/samples.npz", lambda _: "", "this is not a folder that tomato compile wrote, or it is"),
    "half a design": ("sim/design.json", lambda text: text[:99], ""),
    "no design": ("sim/design.json", lambda _: "{}", ""),
}


@pytest.mark.parametrize("case", DAMAGED)
def test_damaged_build_folder(case: str, built: Path) -> None:
    name, change, says = DAMAGED[case]
    shutil.copytree(built, "out")
    path = Path("out", name)
    path.write_text(change(path.read_text() if path.suffix != ".npz" else ""))
    if not says:
        with pytest.raises(tool("run").toolchain.ToolError, match=f"{name} is damaged"):
            tool("run").simulate(Path("out"), tool("run").Options())
        return
    for command, *more in (["simulate"], ["evaluate", "--data", str(digits.TEST)]):
        assert refused(command, "out", *more).startswith(f"error: {says}")


def test_a_plan_without_the_engine_that_layers_share(tmp_path: Path) -> None:
    folder = digits.compiled("pynq-z2", 1000, "auto").write(tmp_path / "out")
    plan = folder / "plan.toml"
    assert "shared_fold" in plan.read_text()
    plan.write_text(plan.read_text().replace("shared_fold", "magic"))
    assert refused("simulate", folder).startswith("error: engine 'magic' does not ")


@pytest.mark.parametrize(
    ("option", "value", "says"),
    [
        ("--fps", "nan", "fps must be a number above 0, not nan"),
        ("--fps", "inf", "fps must be a number above 0, not inf"),
        ("--fps", "-1", "Invalid value for '--fps': -1.0 is not in the range x>0"),
        ("--clock", "nan", "clock must be a number above 0 and at most 10000, not nan"),
        ("--clock", "1e400", "clock must be a number above 0 and at most 10000, not inf"),
        ("--allow-error", "nan", "allow-error must be a number from 0 to 1, not nan"),
        ("--allow-error", "2", "Invalid value for '--allow-error': 2.0 is not in the range 0<=x<=1"),
        ("--requant-bits", "99", "Invalid value for '--requant-bits': 99 is not in the range 4<=x<=32"),
        ("--precision", f"w{'9' * 5000}", "--precision: Exceeds the limit (4300 digits) for integer string conversion"),
    ],
)
def test_number_that_no_option_takes(option: str, value: str, says: str) -> None:
    assert compile_refused(DIGITS, option, value).startswith(f"error: {says}")


@pytest.mark.parametrize("value", ["nan", "inf", "1", "-1", "much"])
def test_stall(value: str, built: Path) -> None:
    text = refused("simulate", built, "--stall", value)
    assert text.startswith(
        ("error: stall must be a number from 0 to 0.99, not nan\n", "error: Invalid value for '--stall': ")
    )


def test_board_of_ones_own_comes_back() -> None:
    """A build folder knows its board, whether the file is still there or not."""
    Path("mine.toml").write_text((Path(targets.__file__).parent / "boards/pynq-z2.toml").read_text())
    arguments = ["compile", str(DIGITS), "--target", "mine.toml", "--fps", "1000", "-q", "-o", "out"]
    assert CliRunner().invoke(main, arguments).exit_code == 0
    Path("mine.toml").unlink()
    assert load(Path("out")).target.name == "mine"


@pytest.mark.parametrize("text", ["", "no numbers"])
def test_damaged_vectors(text: str) -> None:
    Path("in_x.hex").write_text(text)
    with pytest.raises(tool("run").toolchain.ToolError, match=r"in_x\.hex is damaged: compile again"):
        tool("run")._frames(Path("in_x.hex"), 1, 1)
