"""Post-training quantisation: a real network becomes integers."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType

import numpy as np

from tomato.core.errors import TomatoError
from tomato.core.ir import Builder, Encoding, Graph, Op, TensorType
from tomato.ops.move import Reshape
from tomato.ops.piecewise import Piecewise
from tomato.ops.table import Table
from tomato.ops.weighted import Weighted
from tomato.passes.groups import Group, across_frames, partition
from tomato.passes.rewrite import defining
from tomato.passes.separate_borders import separate_borders
from tomato.passes.unflatten import unflatten
from tomato.quantise.calibrate import Range, Ranges
from tomato.quantise.lower_group import Place, Widths, fitted, lower
from tomato.quantise.precision import LayerFormat, Precision
from tomato.quantise.requant.grid import WideError
from tomato.quantise.separate_inputs import separate_inputs
from tomato.quantise.share_encodings import Coding, share_encodings
from tomato.quantise.weights.focused import SEPARATED, separation
from tomato.quantise.weights.moments import Moments

MULT_BITS = 16
"""Width of a requant's largest multiplier: with its sign it fits the narrow port of a DSP."""
SWALLOWS = "THE RANGE SWALLOWS THE SIGNAL"
MOST_SWALLOWED = 0.5
"""Share of the channels that vary which may vary by less than a step of the codes before that is told."""
ADD_BITS = 8
"""Width of the factors that bring two summands to a common grid; at least that of the summands."""


@dataclass(frozen=True, slots=True)
class Note:
    """Something the report should tell about an integer value.

    kind: "table", "lines", "clipped" (calibration left values out), "dead" (channels of zeros), "converted" (an input
    requantised to be moved together with other values), "kept" (at more bits than asked for), "unfocused"
    (powers of two around 0 instead of two means) or "swallowed" (channels that vary by less than a step).
    """

    kind: str
    value: str
    text: str

    def __str__(self) -> str:
        return f"%{self.value}: {self.text}"


def quantise(
    graph: Graph,
    ranges: Ranges,
    precision: Precision | None = None,
    *,
    moments: Mapping[str, Moments] = MappingProxyType({}),
    alike: bool = False,
    mult_bits: int = MULT_BITS,
    add_bits: int = ADD_BITS,
) -> tuple[Graph, tuple[Note, ...]]:
    """The integer graph, with the encoding of every value that has one, and what was done to it.

    `ranges` are those of `calibrate` on the same graph; `precision` is w8a8 unless given, and keeps the ends of the
    network at 8 bits; `moments` of the layers' inputs let rounded weights make up for each other; `alike`: codes of
    all outputs mean the same. Inputs keep their names, outputs their order. Arithmetic named `conv` becomes the exact
    `conv` and the requant `conv_q`; data movement and functions keep their names.
    """
    asked = precision or Precision()
    asked.check(graph)
    bits = asked.with_ends(graph)
    real = separate_inputs(graph)
    known = graph.types.keys()
    ranges = {**ranges, **{n.name: ranges[n.args[0]] for n in real if n.name not in known}}
    groups = across_frames(real, partition(real))
    codings = share_encodings(real, groups, ranges, bits, alike=alike)
    build = Builder([(n, TensorType(k.shape, codings[n].codes)) for n, k in real.inputs])
    inputs = tuple(build.types.items())
    names = {name: name for name, _ in inputs}
    notes: list[Note] = []
    for group in groups:
        place = _place(group, codings, build, names, Widths(bits.of(group.head), mult_bits, add_bits))
        place = replace(place, mean=ranges[group.head.args[0]].mean, moments=moments.get(group.head.name))
        ops = _lowered(group, place)
        notes += _fitted(group, place, ops)
        names[group.output] = _append(build, group, ops, [names[a] for a in group.head.args])
        notes += _remarks(group, names[group.output], ops, ranges, is_copy=group.output not in known)
        notes += _swallowed(names[group.output], ranges[group.output], codings[group.output].encoding.scale)
        notes += _format_remarks(group, names[group.output], asked, bits)
    result = replace(
        graph,
        inputs=inputs,
        nodes=tuple(build.nodes),
        outputs=tuple(names[o] for o in real.outputs),
        encodings=_encodings(names, codings),
    )
    return unflatten(separate_borders(result.prune())), tuple(notes)


def code_names(graph: Graph) -> dict[str, str]:
    """For every real value that has codes, the name of those codes in `quantise(graph, ...)`."""
    return {n: n for n, _ in graph.inputs} | {g.output: g.code_name for g in across_frames(graph, partition(graph))}


