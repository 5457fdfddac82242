"""`tomato train`: files in, files out."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np

from tomato import targets
from tomato.core.errors import TomatoError
from tomato.core.files import refusals, write_text
from tomato.core.progress import Progress, silent
from tomato.train import data, recipes
from tomato.train.module import Network
from tomato.train.picture import picture
from tomato.train.recipe import Recipe, read
from tomato.train.run import Run
from tomato.train.sizes import sizes
from tomato.train.trainable import Trainable

CHECKED = 500
"""Frames on which the compiled network is compared with the trained one."""


@refusals("cannot train")
def train(
    model: Path, output: Path, paths: Sequence[Path], valid: Sequence[Path] = (), *, precision: str | None = None,
    recipe: Path | None = None, target: str | None = None, epochs: int | None = None, seed: int | None = None,
    shapes: Mapping[str, tuple[int, ...]] | None = None, progress: Progress = silent,
) -> dict[str, Any]:  # fmt: skip
    """Train a model by a recipe, or for a precision, write it, and say what came of it.

    Beside the model lies a folder <output>.train with the rows as JSON, a picture, and what the run goes on from after
    an interruption. Raises TomatoError for what the user can mend.
    """
    if output.suffix != ".onnx":
        raise TomatoError("the trained model is an .onnx file", where=str(output), hint="give -o NAME.onnx")
    if not output.parent.is_dir():
        raise TomatoError("the folder to write to does not exist", where=str(output.parent))
    if target is not None:
        targets.load(target)
    plan = read(recipe) if recipe else recipes.quantise(precision or "", epochs)
    plan = plan if seed is None else seeded(plan, seed)
    progress("Import", 0, 0)
    net = Trainable.load(model, dict(shapes or {}))
    frames = data.read(paths, net.slots)
    judged = data.read(valid, net.slots) if valid else None
    folder = output.with_name(f"{output.stem}.train")
    run = Run(net, plan, frames, judged, target, folder, _teachers(model), str(recipe or model))
    rows = run.carry_out(progress)
    wrong, codes = _checked(run, progress)
    run.net.export(output)
    about = {
        "model": model.name, "target": target, "seed": plan.seed, "measure": run.judge.measure,
        "frames": len(run.judge.frames), "codes": codes, "differing": wrong, "rows": [asdict(r) for r in rows],
        "sizes": sizes(run.net.graph() if not run.net.quantised else run.net.frozen()).data(rows[0].sizes.weights),
    }  # fmt: skip
    return {**about, "written": _written(output, folder, about)}


def seeded(plan: Recipe, seed: int) -> Recipe:
    """A recipe with another seed."""
    return replace(plan, seed=seed, steps=tuple(replace(s, loop=replace(s.loop, seed=seed)) for s in plan.steps))


def _teachers(model: Path) -> Any:
    """Larger teachers, by their file: relative to the model."""

    def load(name: str) -> Network:
        path = Path(name) if Path(name).is_absolute() else model.parent / name
        module = Trainable.load(path).module
        module.eval()
        return module

    return load


def _checked(run: Run, progress: Progress) -> tuple[int, int]:
    """How many codes differ, and of how many, where there are codes."""
    if not run.net.quantised:
        return 0, 0
    progress("Check", 0, 0)
    some = run.judge.frames.take(np.arange(min(CHECKED, len(run.judge.frames))))
    return run.net.check(*some.arrays())


def _written(output: Path, folder: Path, about: Mapping[str, Any]) -> list[str]:
    """Leave the results; which files there are."""
    write_text(folder / "training.json", json.dumps(about, indent=1) + "\n")
    written = [str(output), str(folder / "training.json")]
    shown = picture([{**r, "accuracy": r["right"]} for r in about["rows"]], about["model"],
                    f"of {about['frames']} frames {about['measure']}")  # fmt: skip
    if shown is not None:
        write_text(folder / "training.svg", shown)
        written.append(str(folder / "training.svg"))
    return written
