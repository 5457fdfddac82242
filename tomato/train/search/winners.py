"""What becomes of a chosen network: a float model, training in its formats, a model on codes, an accelerator."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from tomato.accelerator import Accelerator
from tomato.compiler import compile_model
from tomato.core.errors import TomatoError
from tomato.core.progress import Progress, silent
from tomato.frontend.write import write
from tomato.search.lines import evenly
from tomato.search.network import build
from tomato.search.network.candidates import Candidate
from tomato.search.network.layers import Layer
from tomato.search.network.price import Market
from tomato.train.command import CHECKED
from tomato.train.data import Frames
from tomato.train.recipe import parse
from tomato.train.run import Run
from tomato.train.search.appraise import Appraiser
from tomato.train.trainable import Trainable

FLOAT, TRAINED, ACCELERATOR = "float.onnx", "trained.onnx", "accelerator"
DISTIL = 0.0
"""Trained networks learn from labels: the answers of shared weights are no better."""


@dataclass(frozen=True, slots=True)
class Winner:
    """A network that was trained on, and its accelerator.

    accuracy: the share right of the frames that nothing was chosen by. differing: codes of the compiled network that
    are not the trained one's, of `codes`. simulated: frames whose every beat equalled the golden model's in simulation.
    """

    folder: str
    network: str
    accuracy: float
    fps: float
    interval: int
    latency: int
    resources: Mapping[str, int]
    weights: int
    differing: int
    codes: int
    simulated: int
    priced: int


@dataclass(frozen=True, slots=True)
class Workshop:
    """What is needed for that.

    folder: for all networks. loop: keys of a recipe's [loop]. tune: epochs. simulate: frames to play through RTL.
    """

    appraiser: Appraiser
    frames: Frames
    report: Frames
    loop: Mapping[str, Any]
    tune: int
    seed: int
    folder: Path
    simulate: int = 0

    def finish(self, candidate: Candidate, number: int, progress: Progress = silent) -> Winner:
        """Train a network on, write it, compile and prove it, in a folder of its own; goes on from what is there."""
        folder = self.folder / f"network{number}"
        folder.mkdir(parents=True, exist_ok=True)
        net = self.appraiser.net
        layers = net.layers(candidate.genes)
        self._write_float(layers, folder / FLOAT)
        trained, right = self._trained(layers, folder, progress)
        frames = self.report.take(np.arange(min(CHECKED, len(self.report)))).arrays()
        wrong, codes = trained.check(*frames)
        trained.export(folder / TRAINED)
        made = built(folder / TRAINED, self.appraiser.market, progress)
        made.write(folder / ACCELERATOR, progress)
        if self.simulate:
            made.simulate(*(x[: self.simulate] for x in frames), progress=progress)
        report = made.report
        return Winner(
            folder.name, candidate.network, right, report["fps"], report["interval_cycles"], report["latency_cycles"],
            report["resources"], candidate.counts.weights, wrong, codes, self.simulate, candidate.price.interval,
        )  # fmt: skip

    def _write_float(self, layers: Sequence[Layer], path: Path) -> None:
        """The network with its part of the shared weights, batch normalisation in them."""
        net = self.appraiser.net
        weights = net.folded(layers, net.statistics(layers, self.appraiser.x))
        graph = build.graph(layers, net.frame, lambda layer, _: weights[layer.name])
        image, scores = build.ports(graph)
        write(graph, (image,), (scores,), path)

    def _trained(self, layers: Sequence[Layer], folder: Path, progress: Progress) -> tuple[Trainable, float]:
        """The network trained in its formats, and the share of the report's frames that it has right."""
        precision = str(build.precision(layers))
        step = {"do": "quantise", "precision": precision, "normalise": True, "epochs": self.tune}
        where = str(folder / FLOAT)
        recipe = parse({"seed": self.seed, "loop": {"distil": DISTIL, **self.loop}, "step": [step]}, where, precision)
        run = Run(
            Trainable.load(folder / FLOAT), recipe, self.frames, self.report, None, folder / "training", where=where
        )
        rows = run.carry_out(progress)
        return run.net, rows[-1].right


def built(path: Path, market: Market, progress: Progress) -> Accelerator:
    """The accelerator of a trained network, as its price was asked for.

    Where it is a little slower than its price, and than the rate that was asked for, it is the fastest one.
    """
    asked = partial(compile_model, path, market.target.name, clock_mhz=market.clock_mhz, shell=market.shell,
                    progress=progress)  # fmt: skip
    if market.fps is None:
        return asked()
    try:
        return asked(fps=market.fps)
    except TomatoError:
        return asked()


def chosen(members: Sequence[Candidate], count: int) -> list[Candidate]:
    """So many members of a front, the most accurate first and the others evenly among the rest by accuracy.

    Raises TomatoError for an empty front.
    """
    if not members:
        raise TomatoError(
            "no network of those that were looked at fits the target",
            hint="choose a larger board, a lower --fps, a space of smaller networks, or look at more (--candidates)",
        )
    return evenly(members, count)
