"""A training run on disk: the network at the start of a step, and how far the step is. No code is stored or run."""

from pathlib import Path
from typing import Any

import torch

from tomato.build import archive
from tomato.core.errors import TomatoError
from tomato.core.files import reading
from tomato.core.formats import Codes
from tomato.frontend import Network as Model
from tomato.train.layers import Normalisation
from tomato.train.points import Point
from tomato.train.trainable import Trainable

State = dict[str, Any]
FILE = "state.pt"
HINT = "remove the folder to start anew"


def save(folder: Path, net: Trainable) -> None:
    """The graph, how it is quantised, and all numbers."""
    folder.mkdir(parents=True, exist_ok=True)
    archive.save(folder, Model(net.module.graph, net.inputs, net.outputs))
    layers = {
        node.name: {
            "quantiser": None if layer.quantiser is None else (layer.quantiser.kind, layer.quantiser.bits),
            "norm": layer.norm is not None, "tied": layer.tied is not None, "together": layer.together,
        }
        for node, layer in net.module.each()
    }  # fmt: skip
    points = {
        value: {"scale": p.scale, "zero": p.zero, "lo": p.codes.lo, "hi": p.codes.hi, "step": p.step, "fixed": p.fixed}
        for value, p in net.module.points.items()
    }
    write(folder / FILE, {"layers": layers, "points": points, "method": net.module.method,
                          "numbers": net.module.state_dict()})  # fmt: skip


def load(folder: Path) -> Trainable:
    """What `save` wrote. Raises TomatoError where it is damaged."""
    model = archive.load(folder)
    net = Trainable(model.graph, model.inputs, model.outputs)
    stored = read(folder / FILE)
    with reading("the checkpoint is damaged", where=folder, hint=HINT):
        for node, layer in net.module.each():
            about = stored["layers"][node.name]
            layer.together = about["together"]
            if about["quantiser"]:
                layer.put_quantiser(*about["quantiser"])
            if about["norm"]:
                zeros = torch.zeros(layer.bias.shape)
                layer.norm = Normalisation(zeros, zeros + 1.0, zeros)
            if about["tied"]:
                layer.tied = torch.zeros(layer.weight.shape, dtype=torch.int64)
        points = {
            value: Point(p["scale"], p["zero"], Codes(p["lo"], p["hi"]), p["step"], p["fixed"])
            for value, p in stored["points"].items()
        }
        net.module.put_points(points, stored["method"])
        net.module.load_state_dict(stored["numbers"])
    return net


def write(path: Path, state: State) -> None:
    """Write a state; nothing is left half-written."""
    fresh = path.with_name(f".{path.name}.new")
    torch.save(state, fresh)
    fresh.replace(path)


def read(path: Path) -> State:
    """A state that was written. Raises TomatoError for anything else."""
    with reading("this is no checkpoint of a training run", where=path, hint=HINT):
        found = torch.load(path, weights_only=True, map_location="cpu")
    if not isinstance(found, dict):
        raise TomatoError("this is no checkpoint of a training run", where=str(path), hint=HINT)
    return found
