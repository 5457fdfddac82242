"""The whole compiler, from a model file to an accelerator. The file to read first."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np

from tomato import complete, frontend, targets
from tomato.accelerator import VECTOR_FRAMES, Accelerator
from tomato.core.errors import TomatoError, check_number
from tomato.core.files import refusals
from tomato.core.formats import Array
from tomato.core.interface import Port, Reading, Slot, graph_values, whole_numbers
from tomato.core.interpret import in_batches
from tomato.core.ir import Graph
from tomato.core.progress import Progress, silent
from tomato.frontend import HostChoice, Imported, Settled
from tomato.frontend.read import Source
from tomato.host.data import classes_of, suit
from tomato.host.ends import around
from tomato.ops.quantise import Quantise
from tomato.passes import CLEAN, QUANTISED, run
from tomato.quantise.absorb import ORDINARY, SHARE, Allowed, Proof, SeveralWaysError, UnquantisedError, absorb
from tomato.quantise.calibrate import Method, Ranges, Watch, calibrate, synthetic_ranges
from tomato.quantise.post_training import quantise
from tomato.quantise.precision import Precision
from tomato.quantise.weights.moments import Collector
from tomato.schedule import schedule
from tomato.schedule.plan import Wishes, read_wishes
from tomato.search import AUTO, Exploration, Goal, Subject, explore
from tomato.targets import Target
from tomato.targets.fields import FASTEST_MHZ

PORT_VALUES, LAYER_VALUES = 1 << 21, 1 << 25
"""Values of a port, and of a layer, in all frames for the test vectors together: where they are more, fewer frames."""
REQUANT_BITS = 4, 32
"""Least and most bits of a requantisation's multiplier that may be asked for."""
BYTES = -128, 255
"""Random frames of integers stay within these, whatever their type."""
NO_CALIBRATION = (
    "NO CALIBRATION DATA: ranges come from random noise, so accuracy means nothing; speed and size are real. "
    "Give --calibrate DATA"
)


@refusals("cannot compile")
def compile_model(
    model: str | Path | Source,
    target: str,
    *,
    calibration: Array | Sequence[Array] | None = None,
    labels: Array | None = None,
    precision: str | Precision | None = None,
    goal: Goal | None = None,
    compensate: bool = True,
    ranges: Method = "auto",
    fps: float | None = None,
    clock_mhz: float | None = None,
    plan: Path | None = None,
    requant_bits: int | None = None,
    allow_error: float | None = None,
    shapes: Mapping[str, Sequence[int]] | None = None,
    host: HostChoice = "ends",
    progress: Progress = silent,
) -> Accelerator:
    """Compile an ONNX model for a target.

    calibration: frames as the model takes them, batch first (one array per input), to measure the ranges
    of activations on; labels: their classes. precision: weights and activations, such as "w4a8" or
    "ternary, conv_1=w8a8"; unless given, what the plan says, or w8a8; "auto" searches for one that suits `goal`.
    compensate: let weights of few bits make up for each other's rounding errors.
    ranges: "auto", "minmax", "percentile" or "mse". fps: the smallest design that reaches this rate, instead of the
    fastest that fits. plan: a plan.toml whose choices are kept. requant_bits: of a model that comes quantised, the
    widest multipliers of requantisations. allow_error: the share of a requantisation's inputs that may be off by one
    step where nothing exact is small enough (0: none, 1: any error; unless given, one in a hundred). shapes: sizes of
    dynamic axes by their names, or whole shapes of inputs by theirs, batch included. host: what the host may run at
    the ends of the network: "none", "ends" (as long as the chip does at least half of the multiply-accumulates), or
    "any". Raises TomatoError for what the user can mend.
    """
    _check_numbers(fps, clock_mhz, requant_bits, allow_error, goal)
    board = targets.load(target)
    wishes = read_wishes(Path(plan)) if plan else Wishes()
    progress("Import", 0, 0)
    sizes = {name: tuple(int(n) for n in shape) for name, shape in (shapes or {}).items()}
    path = model if isinstance(model, Source) else Source(Path(model))
    allowed = Allowed(SHARE if allow_error is None else allow_error, requant_bits)
    settled, frames = _settled(path, Reading(sizes), host, calibration)
    integers = None
    if settled.imported.quantised:
        wanted = _precision(precision, wishes).activation_bits if precision != AUTO else complete.BITS
        settled, frames, integers = complete.complete(
            path, settled, frames, wanted, host, partial(from_quantised, model=path.path, allowed=allowed)
        )
    imported, reading, ends = settled.imported, settled.reading, settled.ends

    if imported.quantised and precision is not None and not reading.ranges:
        raise TomatoError(
            "--precision is for float models: this one comes quantised",
            where=str(path),
            hint="leave it out, or give the float model",
        )
    if not imported.quantised and (requant_bits is not None or allow_error is not None):
        raise TomatoError(
            "--requant-bits and --allow-error are for models that come quantised: this one is float",
            where=str(path),
            hint="leave them out",
        )
    found = None
    if precision == AUTO:
        aim = replace(goal or Goal(), clock_mhz=clock_mhz or wishes.clock_mhz, fps=fps)
        found = _search(imported, frames, labels, board, aim, ranges, str(path), compensate=compensate,
                        progress=progress)  # fmt: skip
        fps = found.fps
    bits = found.precision if found else _precision(precision, wishes)
    if integers is None:
        integers = from_real(imported, frames, ranges, bits, compensate=compensate, progress=progress)
    integers.graph.verify()

    progress("Schedule", 0, 0)
    chosen = schedule(
        integers.graph, board, clock_mhz=clock_mhz or wishes.clock_mhz, fps=fps, wishes=wishes, model=str(path),
        given=imported.quantised,
    )  # fmt: skip
    samples = frames or _noise(imported, integers)
    said = (*complete.notes(reading), *([str(ends)] if ends else []))
    notes = (*said, *integers.notes, *imported.notes, *(found.notes if found else ()))
    return Accelerator(
        integers.graph, integers.inputs, integers.outputs, replace(chosen, precision=bits), board, path.path,
        tuple(s[: _count(integers.graph)] for s in samples), notes,
        integers.proofs, found.files if found else {}, reading, ends,
    )  # fmt: skip


