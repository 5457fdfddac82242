"""What each step of a recipe does to a network before it trains, and what takes part in its training."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType

import numpy as np

from tomato.core.errors import TomatoError
from tomato.quantise.precision import Precision
from tomato.train.data import Frames
from tomato.train.hooks import Calm, Refit, put_normalisation
from tomato.train.loop import Hook
from tomato.train.module import Network
from tomato.train.prune import Pattern, Pruning, uniform
from tomato.train.quantisers import WeightQuantiser
from tomato.train.recipe import WORDS, Step, matched
from tomato.train.trainable import Trainable

CALIBRATION = 128
"""Frames that ranges are measured on."""
NORMALISED = 512
"""Frames that statistics of normalisation start from."""


@dataclass
class Scene:
    """What steps work with. words: the words of the engine, (inputs, outputs) by layer, where there is a target.

    precision: the last one asked for.
    """

    net: Trainable
    frames: Frames
    choice: Frames | None
    teacher: Network
    where: str
    words: Callable[[], Mapping[str, tuple[int, int]]] | None = None
    precision: Precision | None = None
    hooks: list[Hook] = field(default_factory=list)

    def calibration(self) -> tuple[np.ndarray, ...]:
        """Frames to measure ranges on, drawn at even distances."""
        count = min(CALIBRATION, len(self.frames))
        return self.frames.take(np.linspace(0, len(self.frames) - 1, count).astype(int)).arrays()


def prepare(scene: Scene, step: Step) -> None:
    """Do what a step does before it trains, and leave the hooks of its training in the scene."""
    scene.hooks = []
    DO[step.do](scene, step)
    if scene.net.quantised:
        scene.hooks.append(Refit())


def _train(scene: Scene, step: Step) -> None:
    """Nothing but the training itself."""


def _quantise(scene: Scene, step: Step) -> None:
    scene.precision = Precision.parse(step.options["precision"])
    scene.net.quantise(scene.precision, *scene.calibration(), method=step.get("method", "lsq"))
    if step.get("normalise", False):
        put_normalisation(scene.net.module, scene.frames.take(np.arange(min(NORMALISED, len(scene.frames)))))
    if step.get("calm", True):
        scene.hooks.append(Calm(scene.net.module))


def _prune(scene: Scene, step: Step) -> None:
    network, graph = scene.net.module, scene.net.module.graph
    wanted = matched(graph, step.get("layers", {}), scene.where)
    if "sparsity" in step.options:
        share = float(step.options["sparsity"])
        match step.get("spread", "global"):
            case "even":
                rest = {node.name: share for node, _ in network.each()}
            case "global":
                rest = uniform(network, share)
            case _:
                rest = measured(scene, share)
        wanted = rest | wanted
    patterns = _patterns(scene, step, {node.name for node, _ in network.each()})
    groups = next((p for p in patterns.values() if p.group), None)
    if groups and not wanted:
        wanted = {node.name: 1.0 - groups.most / groups.group for node, _ in network.each()
                  if node.op.weights["weight"].shape[-2] >= groups.group}  # fmt: skip
    wanted = {name: value for name, value in wanted.items() if value > 0.0}
    pruning = Pruning(network, wanted, step.get("method", "magnitude"), patterns, end=float(step.get("until", 0.6)))
    scene.hooks.append(pruning)


def _patterns(scene: Scene, step: Step, names: set[str]) -> dict[str, Pattern]:
    text = step.get("pattern", "elements")
    if text != WORDS:
        return dict.fromkeys(names, Pattern.parse(text))
    if scene.words is None:
        raise TomatoError(
            "words of the engine are those of a design",
            where=scene.where,
            hint="give --target, or the shape: 'words 4x8'",
        )
    found = scene.words()
    return {name: Pattern(*found.get(name, (1, 1))) for name in names}


def measured(scene: Scene, share: float) -> dict[str, float]:
    """Sparsities that reach a share of all weights with the least loss that layers cause alone, on the choice frames."""
    raise NotImplementedError


def _share(scene: Scene, step: Step) -> None:
    network = scene.net.module
    chosen = matched(network.graph, dict.fromkeys(step.get("layers", ["*"]), 1.0), scene.where)
    for name in chosen:
        layer = network.layer(name)
        weight = (layer.whole * layer.mask).detach().cpu().numpy()
        layer.quantiser = WeightQuantiser(weight, "codebook", step.options["bits"])


DO: Mapping[str, Callable[[Scene, Step], None]] = MappingProxyType(
    {"train": _train, "distil": _train, "quantise": _quantise, "prune": _prune, "share": _share}
)
