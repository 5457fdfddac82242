"""What was predicted beside what is placed and routed on an ECP5: python -m tools.bench.placed [NAME...].

Every network is compiled for a board with a serial line, at a rate that routes in minutes, and goes all the way to a
bitstream, one after the other. Results go to tools/bench/placed.json and, as a table, into docs/open-flow.md.
A design that was placed as it is now is only predicted anew.
"""

import json
import shutil
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import click
import numpy as np

import tomato
from tomato import board, targets
from tomato.backend import project
from tomato.build import bitstream
from tomato.build.folder import TARGET
from tomato.build.report import report
from tomato.core.ir import Graph
from tomato.lower import lower
from tomato.schedule import schedule
from tomato.schedule.plan import Choice, Wishes
from tomato.targets import Target
from tools.bench import divided, several
from tools.bench.cases import BUILD, HERE, MODELS, ROOT
from tools.bench.joins import joins
from tools.bench.loops import loops
from tools.bench.precision import fill

RESULTS: Final = HERE / "placed.json"
DOCUMENT: Final = ROOT / "docs" / "open-flow.md"
BEGIN: Final = "<!-- made by python -m tools.bench.placed -->\n"
BOARD: Final = "ulx3s"
Make = Callable[[Path, Path, float], None]
"""Writes a build folder; with the folder of models, for a rate in frames/s."""
Asked = Callable[[Graph, Target, float], Mapping[str, Choice]]
"""The choices of a plan, for a network, a board and a rate in frames/s."""


@dataclass(frozen=True, slots=True)
class Case:
    """A network and the frames/s that it is built for."""

    make: Make
    fps: float


def stored(name: str) -> Make:
    """A quantised network of TOMATO_MODELS."""

    def make(folder: Path, models: Path, fps: float) -> None:
        tomato.compile(models / name, BOARD, fps=fps).write(folder)

    return make


def digits(folder: Path, _: Path, fps: float) -> None:
    """The digits example, calibrated as the README does it."""
    example = ROOT / "examples" / "digits"
    with np.load(example / "digits_calibration.npz") as data:
        frames = data["x"]
    tomato.compile(example / "digits.onnx", BOARD, calibration=frames, fps=fps).write(folder)


def made(name: str, network: Callable[[], Graph], asked: Asked | None = None) -> Make:
    """A network of this benchmark; `asked` says what its plan asks for."""

    def make(folder: Path, _: Path, fps: float) -> None:
        graph, target = network(), targets.load(BOARD)
        plan = schedule(graph, target, fps=fps, wishes=Wishes(layers=asked(graph, target, fps) if asked else {}))
        lowered = lower(graph, plan, target)
        facts = report(graph, plan, target, lowered, model=name, notes=[])
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        project.write(folder, lowered.netlist, facts, plan.to_toml())
        board.write(folder, lowered, target, facts, "axi")
        (folder / TARGET).parent.mkdir(exist_ok=True)
        (folder / TARGET).write_text(json.dumps(targets.describe(target)))

    return make


CASES: Final[Mapping[str, Case]] = {
    "digits": Case(digits, 600),
    "mnist8_qdq": Case(stored("mnist8_qdq.onnx"), 300),
    "tfc_1w1a": Case(stored("tfc_1w1a_qonnx.onnx"), 3900),
    "tfc_1w2a": Case(stored("tfc_1w2a_qonnx.onnx"), 3900),
    "tfc_2w2a": Case(stored("tfc_2w2a_qonnx.onnx"), 3900),
    "joins": Case(made("joins", joins), 1000),
    "loops": Case(made("loops", loops), 1000),
    "several": Case(made("several", several.several), several.FPS),
    "divided": Case(made("divided", divided.divided, divided.choices), divided.FPS),
}


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.argument("names", nargs=-1)
@click.option("--models", type=click.Path(path_type=Path), envvar=MODELS, required=True)
@click.option("--again", is_flag=True, help="Place also what was placed as it is.")
def main(names: tuple[str, ...], models: Path, again: bool) -> None:
    """Place the networks of these names (or all), one after the other, and keep what came of them."""
    for name in names or CASES:
        results = known()
        found = measure(name, models, {} if again else results.get(name, {}))
        RESULTS.write_text(json.dumps(results | {name: found}, indent=1, sort_keys=True) + "\n")
        DOCUMENT.write_text(with_table(DOCUMENT.read_text(), known()))
        click.echo(f"{name}: predicted {found['predicted']}, placed {found['placed']}")


def known() -> dict[str, Any]:
    """What was measured."""
    results: dict[str, Any] = json.loads(RESULTS.read_text()) if RESULTS.exists() else {}
    return results


def measure(name: str, models: Path, before: Mapping[str, Any]) -> dict[str, Any]:
    """Compile a network, and place it unless it is the very design that was placed before."""
    case, folder = CASES[name], BUILD / "placed" / name
    case.make(folder, models, case.fps)
    facts = json.loads((folder / "report.json").read_text())
    shell = json.loads((folder / "board" / "serial.json").read_text())
    if before.get("build") == shell["build"]:
        found = dict(before)
    else:
        built = bitstream.build(folder)
        found = {key: built[key] for key in ("build", "placed", "clock_mhz")}
    engines = sorted({layer["engine"] for layer in facts["layers"] if layer["engine"]})
    return found | {"fps": facts["fps"], "engines": engines, "predicted": bitstream.predicted(facts, shell)}


def off(predicted: int, placed: int) -> float:
    """By what share of the placed a prediction is above it."""
    return (predicted - placed) / placed


def with_table(text: str, results: Mapping[str, Any]) -> str:
    """The page with its table made anew."""
    return fill(text, BEGIN, table(results))


def table(results: Mapping[str, Any]) -> str:
    """A line for every network, and the engines that are in it."""
    heads = ["network", "frames/s"]
    for kind in ("LUT", "FF"):
        heads += [f"{kind} predicted", "placed", "off"]
    heads += ["DSP", "BRAM18", "MHz", "engines"]
    rule = "|---|" + "--:|" * (len(heads) - 2) + "---|"
    rows = [f"| {' | '.join(_cells(name, results[name]))} |" for name in CASES if name in results]
    return "\n".join([f"| {' | '.join(heads)} |", rule, *rows]) + "\n"


def _cells(name: str, row: Mapping[str, Any]) -> Iterator[str]:
    predicted, placed = row["predicted"], row["placed"]
    yield name
    yield f"{row['fps']:,.0f}"
    for kind in ("lut", "ff"):
        yield from (f"{predicted[kind]:,}", f"{placed[kind]:,}", f"{off(predicted[kind], placed[kind]):+.1%}")
    for kind in ("dsp", "bram18"):
        yield f"{placed[kind]}, exact" if predicted[kind] == placed[kind] else f"{placed[kind]}, not {predicted[kind]}"
    yield f"{row['clock_mhz']['reached']:.1f}"
    yield ", ".join(engine.split("_")[0] for engine in row["engines"])


if __name__ == "__main__":
    main()
