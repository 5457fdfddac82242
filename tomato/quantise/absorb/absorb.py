"""One walk over a quantised network: what every real value is in terms of codes, and the integers that follow."""

from dataclasses import dataclass, field, replace
from typing import Any, NoReturn

import numpy as np

from tomato.core.errors import TomatoError
from tomato.core.formats import Array, Codes, Tensor
from tomato.core.interface import SILENT, Said
from tomato.core.ir import Builder, Encoding, Graph, Node, Op
from tomato.ops.conv2d import Conv2d
from tomato.ops.dense import Dense
from tomato.ops.join import Add, Multiply
from tomato.ops.move import Concat, Pad, Slice, Upsample
from tomato.ops.pool import GlobalSum, MaxPool, SumPool
from tomato.ops.quantise import Bias, Dequantise, JoinConstant, Quantise
from tomato.ops.real import Affine, Clip, Function
from tomato.ops.requant import Requant
from tomato.passes.groups import MOVEMENT, join_origins
from tomato.passes.rewrite import per_weight
from tomato.passes.separate_borders import separate_borders
from tomato.quantise.absorb.held import (
    Held,
    Outside,
    Pair,
    SeveralWaysError,
    UnquantisedError,
    alike,
    limits,
    one_channel,
    open_value,
    refuse,
)  # fmt: skip
from tomato.quantise.absorb.pairs import lower_pair
from tomato.quantise.absorb.proof import HALF, NEAREST, SUM_OF_TIES, UNLIKE_SCALES, Proof, caveat
from tomato.quantise.absorb.realise import EVERY, ORDINARY, Allowed, InexactError, Realised, realise
from tomato.quantise.absorb.reference import INTEGER, Meaning, half, reference, unlike_pair
from tomato.quantise.absorb.unlike import levelled, near_ties, ratios, slack

Value = str | Outside | Held | Pair
"""A value of the network that comes in: codes by their name in the new graph, or what is known of a real one."""


@dataclass(frozen=True, slots=True, eq=False)
class Absorbed:
    """The integer graph, what the host computes at both ends, and how every requantisation was proved.

    before: by input, the real operators that end in a Quantise. outputs: for every output of the network that
    came in.
    """

    graph: Graph
    before: dict[str, tuple[Op, ...]]
    outputs: tuple["Exit", ...]
    proofs: tuple[Proof, ...]


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
    walk = _Walk(graph, said, allowed)
    for node in graph:
        walk.visit(node)
    return walk.finish()


