"""Two convolutions whose weights are in memory beside the chip, as words for tiles of pixels."""

from dataclasses import replace
from pathlib import Path

import numpy as np

import tomato
from tests.networks.sequences import Model
from tomato.accelerator import Accelerator
from tomato.core.formats import Array
from tomato.engines.fetched_fold import FetchedFold
from tomato.schedule.plan import Choice
from tomato.schedule.units import sites

SHAPE = (4, 6, 6)


def frames(count: int, seed: int = 0) -> Array:
    return np.random.default_rng(seed).normal(size=(count, *SHAPE)).astype(np.float32)


def fetched(folder: Path, target: str = "kv260", filters: int = 16) -> Accelerator:
    """All products of a word at once, and the shortest tiles: on kv260 16 filters take two channels, 32 take four.

    folder: where the model is kept.
    """
    model, rng = Model(), np.random.default_rng(1)
    wide = model.constant(rng.normal(size=(filters, SHAPE[0], 3, 3)), np.float32)
    narrow = model.constant(rng.normal(size=(6, filters, 1, 1)), np.float32)
    hidden = model.node("Relu", [model.node("Conv", [model.input("x", 1, *SHAPE), wide], "wide", pads=[1] * 4)], "act")
    model.node("Conv", [hidden, narrow], "y")
    model.output("y", 1, 6, *SHAPE[1:])
    made: Accelerator = tomato.compile(model.made(folder / "two.onnx"), target, calibration=frames(16))
    layers = dict(made.plan.layers)
    for name, site in sites(made.graph, made.target).items():
        if isinstance(site.op, FetchedFold.ops):
            units = [FetchedFold(site, knobs) for knobs in FetchedFold.choices(site)]
            unit = min(units, key=lambda u: (u.cycles, u.tile))
            layers[name] = Choice(unit.stem, unit.knobs)
    return replace(made, plan=replace(made.plan, layers=layers))
