"""What a network becomes on a target: rate, resources, the bits of its memories, the words of its engines."""

import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tomato.accelerator import Accelerator
from tomato.compiler import compile_model
from tomato.core.formats import Array
from tomato.engines.base import Knobs
from tomato.engines.parts.weighted import WeightedUnit
from tomato.quantise.precision import Precision
from tomato.schedule.units import bind
from tomato.train.trainable import Trainable


@dataclass(frozen=True, slots=True)
class Outcome:
    """Frames/s, resources, and what the compiler made of the network.

    words: inputs and outputs that a word of weights serves, by the ONNX names of the layers.
    """

    fps: float
    resources: Mapping[str, int]
    accelerator: Accelerator
    words: Mapping[str, tuple[int, int]]


def design(net: Trainable, target: str, precision: Precision | None, frames: tuple[Array, ...]) -> Outcome:
    """The fastest design of a network as it is now; one that is not quantised yet is quantised by the compiler."""
    with tempfile.TemporaryDirectory(prefix="tomato-") as folder:
        path = Path(folder) / "network.onnx"
        net.export(path)
        options: dict[str, Any] = {} if net.quantised else {"calibration": frames, "precision": precision}
        accelerator = compile_model(path, target, **options)
        return outcome(accelerator)


def outcome(accelerator: Accelerator) -> Outcome:
    """What a compiled network takes."""
    units = bind(accelerator.graph, accelerator.plan.layers, accelerator.target)
    weighted = {name: unit for name, unit in units.items() if isinstance(unit, WeightedUnit)}
    words = {u.site.node.origin[0]: _word(u.knobs) for u in weighted.values() if u.site.node.origin}
    return Outcome(accelerator.report["fps"], accelerator.report["resources"], accelerator, words)


def _word(knobs: Knobs) -> tuple[int, int]:
    """Inputs and outputs of a word of weights."""
    return knobs.get("lanes_in", 1), knobs.get("lanes_out", knobs.get("lanes", 1))
