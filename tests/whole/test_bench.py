"""The benchmark's own logic: its files, its tables, and what happens when a case goes wrong."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from examples.networks import NETWORKS
from tomato import targets
from tomato.core.errors import TomatoError
from tomato.frontend import load
from tomato.quantise.precision import Precision
from tools.bench import readme, run
from tools.bench.cases import HERE, Case, read_cases, read_naive, read_published
from tools.bench.measure import measure
from tools.bench.table import document

DIGITS = Case("digits", "u250", file="examples/digits/digits.onnx")
RESULT: dict[str, Any] = {
    "status": "compiled",
    "clock_mhz": 250.0,
    "interval_cycles": 1000,
    "latency_cycles": 2500,
    "fps": 250000.0,
    "latency_ms": 0.01,
    "macs": 1_000_000,
    "weight_bits": 2_000_000,
    "bottleneck": "conv",
    "between_layers": {"lut": 12, "ff": 34, "dsp": 0},
    "multipliers": 1250,
    "multipliers_busy": 0.8,
    "resources": {"lut": 10_000, "ff": 20_000, "dsp": 625, "bram18": 100, "uram": 0},
    "budget_shares": {"lut": 0.1, "ff": 0.05, "dsp": 0.5, "bram18": 0.25},
    "compile_seconds": 12.5,
    "compile_cpu_seconds": 10.5,
    "compile_megabytes": 345,
}
SIMULATED = {
    "bit_exact": True,
    "frames": 3,
    "interval_cycles": 1000.0,
    "latency_cycles": 2500,
    "mismatches": 0,
    "seconds": 9.5,
    "megabytes": 1234,
}
NEEDED: dict[str, Any] = {
    "interval_cycles": 900,
    "unreachable": [],
    "resources": {"lut": 110_000, "ff": 1, "dsp": 1300, "bram18": 0, "uram": 0},
    "budget_shares": {"lut": 1.1, "ff": 0.0, "dsp": 1.05, "bram18": 0.0},
    "bound": 1.09,
}


def test_the_cases_name_what_exists() -> None:
    for case in read_cases():
        targets.load(case.target)
        assert not case.network or case.network in NETWORKS
        assert not case.file or not case.missing()


def test_published_figures_stand_beside_a_case() -> None:
    names = {case.name for case in read_cases()}
    for figure in read_published():
        assert figure.case in names
        assert figure.source
    for naive in read_naive():
        assert naive.case in names
        assert naive.source


@pytest.mark.parametrize(
    ("text", "error"),
    [
        pytest.param(
            "case",
            "this is not TOML: Expected '=' after a key in a key/value pair (at end of document)",
            id="toml",
        ),
        pytest.param(
            '[[case]]\nname = "a"\nboard = "u250"',
            "unknown key 'board'\n  --> {path}\n  hint: the keys are name, target, network, model, file, library, "
            "size, calibration, precision, overrides, clock_mhz, double_clock, share, zero_words, at_most, "
            "frames, refused",
            id="key",
        ),
        pytest.param('[[case]]\nname = "a"', "target is missing in {{'name': 'a'}}", id="missing"),
        pytest.param(
            '[[case]]\nname = "a"\ntarget = "u250"',
            "case 'a' needs exactly one of network, model, file, library",
            id="nothing",
        ),
        pytest.param(
            '[[case]]\nname = "a"\ntarget = "u250"\nlibrary = "torchvision/alexnet"',
            "case 'a': library and size go together",
            id="no_size",
        ),
        pytest.param(
            '[[case]]\nname = "a"\ntarget = "u250"\nnetwork = "resnet20"\n' * 2, "two cases are called 'a'", id="twice"
        ),
    ],
)  # fmt: skip
def test_mistakes_in_the_file_of_cases(text: str, error: str, tmp_path: Path) -> None:
    path = tmp_path / "cases.toml"
    path.write_text(text)
    with pytest.raises(TomatoError) as raised:
        read_cases(path)
    told = error.format(path=path)
    assert str(raised.value) == f"error: {told}" + ("" if "-->" in told else f"\n  --> {path}")


def test_a_model_that_is_not_there_skips_the_case(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    case = Case("a", "u250", model="net.onnx", calibration="net.npz")
    monkeypatch.delenv("TOMATO_MODELS", raising=False)
    assert case.missing() == "TOMATO_MODELS is not set"
    monkeypatch.setenv("TOMATO_MODELS", str(tmp_path))
    assert case.missing() == "net.onnx is not in TOMATO_MODELS"
    (tmp_path / "net.onnx").touch()
    assert case.missing() == "net.npz is not in TOMATO_MODELS"
    assert run.run(case, simulate=False, timeout=1) == {"status": "skipped", "message": case.missing()}


def test_a_library_that_is_not_there_skips_the_case(monkeypatch: pytest.MonkeyPatch) -> None:
    case = Case("a", "u250", library="segmentation-models-pytorch/Unet", size=96)
    monkeypatch.setattr("tools.bench.cases.find_spec", lambda name: name == "torch")
    assert case.missing() == "segmentation_models_pytorch is not installed: pip install segmentation_models_pytorch"
    monkeypatch.setattr("tools.bench.cases.find_spec", lambda name: True)
    assert case.missing() == ""


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_a_network_of_a_library_is_written_for_its_pictures(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    torch = pytest.importorskip("torch")
    from tools.bench import zoo

    monkeypatch.setitem(zoo.ZOO, "mine", lambda: {"net": zoo.Kept(lambda: torch.nn.Conv2d(3, 4, 3, padding=1), 64)})
    zoo.save("mine/net", tmp_path / "new" / "net.onnx", size=8)
    network = load(tmp_path / "new" / "net.onnx")
    assert [tuple(p.shape) for p in network.inputs] == [(3, 8, 8)]
    with pytest.raises(ValueError, match=r"^mine has no 'other' here; there are net$"):
        zoo.save("mine/other", tmp_path / "net.onnx", size=8)
    with pytest.raises(ValueError, match=r"^there is no library 'yours'; there are written, torchvision, timm, "):
        zoo.save("yours/net", tmp_path / "net.onnx", size=8)


def test_titles_tell_cases_of_a_network_apart() -> None:
    assert Case("a", "u250", model="resnet8_float.onnx", double_clock=True).title == "resnet8, `--double-clock`"
    assert Case("a", "u250", network="resnet50", zero_words=0.75).title == "resnet50, 75% of words zero"
    assert Case("a", "u250", library="ultralytics/yolov8n", size=320).title == "yolov8n, 320 x 320"


def test_two_cases_at_a_time(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    cases = tuple(Case(name, "u250", model="no-such-model.onnx") for name in ("one", "two", "three"))
    monkeypatch.setenv("TOMATO_MODELS", str(tmp_path))
    monkeypatch.setattr(run, "read_cases", lambda: cases)
    monkeypatch.setattr(run, "read_published", tuple)
    monkeypatch.setattr(run, "HERE", tmp_path)
    monkeypatch.setattr(readme, "main", lambda: None)
    result = CliRunner().invoke(run.main, ["--workers", "2"])
    assert result.exit_code == 0, result.output
    assert "[3/3] " in result.output
    stored = json.loads((tmp_path / "results.json").read_text())["results"]
    assert list(stored) == ["one", "two", "three"]
    assert {found["status"] for found in stored.values()} == {"skipped"}


def test_cases_are_chosen_by_a_part_of_their_name() -> None:
    cases = read_cases()
    assert run.choose(cases, ()) == list(cases)
    assert {c.network for c in run.choose(cases, ["resnet20", "vgg"])} == {"vgg16", "resnet20"}
    assert len(run.choose(cases, ["resnet50-u250"])) > 1
    assert [c.name for c in run.choose(cases, ["resnet50-u250-w8a8"])] == ["resnet50-u250-w8a8"]  # others begin like it
    with pytest.raises(TomatoError) as raised:
        run.choose(cases[:2], ["mobilenet", "alexnet"])
    assert str(raised.value) == (
        "error: no case is called 'alexnet'\n  --> cases.toml\n"
        "  hint: there are mobilenet_v1-u250-w8a8, mobilenet_v1-u250-w4a4"
    )


def test_a_case_is_measured(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("tools.bench.measure.BUILD", tmp_path)
    found = measure(DIGITS, simulated=False)
    assert found["status"] == "compiled"
    assert found["fps"] == round(found["clock_mhz"] * 1e6 / found["interval_cycles"], 2)
    assert found["macs"] <= found["multipliers"] * found["interval_cycles"]
    assert found["compile_megabytes"] > 10
    assert found["bottleneck"]
    assert (tmp_path / "designs" / "digits" / "report.json").exists()


def test_the_second_clock_is_asked_for(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("tools.bench.measure.BUILD", tmp_path)
    measure(Case("digits", "kv260", file=DIGITS.file, double_clock=True), simulated=False)
    stored = json.loads((tmp_path / "designs" / "digits" / "report.json").read_text())
    assert stored["double_clock"]["layers"]


def test_a_model_that_comes_quantised_has_its_own_precision(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[Any] = []

    def compiled(*_: object, precision: object, **__: object) -> None:
        asked.append(precision)
        raise TomatoError("enough")

    monkeypatch.setattr("tools.bench.measure.compile_model", compiled)
    for bits in ("", "w4a4"):
        measure(Case("digits", "u250", file=DIGITS.file, precision=bits), simulated=False)
    assert asked == [None, Precision.parse("w4a4", {})]
    assert Case("digits", "u250", precision="").bits == "as it comes"


def test_a_refusal_is_a_result(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("tools.bench.measure.BUILD", tmp_path)
    found = measure(Case("digits", "no such board", file=DIGITS.file), simulated=False)
    assert found["status"] == "refused"
    assert found["message"].startswith("error: unknown target 'no such board'")


@pytest.mark.slow
def test_a_crash_is_a_result(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(run, "BUILD", tmp_path)
    found = run.run(Case("unknown", "u250", network="resnet20"), simulate=False, timeout=60)
    assert (found["status"], found["message"]) == (
        "failed",
        "ValueError: not enough values to unpack (expected 1, got 0)",
    )


@pytest.mark.parametrize(
    ("result", "line"),
    [
        pytest.param(
            RESULT,
            "1,000 cycles, 250,000 fps, 80% busy, compiled in 12.5 s and 345 MB; goal 999 missed",
            id="compiled",
        ),
        pytest.param(
            RESULT | {"simulation": SIMULATED},
            "1,000 cycles, 250,000 fps, 80% busy, compiled in 12.5 s and 345 MB; goal 999 missed; "
            "bit-exact, 1,000 cycles (as predicted), 9.5 s",
            id="simulated",
        ),
        pytest.param({"status": "refused", "message": "error: no\n  hint: other"}, "refused: error: no", id="refused"),
    ],
)  # fmt: skip
def test_progress_lines(result: dict[str, Any], line: str) -> None:
    assert run.outcome(Case("a", "u250", at_most=999), result) == line


def test_a_simulation_stays_with_the_design_that_it_was_of() -> None:
    simulated = RESULT | {"simulation": SIMULATED}
    assert run.with_simulation(RESULT, simulated) == simulated
    assert run.with_simulation(RESULT | {"compile_seconds": 1.0}, simulated)["simulation"] == SIMULATED
    assert run.with_simulation(RESULT, RESULT) == run.with_simulation(RESULT, {}) == RESULT
    other = RESULT | {"resources": RESULT["resources"] | {"lut": 9_999}}
    assert run.with_simulation(other, simulated) == other
    refused = {"status": "refused", "message": "error: no"}
    assert run.with_simulation(refused, simulated) == refused
    anew = RESULT | {"simulation": SIMULATED | {"seconds": 1.0}}
    assert run.with_simulation(anew, simulated) == anew


def test_what_counts_as_expected() -> None:
    wrong = RESULT | {"simulation": SIMULATED | {"bit_exact": False}}
    refusing = Case("a", "u250", network="vgg16", refused=True)
    assert run.as_expected(DIGITS, RESULT)
    assert run.as_expected(DIGITS, {"status": "skipped"})
    assert not run.as_expected(DIGITS, wrong)
    assert not run.as_expected(DIGITS, {"status": "failed"})
    assert run.as_expected(refusing, {"status": "refused"})
    assert not run.as_expected(refusing, RESULT)


@pytest.mark.slow
def test_what_a_goal_out_of_reach_would_take(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("tools.bench.measure.BUILD", tmp_path)
    goal = 20
    found = measure(Case("digits", "kv260", file=DIGITS.file, at_most=goal), simulated=False)
    assert found["interval_cycles"] > goal
    needed = found["at_goal"]
    assert needed["unreachable"] or max(needed["budget_shares"].values()) >= needed["bound"] > 1


def test_a_goal_in_reach_needs_no_reason(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("tools.bench.measure.BUILD", tmp_path)
    assert "at_goal" not in measure(Case("digits", "u250", file=DIGITS.file, at_most=64), simulated=False)


@pytest.mark.slow
def test_precision_of_single_layers(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("tools.bench.measure.BUILD", tmp_path)
    bits = [
        measure(
            Case("digits", "u250", file=DIGITS.file, precision="w4a4", overrides=overrides), simulated=False
        )["weight_bits"]
        for overrides in ({"*": "w4a4"}, {"stem*": "w8a8", "*": "w4a4"})
    ]  # fmt: skip
    assert bits[1] - bits[0] == 9 * 16 * 4


def test_the_readme_shows_the_stored_results() -> None:
    stored = json.loads((HERE / "results.json").read_text(encoding="utf-8"))["results"]
    text = readme.README.read_text(encoding="utf-8")
    assert text == readme.updated(text, readme.short(read_cases(), stored, read_published()))


def test_results_as_tables(golden: Callable[[str], None]) -> None:
    cases = [
        Case("resnet20-kv260-w8a8", "kv260", network="resnet20", at_most=1000),
        Case("fast", "u250", network="resnet20", at_most=900),
        Case("slow", "u250", network="resnet20", at_most=800),
        Case("stuck", "u250", network="resnet20", at_most=10),
        Case("vgg", "u250", network="vgg16", refused=True),
        Case("crash", "u250", network="resnet18"),
        Case("absent", "u250", network="resnet18"),
    ]
    results = {
        "resnet20-kv260-w8a8": RESULT | {"simulation": SIMULATED},
        "fast": RESULT | {"simulation": SIMULATED | {"interval_cycles": 1001.0}, "at_goal": NEEDED},
        "slow": RESULT | {"at_goal": NEEDED | {"budget_shares": {"lut": 0.9, "dsp": 0.99}}},
        "stuck": RESULT | {"at_goal": {"interval_cycles": 10, "unreachable": ["conv"]}},
        "vgg": {"status": "refused", "message": "error: too big\n  --> vgg.onnx"},
        "crash": {"status": "failed", "message": "ended with exit code 1"},
    }
    results["fast"]["fifo_bytes"] = 12_345
    golden(document(cases, results, read_published(), read_naive()))
