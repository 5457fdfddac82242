"""How accurate the accelerator is, next to the float model that it came from."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from tomato import frontend
from tomato.core.errors import TomatoError
from tomato.core.files import refusals, write_text
from tomato.core.formats import Array
from tomato.core.interface import graph_values
from tomato.core.interpret import interpret
from tomato.core.progress import Progress, silent
from tomato.host.data import Data, classes, classes_of
from tomato.host.golden import Golden
from tomato.measure.agreement import Saturation, agree, arithmetic, same
from tomato.measure.answers import Answers, ask
from tomato.passes import CLEAN, run
from tomato.quantise.post_training import code_names
from tomato.work import HERE, Workers

LAYER_FRAMES = 16
"""Frames on which layers are compared one by one."""


@refusals("cannot evaluate")
def evaluate(
    accelerator: Golden, data: Data | Sequence[Data], *, workers: Workers = HERE, progress: Progress = silent
) -> dict[str, Any]:
    """Compare the golden model with ONNX Runtime on data, one `Data` per input of the model, shared among workers.

    The result holds `frames`; `top1` of "float" and "accelerator" when the first data has labels, and
    `agreement` (how often both name the same class) when the first output has classes, else None; per
    output the signal-to-noise ratio in decibels (None: exact) and the largest error; and that ratio for
    every layer on the first `layer_frames` frames; for a model that came quantised instead `codes`: how many
    output codes are equal to its runtime's, and `saturation`: how many outputs that runtime gets wrong for the model
    as it is on this processor, or None. Raises TomatoError without ONNX Runtime, when the data does not suit the
    model, or where workers die.
    """
    parts = (data,) if isinstance(data, Data) else tuple(data)
    labels = parts[0].labels
    frames = accelerator.suited(*(part.frames for part in parts))
    count = len(frames[0])
    labels = None if labels is None else classes_of(labels, count)
    if any(len(f) != count for f in frames):
        raise TomatoError(f"the inputs have different numbers of frames: {', '.join(str(len(f)) for f in frames)}")
    found = ask(accelerator, frames, workers, progress)
    results, reals = found.results, found.whole
    first = accelerator.enter(*(f[:LAYER_FRAMES] for f in frames))
    ours, theirs = classes(results[0]), classes(reals[0])
    outputs = [
        {"name": port.name, "sqnr_db": sqnr(real, got), "max_error": float(np.abs(_noise(real, got)).max())}
        for port, real, got in zip(accelerator.gives, reals, results, strict=True)
    ]
    known = labels is not None and ours is not None and theirs is not None
    return {
        "model": accelerator.model.name,
        "frames": count,
        "top1": {"float": _share(theirs, labels), "accelerator": _share(ours, labels)} if known else None,
        "agreement": None if ours is None or theirs is None else _share(ours, theirs),
        "outputs": outputs,
        "codes": _agreement(accelerator, first, found),
        "saturation": _saturation(found),
        "layer_frames": min(count, LAYER_FRAMES),
        "layers": [] if arithmetic(accelerator) else layers(accelerator, first),
    }


def write(folder: Path, result: Mapping[str, Any]) -> None:
    """Write evaluation.json into a build folder."""
    write_text(folder / "evaluation.json", json.dumps(result, indent=1) + "\n")


def _share(ours: Array | None, theirs: Array | None) -> float:
    assert ours is not None
    return float(np.mean(ours == theirs))


def sqnr(real: Array, got: Array) -> float | None:
    """Signal to quantisation noise in decibels, or None when there is no noise."""
    noise = float(np.square(_noise(real, got)).sum())
    signal = float(np.square(real.astype(np.float64)).sum())
    return None if noise == 0 else round(10 * float(np.log10(max(signal, 1e-300) / noise)), 2)


def _noise(real: Array, got: Array) -> Array:
    return real.astype(np.float64) - got.astype(np.float64)


REFERENCES = {"onnxruntime": "ONNX Runtime's integer kernels", "qonnx": "the exact values of the model's operators"}


def _agreement(accelerator: Golden, first: Sequence[Array], found: Answers) -> dict[str, Any] | None:
    """Equal codes, for a model that came quantised; the first frames say where codes begin to differ."""
    whose = arithmetic(accelerator)
    return asdict(agree(accelerator, first, found.exact, found.chip, REFERENCES[whose])) if whose else None


def _saturation(found: Answers) -> dict[str, Any] | None:
    """What becomes of the model as it is where the runtime saturates; None where nothing differs."""
    if found.plain is None:
        return None
    wrong = sum(int(np.count_nonzero(~same(e, p))) for e, p in zip(found.exact, found.plain, strict=True))
    return asdict(Saturation(wrong, sum(e.size for e in found.exact))) if wrong else None


def layers(accelerator: Golden, frames: Sequence[Array]) -> list[dict[str, Any]]:
    """Signal-to-noise ratio of every ONNX node's last value that has codes, in graph order."""
    imported = frontend.load(accelerator.model, accelerator.reading)
    real = run(imported.graph, CLEAN)
    feed = graph_values(real, imported.inputs, frames)
    graph = accelerator.graph
    reals = {codes: name for name, codes in code_names(real).items()}
    ends = {n.origin[-1]: n.name for n in graph if n.origin and n.name in reals}
    labels = {name: label for label, name in ends.items()}
    values: dict[str, Array] = {}
    interpret(real, feed, watch=partial(_keep, values, {reals[name] for name in labels}))
    found: list[dict[str, Any]] = []

    def compare(name: str, codes: Array) -> None:
        if name in labels:
            noise = sqnr(values[reals[name]], graph.encodings[name].decode(graph.in_order(name, codes)))
            found.append({"name": name, "onnx": labels[name], "sqnr_db": noise})

    accelerator.run(accelerator.encode(*frames), watch=compare)
    return found


def _keep(values: dict[str, Array], wanted: set[str], name: str, value: Array) -> None:
    if name in wanted:
        values[name] = value
