"""One walk over a quantised network: what every real value is in terms of codes, and the integers that follow."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import TypeVar

import numpy as np

from tomato.core.errors import TomatoError
from tomato.core.formats import Tensor
from tomato.core.interface import SILENT, Said
from tomato.core.ir import Builder, Encoding, Graph, Node, Op, TensorType
from tomato.core.treatment import UNLIKE_CHANNELS, Line, Treatment
from tomato.ops.join import Add, Multiply
from tomato.ops.quantise import Dequantise, Quantise
from tomato.ops.real import Affine, Clip
from tomato.ops.recurrent import Recurrent
from tomato.ops.requant import Requant
from tomato.ops.weighted import Weighted
from tomato.passes.groups import join_origins
from tomato.passes.separate_borders import separate_borders
from tomato.passes.unflatten import unflatten
from tomato.quantise.absorb.chosen import Chosen, brought_together, meet
from tomato.quantise.absorb.held import Held, Outside, Pair, limits
from tomato.quantise.absorb.loops import in_integers, with_codes
from tomato.quantise.absorb.proof import Proof
from tomato.quantise.absorb.realise import ORDINARY, Allowed
from tomato.quantise.absorb.reference import INTEGER
from tomato.quantise.absorb.refusals import SeveralWaysError, code_of, open_value, refuse, same_steps, whole
from tomato.quantise.absorb.requantiser import Requantiser
from tomato.quantise.absorb.unlike import levelled, weighted

AnyOp = TypeVar("AnyOp", bound=Op)
Value = str | Outside | Held | Pair | Chosen
"""A value of the network that comes in: codes by their name in the new graph, or what is known of a real one."""


@dataclass(frozen=True, slots=True, eq=False)
class Absorbed:
    """The integer graph, what the host computes at both ends, and how every requantisation was proved.

    before: by input, the real operators that end in a Quantise. outputs: for every output of the network that
    came in. notes: what was rounded that the network gives as reals.
    """

    graph: Graph
    before: dict[str, tuple[Op, ...]]
    outputs: tuple["Exit", ...]
    proofs: tuple[Proof, ...]
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Exit:
    """Codes of the new graph behind an output, and the operators that make its reals of them."""

    value: str
    chain: tuple[Op, ...]


def absorb(graph: Graph, said: Said = SILENT, allowed: Allowed = ORDINARY) -> Absorbed:
    """The network in integers. Raises TomatoError where real numbers are left between codes.

    said: what the model says of its nodes, for what its runtime does with them. allowed: what inexact constants may
    cost where there are no exact ones.
    """
    graph, notes = with_codes(graph)
    walk = _Walk(graph, said, allowed)
    for node in graph:
        walk.visit(node)
    return replace(walk.finish(), notes=notes)


@dataclass
class _Walk:
    graph: Graph
    said: Said
    allowed: Allowed
    env: dict[str, Value] = field(default_factory=dict)
    before: dict[str, tuple[Op, ...]] = field(default_factory=dict)
    encodings: dict[str, Encoding] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.shapes = dict(self.graph.inputs)
        self.build = Builder(())
        self.requantiser = Requantiser(self.build, self.said, self.allowed)
        self.env |= {name: Outside(name) for name, _ in self.graph.inputs}

    def visit(self, node: Node) -> None:
        """Define the value of one node, by what its operator says of itself."""
        args = [self.env[a] for a in node.args]
        codes = [a for a in args if isinstance(a, str)]
        match node.op.treatment:
            case Treatment.CROSSES:
                self.env[node.name] = self.crossing(node, node.op, args[0])
            case Treatment.REAL:
                self.env[node.name] = self.unary(node, args[0])
            case _ if len(codes) == len(args):
                self.env[node.name] = self.build.add(node.op, codes, node.name, node.origin)
            case Treatment.MOVES:
                self.env[node.name] = self.movement(node, args)
            case Treatment.EXACT:
                self.env[node.name] = self.arithmetic(node, [self.line(node, a) for a in node.args])
            case Treatment.CODES:
                raise AssertionError(f"absorb: {node.op.name} takes codes")

    def crossing(self, node: Node, op: Op, value: Value) -> Value:
        """From reals to codes or back."""
        if isinstance(op, Quantise):
            return self.quantise(node, op, value)
        assert isinstance(op, Dequantise), f"absorb: no rule for {op.name}"
        assert isinstance(value, str), "codes to dequantise"
        return Held(value, Line.of(op.scale.values, op.zero.values, node.type.channels), nodes=(node,))

    def unary(self, node: Node, value: Value) -> Value:
        """A real operator on one value."""
        if isinstance(value, Outside):
            return Outside(value.input, (*value.chain, node.op))
        assert not isinstance(value, str), "reals under a unary operator"
        return value.then(node)

    def quantise(self, node: Node, op: Quantise, value: Value) -> str:
        """Codes of a real value."""
        match value:
            case Outside(name, chain):
                return self.enter(node, name, (*chain, op))
            case Pair():
                result = self.requantiser.joined(node, op, value)
            case Chosen():
                result = self.requantiser.chosen(node, op, value)
            case Held():
                result = self.requantiser.narrowed(node, op, value)
            case _:
                raise AssertionError("absorb: codes cannot be quantised")
        self.encodings.setdefault(result, op.encoding)
        return result

    def enter(self, node: Node, name: str, chain: tuple[Op, ...]) -> str:
        """The codes that the host makes of an input."""
        if name in self.before:
            if self.before[name] != chain:
                raise SeveralWaysError(node, name)
            return name
        self.before[name] = chain
        op = chain[-1]
        assert isinstance(op, Quantise)
        self.build.types[name] = op.infer([self.shapes[name]])
        self.encodings.setdefault(name, op.encoding)
        return name

    def line(self, node: Node, given: str) -> Held:
        """The real value of this name as a line over integers: limits behind it become limits of the codes."""
        value = self.env[given]
        if isinstance(value, Outside):
            open_value(node, given, f"it reads the input {value.input}, which is not quantised", "quantise the input")
        if isinstance(value, Pair | Chosen):
            open_value(node, given, f"{', '.join(value.origin)} in front of it is not quantised")
        assert isinstance(value, Held), "reals"
        if not value.tail:
            return value
        if not all(isinstance(op, Clip) for op in value.tail):
            names = join_origins(*value.nodes[-len(value.tail) :])
            verb = "is" if len(names) == 1 else "are"
            open_value(node, given, f"{', '.join(names)} in front of it {verb} not quantised")
        same_steps(node, value.line)
        codes = self.build.types[value.value].codes
        ends = [code_of(node, value.line, end, "the limit") if np.isfinite(end) else code
                for end, code in zip(limits(value.tail), (codes.lo, codes.hi), strict=True)]  # fmt: skip
        one = Tensor(np.ones(value.scale.size, dtype=np.int64))
        clamp = Requant(one, Tensor(0 * one.values), 0, min(ends), max(ends))
        last = value.nodes[-1]
        name = self.build.add(clamp, (value.value,), last.name, last.origin)
        return replace(value, value=name, tail=())

    def movement(self, node: Node, args: list[Value]) -> Held | Chosen:
        """Data movement on what reals are made of. Conditions are codes."""
        first = node.op.conditions
        for name, value in zip(node.args, args, strict=True):
            if isinstance(value, Outside):
                open_value(node, name, "the input in front of it is not quantised", "quantise the input first")
        op, held = self.bordered(node, node.op, [self.line(node, a) for a in node.args[first:]])
        conditions = tuple(value for value in args[:first] if isinstance(value, str))
        assert len(conditions) == first, "quantise_conditions sees to that"
        if len(held) > 1 and (op.by_order or conditions) and not meet(held):
            return Chosen(tuple(held), op, node, conditions)
        given = [Held(name, Line.of(1.0, 0.0, node.type.channels)) for name in conditions]
        line, types = self.follow(node, op, [*given, *held]), self.types(held)
        name = self.build.add(op, [*conditions, *(h.value for h in held)], node.name, node.origin)
        return held[0].moved(name, op, line, types, node) if len(held) == 1 else brought_together(
            name, line, held, node)  # fmt: skip

    def arithmetic(self, node: Node, held: list[Held]) -> Held | Pair:
        """What is exact on codes: a layer, two values joined, or whatever says what its results stand for."""
        match node.op:
            case Weighted():
                return self.weighted(node, node.op, held)
            case Add() | Multiply():
                return self.join(node, node.op, *held)
            case Recurrent():
                return self.recurrent(node, node.op, held[0])
        op, held = self.bordered(node, node.op, held)
        if op.line([h.line for h in held], self.types(held)) == UNLIKE_CHANNELS:
            held = [self.level(h) for h in held]
        line = self.follow(node, op, held)
        op = op.on_codes([h.line for h in held], self.types(held))
        name = self.build.add(op, [h.value for h in held], node.name, node.origin)
        return Held(name, line, op, tuple(held), nodes=(node,), plain=False)

    def weighted(self, node: Node, op: Weighted, held: list[Held]) -> Held:
        """A convolution or product: integers of it, if its weights are integers."""
        op, (x,) = self.bordered(node, replace(op, weight=Tensor(whole(node, op))), held)
        exact, line = weighted(op, x.line, self.build.types[x.value].codes)
        name = self.build.add(exact, (x.value,), node.name, node.origin)
        kinds = self.said.of(node.origin)
        return Held(name, line, node.op, (x,), nodes=(node,), plain=bool(kinds) and set(kinds) <= INTEGER)

    def recurrent(self, node: Node, op: Recurrent, x: Held) -> Held:
        """A layer that reads its own last result."""
        try:
            loop = in_integers(self.build, node, op, x)
        except ValueError as reason:
            refuse(node, str(reason))
        return Held(loop, self.follow(node, self.build.nodes[-1].op, [x]), op, (x,), nodes=(node,), plain=False)

    def join(self, node: Node, op: Add | Multiply, a: Held, b: Held) -> Held | Pair:
        """Two values: a sum is exact where both have the same step; all else is left to the Quantise behind."""
        line = op.line((a.line, b.line), ()) if isinstance(op, Add) and (a.source or b.source) else ""
        if isinstance(line, Line):
            name = self.build.add(op, (a.value, b.value), node.name, node.origin)
            return Held(name, line, op, (a, b), nodes=(*a.nodes, *b.nodes, node), plain=False)
        for held in (a, b):
            same_steps(node, held.line)
        if isinstance(op, Multiply):
            op = Multiply(*(code_of(node, held.line, 0.0, "the number") for held in (a, b)))
        return Pair(a, b, op, node)

    def follow(self, node: Node, op: Op, held: Sequence[Held]) -> Line:
        """What the codes stand for that an operator makes of codes."""
        line = op.line([h.line for h in held], self.types(held))
        if isinstance(line, str):
            refuse(node, line)
        return line

    def types(self, held: Sequence[Held]) -> tuple[TensorType, ...]:
        """The types of the codes of some values."""
        return tuple(self.build.types[h.value] for h in held)

    def bordered(self, node: Node, op: AnyOp, held: list[Held]) -> tuple[AnyOp, list[Held]]:
        """An operator whose border, if it has one, is a code, and arguments in codes that share one zero point then."""
        if op.border is None:
            return op, held
        held = [self.level(h) for h in held]
        first, *others = (code_of(node, h.line, op.border, "the border") for h in held)
        if any(code != first for code in others):
            refuse(node, "its inputs have unlike scales or zero points")
        return op.with_border(first), held

    def level(self, x: Held) -> Held:
        """The same value in codes that share one zero point, if they had several."""
        found = levelled(x.line, self.build.types[x.value].codes)
        if found is None:
            return x
        name = self.build.add(found[0], (x.value,), f"{x.value}_zero", x.nodes[-1].origin)
        return replace(x, value=name, line=found[1], start=None, steps=(), plain=False)

    def finish(self) -> Absorbed:
        """The new graph, verified."""
        exits = tuple(self.leave(name) for name in self.graph.outputs)
        inputs = tuple((n, self.build.types[n]) for n, _ in self.graph.inputs if n in self.before)
        if len(inputs) < len(self.graph.inputs):
            lost = next(n for n, _ in self.graph.inputs if n not in self.before)
            raise TomatoError(f"no layer on the chip reads the input {lost}", hint="remove it from the model")
        values = tuple(dict.fromkeys(e.value for e in exits))
        result = Graph(self.graph.name, inputs, tuple(self.build.nodes), values, self.encodings)
        result = unflatten(separate_borders(result.prune()))
        left = dict(zip(values, result.outputs, strict=True))
        for before, after in left.items():
            if before in self.encodings:
                self.encodings.setdefault(after, self.encodings[before])
        exits = tuple(replace(e, value=left[e.value]) for e in exits)
        kept = result.types
        return Absorbed(
            replace(result, encodings={n: e for n, e in self.encodings.items() if n in kept}),
            self.before, exits, tuple(p for p in self.requantiser.proofs if p.value in kept),
        )  # fmt: skip

    def leave(self, name: str) -> Exit:
        """Where an output leaves the chip."""
        value = self.env[name]
        node = self.graph.producers.get(name)
        if isinstance(value, str):
            return Exit(value, ())
        if node is None or isinstance(value, Outside):
            raise TomatoError(f"output {name} depends on no layer on the chip", hint="quantise the network")
        if isinstance(value, Pair | Chosen):
            open_value(node, name, f"{', '.join(value.origin)} is not quantised", "add a QuantizeLinear behind it")
        assert isinstance(value, Held)
        self.encodings.setdefault(value.value, Encoding(float(value.scale[0]), 0))
        return Exit(value.value, (Affine(Tensor(value.scale), Tensor(value.offset)), *value.tail))
