"""What each step of a recipe does to a network before it trains, and what takes part in its training."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

import numpy as np

from tomato.core.errors import TomatoError
from tomato.core.interface import graph_values
from tomato.core.interpret import Player, Watch, in_batches
from tomato.core.ir import Graph, Op
from tomato.ops.weighted import Weighted
from tomato.quantise.weights.moments import Collector
from tomato.train import gates, sensitivity
from tomato.train.biases import Means
from tomato.train.budgets import Limit, Shares, Steps
from tomato.train.channels import remove_channels
from tomato.train.circulant import index_map, make_circulant
from tomato.train.data import Frames
from tomato.train.factor import factor_layers, ranks_by_energy, ranks_by_macs
from tomato.train.gates import Gates, add_gates
from tomato.train.hooks import PENALTY, Calm, Clips, Refit, put_normalisation
from tomato.train.loop import Hook
from tomato.train.named import by_layer
from tomato.train.pruning import Pattern, Pruning, uniform
from tomato.train.recipe import WORDS, Step
from tomato.train.trainable import Trainable

CALIBRATION = 128
"""Frames that ranges are measured on."""
GRID = (0.2, 0.4, 0.6, 0.75, 0.85, 0.92, 0.96)
"""Sparsities at which layers are tried alone."""
NORMALISED = 512
"""Frames that statistics of normalisation start from."""


@dataclass
class Scene:
    """What steps work with. words: the words of the engine, (inputs, outputs) by layer, where there is a target."""

    net: Trainable
    frames: Frames
    choice: Frames | None
    where: str
    words: Callable[[], Mapping[str, tuple[int, int]]] | None = None
    hooks: list[Hook] = field(default_factory=list)

    def calibration(self) -> tuple[np.ndarray, ...]:
        """Frames to measure ranges on, drawn at even distances."""
        count = min(CALIBRATION, len(self.frames))
        return self.frames.take(np.linspace(0, len(self.frames) - 1, count).astype(int)).arrays()


def prepare(scene: Scene, step: Step) -> None:
    """Do what a step does before it trains, and leave the hooks of its training in the scene."""
    scene.hooks, scene.net.module.keeping = [], {}
    DO[step.do](scene, step)
    if scene.net.quantised:
        scene.hooks.append(Refit())


def _train(scene: Scene, step: Step) -> None:
    """Nothing but the training itself."""


def _quantise(scene: Scene, step: Step) -> None:
    scene.net.quantise(step.options["precision"], *scene.calibration(), method=step.get("method", "lsq"))
    if step.get("normalise", False):
        put_normalisation(scene.net.module, scene.frames.take(np.arange(min(NORMALISED, len(scene.frames)))))
    if step.get("method", "lsq") == "pact":
        scene.hooks.append(Clips(scene.net.module, float(step.get("penalty", PENALTY))))
    if step.get("calm", True):
        scene.hooks.append(Calm(scene.net.module))


def _prune(scene: Scene, step: Step) -> None:
    network, graph = scene.net.module, scene.net.module.graph
    wanted = by_layer(graph, step.get("layers", {}), where=scene.where, recurrent=True)
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
    """The pattern of every layer: elements, where nothing is said of it."""
    said = step.get("pattern", "elements")
    if isinstance(said, str):
        texts = dict.fromkeys(names, said)
    else:
        texts = dict.fromkeys(names, "elements") | by_layer(scene.net.module.graph, said, where=scene.where)
    words = _words(scene) if WORDS in texts.values() else {}
    return {
        name: Pattern(*words.get(name, (1, 1))) if text == WORDS else Pattern.parse(text)
        for name, text in texts.items()
    }


def _words(scene: Scene) -> Mapping[str, tuple[int, int]]:
    """The words of the engines."""
    if scene.words is None:
        raise TomatoError(
            "words of the engine are those of a design",
            where=scene.where,
            hint="give --target, or the shape: 'words 4x8'",
        )
    return scene.words()


def measured(scene: Scene, share: float) -> dict[str, float]:
    """Sparsities that reach a share of all weights with the least loss, as layers cause it alone on choice frames."""
    assert scene.choice is not None, "frames to choose by were kept aside"
    graph, some = scene.net.graph(), scene.choice.take(np.arange(min(CALIBRATION, len(scene.choice))))
    curves = sensitivity.measure(graph, graph_values(graph, scene.net.inputs, some.arrays()), grid=GRID)
    return sensitivity.allocate(curves, sensitivity.sizes(graph), share)


def _rebuilt(scene: Scene, graph: Graph) -> None:
    """Train another graph from here on."""
    scene.net = Trainable(graph, scene.net.inputs, scene.net.outputs)


def _channels(scene: Scene, step: Step) -> None:
    graph, taken = scene.net.graph(), Steps(step=step.get("multiple", 1))
    means = _means(scene, graph)
    layers = dict(step.get("layers", {}))
    if "remove" in step.options:
        layers |= {"*": float(step.options["remove"])} if "*" not in layers else {}
    if layers:
        graph = remove_channels(graph, Shares(layers), steps=taken, means=means)
    if "macs" in step.options or "weights" in step.options:
        limit = Limit(float(step.get("macs", 1.0)), float(step.get("weights", 1.0)))
        graph = remove_channels(graph, limit, steps=taken, means=means)
    _rebuilt(scene, graph)


def _means(scene: Scene, graph: Graph) -> Mapping[str, np.ndarray]:
    """The mean of every channel of every value."""
    means = Means()
    _watched(scene, graph, means)
    return means.means


def _watched(scene: Scene, graph: Graph, watch: Watch) -> None:
    """Show what a graph computes on some frames."""
    player = Player(graph, watch)
    for batch in in_batches(graph_values(graph, scene.net.inputs, scene.calibration())):
        player.play({n: x.astype(np.float64) for n, x in batch.items()})


def _factor(scene: Scene, step: Step) -> None:
    graph, multiple = scene.net.graph(), step.get("multiple", 1)
    collector = Collector(graph, lambda _: True)
    _watched(scene, graph, collector)
    moments = collector.moments
    if "energy" in step.options:
        ranks = ranks_by_energy(graph, float(step.options["energy"]), moments, step=multiple)
    else:
        ranks = ranks_by_macs(graph, float(step.options["macs"]), moments, step=multiple)
    chosen = by_layer(graph, dict.fromkeys(step.get("layers", ["*"])), where=scene.where)
    ranks = {name: rank for name, rank in ranks.items() if name in chosen}
    _rebuilt(scene, factor_layers(graph, ranks, moments))


def _gate(scene: Scene, step: Step) -> None:
    graph, said = scene.net.graph(), step.options["layers"]
    densities = {name: float(density) for name, density in said.items()}
    layers, until = by_layer(graph, densities, where=scene.where), float(step.get("until", 0.6))
    graph = add_gates(graph, densities, step.get("group", 1), seed=step.loop.seed, where=scene.where)
    spread = float(step.get("spread", 0.0))
    for name in [node.name for node in graph if node.name in layers and spread]:
        whole = gates.opened(graph)
        collector = Collector(whole, lambda _: True)
        _watched(scene, whole, collector)
        graph = gates.spread_gate(graph, name, collector.moments[f"{name}_gate"], spread)
    _rebuilt(scene, graph)
    penalty, balance = float(step.get("penalty", gates.PENALTY)), float(step.get("balance", 0.0))
    scene.hooks.append(Gates(scene.net.module, layers, penalty, until, balance))


def _circulant(scene: Scene, step: Step) -> None:
    block, graph = int(step.options["block"]), scene.net.graph()
    chosen = by_layer(graph, dict.fromkeys(step.get("layers", ["*"])), where=scene.where)
    fits = {n.name: block for n in graph if n.name in chosen and _blocks(n.op, block)}
    if not fits:
        raise TomatoError(f"no layer has {block} x {block} channels", where=scene.where, hint="take a smaller block")
    _rebuilt(scene, make_circulant(graph, fits))
    for name in fits:
        layer = scene.net.module.layer(name)
        assert isinstance(layer.op, Weighted)
        index = index_map(tuple(layer.weight.shape), block, layer.op.groups)
        first = np.unique(index, return_index=True)[1]
        channels = layer.weight.shape[-1]
        layer.tie(first[index], block if channels % block == 0 else channels)


def _blocks(op: Op, block: int) -> bool:
    """Whether a layer has a whole block of this size."""
    assert isinstance(op, Weighted)
    into, out = op.weight.shape[-2:]
    return min(into, out // op.groups) >= block


def _share(scene: Scene, step: Step) -> None:
    network = scene.net.module
    said = dict.fromkeys(step.get("layers", ["*"]))
    chosen = by_layer(network.graph, said, where=scene.where, recurrent=True)
    for name in chosen:
        network.layer(name).put_quantiser("codebook", step.options["bits"])


DO: Mapping[str, Callable[[Scene, Step], None]] = MappingProxyType(
    {
        "train": _train,
        "distil": _train,
        "quantise": _quantise,
        "prune": _prune,
        "share": _share,
        "channels": _channels,
        "factor": _factor,
        "circulant": _circulant,
        "gate": _gate,
    }
)