@dataclass
class _Walk:
    graph: Graph
    said: Said
    allowed: Allowed
    env: dict[str, Value] = field(default_factory=dict)
    before: dict[str, tuple[Op, ...]] = field(default_factory=dict)
    proofs: list[Proof] = field(default_factory=list)
    encodings: dict[str, Encoding] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.shapes = dict(self.graph.inputs)
        self.build = Builder(())
        self.env |= {name: Outside(name) for name, _ in self.graph.inputs}

    def visit(self, node: Node) -> None:
        """Define the value of one node."""
        args = [self.env[a] for a in node.args]
        match node.op:
            case Quantise():
                self.env[node.name] = self.quantise(node, node.op, args[0])
            case Dequantise(scale, zero):
                assert isinstance(args[0], str), "codes to dequantise"
                steps = np.broadcast_to(scale.values, node.type.channels).astype(np.float64)
                self.env[node.name] = Held(args[0], steps, -zero.values * steps, nodes=(node,))
            case Affine() | Clip() | Function() | JoinConstant() | Bias():
                self.env[node.name] = self.unary(node, args[0])
            case _ if isinstance(node.op, MOVEMENT):
                self.env[node.name] = self.movement(node, node.op, args)
            case Dense() if isinstance(args[0], str):
                self.env[node.name] = self.build.add(node.op, (args[0],), node.name, node.origin)
            case Conv2d() | Dense():
                self.env[node.name] = self.weighted(node, node.op, self.line(node, node.args[0]))
            case SumPool() | GlobalSum():
                self.env[node.name] = self.pooled(node, node.op, self.line(node, node.args[0]))
            case Add():
                self.env[node.name] = self.add(node, *(self.line(node, a) for a in node.args))
            case Multiply():
                self.env[node.name] = self.pair(node, Multiply(), *(self.line(node, a) for a in node.args))
            case Requant():
                assert isinstance(args[0], str), "codes to limit"
                self.env[node.name] = self.build.add(node.op, (args[0],), node.name, node.origin)
            case _:
                raise AssertionError(f"absorb: no rule for {node.op.name}")

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
                result = self.joined(node, op, value)
            case Held():
                result = self.narrowed(node, op, value)
            case _:
                raise AssertionError("absorb: codes cannot be quantised")
        self.note(result, op)
        return result

    def joined(self, node: Node, op: Quantise, pair: Pair) -> str:
        """Codes of two values joined."""
        kinds = self.build.types[pair.a.value].codes, self.build.types[pair.b.value].codes
        try:
            found = lower_pair(pair, op, kinds, self.said, self.allowed)
        except ValueError as reason:
            self.refuse_inexact(node, pair.origin, reason)
        name = pair.node.name
        exact = self.build.add(found.ops[0], (pair.a.value, pair.b.value), name, pair.node.origin)
        result = self.append(found.ops[1:], exact, f"{name}_q", join_origins(pair.node, *pair.nodes, node))
        sums = isinstance(pair.join, Add)
        ties = sums and not found.sampled and op.arithmetic != "qonnx"
        loose = UNLIKE_SCALES if pair.a.slack or pair.b.slack else ""
        unlike = (
            loose
            if op.arithmetic == "qonnx"
            else HALF
            if half(op, pair.a, pair.b)
            else unlike_pair(pair, self.said) or loose
        )
        why = caveat(unlike, found.differing, SUM_OF_TIES if ties else NEAREST, sampled=found.sampled)
        how = "sum" if sums else "product"
        self.proofs.append(Proof(result, how, found.checked, found.differing, found.largest, why))
        return result

    def narrowed(self, node: Node, op: Quantise, held: Held) -> str:
        """Codes of one value."""
        kind, uniform = self.build.types[held.value], held.uniform and alike(op)
        straight = all(_is_straight(step) for step in held.tail)
        meaning = reference(held.first, one_channel(op), self.said) if uniform else reference(held, op, self.said)
        try:
            found = realise(
                meaning.codes, kind.codes, kind.channels, Codes(op.lo, op.hi), self.allowed, uniform=uniform,
                straight=straight,
            )  # fmt: skip
            near = self.loosened(found, meaning, op, held, straight=straight)
        except ValueError as reason:
            self.refuse_inexact(node, held.origin, reason)
        result = self.append(found.ops, held.value, _name(held, node), join_origins(*held.nodes, node))
        if found.how != "wire":
            checked = (kind.codes.hi - kind.codes.lo + 1) * kind.channels
            why = caveat(
                meaning.caveat or near.caveat, found.differing, NEAREST, sampled=not straight and checked > EVERY
            )
            self.proofs.append(Proof(result, found.how, checked, near.differing, near.largest, why))
        return result

    def loosened(self, found: Realised, meaning: Meaning, op: Quantise, held: Held, *, straight: bool) -> Proof:
        """What of a requantisation may differ, the integers that are not exactly what they stand for included.

        InexactError where that is more than is allowed.
        """
        kind, channels = self.build.types[held.value].codes, self.build.types[held.value].channels
        exact = Proof(held.value, found.how, 0, found.differing, found.largest)
        if not held.slack:
            return exact
        some = meaning.codes(np.full((1, 1), kind.lo)).shape[1]
        count, most = near_ties(meaning.codes, held.slack, kind, some, Codes(op.lo, op.hi))
        differing, checked = found.differing + count * (channels // some), (kind.hi - kind.lo + 1) * channels
        largest = max(most, found.largest)
        if not self.allowed.takes(differing, largest, checked):
            raise InexactError("a sum over channels of unlike scales", differing, largest, checked)
        return replace(
            exact, differing=differing, largest=largest, caveat=UNLIKE_SCALES if count or not straight else ""
        )

    def refuse_inexact(self, node: Node, origin: tuple[str, ...], reason: ValueError) -> NoReturn:
        """Nothing that is allowed computes a Quantise of these nodes."""
        bits = "" if self.allowed.bits is None else "give more --requant-bits; "
        hint = f"{bits}--allow-error {reason.share:g} takes it all the same" if isinstance(reason, InexactError) else (
            "quantise the value in front of the function, or give its result fewer bits")  # fmt: skip
        refuse(node, f"of {', '.join(origin)}, {reason}", hint)

    def append(self, ops: tuple[Op, ...], value: str, name: str, origin: tuple[str, ...]) -> str:
        """Operators one behind the other; the last one is called `name`."""
        for i, op in enumerate(ops):
            last = i == len(ops) - 1
            value = self.build.add(op, (value,), name if last else f"{name}_{op.name}", origin)
        return value

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
        self.note(name, op)
        return name

    def note(self, value: str, op: Quantise) -> None:
        """Remember what codes mean."""
        self.encodings.setdefault(value, Encoding(float(op.scale.values[0]), int(op.zero.values[0])))

    def line(self, node: Node, given: str) -> Held:
        """The real value of this name as a line over integers: limits behind it become limits of the codes."""
        value = self.env[given]
        if isinstance(value, Outside):
            open_value(node, given, f"it reads the input {value.input}, which is not quantised", "quantise the input")
        if isinstance(value, Pair):
            open_value(node, given, f"{', '.join(value.origin)} in front of it is not quantised")
        assert isinstance(value, Held), "reals"
        if not value.tail:
            return value
        if not all(isinstance(op, Clip) for op in value.tail):
            names = join_origins(*value.nodes[-len(value.tail) :])
            verb = "is" if len(names) == 1 else "are"
            open_value(node, given, f"{', '.join(names)} in front of it {verb} not quantised")
        value.same_steps(node)
        codes = self.build.types[value.value].codes
        ends = [value.code_of(end, node, "the limit") if np.isfinite(end) else code
                for end, code in zip(limits(value.tail), (codes.lo, codes.hi), strict=True)]  # fmt: skip
        one = Tensor(np.ones(value.scale.size, dtype=np.int64))
        clamp = Requant(one, Tensor(0 * one.values), 0, min(ends), max(ends))
        last = value.nodes[-1]
        name = self.build.add(clamp, (value.value,), last.name, last.origin)
        return replace(value, value=name, tail=())

    def movement(self, node: Node, op: Op, args: list[Value]) -> Value:
        """Data movement, on codes or on what reals are made of."""
        for name, value in zip(node.args, args, strict=True):
            if isinstance(value, Outside):
                open_value(node, name, "the input in front of it is not quantised", "quantise the input first")
        if all(isinstance(a, str) for a in args):
            return self.build.add(op, [str(a) for a in args], node.name, node.origin)
        lines = [self.line(node, a) for a in node.args]
        first, channels = lines[0], node.type.channels
        if not isinstance(op, Concat | Slice | Upsample | MaxPool | Pad):
            first.same_steps(node)
        if not isinstance(op, Concat) and any(
            np.any(other.scale != first.scale) or np.any(other.offset != first.offset) for other in lines[1:]
        ):
            refuse(node, "its inputs have unlike scales or zero points", "quantise them alike")
        if isinstance(op, MaxPool) and np.any(first.scale <= 0):
            refuse(node, "its input has a negative scale")
        if isinstance(op, Pad):
            first = self.level(first)
            lines, op = [first], replace(op, value=first.code_of(op.value, node, "the border"))
        name = self.build.add(op, [h.value for h in lines], node.name, node.origin)
        if isinstance(op, Concat):
            return _concatenated(name, lines, node)
        if isinstance(op, Slice):
            cut = slice(op.begin[2], op.end[2])
            return first.moved(name, lambda v: v[cut], node)
        if isinstance(op, Upsample | MaxPool | Pad):
            return first.moved(name, lambda v: v, node)
        return first.moved(name, lambda v: np.full(channels, v[0]), node)

    def weighted(self, node: Node, op: Conv2d | Dense, x: Held) -> Held:
        """A convolution or product: integers of it, if its weights are integers and its input has one step."""
        weight = whole(node, op)
        exact: Any = replace(op, weight=Tensor(weight))
        if isinstance(exact, Conv2d) and any(exact.window.pads):
            x = self.level(x)
            exact = replace(exact, pad_value=x.code_of(exact.pad_value, node, "the border"))
        groups, out = op.groups if isinstance(op, Conv2d) else 1, weight.shape[-1]
        offset = (weight * per_weight(x.offset, groups, out)).sum(axis=tuple(range(weight.ndim - 1)))
        whole_scale, units = ratios(x.scale, groups)
        scale = np.repeat(units, out // groups)
        factor, off = (
            per_weight(whole_scale, groups, out),
            x.scale / np.repeat(units, x.scale.size // groups) - whole_scale,
        )
        exact = replace(exact, weight=Tensor(weight * factor))
        loose = slack(weight, factor, x, self.build.types[x.value].codes, per_weight(off, groups, out))
        name = self.build.add(exact, (x.value,), node.name, node.origin)
        whole_sum = set(self.said.of(node.origin)) <= INTEGER and bool(self.said.of(node.origin))
        return Held(name, scale, offset, op, (x,), nodes=(node,), plain=whole_sum, slack=loose)

    def level(self, x: Held) -> Held:
        """The same value in codes that share one zero point, if they had several."""
        found = levelled(x, self.build.types[x.value].codes)
        if found is None:
            return x
        name = self.build.add(found[0], (x.value,), f"{x.value}_zero", x.nodes[-1].origin)
        return replace(x, value=name, scale=found[1], offset=found[2], start=None, steps=(), plain=False)

    def pooled(self, node: Node, op: SumPool | GlobalSum, x: Held) -> Held:
        """A sum over pixels."""
        taps = self.build.types[x.value].pixels
        if isinstance(op, SumPool):
            taps = op.window.taps
            if any(op.window.pads):
                x = self.level(x)
                op = replace(op, pad_value=x.code_of(op.pad_value, node, "the border"))
        name = self.build.add(op, (x.value,), node.name, node.origin)
        return Held(name, x.scale, x.offset * taps, op, (x,), nodes=(node,), plain=False, slack=x.slack * taps)

    def add(self, node: Node, a: Held, b: Held) -> Held | Pair:
        """A sum: exact where both have the same step, else left to the Quantise behind it."""
        same = np.array_equal(a.scale, b.scale) and (a.source or b.source)
        if not same:
            return self.pair(node, Add(), a, b)
        name = self.build.add(Add(1, 1), (a.value, b.value), node.name, node.origin)
        return Held(
            name, a.scale, a.offset + b.offset, Add(1, 1), (a, b), nodes=(*a.nodes, *b.nodes, node), plain=False,
            slack=a.slack + b.slack,
        )  # fmt: skip

    def pair(self, node: Node, join: Add | Multiply, a: Held, b: Held) -> Pair:
        """Two values joined, which is left to the Quantise behind."""
        for held in (a, b):
            held.same_steps(node)
        if isinstance(join, Multiply):
            join = Multiply(*(held.code_of(0.0, node, "the number") for held in (a, b)))
        return Pair(a, b, join, node)

    def finish(self) -> Absorbed:
        """The new graph, verified."""
        exits = tuple(self.leave(name) for name in self.graph.outputs)
        inputs = tuple((n, self.build.types[n]) for n, _ in self.graph.inputs if n in self.before)
        if len(inputs) < len(self.graph.inputs):
            lost = next(n for n, _ in self.graph.inputs if n not in self.before)
            raise TomatoError(f"no layer on the chip reads the input {lost}", hint="remove it from the model")
        values = tuple(dict.fromkeys(e.value for e in exits))
        result = Graph(self.graph.name, inputs, tuple(self.build.nodes), values, self.encodings)
        result = separate_borders(result.prune())
        kept = result.types
        return Absorbed(
            replace(result, encodings={n: e for n, e in self.encodings.items() if n in kept}),
            self.before, exits, tuple(p for p in self.proofs if p.value in kept),
        )  # fmt: skip

    def leave(self, name: str) -> Exit:
        """Where an output leaves the chip."""
        value = self.env[name]
        node = self.graph.producers.get(name)
        if isinstance(value, str):
            return Exit(value, ())
        if node is None or isinstance(value, Outside):
            raise TomatoError(f"output {name} depends on no layer on the chip", hint="quantise the network")
        if isinstance(value, Pair):
            open_value(node, name, f"{', '.join(value.origin)} is not quantised", "add a QuantizeLinear behind it")
        assert isinstance(value, Held)
        self.encodings.setdefault(value.value, Encoding(float(value.scale[0]), 0))
        return Exit(value.value, (Affine(Tensor(value.scale), Tensor(value.offset)), *value.tail))


def _concatenated(name: str, lines: list[Held], node: Node) -> Held:
    """Channels of several values behind each other."""
    scale, offset = (np.concatenate([getattr(h, k) for h in lines]) for k in ("scale", "offset"))
    nodes = tuple(dict.fromkeys(n for h in lines for n in h.nodes))
    plain = all(h.source is None and not h.steps for h in lines)
    sources = [h.source for h in lines if h.source is not None]
    source, loose = sources[0] if sources else None, max(h.slack for h in lines)
    return Held(name, scale, offset, source, tuple(lines), nodes=(*nodes, node), plain=plain, slack=loose)


def _is_straight(op: Op) -> bool:
    """Whether an operator rises, or falls, all the way."""
    if isinstance(op, Function):
        return isinstance(op.expression, tuple) and op.expression[:2] == ("count", "x")
    return isinstance(op, Affine | Clip)


def _name(value: Held, node: Node) -> str:
    """What a requantisation is called: after the arithmetic in front of it, the function that it is, or itself."""
    if any(n.name == value.value for n in value.nodes):
        return f"{value.value}_q"
    return value.nodes[-1].name if value.tail else node.name


def whole(node: Node, op: Conv2d | Dense) -> Array:
    """The weights of an operator as integers; TomatoError where they are none."""
    values = op.weight.values
    codes = np.rint(values)
    if np.any(values != codes):
        raise UnquantisedError(
            node, node.name, "its weights are not quantised", "quantise the weights too", weights=True
        )
    return codes.astype(np.int64)
