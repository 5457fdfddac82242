"""Recurrent layers of a network that comes quantised: what their inner grids are follows from the file alone."""

from dataclasses import replace
from functools import lru_cache

import numpy as np

from tomato.core.formats import Array, Codes, Tensor
from tomato.core.ir import Builder, Encoding, Graph, Node
from tomato.ops.real import Affine, Expression, evaluate
from tomato.ops.recurrent import GATE_FRACTION, SUM, Gru, Recurrent
from tomato.ops.weighted import Weighted
from tomato.passes.groups import join_origins, requantised
from tomato.passes.rewrite import ZERO, defining
from tomato.quantise.absorb.held import Held
from tomato.quantise.absorb.realise import widths
from tomato.quantise.lower_recurrent import on_codes
from tomato.quantise.precision import LayerFormat
from tomato.quantise.requant.grid import fit_grid, make_requant
from tomato.quantise.weights.kinds import KINDS

FORMAT = LayerFormat(16, 16)
"""Of weights that come as reals, which their runtime does not round, and of the last result as it is multiplied."""
MULT_BITS = 16
"""Of the multipliers in a layer's loop."""
ARGUMENT = Codes.of(Recurrent.argument_bits, signed=True)
"""What inputs give to the sums."""
FLAT = 2.0 ** -(GATE_FRACTION + 1)
"""How near its ends a function counts as what it goes to: half a step of a gate."""
FARTHEST = 1 << 12
"""The farthest input at which that is looked for."""


def in_integers(build: Builder, node: Node, op: Recurrent, x: Held) -> str:
    """Append the requant to a layer's argument and the layer on codes; its name. ValueError where products are wide."""
    acc, line = build.types[x.value].codes, x.line
    step = argument_step(op, _reach(build, x))
    zero = -np.rint(line.zeros).astype(np.int64)
    grid = fit_grid(line.scale / step, widths(acc)[0])
    target = (line.offset + zero * line.scale) / step
    narrow = make_requant(grid, zero=zero, target=target, acc=acc, clamp=ARGUMENT)
    sums = build.add(narrow, (x.value,), requantised(x.value), join_origins(*x.nodes))
    loop = on_codes(op, Encoding(step), ARGUMENT, FORMAT, MULT_BITS)
    return build.add(loop, (sums,), node.name, node.origin)


def argument_step(op: Recurrent, reach: Array) -> float:
    """What a step of the argument is worth: a power of 2.

    An argument matters as far as no last result brings the sum back from where its function is flat. The sums of the
    last results have to lie within SUM, and everything at least from -8 to 8, as in a network that we quantise.
    """
    back = np.abs(op.weight.values).sum(axis=0).reshape(-1, op.gates)
    if isinstance(op, Gru) and op.inner is not None:
        back[:, -1] += np.abs(op.inner.values)
    bends = np.array([bend(op.functions[n]) for n in op.uses])
    wanted = np.minimum(reach.reshape(back.shape), back + bends)
    most = max(float(wanted.max()), op.argument_reach, float(back.max()) * ARGUMENT.hi / SUM.hi)
    return float(2.0 ** np.ceil(np.log2(most))) / (ARGUMENT.hi + 1)


@lru_cache(maxsize=64)
def bend(function: Expression) -> float:
    """How far from 0 a function still is no constant, within FLAT; FARTHEST at the most."""
    far = np.linspace(0.0, FARTHEST, 64 * FARTHEST + 1)
    off = np.maximum(*(np.abs(evaluate(function, s * far) - evaluate(function, s * far[-1:])) for s in (-1, 1)))
    moving = np.flatnonzero(off > FLAT)
    return float(far[min(moving[-1] + 1, far.size - 1)]) if moving.size else 0.0


def _reach(build: Builder, x: Held) -> Array:
    """The largest value, without its sign, that an argument can be, per column: of a product exactly."""
    acc, line = build.types[x.value].codes, x.line
    low, high = (np.full(line.scale.shape, end) for end in (acc.lo, acc.hi))
    made = defining(build, x.value)
    if made is not None and isinstance(made.op, Weighted):
        codes, weight = build.types[made.args[0]].codes, made.op.weight.values
        ends = weight * codes.lo, weight * codes.hi
        low, high = (choose(*ends).sum(axis=made.op.summed) for choose in (np.minimum, np.maximum))
    return np.asarray(np.maximum(np.abs(low * line.scale + line.offset), np.abs(high * line.scale + line.offset)))


def with_codes(graph: Graph) -> tuple[Graph, tuple[str, ...]]:
    """The graph with whole numbers for all weights of recurrent layers, and notes of what was rounded for it."""
    build, notes = Builder(graph.inputs), list[str]()
    names = {name: name for name, _ in graph.inputs}
    fed = {name for node in graph if isinstance(node.op, Recurrent) and (name := _product(graph, node.args[0]))}
    for node in graph:
        op, args, step, which = node.op, [names[a] for a in node.args], None, ""
        if isinstance(op, Recurrent) and op.steps is None:
            codes, steps = _rounded(op.weight.values)
            op, which = replace(op, weight=Tensor(codes * steps), steps=Tensor(steps)), "recurrent weights"
        elif isinstance(op, Weighted) and node.name in fed and np.any(op.weight.values % 1):
            codes, steps = _rounded(op.weight.values)
            op, which = replace(op, weight=Tensor(codes.astype(np.float64))), "weights"
            step = Affine(Tensor(steps), ZERO)
        made = build.add(op, args, node.name, node.origin)
        names[node.name] = build.add(step, (made,), f"{made}_scale", node.origin) if step else made
        if which:
            notes.append(f"{', '.join(node.origin)}: {which} come as reals, and get {FORMAT.weight_bits} bits")
    outputs = tuple(names[name] for name in graph.outputs)
    return replace(graph, nodes=tuple(build.nodes), outputs=outputs), tuple(dict.fromkeys(notes))


def _product(graph: Graph, value: str) -> str:
    """The product that a layer's argument is, but for steps and biases; "" if it is none."""
    node = graph.producers.get(value)
    while node is not None and isinstance(node.op, Affine):
        node = graph.producers.get(node.args[0])
    return node.name if node is not None and isinstance(node.op, Weighted) else ""


def _rounded(weight: Array) -> tuple[Array, Array]:
    """Weights (inputs, columns) as codes, and what a step is worth, per column."""
    alphabet = KINDS[FORMAT.kind].choose(weight, FORMAT.weight_bits)
    steps = np.where(alphabet.scale > 0, alphabet.scale, 1.0)
    return alphabet.nearest(weight / steps), steps
