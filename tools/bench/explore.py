"""What a search for precisions gains: python -m tools.bench.explore.

`--precision auto` on the first half of the data, with its labels; accuracy is that of the golden model on the second
half. Rates and resources are those of the board's fastest design. Results go to tools/bench/explore.json and, as a
table, into docs/precision.md.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from time import monotonic
from typing import Any, Final

import click

from tomato import frontend
from tomato.accelerator import Accelerator
from tomato.compiler import compile_model
from tomato.host.data import Data, read
from tomato.measure.evaluate import evaluate
from tomato.search import Goal, Objective
from tools.bench.cases import HERE, MODELS
from tools.bench.precision import DOCUMENT, SUBJECTS, Subject, fill

RESULTS: Final = HERE / "explore.json"
BEGIN: Final = "<!-- made by python -m tools.bench.explore -->\n"
TARGET: Final = "pynq-z2"
OBJECTIVES: Final[tuple[Objective, ...]] = ("fps", "weights")


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.argument("folder", type=click.Path(path_type=Path), envvar=MODELS)
def main(folder: Path) -> None:
    """Search precisions for the networks in FOLDER (or TOMATO_MODELS) that have labelled data, and write the table."""
    results = {s.model.removesuffix("_float.onnx"): measure(s, folder) for s in SUBJECTS if s.labelled}
    RESULTS.write_text(json.dumps(results, indent=1) + "\n")
    DOCUMENT.write_text(fill(DOCUMENT.read_text(), BEGIN, table(results)))


def measure(subject: Subject, folder: Path) -> dict[str, Any]:
    """w8a8 and what was found for each objective."""
    model = folder / subject.model
    (port,) = frontend.load(model).inputs
    data = read(folder / subject.data, port.shape)
    assert data.labels is not None, "the subject is labelled"
    half = len(data.frames) // 2
    given: dict[str, Any] = {"calibration": data.frames[:half], "labels": data.labels[:half], "shell": "none"}
    test = Data(data.frames[half:], data.labels[half:])
    found = {"w8a8": _row(compile_model(model, TARGET, precision="w8a8", **given), test)}
    for objective in OBJECTIVES:
        began = monotonic()
        accelerator = compile_model(model, TARGET, precision="auto", goal=Goal(objective=objective), **given)
        seconds = round(monotonic() - began)
        found[objective] = _row(accelerator, test) | {"precision": str(accelerator.plan.precision)}
        click.echo(f"{subject.model} {objective}, {seconds} s: {found[objective]}")
    return {"frames": half, "found": found}


def _row(accelerator: Accelerator, test: Data) -> dict[str, Any]:
    report, top1 = accelerator.report, evaluate(accelerator, test)["top1"]
    kept = {key: report[key] for key in ("fps", "weight_bits")}
    return {"right": 100 * top1["accelerator"], "float": 100 * top1["float"], **kept, **report["resources"]}


def table(results: Mapping[str, Any]) -> str:
    """One row for w8a8 and for each objective of each network."""
    lines = ["| network | precision | % right (float) | frames/s | weight bits | LUT | DSP |", "|---" * 7 + "|"]
    for network, result in results.items():
        base = result["found"]["w8a8"]
        for name, row in result["found"].items():
            title = name if row is base else f"auto, --objective {name}"
            fps, bits = row["fps"] / base["fps"], base["weight_bits"] / row["weight_bits"]
            cells = [network, title, f"{row['right']:.1f} ({row['float']:.1f})"]
            cells += [f"{row['fps']:,.0f} ({fps:.2f}x)", f"{row['weight_bits']:,} (1/{bits:.2f})"]
            lines.append(f"| {' | '.join(cells)} | {row['lut']:,} | {row['dsp']} |")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    main()
