"""Scan and Loop as they both are: steps that read a sequence and states, and give results and states."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
import onnx
from onnx import helper

from tomato.core.formats import Array
from tomato.frontend import limits
from tomato.frontend.checked import Checked
from tomato.frontend.layout import Index
from tomato.frontend.recurrent.cells import EXPECTED, NoCellError
from tomato.frontend.recurrent.rolled import MOST_ELEMENTS
from tomato.frontend.recurrent.written import LAYERS, write_out
from tomato.frontend.shapes import Resolver

MOST_STEPS, MOST_NODES = 10_000, 1_000
OLDEST_SCAN = 9
"""The operator set in which Scan lost its batch."""


@dataclass(frozen=True)
class Output:
    """A result of a loop: what the body gives at each step, and along which axis these lie; backwards, or joined."""

    name: str
    inner: str
    axis: int = 0
    back: bool = False
    joined: bool = False


@dataclass
class Loop:
    """A Scan or Loop as both have it: what the body reads, and where the results go."""

    steps: int
    inner: Resolver
    body: onnx.GraphProto
    begins: Mapping[str, str]
    """What each state of the body is before the first step."""
    after: Mapping[str, str]
    """And what it is behind a step."""
    finals: Sequence[tuple[str, str]]
    """Results, and of which state."""
    outputs: list[Output]
    sequences: Mapping[str, tuple[str, tuple[int, ...]]]
    """For each value of the body that is of the sequence the value outside, and its shape."""
    places: Mapping[str, Sequence[Index]]
    """And where its elements lie, at each step."""
    counter: str = ""
    gone: set[int] = field(default_factory=set)

    def __post_init__(self) -> None:
        """Write out layers of one step."""
        nodes: list[onnx.NodeProto] = []
        for node in self.body.node:
            single = node.op_type in LAYERS and (self.inner.shape(node.input[0]) or ())[:2] == (1, 1)
            made, constants = write_out(node, self.inner.constants) if single else ([node], {})
            nodes += made
            self.inner.constants.update(constants)
        self.every = nodes

    @cached_property
    def nodes(self) -> list[onnx.NodeProto]:
        """Nodes that results depend on and that are not constant."""
        wanted = {*self.after.values(), *(o.inner for o in self.outputs)}
        kept = []
        for node in reversed(self.every):
            if wanted.intersection(node.output) and not all(o in self.inner.constants for o in node.output if o):
                wanted.update(i for i in node.input if i not in self.inner.constants)
                kept.append(node)
        return kept[::-1]


def _inside(known: Resolver, body: onnx.GraphProto, types: Mapping[str, onnx.TypeProto]) -> Resolver:
    """What is known inside of a body whose inputs have these types."""
    own = {v.name for v in body.input} | {t.name for t in body.initializer} | {o for n in body.node for o in n.output}
    inner = Resolver(
        known.model, known.opset,
        {n: v for n, v in known.constants.items() if n not in own},
        {n: t for n, t in known.types.items() if n not in own},
    )  # fmt: skip
    for tensor in body.initializer:
        inner.define(tensor.name, onnx.numpy_helper.to_array(tensor))
    inner.types.update(types)
    for i, node in enumerate(body.node):
        inner.visit(i, node)
    if inner.problems:
        raise NoCellError(f"{EXPECTED} ({next(iter(inner.problems.values())).split('; ')[0]})")
    return inner


def _typed(known: Resolver, name: str, role: str) -> tuple[int, ...]:
    shape = known.shape(name)
    if shape is None or limits.too_large(shape):
        raise NoCellError(f"expected a fixed shape of {role}")
    return shape


def _like(known: Resolver, name: str, shape: Sequence[int]) -> onnx.TypeProto:
    return helper.make_tensor_type_proto(known.types[name].tensor_type.elem_type, shape)


def _checked_count(steps: int) -> int:
    if not 1 <= steps <= MOST_STEPS:
        raise NoCellError(f"expected 1 to {MOST_STEPS:,} steps, not {steps:,}")
    return steps


def from_scan(
    checked: Checked, known: Resolver, node: onnx.NodeProto, body: onnx.GraphProto, given: Mapping[str, Any]
) -> Loop:  # fmt: skip
    """What a Scan is. NoCellError where it is no loop of a fixed number of steps."""
    count = int(given.get("num_scan_inputs", 0))
    states = len(node.input) - count
    if checked.opset < OLDEST_SCAN or count < 1 or states < 0 or len(body.input) != len(node.input):
        raise NoCellError(EXPECTED)
    if len(body.output) != len(node.output) or len(node.output) < states:
        raise NoCellError(EXPECTED)
    axes, back = (list(given.get(f"scan_input_{k}", [])) or [0] * count for k in ("axes", "directions"))
    out_axes, out_back = (
        list(given.get(f"scan_output_{k}", [])) or [0] * (len(node.output) - states) for k in ("axes", "directions")
    )
    types, sequences, steps = {}, {}, 0
    places: dict[str, Sequence[Index]] = {}
    for value, name, axis, reverse in zip(
        list(body.input)[states:], list(node.input)[states:], axes, back, strict=True
    ):
        shape = _typed(known, name, "the input")
        axis %= len(shape)
        if steps and shape[axis] != steps:
            raise NoCellError("expected inputs of as many steps each")
        steps = _checked_count(shape[axis])
        types[value.name] = _like(known, name, shape[:axis] + shape[axis + 1 :])
        if np.prod(shape) > MOST_ELEMENTS:
            raise NoCellError(f"expected at most {MOST_ELEMENTS:,} values as input")
        every = np.moveaxis(np.arange(int(np.prod(shape))).reshape(shape), axis, 0)
        sequences[value.name], places[value.name] = (name, shape), list(every[::-1] if reverse else every)
    for value, name in zip(body.input, list(node.input)[:states], strict=False):
        types[value.name] = _like(known, name, _typed(known, name, "the states"))
    begins = {v.name: n for v, n in zip(body.input, list(node.input)[:states], strict=False)}
    after = {v.name: o.name for v, o in zip(list(body.input)[:states], body.output, strict=False)}
    outputs = [
        Output(n, o.name, axis, bool(reverse))
        for n, o, axis, reverse in zip(
            list(node.output)[states:], list(body.output)[states:], out_axes, out_back, strict=True
        )
        if n
    ]
    finals = [(n, v.name) for n, v in zip(list(node.output)[:states], body.input, strict=False) if n]
    return Loop(steps, _inside(known, body, types), body, begins, after, finals, outputs, sequences, places)


def from_loop(checked: Checked, known: Resolver, node: onnx.NodeProto, body: onnx.GraphProto) -> Loop:
    """What a Loop is. NoCellError where it is no loop of a fixed number of steps."""
    states = len(node.input) - 2
    if (
        states < 0
        or len(body.input) != states + 2
        or len(body.output) != len(node.output) + 1
        or len(node.output) < states
    ):
        raise NoCellError(EXPECTED)
    trip = known.constants.get(node.input[0])
    if trip is None or trip.size != 1:
        raise NoCellError("expected a constant number of steps")
    steps = _checked_count(int(trip.reshape(())))
    condition = known.constants.get(node.input[1]) if node.input[1] else np.ones(())
    counter, going = body.input[0].name, body.input[1].name
    types = {counter: helper.make_tensor_type_proto(onnx.TensorProto.INT64, ()),
             going: helper.make_tensor_type_proto(onnx.TensorProto.BOOL, ())}  # fmt: skip
    lists, begins, after, finals, outputs, gone = {}, {}, {}, [], [], set[int]()
    for n, (value, name) in enumerate(zip(list(body.input)[2:], list(node.input)[2:], strict=True)):
        result, inner = node.output[n], body.output[n + 1].name
        if (maker := _empty(checked.proto.graph, name)) is not None:
            lists[value.name] = (result, inner)
            gone.add(maker)
            continue
        types[value.name] = _like(known, name, _typed(known, name, "the states"))
        begins[value.name], after[value.name] = name, inner
        if result:
            finals.append((result, value.name))
    inner = _inside(known, body, types)
    makers = {o: n for n in body.node for o in n.output}
    _check_condition(inner, makers, condition, going, body.output[0].name)
    for value_name, (result, out) in lists.items():
        outputs.append(_listed(checked.proto.graph, makers, value_name, result, out, gone))
    plain = zip(list(node.output)[states:], list(body.output)[states + 1 :], strict=True)
    outputs += [Output(n, o.name) for n, o in plain if n]
    captured = {i for n in body.node for i in n.input if i in known.types} - inner.constants.keys() - types.keys()
    captured -= {o for n in body.node for o in n.output}
    sequences = {name: (name, _typed(known, name, "the input")) for name in sorted(captured)}
    if sum(int(np.prod(s)) for _, s in sequences.values()) * steps > MOST_ELEMENTS * MOST_NODES:
        raise NoCellError(f"expected at most {MOST_ELEMENTS:,} values as input")
    places = {n: [np.arange(int(np.prod(s))).reshape(s)] * steps for n, (_, s) in sequences.items()}
    return Loop(steps, inner, body, begins, after, finals, outputs, sequences, places, counter, gone)


def _check_condition(
    inner: Resolver, makers: Mapping[str, onnx.NodeProto], begin: Array | None, going: str, name: str
) -> None:  # fmt: skip
    """NoCellError if a Loop may end early."""
    while name in makers and makers[name].op_type in ("Identity", "Cast"):
        name = makers[name].input[0]
    last = np.ones(()) if name == going else inner.constants.get(name)
    if begin is None or last is None or not (np.all(begin) and np.all(last)):
        raise NoCellError("expected a loop that goes through all steps")


def _empty(graph: onnx.GraphProto, name: str) -> int | None:
    """The node that makes an empty list of a name, if the loop alone reads it."""
    readers = sum(name in node.input for node in graph.node)
    return next(
        (i for i, n in enumerate(graph.node) if n.op_type == "SequenceEmpty" and name in n.output and readers == 1),
        None,
    )


def _listed(
    graph: onnx.GraphProto, makers: Mapping[str, onnx.NodeProto], value: str, result: str, out: str, gone: set[int]
) -> Output:  # fmt: skip
    """The result that a list becomes to which each step appends one value."""
    made = makers.get(out)
    readers = [i for i, n in enumerate(graph.node) if result in n.input]
    appended = made is not None and made.op_type == "SequenceInsert" and len(made.input) == 2 and made.input[0] == value
    if not appended or len(readers) != 1 or graph.node[readers[0]].op_type != "ConcatFromSequence":
        raise NoCellError("expected a list that grows by one value per step and is joined behind the loop")
    assert made is not None
    gone.update(readers)
    joining = graph.node[readers[0]]
    given = {a.name: a.i for a in joining.attribute}
    return Output(joining.output[0], made.input[1], given["axis"], joined=not given.get("new_axis", 0))