def _settled(
    path: Source, reading: Reading, host: HostChoice, calibration: Array | Sequence[Array] | None
) -> tuple[Settled, tuple[Array, ...] | None]:
    """What the chip computes of a model, and calibration frames as it takes them."""
    given = None if calibration is None else _frames(frontend.takes(path, reading), calibration)
    reading = complete.make_static(path, reading, given)
    settled = frontend.settle(path, reading, host)
    host_part = around(path, settled)
    if host_part and given is not None:
        given = host_part.enter(given)
    return settled, given


def _check_numbers(
    fps: float | None, clock_mhz: float | None, requant_bits: int | None, allow_error: float | None, goal: Goal | None
) -> None:
    """Raise TomatoError for a number that no option takes."""
    if fps is not None:
        check_number("fps", fps, open_=True)
    if clock_mhz is not None:
        check_number("clock", clock_mhz, 0, FASTEST_MHZ, open_=True)
    if requant_bits is not None:
        check_number("requant-bits", requant_bits, *REQUANT_BITS)
    if allow_error is not None:
        check_number("allow-error", allow_error, 0, 1)
    if goal is not None:
        check_number("max-drop", goal.max_drop)


def _search(
    imported: Imported, frames: tuple[Array, ...] | None, labels: Array | None, board: Target, goal: Goal,
    ranges: Method, model: str, *, compensate: bool, progress: Progress,
) -> Exploration:  # fmt: skip
    """The precision that "auto" stands for."""
    if frames is None:
        raise TomatoError(
            "--precision auto measures accuracy, but there is no calibration data",
            where=model,
            hint="give --calibrate DATA, best a .npz with x and labels",
        )
    labels = None if labels is None else classes_of(labels, len(frames[0]), where=model)
    real = run(imported.graph, CLEAN)
    values = graph_values(real, imported.inputs, frames)
    subject = Subject.study(real, values, labels, ranges, compensate=compensate, progress=progress)
    return explore(subject, board, goal, model=Path(model).name, progress=progress)


@dataclass(frozen=True, slots=True)
class Integers:
    """A network on codes, its ports, what the report should tell, and how its requantisations were proved."""

    graph: Graph
    inputs: tuple[Port, ...]
    outputs: tuple[Port, ...]
    notes: tuple[str, ...]
    proofs: tuple[Proof, ...] = ()


def from_real(
    imported: Imported, frames: tuple[Array, ...] | None, ranges: Method, bits: Precision, *, compensate: bool,
    progress: Progress = silent,
) -> Integers:  # fmt: skip
    """A real network, quantised by us."""
    real = run(imported.graph, CLEAN)
    ends = bits.with_ends(real)
    inputs = Collector(real, lambda node: compensate and ends.of(node).corrects)
    measured = _measure(real, imported.inputs, frames, ranges, bits, inputs, progress)
    graph, remarks = quantise(real, measured, bits, moments=inputs.moments)
    values = dict(zip(imported.graph.outputs, graph.outputs, strict=True))
    outputs = tuple(replace(p, value=values[p.value]) for p in imported.outputs)
    notes = (*([NO_CALIBRATION] if frames is None else []), *map(str, remarks))
    return Integers(graph, imported.inputs, outputs, notes)


