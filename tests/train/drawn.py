"""Random trained networks: drawn, quantised and moved by a few steps of an optimiser."""

import random
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np
import onnx
import torch

from tests.networks.generator import HARDWARE, LAYOUT, MEANING, TRAINED, network
from tests.networks.model import write
from tomato.core.errors import TomatoError
from tomato.core.formats import Array
from tomato.core.interpret import interpret
from tomato.core.ir import Graph
from tomato.host.codes import encode
from tomato.quantise.integers import Integers
from tomato.quantise.precision import NAMES, SINGLE
from tomato.quantise.weights.kinds import KINDS
from tomato.train import trainable
from tomato.train.readback import alike, compiled, places
from tomato.train.trainable import Trainable

STYLES = HARDWARE, MEANING, LAYOUT, TRAINED
REFUSED = (
    "the network has no weights",
    "only borders of 0 are trained",
    "has no form in a file",
    "the order of its input is no transposition",
)
WEIGHTS = tuple(
    name if kind in SINGLE else f"{name}{bits}" for name, kind in NAMES.items() for bits in KINDS[kind].bits
)
"""Every format of weights, as users write it."""
FRAMES = 16


@dataclass(frozen=True)
class Drawn:
    """A network that can be trained, and frames for each of its inputs."""

    trained: Trainable
    frames: tuple[Array, ...]
    graph: Graph


def loaded(graph: Graph, data: Mapping[str, Array]) -> Drawn:
    """A real graph, through a file. Raises TomatoError where it cannot be trained."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "network.onnx"
        onnx.save(write(graph).model, path)
        trained = Trainable.load(path)
    given = {name: x.transpose(0, 3, 1, 2).astype(np.float32) for name, x in data.items()}
    frames = tuple(given[p.name].reshape(-1, *p.shape) for p in trained.inputs)
    return Drawn(trained, frames, graph)


def draw(seed: int) -> Drawn:
    """A random network; one that cannot be trained is refused for a known reason, and another is drawn."""
    for attempt in count():
        graph, net = network(random.Random(1000 * seed + attempt), STYLES[seed % len(STYLES)])
        try:
            return loaded(graph, net.data(FRAMES))
        except TomatoError as reason:
            if not any(text in str(reason) for text in REFUSED):
                raise
    raise AssertionError


def learn(drawn: Drawn, steps: int = 2, rate: float = 0.01) -> None:
    """Move every parameter."""
    module = drawn.trained.module
    module.train()
    optimiser = torch.optim.Adam([p for p in module.parameters() if p.requires_grad], rate)
    for _ in range(steps):
        found = module(*(torch.from_numpy(x) for x in drawn.frames))
        results: Sequence[torch.Tensor] = found if isinstance(found, tuple) else (found,)
        loss = torch.stack([(y - 1.0).square().mean() for y in results]).sum()
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    module.eval()


@dataclass(frozen=True)
class Compiled:
    """A trained network behind the compiler, every value of its golden model, and where the codes of it are."""

    integers: Integers
    values: Mapping[str, Array]
    places: Mapping[str, str]
    same: bool


def evaluated(drawn: Drawn) -> tuple[dict[str, Array], Compiled]:
    """The codes of the trained network, and what the golden model of the exported file computes."""
    trained, values = drawn.trained, dict[str, Array]()
    seen: list[Integers] = []

    def compiling(*given: Any) -> Integers:
        seen.append(compiled(*given))
        return seen[-1]

    with mock.patch.object(trainable, "compiled", compiling):
        codes = trained.codes(*drawn.frames)
    (made,) = seen  # compiling is what takes time: once is enough
    fed = encode(made, drawn.frames)
    interpret(made.graph, fed, watch=lambda name, x: values.update({name: x}))
    return codes, Compiled(made, dict(fed) | values, places(trained.frozen(), trained.inputs, made),
                           alike(trained.inputs, made))  # fmt: skip


def apart(made: Compiled) -> bool:
    """Whether single codes may differ: constants that are not exact, of a network that is held in another order."""
    return not made.same and any(proof.differing or proof.caveat for proof in made.integers.proofs)


def differences(codes: Mapping[str, Array], made: Compiled) -> dict[str, str]:
    """What differs, by the name of the value: the number of codes, of how many, and by how much.

    Where the compiler holds the network in another order, what it takes for want of exact constants is not read back.
    """
    if apart(made):
        return {}
    found = {}
    for name, place in made.places.items():
        mine, theirs = codes[name], made.values[place]
        if not made.same or mine.shape != theirs.shape:  # held in another order
            mine, theirs = (np.sort(x.reshape(len(x), -1), axis=1) for x in (mine, theirs))
        wrong = np.abs(mine - theirs)
        if wrong.any():
            found[name] = f"{np.count_nonzero(wrong)} of {wrong.size} codes, by up to {wrong.max():g}"
    return found
