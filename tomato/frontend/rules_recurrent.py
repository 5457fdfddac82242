"""LSTM, GRU and RNN: the product with the inputs of all steps, and what goes from step to step behind it."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from tomato.core.formats import Array, Tensor
from tomato.frontend.layout import Index
from tomato.frontend.model import OnnxNode, RefusedError
from tomato.frontend.states import STATES
from tomato.frontend.walk import Rule, View, Walk
from tomato.ops.dense import Dense
from tomato.ops.move import Concat, Flip, Slice
from tomato.ops.real import Affine, Expression, evaluate
from tomato.ops.recurrent import Gru, Lstm, Recurrent, Rnn

SEQUENCE, PEEPHOLES = 4, 7
"""Inputs of the nodes."""
CELL = 2
"""Their output that has the last cell."""
KINDS: dict[str, type[Recurrent]] = {"LSTM": Lstm, "GRU": Gru, "RNN": Rnn}
DEFAULTS = {"LSTM": ("Sigmoid", "Tanh", "Tanh"), "GRU": ("Sigmoid", "Tanh"), "RNN": ("Tanh",)}
FAR = 1e6
"""An input at which functions have reached what they go to."""


@dataclass(frozen=True, slots=True)
class Direction:
    """One direction of a node: its own weights, and whether it goes through time backwards."""

    back: bool
    x: Array  # (inputs, hidden * gates)
    steps: Array  # (hidden * gates,), or one: what 1 of x is worth
    bias: Array  # (hidden * gates,)
    op: Recurrent


@dataclass(frozen=True, slots=True)
class Weights:
    """Weights of a node, (direction, row, input), and as numbers of steps, where the model gives them as such."""

    real: Array
    numbers: Array
    steps: Array | None  # (direction, row)


def from_recurrent(walk: Walk, node: OnnxNode) -> None:
    """LSTM, GRU, RNN of a fixed number of steps, in either direction or both."""
    steps, source = _source(walk, node)
    directions = _directions(walk, node)
    every, last, cells = [], [], []
    reads_cells = len(node.outputs) > CELL and walk.model.reads(node.outputs[CELL])
    for direction in directions:
        end = "_back" if direction.back else ""
        x = walk.emit(Flip(columns=True), [source], f"{end}_x") if direction.back else source
        if not _passes(direction.x * direction.steps):
            x = walk.scaled(walk.emit(Dense(Tensor(direction.x)), [x], f"{end}_in"), direction.steps)
        if direction.bias.any():
            x = walk.emit(Affine(Tensor(np.ones(1)), Tensor(direction.bias)), [x], f"{end}_bias")
        y = walk.emit(direction.op, [x], end)
        last.append(_last(walk, y, steps, end))
        if reads_cells and isinstance(direction.op, Lstm):
            shown = walk.emit(replace(direction.op, cells=True), [x], f"{end}_cell")
            cells.append(_last(walk, shown, steps, f"{end}_cell"))
        every.append(walk.emit(Flip(columns=True), [y], f"{end}_y") if direction.back else y)
    count, hidden = len(directions), directions[0].op.hidden
    shape = (1, count, hidden) if node.flag("layout", 0) else (count, 1, hidden)
    whole = (1, steps, count, hidden) if node.flag("layout", 0) else (steps, count, 1, hidden)
    walk.put(node.outputs[0], _joined(walk, every, "_y"), _in_order(whole))
    ends = _joined(walk, last, "_h")
    if len(node.outputs) > 1:
        walk.put(node.outputs[1], ends, _in_order(shape))
    if cells:
        walk.put(node.outputs[CELL], _joined(walk, cells, "_c"), _in_order(shape))


def _last(walk: Walk, y: str, steps: int, suffix: str) -> str:
    """What comes of the last step."""
    hidden = walk.build.types[y].channels
    return walk.emit(Slice((0, steps - 1, 0), (1, steps, hidden)), [y], f"{suffix}_last") if steps > 1 else y


def _passes(weight: Array) -> bool:
    """Whether every sum has an input of its own: those are the sums already."""
    return weight.shape[0] == weight.shape[1] and np.array_equal(weight, np.eye(len(weight)))


def _in_order(shape: tuple[int, ...]) -> Index:
    return np.arange(int(np.prod(shape))).reshape(shape)


def _joined(walk: Walk, parts: Sequence[str], suffix: str) -> str:
    return walk.emit(Concat(), list(parts), suffix) if len(parts) > 1 else parts[0]


def _source(walk: Walk, node: OnnxNode) -> tuple[int, str]:
    """How many steps there are, and the graph value that has a column for each."""
    view = walk.view(node.inputs[0])
    if len(view.shape) != 3:
        raise RefusedError(f"expected steps, batch and inputs, not {len(view.shape)} axes", "check the exported model")
    order = view.order.transpose(1, 0, 2) if not node.flag("layout", 0) else view.order
    batch, steps, inputs = order.shape
    if batch != 1:
        raise RefusedError(f"expected a batch of 1, not of {batch}", "export the model for one sequence")
    if node.has(SEQUENCE):
        lengths = walk.model.constant(node, SEQUENCE)
        if lengths is None or np.any(lengths != steps):
            raise RefusedError("expected sequences of one fixed length", "export the model without sequence lengths")
    shape = (1, steps, inputs)
    return steps, walk.arrange(View(view.value, order), shape, np.arange(order.size).reshape(shape))


def _directions(walk: Walk, node: OnnxNode) -> list[Direction]:
    """The directions of a node, forward first."""
    kind, name = KINDS[node.op_type], node.text("direction", "forward")
    if node.has(PEEPHOLES):
        raise RefusedError("expected no peepholes", "train the LSTM without them")
    if node.flag("input_forget", 0) or node.attributes.get("clip") is not None:
        raise RefusedError("expected neither a clip nor coupled gates", "train the layer without them")
    weight, recurrent = (_weights(walk, node, n, role) for n, role in ((1, "weight"), (2, "recurrent weight")))
    count, hidden = recurrent.real.shape[0], recurrent.real.shape[-1]
    columns = kind.gates * hidden
    bias = walk.weight(node, 3, "bias") if node.has(3) else np.zeros((count, 2 * columns))
    sides = {"forward": (False,), "reverse": (True,), "bidirectional": (False, True)}.get(name, ())
    inputs = walk.view(node.inputs[0]).shape[-1]
    fits = weight.real.shape == (count, columns, inputs) and recurrent.real.shape == (count, columns, hidden)
    if not fits or len(sides) != count or bias.shape != (count, 2 * columns):
        raise RefusedError("its weights do not suit each other", "check the exported model")
    lasting = next(filter(None, node.outputs)) in walk.model.lasting
    functions, start = _functions(node, kind, count), _starts(walk, node, count, hidden)
    found = []
    for n, back in enumerate(sides):
        given, looped = (_by_unit(v, kind.gates) for v in np.split(bias[n], 2))
        arguments = (Tensor(_by_unit(recurrent.real[n], kind.gates).T), Tensor(start[n]), functions[n])
        steps = None if recurrent.steps is None else Tensor(_by_unit(recurrent.steps[n], kind.gates))
        op = kind(*arguments, lasting=lasting, steps=steps)
        if kind is Gru and node.flag("linear_before_reset", 0):
            inner = looped.reshape(hidden, kind.gates)[:, -1].copy()
            looped = np.where(np.arange(columns) % kind.gates == kind.gates - 1, 0.0, looped)
            op = Gru(*arguments, lasting=lasting, steps=steps, inner=Tensor(inner))
        ones = np.ones(1) if weight.steps is None else _by_unit(weight.steps[n], kind.gates)
        found.append(Direction(back, _by_unit(weight.numbers[n], kind.gates).T, ones, given + looped, op))
    return found


def _weights(walk: Walk, node: OnnxNode, index: int, role: str) -> Weights:
    """The weights at an input. RefusedError where they come as codes of other scales than per row."""
    real, coded = walk.weight(node, index, role), walk.coded.get(node.inputs[index])
    if coded is None:
        return Weights(real, real, None)
    steps = np.broadcast_to(coded.scale, coded.codes.shape)
    if np.any(steps != steps[..., :1]):
        raise RefusedError(f"expected one scale per row of the {role}", "quantise it per tensor or per row (axis 1)")
    return Weights(real, coded.codes.astype(np.float64), steps[..., 0])


def _by_unit(rows: Array, gates: int) -> Array:
    """Rows (gate, unit) as (unit, gate)."""
    return np.asarray(rows.reshape(gates, -1, *rows.shape[1:]).swapaxes(0, 1).reshape(rows.shape))


def _starts(walk: Walk, node: OnnxNode, count: int, hidden: int) -> Array:
    """(direction, state, unit): what the states begin with."""
    states = KINDS[node.op_type].states
    found = np.zeros((count, states, hidden))
    for n, index in enumerate(STATES[node.op_type]):
        if node.has(index):
            given = walk.model.constant(node, index)
            if given is None:
                raise RefusedError(
                    "expected a constant initial state", "give --state INPUT=OUTPUT where the model returns its state"
                )
            if given.size != count * hidden:
                raise RefusedError(f"expected {count * hidden} numbers as initial state", "check the exported model")
            found[:, n] = walk.finite(node.inputs[index], given).reshape(count, hidden)
    return found


def _functions(node: OnnxNode, kind: type[Recurrent], count: int) -> list[tuple[Expression, ...]]:
    """The functions of each direction."""
    default = DEFAULTS[node.op_type]
    names = node.texts("activations") or default * count
    if len(names) != len(default) * count:
        raise RefusedError(f"expected {len(default) * count} activations, not {len(names)}", "check the exported model")
    known = {name: list(node.reals(f"activation_{name}") or ()) for name in ("alpha", "beta")}
    found = [_function(name, known, gate=n % len(default) == 0 and kind is not Rnn) for n, name in enumerate(names)]
    return [tuple(found[n * len(default) : (n + 1) * len(default)]) for n in range(count)]


def _function(name: str, known: dict[str, list[float]], *, gate: bool) -> Expression:
    """A function as an expression. RefusedError if it is not one that ends at 0 and 1, or -1 and 1."""

    def number(which: str, default: float) -> float:
        return known[which].pop(0) if known[which] else default

    made: Expression
    match name.lower():
        case "sigmoid" | "tanh":
            made = (name.lower(), "x")
        case "hardsigmoid":
            made = ("max", ("min", ("add", ("mul", "x", number("alpha", 0.2)), number("beta", 0.5)), 1.0), 0.0)
        case "softsign":
            made = ("div", "x", ("add", 1.0, ("abs", "x")))
        case _:
            raise RefusedError(f"expected an activation that stays within -1 and 1, not {name}", "use Sigmoid and Tanh")
    ends = evaluate(made, np.array([-FAR, FAR]))
    if ends[0] < (-1e-5 if gate else -1.0) or ends[1] > 1.0:
        raise RefusedError(f"expected gates between 0 and 1, {name} goes from {ends[0]:.0f}", "use Sigmoid")
    return made


RULES: dict[str, Rule] = dict.fromkeys(KINDS, from_recurrent)
JOIN_RULES: dict[str, Rule] = dict.fromkeys(KINDS, from_recurrent)

ATTRIBUTES = dict.fromkeys(
    KINDS,
    "activation_alpha activation_beta activations clip direction hidden_size input_forget layout linear_before_reset",
)
"""The attributes that each rule reads, or may leave alone; others have none."""
