"""Scan and Loop whose steps are those of a recurrent layer become that layer.

What the body reads of the sequence is found by where its elements lie: movements of data are carried out, for every
step, on the numbers of places. So are those of a Loop that looks its input up by the number of the step.
"""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import onnx
from onnx import helper

from tomato.frontend import door
from tomato.frontend.checked import Checked
from tomato.frontend.layout import Index
from tomato.frontend.recurrent import rolled
from tomato.frontend.recurrent.cells import EXPECTED, MOVES, Cell, NoCellError, Runner, Step
from tomato.frontend.recurrent.control_flow import MOST_NODES, Loop, Output, from_loop, from_scan
from tomato.frontend.recurrent.heads import head, needed
from tomato.frontend.recurrent.recognise import recognise
from tomato.frontend.recurrent.rolled import Result, Rolled, Writer
from tomato.frontend.shapes import Resolver, survey

KINDS = frozenset({"Scan", "Loop"})
COUNTED = MOVES | {"Add", "Sub", "Mul", "Div"}
"""What may compute with the number of a step."""
MOST_LOOPS = 32
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
        except (ValueError, IndexError, KeyError, TypeError):  # whatever lists of a damaged node make of it
            reasons[_key(node)] = f"{EXPECTED}; {TODO}"
            continue
        checked = Checked.of(checked.proto, checked.path)
    return replace(checked, loops=reasons) if reasons else checked


def _is_loop(node: onnx.NodeProto) -> bool:
    return not node.domain and node.op_type in KINDS


def _key(node: onnx.NodeProto) -> str:
    return str(next(filter(None, node.output)))


def _replace(checked: Checked, known: Resolver, index: int) -> None:
    """Put the layer in place of a loop, in place. NoCellError where it is none."""
    graph = checked.proto.graph
    node = graph.node[index]
    given = {a.name: helper.get_attribute_value(a) for a in node.attribute}
    body = given.get("body")
    if not isinstance(body, onnx.GraphProto) or body.sparse_initializer or len(body.node) > MOST_NODES:
        raise NoCellError(EXPECTED)
    if door.reasons(body.node, checked.proto, checked.opset) or len(list(rolled.graphs(body))) > 1:
        raise NoCellError(f"{EXPECTED}, without control flow")
    if node.op_type == "Scan":
        loop = from_scan(checked, known, node, body, given)
    else:
        loop = from_loop(checked, known, node, body)
    writer = Writer(node.name or _key(node), rolled.names(checked.proto))
    layer = _layer(loop, writer, checked.opset)
    rolled.write(layer, writer)
    rolled.replace(graph, {index, *loop.gone}, writer, index)


def _layer(loop: Loop, writer: Writer, opset: int) -> Rolled:
    """The layer that a loop is. NoCellError if it is none."""
    moving, counted = _moving(loop)
    rest = [n for n in loop.nodes if not any(o in moving or o in counted for o in n.output)]
    wanted = [*loop.after.values(), *(o.inner for o in loop.outputs)]
    read = dict.fromkeys([i for n in rest for i in n.input if i] + wanted)
    if any(i in counted for i in read):
        raise NoCellError(f"{EXPECTED}, and this one depends on its number")
    core = needed(rest, [loop.after[s] for s in loop.begins])
    front = [i for i in dict.fromkeys(i for n in core for i in n.input) if i in moving]
    alive = [s for s in loop.begins if any(s in n.input for n in rest)]
    if not front:
        raise NoCellError(f"{EXPECTED}, and this one reads no input")
    found = rolled.numbered(_places(loop, front, opset))
    if found is None:
        raise NoCellError("expected steps that read their inputs alike")
    shapes = {s: loop.inner.shape(s) or () for s in alive}
    step = Step(core, loop.inner.constants, dict(zip(front, found[1], strict=True)), found[0].shape[1], shapes,
                [loop.after[s] for s in alive], opset)  # fmt: skip
    cell = recognise(step)
    units = _Units(loop, rest, step, alive)
    results = [_result(o, units, cell, loop.steps) for o in loop.outputs]
    ends = [(name, *units.find(loop.after[state])) for name, state in loop.finals]
    source, shape = _source(loop, writer)
    return Rolled(cell, source, shape, found[0], [loop.begins[s] for s in alive], results, ends)


def _moving(loop: Loop) -> tuple[set[str], set[str]]:
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


def _places(loop: Loop, front: Sequence[str], opset: int) -> list[list[Index]]:
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
        values = runner(feed | {loop.counter: np.array(n, np.int64)})
        every.append([np.asarray(values[name], np.int64) for name in front])
    return every


def _source(loop: Loop, writer: Writer) -> tuple[str, tuple[int, ...]]:
    """The one value of which the inputs of all steps are."""
    values = list(dict.fromkeys(loop.sequences.values()))
    if len(values) == 1:
        return values[0]
    flat = [writer.reshape(name, [-1]) for name, _ in values]
    return writer.node("Concat", flat, axis=0), (sum(int(np.prod(shape)) for _, shape in values),)


class _Units:
    """Which units of which state lie where, in values that are moved from a state behind the step."""

    def __init__(self, loop: Loop, rest: Sequence[onnx.NodeProto], step: Step, alive: Sequence[str]) -> None:
        self.rest, self.step = rest, step
        makers = {o: n for n in step.nodes for o in n.output}
        self.known: dict[str, tuple[int, Index]] = {}
        for state, name in enumerate(alive):
            shape = loop.inner.shape(step.after[state])
            root = step.after[state]
            while root in makers and makers[root].op_type in MOVES - {"Concat", "Split", "Expand", "Slice", "Gather"}:
                root = makers[root].input[0]
            names, nodes = {root}, []
            for node in rest:
                if node.op_type in MOVES and [i for i in node.input if i and i not in step.constants] in [
                    [n] for n in names
                ]:
                    names.update(node.output)
                    nodes.append(node)
            size = int(np.prod(loop.inner.shape(name) or ()))
            begin = np.arange(size).reshape(loop.inner.shape(root) or shape or ())
            values = Runner(nodes, step.constants, sorted(names), step.opset)({root: begin})
            inverse = np.argsort(values[step.after[state]].reshape(-1))
            for value, places in values.items():
                self.known[value] = state, inverse[np.asarray(places, np.int64)]

    def find(self, name: str) -> tuple[int, Index]:
        """The state, and which unit lies where. NoCellError if it is another value."""
        if name not in self.known:
            raise NoCellError("expected no results but the states of the layer")
        return self.known[name]


def _result(output: Output, units: _Units, cell: Cell, steps: int) -> Result:
    """What a result is made of."""
    if output.inner in units.known:
        state, places = units.known[output.inner]
        if state != cell.state:
            raise NoCellError("expected the cell of an LSTM at the last step only")
        return Result(output.name, _lying(output, places, steps, cell.hidden), cell.hidden)
    known = {n: places for n, (state, places) in units.known.items() if state == cell.state}
    step = units.step
    matrix, offset = head(units.rest, step.constants, output.inner, known, cell.hidden, step.opset)
    places = np.arange(offset.size).reshape(offset.shape)
    return Result(output.name, _lying(output, places, steps, offset.size), offset.size, matrix, offset.reshape(-1))


def _lying(output: Output, places: Index, steps: int, size: int) -> Index:
    """Where the results of all steps lie, of `size` numbers each."""
    every = np.stack([step * size + places for step in range(steps)])
    every = every[::-1] if output.back else every
    if output.joined:
        return np.concatenate(list(every), axis=output.axis)
    return np.moveaxis(every, 0, output.axis)
