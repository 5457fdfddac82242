"""Scan and Loop whose steps are those of a recurrent layer become that layer.

What the body reads of the sequence is found by where its elements lie: movements of data are carried out, for every
step, on the numbers of places. So are those of a Loop that looks its input up by the number of the step.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np
import onnx
from onnx import helper

from tomato.core.formats import Array
from tomato.frontend import door, limits, rolled
from tomato.frontend.cells import EXPECTED, MOVES, NoCellError, Runner, Step, recognise
from tomato.frontend.cells_written import LAYERS, write_out
from tomato.frontend.checked import Checked
from tomato.frontend.layout import Index
from tomato.frontend.rolled import MOST_ELEMENTS, Rolled, Writer
from tomato.frontend.shapes import Resolver, survey

KINDS = frozenset({"Scan", "Loop"})
COUNTED = MOVES | {"Add", "Sub", "Mul", "Div"}
"""What may compute with the number of a step."""
MOST_STEPS, MOST_NODES, MOST_LOOPS = 10_000, 1_000, 32
OLDEST_SCAN = 9
"""The operator set in which Scan lost its batch."""
TODO = "export the layer itself (nn.LSTM, nn.GRU, nn.RNN), or by tracing"


def roll_up(checked: Checked) -> Checked:
    """The model with recurrent layers for all loops that are such; of the others it is known why they are not."""
    reasons: dict[str, str] = {}
    for _ in range(MOST_LOOPS):
        graph = checked.proto.graph
        left = [
            i for i, n in enumerate(graph.node) if _is_loop(n) and i not in checked.invalid and _key(n) not in reasons
        ]
        if not left:
            break
        node, known = graph.node[left[0]], survey(checked)
        try:
            _replace(checked, known, left[0])
        except NoCellError as reason:
            reasons[_key(node)] = f"{reason}; {TODO}"
            continue
        checked = Checked.of(checked.proto, checked.path)
    return replace(checked, loops=reasons) if reasons else checked


def _is_loop(node: onnx.NodeProto) -> bool:
    return not node.domain and node.op_type in KINDS


def _key(node: onnx.NodeProto) -> str:
    return next(filter(None, node.output))


@dataclass(frozen=True)
class _Output:
    """A result of a loop: what the body gives at each step, and along which axis these lie; backwards, or joined."""

    name: str
    inner: str
    axis: int = 0
    back: bool = False
    joined: bool = False


@dataclass
class _Loop:
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
    outputs: list[_Output]
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


def _replace(checked: Checked, known: Resolver, index: int) -> None:
    """Put the layer in place of a loop, in place. NoCellError where it is none."""
    graph = checked.proto.graph
    node = graph.node[index]
    given = {a.name: helper.get_attribute_value(a) for a in node.attribute}
    body = given.get("body")
    if not isinstance(body, onnx.GraphProto) or body.sparse_initializer or len(body.node) > MOST_NODES:
        raise NoCellError(EXPECTED)
    if door.reasons(body.node, checked.proto, checked.opset) or any(len(list(rolled.graphs(body))) > 1 for _ in "1"):
        raise NoCellError(f"{EXPECTED}, without control flow")
    if node.op_type == "Scan":
        loop = _scan(checked, known, node, body, given)
    else:
        loop = _loop(checked, known, node, body)
    writer = Writer(node.name or _key(node), rolled.names(checked.proto))
    layer = _layer(loop, writer, checked.opset)
    rolled.write(layer, writer)
    rolled.replace(graph, {index, *loop.gone}, writer, index)


def _inside(known: Resolver, body: onnx.GraphProto, types: Mapping[str, onnx.TypeProto]) -> Resolver:
    """What is known inside of a body whose inputs have these types."""
    own = {v.name for v in body.input} | {t.name for t in body.initializer} | {o for n in body.node for o in n.output}
    inner = Resolver(
        known.model, known.opset,
        {n: v for n, v in known.constants.items() if n not in own}, {n: t for n, t in known.types.items() if n not in own},
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


def _scan(
    checked: Checked, known: Resolver, node: onnx.NodeProto, body: onnx.GraphProto, given: Mapping[str, Any]
) -> _Loop:  # fmt: skip
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
    types, sequences, places, steps = {}, {}, {}, 0
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
        sequences[value.name], places[value.name] = (name, shape), every[::-1] if reverse else every
    for value, name in zip(body.input, list(node.input)[:states], strict=False):
        types[value.name] = _like(known, name, _typed(known, name, "the states"))
    begins = {v.name: n for v, n in zip(body.input, list(node.input)[:states], strict=False)}
    after = {v.name: o.name for v, o in zip(list(body.input)[:states], body.output, strict=False)}
    outputs = [
        _Output(n, o.name, axis, bool(reverse))
        for n, o, axis, reverse in zip(
            list(node.output)[states:], list(body.output)[states:], out_axes, out_back, strict=True
        )
        if n
    ]
    finals = [(n, v.name) for n, v in zip(list(node.output)[:states], body.input, strict=False) if n]
    return _Loop(steps, _inside(known, body, types), body, begins, after, finals, outputs, sequences, places)


def _loop(checked: Checked, known: Resolver, node: onnx.NodeProto, body: onnx.GraphProto) -> _Loop:
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
    outputs += [_Output(n, o.name) for n, o in plain if n]
    captured = {i for n in body.node for i in n.input if i in known.types} - inner.constants.keys() - types.keys()
    captured -= {o for n in body.node for o in n.output}
    sequences = {name: (name, _typed(known, name, "the input")) for name in sorted(captured)}
    if sum(int(np.prod(s)) for _, s in sequences.values()) * steps > MOST_ELEMENTS * MOST_NODES:
        raise NoCellError(f"expected at most {MOST_ELEMENTS:,} values as input")
    places = {n: [np.arange(int(np.prod(s))).reshape(s)] * steps for n, (_, s) in sequences.items()}
    return _Loop(steps, inner, body, begins, after, finals, outputs, sequences, places, counter, gone)


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
) -> _Output:  # fmt: skip
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
    return _Output(joining.output[0], made.input[1], given["axis"], joined=not given.get("new_axis", 0))


def _layer(loop: _Loop, writer: Writer, opset: int) -> Rolled:
    """The layer that a loop is. NoCellError if it is none."""
    moving, counted = _moving(loop)
    rest = [n for n in loop.nodes if not any(o in moving or o in counted for o in n.output)]
    wanted = [*loop.after.values(), *(o.inner for o in loop.outputs)]
    read = dict.fromkeys([i for n in rest for i in n.input if i] + wanted)
    if any(i in counted for i in read):
        raise NoCellError(f"{EXPECTED}, and this one depends on its number")
    front = [i for i in read if i in moving]
    alive = [s for s in loop.begins if any(s in n.input for n in rest)]
    if not front:
        raise NoCellError(f"{EXPECTED}, and this one reads no input")
    found = rolled.numbered(_places(loop, front, opset))
    if found is None:
        raise NoCellError("expected steps that read their inputs alike")
    shapes = {s: loop.inner.shape(s) or () for s in alive}
    step = Step(rest, loop.inner.constants, dict(zip(front, found[1], strict=True)), found[0].shape[1], shapes,
                [loop.after[s] for s in alive], opset)  # fmt: skip
    cell = recognise(step)
    units = _Units(loop, step, alive, opset)
    results = [(o.name, _lying(o, units.of(o.inner, cell.state), loop.steps, cell.hidden)) for o in loop.outputs]
    ends = [(name, *units.find(loop.after[state])) for name, state in loop.finals]
    source, shape = _source(loop, front, writer)
    return Rolled(cell, source, shape, found[0], [loop.begins[s] for s in alive], results, ends)


def _moving(loop: _Loop) -> tuple[set[str], set[str]]:
    """Values that are moved from the sequence, and those that depend on the number of the step alone."""
    moving, counted = set(loop.sequences), {loop.counter} - {""}
    for node in loop.nodes:
        read = [i for i in node.input if i and i not in loop.inner.constants]
        if read and all(i in counted for i in read) and node.op_type in COUNTED:
            counted.update(node.output)
        elif (
            node.op_type in MOVES
            and node.input[0] in moving
            and all(i in moving if node.op_type == "Concat" else i in counted for i in read[1:])
        ):
            moving.update(node.output)
    return moving, counted


def _places(loop: _Loop, front: Sequence[str], opset: int) -> list[list[Index]]:
    """Where the elements of values lie at each step, in all sequences one behind the other."""
    offsets, total = {}, 0
    for name, shape in dict.fromkeys(loop.sequences.values()):
        offsets[name] = total
        total += int(np.prod(shape))
    moving, counted = _moving(loop)
    nodes = [n for n in loop.nodes if any(o in moving or o in counted for o in n.output)]
    runner = Runner(nodes, loop.inner.constants, front, opset)
    every = []
    for n in range(loop.steps):
        feed = {v: loop.places[v][n] + offsets[name] for v, (name, _) in loop.sequences.items()}
        try:
            values = runner(feed | {loop.counter: np.array(n, np.int64)})
        except Exception as error:  # whatever the evaluator does not know or a node gets wrong
            raise NoCellError("expected steps that read their inputs alike") from error
        every.append([np.asarray(values[name], np.int64) for name in front])
    return every


def _source(loop: _Loop, front: Sequence[str], writer: Writer) -> tuple[str, tuple[int, ...]]:
    """The one value of which the inputs of all steps are."""
    values = list(dict.fromkeys(loop.sequences.values()))
    if len(values) == 1:
        return values[0]
    flat = [writer.reshape(name, [-1]) for name, _ in values]
    return writer.node("Concat", flat, axis=0), (sum(int(np.prod(shape)) for _, shape in values),)


class _Units:
    """Which units of which state lie where, in values that are moved from a state behind the step."""

    def __init__(self, loop: _Loop, step: Step, alive: Sequence[str], opset: int) -> None:
        makers = {o: n for n in step.nodes for o in n.output}
        self.known: dict[str, tuple[int, Index]] = {}
        for state, name in enumerate(alive):
            shape = loop.inner.shape(step.after[state])
            root = step.after[state]
            while root in makers and makers[root].op_type in MOVES - {"Concat", "Split", "Expand", "Slice", "Gather"}:
                root = makers[root].input[0]
            names, nodes = {root}, []
            for node in step.nodes:
                if node.op_type in MOVES and [i for i in node.input if i and i not in step.constants] in [
                    [n] for n in names
                ]:
                    names.update(node.output)
                    nodes.append(node)
            size = int(np.prod(loop.inner.shape(name) or ()))
            begin = np.arange(size).reshape(loop.inner.shape(root) or shape or ())
            values = Runner(nodes, step.constants, sorted(names), opset)({root: begin})
            inverse = np.argsort(values[step.after[state]].reshape(-1))
            for value, places in values.items():
                self.known[value] = state, inverse[np.asarray(places, np.int64)]

    def find(self, name: str) -> tuple[int, Index]:
        """The state, and which unit lies where. NoCellError if it is another value."""
        if name not in self.known:
            raise NoCellError("expected no results but the states of the layer")
        return self.known[name]

    def of(self, name: str, state: int) -> Index:
        """As `find`, of this state."""
        found, units = self.find(name)
        if found != state:
            raise NoCellError("expected the cell of an LSTM at the last step only")
        return units


def _lying(output: _Output, units: Index, steps: int, hidden: int) -> Index:
    """Where the results of all steps lie, as steps * hidden + unit."""
    every = np.stack([step * hidden + units for step in range(steps)])
    every = every[::-1] if output.back else every
    if output.joined:
        return np.concatenate(list(every), axis=output.axis)
    return np.moveaxis(every, 0, output.axis)
