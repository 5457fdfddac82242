"""The whole compiler, from a model file to an accelerator. The file to read first.

import -> passes -> quantise -> schedule here; lower -> print in `accelerator.py`, when the build folder is written.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

from tomato import asked, board, complete, exits, targets
from tomato.accelerator import Accelerator
from tomato.cluster.design import Clustered, clustered
from tomato.core.errors import TomatoError
from tomato.core.files import refusals
from tomato.core.formats import Array
from tomato.core.interface import Reading
from tomato.core.ir import Graph
from tomato.core.progress import Progress, silent
from tomato.frontend import HostChoice, Network
from tomato.frontend.read import Source
from tomato.host.samples import count_of, samples_of
from tomato.quantise.absorb import SHARE, Allowed
from tomato.quantise.calibrate import Method
from tomato.quantise.integers import Integers, from_quantised, from_real
from tomato.quantise.precision import Precision
from tomato.schedule import Plan
from tomato.schedule.alternatives import best, gained, or_shared, ordered, reordered
from tomato.schedule.fetching import Weights
from tomato.schedule.plan import Early, Order, Wishes, read_wishes
from tomato.schedule.reached import reached
from tomato.schedule.sharing import Share
from tomato.search import AUTO, Goal
from tomato.search.auto import search
from tomato.work import HERE, Workers


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
    states: Mapping[str, str] | None = None,
    early: Mapping[str, Early | float | None] | None = None,
    early_loss: float = exits.LOSS,
    early_order: Order | None = None,
    host: HostChoice = "ends",
    shell: str = board.SHELLS[0],
    weights: Weights = "auto",
    share: Share = "never",
    double_clock: bool = False,
    workers: Workers = HERE,
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
    dynamic axes by their names, or whole shapes of inputs by theirs, batch included. states: inputs of recurrent layers
    that are what an output was at the frame before, by name: they stay on the chip, and frames are a sequence. early:
    outputs at which frames leave that are sure: by name the margin of the first score, an `Early`, or None to let
    calibration choose it with at most `early_loss` points of accuracy lost, see docs/exits.md. early_order: "frames",
    or "arrival" for results that leave as they come, each with its frame's number; unless given, the plan's. host: what
    the host may run at the ends of the network: "none", "ends" (as long as the chip does at least half of the
    multiply-accumulates), or "any". shell: what stands around the Verilog, "axi" or "none", for which room is left.
    weights: "chip" has them all on the chip, "memory" also in memory beside it, "auto" there if they do not fit.
    share: "auto" lets layers take turns on an engine where the network or its weights do not fit otherwise, or with
    `fps` where that is smaller.
    double_clock: layers may multiply at twice the clock, with half as many multipliers, see docs/arithmetic.md.
    workers: who shares the work of a search, see `tomato.work.opened`; the design is the same.
    Raises TomatoError for what the user can mend.
    """
    asked.check_numbers(fps, clock_mhz, requant_bits, allow_error, goal)
    chip = targets.load(target)
    wishes = read_wishes(Path(plan)) if plan else Wishes()
    clock = clock_mhz or wishes.clock_mhz
    chip = replace(chip, clock_mhz=clock) if clock else chip
    if double_clock or wishes.double_clock:
        asked.check_double_clock(chip, shell, searched=precision == AUTO)
        wishes = replace(wishes, double_clock=True)

    progress("Import", 0, 0)
    source = model if isinstance(model, Source) else Source(Path(model))
    sizes = {name: tuple(int(n) for n in shape) for name, shape in (shapes or {}).items()}
    network, frames = complete.settle(source, Reading(sizes, states=dict(states or {})), host, calibration)
    doors = exits.wanted(early, wishes)
    order = exits.order_of(early_order, wishes, doors)
    if doors:
        network = exits.ordered(network, doors)

    wanted = asked.wanted(precision, wishes).activation_bits if precision != AUTO else complete.BITS
    network, frames, integers = _come_quantised(
        source, network, frames, host, wanted, requant_bits, allow_error, said=precision is not None
    )
    found = None
    if precision == AUTO and doors:
        raise TomatoError("--precision auto is for networks without early exits", hint="name a precision")
    if precision == AUTO:
        aim = replace(goal or Goal(), clock_mhz=clock, fps=fps)
        found = search(network, frames, labels, chip, aim, ranges, str(source), compensate=compensate,
                       shell=shell, workers=workers, progress=progress)  # fmt: skip
        fps = found.fps
    bits = found.precision if found else asked.wanted(precision, wishes)
    if integers is None:
        alike = bool(doors)
        integers = from_real(network, frames, ranges, bits, compensate=compensate, alike=alike, progress=progress)
    if doors:
        integers, doors = exits.leave_early(integers, doors, frames, labels, early_loss, order, progress)
    integers.graph.verify()

    progress("Schedule", 0, 0)
    planner = partial(
        reached, target=chip, clock_mhz=clock, fps=fps, model=str(source), given=network.quantised,
        around=board.around(shell, chip), weights=weights,
    )  # fmt: skip
    planned: list[tuple[Graph, Plan]] = []
    refused: list[TomatoError] = []
    for graph in integers.graphs:
        try:
            planned.append((graph := ordered(graph, chip, wishes), planner(graph, wishes=wishes)))
        except TomatoError as reason:
            refused.append(reason)
    if share == "auto":
        planned = or_shared(planned, integers.graphs, lambda g, asks: planner(g, wishes=asks), chip, wishes, fps=fps)
    if not planned:
        raise refused[0]
    planned += reordered(planned, lambda graph, asks: planner(graph, wishes=asks), chip, wishes, fps=fps)
    graph, chosen = best(planned, chip, fps=fps)
    integers = integers.built(graph, gained(planned, chosen, chip))
    samples = frames or samples_of(network, integers)
    notes = (*_told(integers), *integers.notes, *(found.notes if found else ()))
    return Accelerator(
        integers.graph, integers.inputs, integers.outputs, notes,
        reading=integers.reading, ends=integers.ends, proofs=integers.proofs,
        plan=replace(chosen, precision=bits, exits=doors, exit_order=order),
        target=chip, model=source.path, samples=tuple(s[: count_of(integers.graph)] for s in samples),
        files=found.files if found else {}, shell=shell,
    )  # fmt: skip


