"""What becomes of a model: refused in words, or computed as the runtime or ONNX's reference evaluator do."""

import json
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
from onnx.reference import ReferenceEvaluator

import tomato
from tests.networks import qonnx
from tomato import accelerator, frontend
from tomato.core.errors import TomatoError
from tomato.core.formats import Array
from tomato.core.interface import Port, Slot, graph_values
from tomato.core.interpret import interpret
from tomato.frontend import Network, door
from tomato.host.ends import around
from tomato.measure import agreement

TOLERANCE = 2e-4
"""Relative to the largest magnitude: the references compute in float32."""
ROUGH = 2e-2
"""The same where the model rounds to 16 bits on the way."""
SOFTMAX = 13
MOST_VALUES = 1 << 21
"""Values of a frame beyond which nothing is compared or written: that takes longer than to import."""
WHOLE = 8
"""One in so many models goes through the whole compiler."""
REFUSED, EQUAL, NEAR, INFINITE, UNKNOWN = "refused", "equal", "near", "not finite", "no reference"
WRONG, INVALID = "WRONG", "INVALID"
CUT = "with the host"


def judge(path: Path, seed: int) -> str:
    """One of the outcomes, with what there is to say; whatever is raised is a fault of ours."""
    try:
        imported = frontend.load(path)
        imported.graph.verify()
        large = any(t.pixels * t.channels > MOST_VALUES for t in imported.graph.types.values())
        said = UNKNOWN if large else _compare(imported, path)
        if not large and (seed % WHOLE == 0 or imported.quantised):
            _check_whole(path)
    except TomatoError as error:
        return _cut(path, f"{REFUSED}: {error.what.splitlines()[-1]}")
    return said


def _cut(path: Path, refusal: str) -> str:
    """What becomes of a refused model whose ends the host may run."""
    try:
        settled = frontend.settle(path, host="any")
        if settled.ends is None:
            return refusal
        said = _compare(settled, path)
    except TomatoError:
        return refusal
    return f"{CUT}: {said}" if said.partition(":")[0] in (EQUAL, NEAR, INFINITE, UNKNOWN) else said


def _compare(settled: Network, path: Path) -> str:
    """The network around the chip, the chip in real numbers, against others."""
    imported, host = settled, around(path, settled)
    inputs: tuple[Slot | Port, ...] = settled.ends.inputs if settled.ends else imported.inputs
    rng = np.random.default_rng(0)
    frames = [_drawn(rng, np.dtype(p.dtype), (1, *p.shape)).astype(p.dtype) for p in inputs]
    with np.errstate(all="ignore"):
        given = host.enter(frames) if host else frames
        values = interpret(imported.graph, graph_values(imported.graph, imported.inputs, given))
        chip = [p.typed(p.finish(p.from_graph(values[p.value]))) for p in imported.outputs]
        got = list(host.leave(frames, chip)) if host else chip
    feed = {p.name: x for p, x in zip(inputs, frames, strict=True)}
    rough = _rounds(path)
    worst = None
    for wanted in _references(path, feed):
        if not all(np.isfinite(np.asarray(w, np.float64)).all() for w in wanted):
            return INFINITE
        error = _distance(got, wanted)
        if error <= (ROUGH if rough or any(p.dtype == "float16" for p in inputs) else TOLERANCE):
            return EQUAL
        worst = error if worst is None else min(worst, error)
    if worst is None:
        return UNKNOWN if _is_valid(path) else f"{INVALID}: {_complaint(path)}"
    if imported.quantised and worst <= 1:
        return NEAR
    if _reference_errs(path):
        return UNKNOWN
    return f"{WRONG}: off by {worst:.3g}"


def _rounds(path: Path) -> bool:
    """Whether the references are known to round a lot: to 16 bits, or differences of large numbers."""
    narrow = (onnx.TensorProto.FLOAT16, onnx.TensorProto.BFLOAT16)
    nodes = onnx.load(path, load_external_data=False).graph.node
    return any(
        n.op_type == "Celu" or a.i in narrow for n in nodes for a in n.attribute if n.op_type in ("Cast", "Celu")
    )


def _reference_errs(path: Path) -> bool:
    """Whether the reference evaluator is known to err, of models that ONNX Runtime does not take.

    SAME padding of a kernel that is smaller than its stride is negative to it; softmax before operator set 13 is over
    one axis to it. Of inputs without elements it makes none.
    """
    model = onnx.load(path, load_external_data=False)
    same = any(a.s.startswith(b"SAME") for n in model.graph.node for a in n.attribute)
    old = any("Softmax" in n.op_type for n in model.graph.node) and model.opset_import[0].version < SOFTMAX
    return same or old


def _drawn(rng: np.random.Generator, kind: np.dtype, shape: tuple[int, ...]) -> Array:
    return rng.normal(size=shape) * 2 if kind.kind == "f" else rng.integers(0, 100, size=shape)


def _distance(got: list[Array], wanted: list[Array]) -> float:
    """The largest error relative to the largest magnitude; infinite where shapes differ."""
    worst = 0.0
    if len(got) != len(wanted):
        return float("inf")
    for ours, theirs in zip(got, wanted, strict=True):
        if ours.shape != np.shape(theirs):  # a result without a batch axis is a frame of its own
            if ours.shape != (1, *np.shape(theirs)):
                return float("inf")
            theirs = np.asarray(theirs)[np.newaxis]
        if ours.size:
            a, b = np.asarray(ours, np.float64), np.asarray(theirs, np.float64)
            worst = max(worst, float(np.abs(a - b).max() / max(1e-6, np.abs(b).max())))
    return worst


def _references(path: Path, feed: dict[str, Array]) -> Iterator[list[Array]]:
    """What others make of the model: those that can."""
    model = onnx.load(path)
    for value in model.graph.input:
        for dim, size in zip(value.type.tensor_type.shape.dim, np.shape(feed.get(value.name, ())), strict=False):
            dim.dim_value = size
    framed = path.with_name("framed.onnx")
    framed.write_bytes(model.SerializeToString())
    runs: list[Callable[[], list[Any]]] = [
        lambda: _session(framed, optimised=True).run(None, feed),
        lambda: _session(framed, optimised=False).run(None, feed),
        lambda: agreement.session(path, integers=True).run(None, feed),
        lambda: list(ReferenceEvaluator(onnx.load(path)).run(None, dict(feed))),
        lambda: [qonnx.evaluate(path, *feed.values())],
    ]
    for run in runs:
        with suppress(Exception):  # whatever they do not like
            yield [np.asarray(y) for y in run()]


def _session(path: Path, *, optimised: bool) -> Any:
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    if not optimised:
        options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])


def _is_valid(path: Path) -> bool:
    return not _complaint(path)


def _complaint(path: Path) -> str:
    """What onnx's checker says of a model, but for the harmless things that the door mends."""
    model = onnx.load(path)
    door.mend(model)
    model.ir_version = max(model.ir_version, 4)
    model.graph.name = "graph"
    for value in model.graph.output:
        if not value.HasField("type"):
            value.type.tensor_type.elem_type = 1
            value.type.tensor_type.shape.SetInParent()
    try:
        onnx.checker.check_model(model)
    except onnx.checker.ValidationError as error:
        return str(error).splitlines()[0]
    return ""


def _check_whole(path: Path) -> None:
    """Compile the model, and compare its golden model with itself after writing and reading."""
    made = tomato.compile(path, "kv260")
    folder = path.parent / "build"
    made.write(folder)
    json.loads((folder / "report.json").read_text())
    accelerator.load(folder)