def _place(group: Group, codings: dict[str, Coding], build: Builder, names: dict[str, str], widths: Widths) -> Place:
    args = group.head.args
    types = tuple(build.types[names[a]] for a in args)
    return Place(
        group.head.op, group.ramp, types, tuple(codings[a] for a in args), codings[group.output], widths,
        flat=group.flat, places=_is_vector_of_pixels(build, names[args[0]]),
    )  # fmt: skip


def _is_vector_of_pixels(build: Builder, value: str) -> bool:
    """Whether a value is a frame of several pixels as a vector, so that its channels are places."""
    made = defining(build, value)
    return made is not None and isinstance(made.op, Reshape) and made.type.pixels == 1


def _lowered(group: Group, place: Place) -> tuple[Op, ...]:
    """The group in integers. TomatoError if its results cannot be brought to their codes."""
    try:
        return lower(place)
    except WideError as reason:
        narrow = LayerFormat(activation_bits=min(8, place.widths.layer.activation_bits))
        raise TomatoError(
            f"the results of {group.head.label} cannot be requantised: {reason}",
            where=", ".join(group.origin) or group.head.name,
            hint=f"--precision {group.head.name}={narrow} takes fewer bits; check the layer's scales, or calibrate it "
            "on other data",
        ) from reason


def _append(build: Builder, group: Group, ops: tuple[Op, ...], args: list[str]) -> str:
    """Add the operators one behind the other and return the last value."""
    between = len(ops) - 2
    names = (group.head.name, *[f"{group.head.name}_flat"] * between, group.code_name)[-len(ops) :]
    origins = (group.head.origin, *[group.origin] * between, group.origin)[-len(ops) :]
    for op, name, origin in zip(ops, names, origins, strict=True):
        args = [build.add(op, args, name, origin)]
    return args[0]


def _encodings(names: dict[str, str], codings: dict[str, Coding]) -> dict[str, Encoding]:
    return {code: codings[real].encoding for real, code in names.items()}


def _remarks(group: Group, name: str, ops: Iterable[Op], ranges: Ranges, *, is_copy: bool) -> list[Note]:
    notes = []
    for op in ops:
        if isinstance(op, Table):
            rows, columns = op.entries.shape
            each = f" for each of {rows} channels" if rows > 1 else ""
            notes.append(Note("table", name, f"table of {columns} entries{each}"))
        if isinstance(op, Weighted):
            weight = op.weight.values.reshape(-1, op.weight.shape[-1])
            if dead := int(np.count_nonzero(~weight.any(axis=0))):
                notes.append(Note("dead", name, f"{dead} of {weight.shape[1]} channels have no weights"))
    if share := ranges[group.output].clipped:
        notes.append(Note("clipped", name, f"{100 * share:.2g} % of the calibration values lie outside the range"))
    if is_copy:
        notes.append(Note("converted", name, "an input requantised to be moved together with other values"))
    return notes


def _fitted(group: Group, place: Place, ops: Iterable[Op]) -> list[Note]:
    """How far lines are off the function that they stand for."""
    if not any(isinstance(op, Piecewise) for op in ops):
        return []
    found = fitted(place.op, place.args[0].encoding, place.types[0].codes, place.out)
    assert found is not None
    text = f"{found.op.segments} lines, off by {found.error:.2f} steps at most, of which rounding is 0.5"
    return [Note("lines", group.code_name, text)]


def _swallowed(name: str, seen: Range, step: float) -> list[Note]:
    """Whether one step of a value's codes is more than most of its channels vary by: their signal is lost."""
    if seen.spread is None:
        return []
    varying = seen.spread.values[seen.spread.values > 0]
    lost = int(np.count_nonzero(varying < step))
    if lost <= varying.size * MOST_SWALLOWED:
        return []
    text = (
        f"{SWALLOWS}: {lost} of {seen.spread.shape[0]} channels vary by less than one step of "
        f"{step:.3g}, because others reach from {seen.lo:.3g} to {seen.hi:.3g}; check constants and calibration data, "
        "or give the layer more bits"
    )
    return [Note("swallowed", name, text)]


def _format_remarks(group: Group, name: str, asked: Precision, given: Precision) -> list[Note]:
    """Where a layer's weights are not in the format that was asked for, and why."""
    op, wish, form = group.head.op, asked.of(group.head), given.of(group.head)
    if not isinstance(op, Weighted):
        return []
    if form != wish:
        hint = f"--precision {group.head.name}={wish} changes that"
        return [Note("kept", name, f"weights keep {form.weight_bits} bits in the first and last layers; {hint}")]
    weight = (op.weight.values * group.ramp.scale[: op.weight.shape[-1]]).reshape(-1, op.weight.shape[-1])
    if form.kind == "focused" and (apart := separation(weight)) < SEPARATED:
        text = f"plain powers of two: the weights have no two separate components ({apart:.2f} of {SEPARATED:g})"
        return [Note("unfocused", name, text)]
    return []