def from_quantised(imported: Imported, model: Path, allowed: Allowed = ORDINARY) -> Integers:
    """A network that comes quantised, exactly as it is but for what `allowed` says.

    Raises UnquantisedError where it leaves a value open of which codes are needed, SeveralWaysError where an input
    has several quantisations, see `complete.py`.
    """
    try:
        found = absorb(run(imported.graph, QUANTISED), imported.said, allowed)
    except (SeveralWaysError, UnquantisedError) as reason:
        reason.where = f"{model}: {reason.where}"
        raise
    except TomatoError as reason:
        raise TomatoError(reason.what, where=f"{model}: {reason.where}", hint=reason.hint) from reason
    values = dict(zip(imported.graph.outputs, found.outputs, strict=True))
    inputs = tuple(replace(p, chain=found.before[p.value]) for p in imported.inputs)
    outputs = tuple(replace(p, value=values[p.value].value, chain=values[p.value].chain) for p in imported.outputs)
    return Integers(found.graph, inputs, outputs, (), found.proofs)


def _frames(inputs: Sequence[Slot], calibration: Array | Sequence[Array] | None) -> tuple[Array, ...] | None:
    """Calibration frames, one array per input, checked."""
    if calibration is None:
        return None
    given = (calibration,) if isinstance(calibration, np.ndarray) else tuple(calibration)
    if len(given) != len(inputs):
        names = ", ".join(p.name for p in inputs)
        raise TomatoError(f"{len(given)} calibration arrays given, but the model has the inputs {names}")
    return tuple(
        suit(np.asarray(frames), p.shape, p.dtype, name=p.name, where=f"calibration of input {p.name}")
        for frames, p in zip(given, inputs, strict=True)
    )


def _measure(
    real: Graph, inputs: Sequence[Port], frames: tuple[Array, ...] | None, method: Method, precision: Precision,
    watch: Watch, progress: Progress,
) -> Ranges:  # fmt: skip
    """Ranges of the activations, on the user's frames or else on noise, which `watch` does not see."""
    if frames is None:
        return synthetic_ranges(real)
    return calibrate(
        real, in_batches(graph_values(real, inputs, frames)), method, precision=precision, watch=watch,
        progress=lambda done, total: progress("Calibration", done, total),
    )  # fmt: skip


def _precision(asked: str | Precision | None, wishes: Wishes) -> Precision:
    """What the call asks for, before what the plan asks for."""
    planned = wishes.precision or Precision()
    if asked is None:
        return planned
    try:
        bits = Precision.parse(asked) if isinstance(asked, str) else asked
    except ValueError as reason:  # of numbers with thousands of digits
        raise TomatoError(f"--precision: {reason}") from reason
    first = dict(bits.overrides)
    rest = {pattern: form for pattern, form in planned.overrides.items() if pattern not in first}
    return replace(bits, overrides=first | rest)


def _noise(imported: Imported, integers: Integers) -> tuple[Array, ...]:
    """Random frames for the test vectors of a network without data: all codes, where the model says what they mean."""
    rng = np.random.default_rng(0)
    count = _count(integers.graph)
    return tuple(_random(rng, given, port, count) for given, port in zip(imported.inputs, integers.inputs, strict=True))


def _count(graph: Graph) -> int:
    """Frames for the test vectors: fewer where layers are large."""
    sizes = {name: kind.pixels * kind.channels for name, kind in graph.types.items()}
    port = max(sizes[name] for name in (*dict(graph.inputs), *graph.outputs))
    return max(1, min(VECTOR_FRAMES, PORT_VALUES // port, LAYER_VALUES // max(sizes.values())))


def _random(rng: np.random.Generator, given: Port, port: Port, count: int) -> Array:
    size = (count, *given.shape)
    match port.chain:
        case (Quantise(scale, zero, lo, hi),) if scale.shape == zero.shape == (1,):
            return port.typed((rng.integers(lo, hi, size, endpoint=True) - zero.values) * scale.values)
    if np.dtype(port.dtype).kind == "f":
        return port.typed(rng.standard_normal(size))
    lo, hi = whole_numbers(np.dtype(port.dtype))
    return port.typed(rng.integers(max(lo, BYTES[0]), min(hi, BYTES[1]), size, endpoint=True))
