"""What each arithmetic costs in accuracy: python -m tools.bench.precision.

Golden model only. The first half of the data calibrates, the second half is reported. Results go to
tools/bench/precision.json and, as a table, into docs/precision.md.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import click
import numpy as np

from tomato import frontend
from tomato.core.formats import Array
from tomato.core.interpret import Player, in_batches
from tomato.core.ir import Graph
from tomato.host.data import read
from tomato.passes import CLEAN, run
from tomato.quantise.calibrate import Method, Ranges, calibrate
from tomato.quantise.post_training import quantise
from tomato.quantise.precision import Precision
from tomato.quantise.weights.moments import Collector, Moments
from tomato.search.subject import corrected
from tools.bench.cases import HERE, MODELS, ROOT

RESULTS: Final = HERE / "precision.json"
TRAINED: Final = HERE / "train.json"
"""Of tools.bench.train: what training reaches, by network and format."""
DOCUMENT: Final = ROOT / "docs" / "precision.md"
BEGIN, END = "<!-- made by python -m tools.bench.precision -->\n", "<!-- end -->\n"
FORMATS: Final = (
    "w8a8", "w4a8", "w3a8", "w2a8", "w4a4", "shift4a8", "focused4a8", "codebook4a8", "ternary", "binary",
)  # fmt: skip
CROP, STRIDE = 32, 24
"""Of photographs, for a network of small pictures that has no data set here."""
Frames = Mapping[str, Array]


@dataclass(frozen=True, slots=True)
class Subject:
    """A float network and its data: frames with labels, or photographs to cut frames from."""

    model: str
    data: str
    labelled: bool = True


SUBJECTS: Final = (
    Subject("mnist8_float.onnx", "mnist_t10k_2000.npz"),
    Subject("kws_float.onnx", "kws_1000.npz"),
    Subject("resnet8_float.onnx", "openimages_8_rgb224.npz", labelled=False),
)


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.argument("folder", type=click.Path(path_type=Path), envvar=MODELS)
def main(folder: Path) -> None:
    """Quantise the networks in FOLDER (or TOMATO_MODELS) to every format and write the table."""
    results = {}
    for subject in SUBJECTS:
        results[subject.model.removesuffix("_float.onnx")] = measure(subject, folder)
        RESULTS.write_text(json.dumps(results, indent=1) + "\n")
    DOCUMENT.write_text(with_table(DOCUMENT.read_text(), results))


def measure(subject: Subject, folder: Path) -> dict[str, Any]:
    """Accuracy or agreement of every format, weights rounded to the nearest and compensated."""
    model = frontend.load(folder / subject.model)
    graph, (port,) = run(model.graph, CLEAN), model.inputs
    x, labels = _data(subject, folder, port.shape)
    frames = port.to_graph(x.astype(np.float64), dict(graph.inputs)[port.value].shape)
    half = len(x) // 2
    batches = list(in_batches({port.value: frames[:half]}))
    (output,) = graph.outputs
    real = _classes(graph, {port.value: frames[half:]}, output)
    answers = real if labels is None else labels[half:]
    found: dict[str, Any] = {"frames": half, "of": "labels" if subject.labelled else "float", "formats": {}}
    found["float"] = float(np.mean(real == answers))
    measured: dict[int, tuple[Ranges, Mapping[str, Moments]]] = {}
    for text in FORMATS:
        bits = Precision.parse(text)
        width = bits.activation_bits
        if width not in measured:
            collector = Collector(graph, lambda _: True)
            reached = calibrate(graph, batches, _method(bits), precision=bits, watch=collector)
            measured[width] = reached, collector.moments
        ranges, moments = measured[width]
        shares = []
        for used in ({}, corrected(graph, bits, moments)):
            integer, _ = quantise(graph, ranges, bits, moments=used)
            codes = integer.encodings[port.value].encode(frames[half:], integer.types[port.value].codes)
            got = _classes(integer, {port.value: codes}, integer.outputs[0])
            shares.append(float(np.mean(got == answers)))
        found["formats"][text] = dict(zip(("nearest", "compensated"), shares, strict=True))
        click.echo(f"{subject.model} {text}: {shares[0]:.3f} {shares[1]:.3f}")
    return found


def _method(bits: Precision) -> Method:
    return "minmax" if bits.activation_bits >= 8 else "mse"


def _data(subject: Subject, folder: Path, shape: tuple[int, ...]) -> tuple[Array, Array | None]:
    if subject.labelled:
        data = read(folder / subject.data, shape)
        return data.frames, data.labels
    photographs = np.load(folder / subject.data)["x"]
    corners = range(0, photographs.shape[1] - CROP + 1, STRIDE)
    crops = [p[i : i + CROP, j : j + CROP] for p in photographs for i in corners for j in corners]
    return np.stack(crops).transpose(0, 3, 1, 2), None


def _classes(graph: Graph, frames: Frames, output: str) -> Array:
    """The class of every frame."""
    player = Player(graph)
    answers = np.concatenate([player.play(batch)[output] for batch in in_batches(frames)])
    return np.asarray(answers.reshape(len(answers), -1).argmax(axis=1))


def with_table(text: str, results: Mapping[str, Any]) -> str:
    """The document with its table made anew."""
    return fill(text, BEGIN, table(results))


def fill(text: str, begin: str, table: str) -> str:
    """The document with what stands behind the mark `begin` replaced."""
    before, rest = text.split(begin)
    return before + begin + table + END + rest.split(END, 1)[1]


def table(results: Mapping[str, Any]) -> str:
    """Per cent right, or in agreement with the float network: nearest, compensated."""
    kinds = {"labels": "right", "float": "as float"}
    heads = [f"{name}: {r['frames']} frames, % {kinds[r['of']]}" for name, r in results.items()]
    trained = json.loads(TRAINED.read_text())
    named = [name for name in results if any(f"{name} {form}" in trained for form in FORMATS)]
    heads += [f"{name}, trained" for name in named]
    lines = [f"| precision | {' | '.join(heads)} |", "|---" * (len(heads) + 1) + "|"]
    real = [f"{100 * r['float']:.1f}" for r in results.values()]
    lines.append(f"| float | {' | '.join(real)} |{'  |' * len(named)}")
    for form in FORMATS:
        cells = [r["formats"][form] for r in results.values()]
        more = [_trained(trained.get(f"{name} {form}", {})) for name in named]
        lines.append(f"| {form} | {' | '.join([*(_cell(c) for c in cells), *more])} |")
    return "\n".join(lines) + "\n"


def _trained(runs: Mapping[str, Any]) -> str:
    """The mean of the seeds."""
    return f"{100 * np.mean([run['rows'][-1]['right'] for run in runs.values()]):.1f}" if runs else ""


def _cell(shares: Mapping[str, float]) -> str:
    nearest, compensated = (f"{100 * shares[k]:.1f}" for k in ("nearest", "compensated"))
    return nearest if nearest == compensated else f"{nearest} -> {compensated}"


if __name__ == "__main__":
    main()
