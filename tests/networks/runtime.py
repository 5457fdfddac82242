"""A model that comes quantised, in integers, and what its runtime makes of it."""

from pathlib import Path

import numpy as np

from tomato import frontend
from tomato.core.formats import Array
from tomato.core.interpret import interpret
from tomato.measure.agreement import session
from tomato.quantise.absorb.realise import ORDINARY, Allowed
from tomato.quantise.integers import Integers, from_quantised


def integers(path: Path, allowed: Allowed = ORDINARY) -> Integers:
    """The network on codes."""
    return from_quantised(frontend.load(path), path, allowed)


def golden(made: Integers, *frames: Array) -> list[Array]:
    """The outputs of the golden model, as float32."""
    shapes = {name: kind.shape for name, kind in made.graph.inputs}
    codes = {p.value: p.run(p.to_graph(x, shapes[p.value])) for p, x in zip(made.inputs, frames, strict=True)}
    values = interpret(made.graph, codes)
    reals = [(p, p.run(values[p.value])) for p in made.outputs]
    return [np.asarray(p.finish(p.from_graph(y)), np.float32) for p, y in reals]


def runtime(path: Path, *frames: Array) -> list[Array]:
    """The outputs of ONNX Runtime's integer kernels, frame by frame, as float32: the same on every processor."""
    runner = session(path, integers=True)
    names = [i.name for i in runner.get_inputs()]
    rows = [
        runner.run(None, {n: f[i : i + 1] for n, f in zip(names, frames, strict=True)}) for i in range(len(frames[0]))
    ]
    return [np.concatenate([np.asarray(row[k], np.float32) for row in rows]) for k in range(len(rows[0]))]