@refusals("cannot compile")
def compile_on_boards(
    model: str | Path | Source,
    target: str,
    *,
    calibration: Array | Sequence[Array] | None = None,
    precision: str | Precision | None = None,
    compensate: bool = True,
    ranges: Method = "auto",
    fps: float | None = None,
    clock_mhz: float | None = None,
    requant_bits: int | None = None,
    allow_error: float | None = None,
    shapes: Mapping[str, Sequence[int]] | None = None,
    states: Mapping[str, str] | None = None,
    host: HostChoice = "ends",
    progress: Progress = silent,
) -> Clustered:
    """Compile an ONNX model for several boards, one behind the other: "u250,u250", or a file that lists them.

    All options as in `compile_model`. Raises TomatoError for what the user can mend.
    """
    asked.check_numbers(fps, clock_mhz, requant_bits, allow_error, None)
    cluster = targets.load_cluster(target).clocked(clock_mhz)
    bits = asked.wanted(precision, Wishes())
    progress("Import", 0, 0)
    source = model if isinstance(model, Source) else Source(Path(model))
    sizes = {name: tuple(int(n) for n in shape) for name, shape in (shapes or {}).items()}
    network, frames = complete.settle(source, Reading(sizes, states=dict(states or {})), host, calibration)
    network, frames, integers = _come_quantised(
        source, network, frames, host, bits.activation_bits, requant_bits, allow_error, said=precision is not None
    )
    integers = integers or from_real(network, frames, ranges, bits, compensate=compensate, progress=progress)
    integers.graph.verify()
    progress("Schedule", 0, 0)
    samples = frames or samples_of(network, integers)
    return clustered(
        replace(integers, gated=None, notes=(*_told(integers), *integers.notes)), cluster, fps=fps, model=source.path,
        samples=tuple(s[: count_of(integers.graph)] for s in samples), source=str(source), progress=progress,
    )  # fmt: skip


def _come_quantised(
    source: Source, network: Network, frames: tuple[Array, ...] | None, host: HostChoice, wanted: int,
    requant_bits: int | None, allow_error: float | None, *, said: bool,
) -> tuple[Network, tuple[Array, ...] | None, Integers | None]:  # fmt: skip
    """A network that comes quantised on codes, read as far as it leaves open; another one as it is, and None.

    said: a precision was asked for, which such a network does not take.
    """
    integers = None
    if network.quantised:
        allowed = Allowed(SHARE if allow_error is None else allow_error, requant_bits)
        attempt = partial(from_quantised, model=source.path, allowed=allowed)
        network, frames, integers = complete.complete(source, network, frames, wanted, host, attempt)
    asked.check_kind(
        quantised=network.quantised, where=str(source), precision=said and not network.reading.ranges,
        requant_bits=requant_bits, allow_error=allow_error,
    )  # fmt: skip
    return network, frames, integers


def _told(integers: Integers) -> tuple[str, ...]:
    """What the user is told of how the model was read, and of what the host runs."""
    return (*complete.notes(integers.reading), *([str(integers.ends)] if integers.ends else []))
