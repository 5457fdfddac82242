"""Recurrent layers that an exporter wrote out step by step become layers again.

The same constant multiplies something of each step that comes of the step before: between two of these products lies one
step. The others have to be the same nodes over the same constants, see `cells` for what a step has to compute.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from hashlib import blake2b

import numpy as np
import onnx

from tomato.core.formats import Array
from tomato.frontend import rolled
from tomato.frontend.cells import MOVES, NEAR, PRODUCTS, Cell, NoCellError, Runner, Step, recognise
from tomato.frontend.checked import Checked
from tomato.frontend.layout import Index
from tomato.frontend.rolled import Rolled, Writer
from tomato.frontend.shapes import Resolver, survey

NEWTON, TINY = 20, 1e-6
LEAST = 3
"""Products with the same constant, one behind the other, that are looked at."""
MOST_NODES, MOST_LAYERS = 20_000, 64
AFFINE = PRODUCTS | MOVES | {"Add", "Sub", "Mul"}
"""What may be done with the inputs of one step and is part of the layer then."""


def roll_up(checked: Checked, states: Iterable[str] = ()) -> Checked:
    """The model in which steps that were written out are layers. states: inputs that will be states."""
    for _ in range(MOST_LAYERS):
        if not _worthwhile(checked):
            break
        graph = _Graph(checked, survey(checked))
        found = next(graph.layers(frozenset(states)), None)
        if found is None:
            break
        checked = replace(Checked.of(found, checked.path), loops=checked.loops)
    return checked


def _worthwhile(checked: Checked) -> bool:
    """Whether any layer may be there: nothing else is done for most models."""
    nodes = checked.proto.graph.node
    count = sum(n.op_type in ("Gemm", "MatMul") for n in nodes)
    known = {"Sigmoid", "Tanh", "HardSigmoid", "Softsign", "Clip"}
    return count >= LEAST and sum(n.op_type in known for n in nodes) >= LEAST and not checked.invalid


@dataclass
class _Chain:
    """Steps one behind the other. `bound`: what stands in each of them for every value of the step that all are like."""

    start: str
    cell_start: str | None
    end: str
    cell_end: str | None
    at: int
    bound: list[dict[str, str]]
    inputs: dict[str, list[str]] = field(default_factory=dict)
    begins: list[str | None] = field(default_factory=list)


class _Graph:
    """Who makes what of what."""

    def __init__(self, checked: Checked, known: Resolver) -> None:
        self.checked, self.known, self.proto = checked, known, checked.proto
        self.constants = known.constants
        wanted, kept = {o.name for o in self.proto.graph.output}, []
        for node in reversed(self.proto.graph.node):
            if wanted.intersection(node.output) and not all(o in self.constants for o in node.output if o):
                wanted.update(node.input)
                kept.append(node)
        self.live = kept[::-1]
        self.makers = {o: i for i, n in enumerate(self.live) for o in n.output if o}
        self.computed = {o: n for n in self.proto.graph.node for o in n.output if o in self.constants}
        self.digests: dict[str, bytes] = {}

    @cached_property
    def before(self) -> list[int]:
        """For each node those that it depends on, as bits."""
        found: list[int] = []
        for node in self.live:
            bits = 0
            for name in node.input:
                if (maker := self.makers.get(name)) is not None:
                    bits |= found[maker] | 1 << maker
            found.append(bits)
        return found

    def behind(self, name: str, node: int) -> bool:
        """Whether a value depends on a node."""
        maker = self.makers.get(name)
        return maker is not None and (maker == node or bool(self.before[maker] >> node & 1))

    def digest(self, name: str) -> bytes:
        """A constant, such that equal ones are equal."""
        if name not in self.digests:
            value = self.constants[name]
            head = f"{value.dtype} {value.shape} ".encode()
            self.digests[name] = blake2b(head + np.ascontiguousarray(value).tobytes(), digest_size=16).digest()
        return self.digests[name]

    def _equal(self, a: str, b: str) -> bool:
        """Whether two names stand for one value."""
        return a == b or (a in self.constants and b in self.constants and self.digest(a) == self.digest(b))

    def layers(self, states: frozenset[str]) -> Iterator[onnx.ModelProto]:
        """The model with one layer for its steps, for each that is found."""
        if len(self.live) > MOST_NODES:
            return
        groups: dict[tuple[str, bytes], list[int]] = {}
        for i, node in enumerate(self.live):
            if node.op_type in ("Gemm", "MatMul") and not node.domain:
                fixed = [n for n in node.input[:2] if n in self.constants]
                if len(fixed) == 1 and self.constants[fixed[0]].ndim >= 2:
                    groups.setdefault((node.op_type, self.digest(fixed[0])), []).append(i)
        for group in groups.values():
            if len(group) < LEAST or not all(self.before[b] >> a & 1 for a, b in zip(group, group[1:], strict=False)):
                continue
            try:
                yield self._rolled(self._chain(group, states))
            except NoCellError:
                continue

    def _leaves(self, name: str) -> list[str]:
        """What a value is moved from."""
        maker = self.makers.get(name)
        if maker is None or self.live[maker].op_type not in MOVES:
            return [name]
        node = self.live[maker]
        read = node.input if node.op_type == "Concat" else node.input[:1]
        return [leaf for n in read if n not in self.constants for leaf in self._leaves(n)]

    def _chain(self, group: Sequence[int], states: frozenset[str]) -> _Chain:
        """The steps between products. NoCellError where they are not alike."""
        data = [next(n for n in self.live[i].input[:2] if n not in self.constants) for i in group]
        found = []
        for k, name in enumerate(data[1:]):
            leaves = [leaf for leaf in self._leaves(name) if self.behind(leaf, group[k])]
            if len(leaves) != 1:
                raise NoCellError("no one state")
            found.append(leaves[0])
        start, end, last = found[-2], found[-1], self.makers[found[-2]]
        made = {o for n, node in enumerate(self.live) for o in node.output
                if self.before[n] >> last & 1 and self.behind(end, n)}  # fmt: skip
        read = {i for o in made for i in self.live[self.makers[o]].input if i} - made - self.constants.keys()
        cells = [n for n in read if n != start and self.behind(n, group[-3])]
        if len(cells) > 1 or start not in read:
            raise NoCellError("no one state besides")
        cell = cells[0] if cells else None
        stops = frozenset(read)
        first = [self._alike(end, found[0], stops, start, cell)]
        begin = first[0].get(start)
        rest = [self._alike(end, b, stops, start, cell) for b in found[1:]]
        last_step = self._last(end, stops, start, cell, group[-1], found[-1])
        bound = [*first, *rest, last_step]
        before_first = data[0] if begin is None else begin
        chain = _Chain(start, cell, end, None, len(bound) - 2, bound)
        if begin is not None and (begin not in self.constants):
            chain = self._extended(chain, stops, begin)
        chain.cell_end = last_step[cell] if cell else None
        self._check_order(chain)
        first_bound = chain.bound[0]
        chain.begins = [first_bound.get(n) for n in (start, cell) if n]
        for name in chain.begins:
            if name is not None and name not in self.constants and name not in states:
                raise NoCellError(f"the state {before_first} is no constant")
        names = [n for n in stops if n not in (start, cell)]
        for name in sorted(names):
            if any(name not in b for b in chain.bound):
                raise NoCellError("an input is missing")
            chain.inputs[name] = [b[name] for b in chain.bound]
        return chain

    def _extended(self, chain: _Chain, stops: frozenset[str], begin: str) -> _Chain:
        """The chain with a step in front in which what states are multiplied with is constant already."""
        try:
            first = self._alike(chain.end, begin, stops, chain.start, chain.cell_start, folded=True)
        except NoCellError:
            return chain
        chain.bound.insert(0, first)
        chain.at += 1
        return chain

    def _check_order(self, chain: _Chain) -> None:
        for a, b in zip(chain.bound, chain.bound[1:], strict=False):
            same = b[chain.start] == a[chain.end]
            if not same or (chain.cell_start and chain.cell_end and b[chain.cell_start] != a[chain.cell_end]):
                raise NoCellError("steps do not follow each other")

    def _last(
        self, end: str, stops: frozenset[str], start: str, cell: str | None, product: int, state: str
    ) -> dict[str, str]:  # fmt: skip
        """The step behind the last product."""
        kind = self.live[self.makers[end]].op_type
        for i in range(product + 1, len(self.live)):
            if self.live[i].op_type == kind and self.before[i] >> product & 1:
                try:
                    bound = self._alike(end, self.live[i].output[0], stops, start, cell)
                except NoCellError:
                    continue
                if bound[start] == state:
                    return bound
        raise NoCellError("no last step")

    def _alike(
        self, like: str, value: str, stops: frozenset[str], start: str, cell: str | None, *, folded: bool = False
    ) -> dict[str, str]:  # fmt: skip
        """What makes a value, for each value of the step that makes `like`. NoCellError where they are not the same.

        folded: what is made of states and constants alone may be a constant.
        """
        bound: dict[str, str] = {}
        fixed: dict[str, bool] = {}

        def is_fixed(name: str) -> bool:
            if name not in fixed:
                inside = name not in self.constants and name not in stops
                fixed[name] = name in (start, cell) or name in self.constants or (
                    inside and all(is_fixed(i) for i in self.live[self.makers[name]].input if i)
                )  # fmt: skip
            return fixed[name]

        todo = [(like, value)]
        while todo:
            a, b = todo.pop()
            if a in bound:
                if not self._equal(bound[a], b):
                    raise NoCellError("another value")
                continue
            if a in self.constants:
                if not self._equal(a, b):
                    raise NoCellError("another constant")
                continue
            if a in stops:
                bound[a] = b
                continue
            if folded and b in self.constants and is_fixed(a):
                maker = self.computed.get(b)
                if maker is not None and _same(self.live[self.makers[a]], maker):
                    todo += [(i, j) for i, j in zip(self.live[self.makers[a]].input, maker.input, strict=True) if i]
                continue
            if b not in self.makers:
                raise NoCellError("nothing makes it")
            mine, other = self.live[self.makers[a]], self.live[self.makers[b]]
            if not _same(mine, other) or list(mine.output).index(a) != list(other.output).index(b):
                raise NoCellError("another node")
            bound[a] = b
            for one, two in zip(mine.input, other.input, strict=True):
                if bool(one) != bool(two):
                    raise NoCellError("another input")
                if one:
                    todo.append((one, two))
        return bound

    def _absorbed(self, chain: _Chain) -> dict[str, list[str]]:
        """The inputs of steps, in front of what each does with its own and is affine; that becomes part of the steps."""
        left, found = dict(chain.inputs), dict[str, list[str]]()
        while left:
            name, values = left.popitem()
            for bound, value in zip(chain.bound, values, strict=True):
                bound[name] = value
            makers = [self.makers.get(v) for v in values]
            nodes = [self.live[m] for m in makers if m is not None]
            apart = len(nodes) == len(values) and len(set(makers)) == len(values)
            if not apart or nodes[0].op_type not in AFFINE or not all(_same(nodes[0], n) for n in nodes):
                found[name] = values
                continue
            columns = [list(column) for column in zip(*(n.input for n in nodes), strict=True)]
            free = [c for c in columns if not any(i in self.constants for i in c)]
            fixed = [c for c in columns if all(i in self.constants for i in c)]
            if len(free) + len(fixed) < len(columns) or any(len({self.digest(i) for i in c}) > 1 for c in fixed):
                found[name] = values
                continue
            shared = any(len(set(c)) < len(c) for c in free if c[0])
            if shared or (nodes[0].op_type == "Mul" and len(free) > 1):
                found[name] = values
                continue
            left |= {c[chain.at]: c for c in free if c[0]}
        return found

    def _numbers(self, name: str) -> tuple[str, Index]:
        """The value that a value is moved from, and where its elements lie there."""
        nodes, root = [], name
        while (maker := self.makers.get(root)) is not None and self.live[maker].op_type in MOVES - {"Concat"}:
            if any(i in self.makers for i in self.live[maker].input[1:]):
                break
            nodes.append(self.live[maker])
            root = self.live[maker].input[0]
        shape = self.known.shape(root)
        if shape is None:
            raise NoCellError("no shape")
        every = np.arange(int(np.prod(shape))).reshape(shape)
        opset = self.checked.opset
        return root, np.asarray(Runner(nodes[::-1], self.constants, [name], opset)({root: every})[name], np.int64)

    def _nodes(self, bound: Mapping[str, str], stops: Iterable[str]) -> list[onnx.NodeProto]:
        """The nodes of a step, in order."""
        held = set(stops)
        return [
            self.live[i] for i in sorted({self.makers[b] for b in bound.values() if b in self.makers and b not in held})
        ]

    def _rolled(self, chain: _Chain) -> onnx.ModelProto:
        """The model with the layer for a chain."""
        front = self._absorbed(chain)
        names, steps, opset = list(front), len(chain.bound), self.checked.opset
        if not names:
            raise NoCellError("no input")
        roots, places, shapes = dict[str, int](), [], list[tuple[str, tuple[int, ...]]]()
        for n in range(steps):
            row = []
            for name in names:
                root, where = self._numbers(front[name][n])
                if root not in roots:
                    roots[root] = sum(int(np.prod(s)) for _, s in shapes)
                    shapes.append((root, self.known.shape(root) or ()))
                row.append(where + roots[root])
            places.append(row)
        found = rolled.numbered(places)
        if found is None:
            raise NoCellError("inputs differ")
        states = [n for n in (chain.start, chain.cell_start) if n]
        after = [n for n in (chain.end, chain.cell_end) if n]
        template = chain.bound[chain.at]
        held = [*states, *names]
        nodes = self._nodes(template, [template.get(n, n) for n in held])
        inputs = dict(zip(names, found[1], strict=True))
        step = Step(nodes, self.constants, inputs, found[0].shape[1], {s: self.known.shape(s) or () for s in states},
                    after, opset)  # fmt: skip
        cell = recognise(step)
        if any(f.name == "Relu" for f in cell.functions):
            raise NoCellError("no layer of ours")
        begins = self._begins(chain, cell, step)
        writer = Writer(_stem(nodes, chain), rolled.names(self.proto))
        given = [n if isinstance(n, str) else writer.constant(n, "begin") for n in begins]
        if len(shapes) > 1:
            flat = [writer.reshape(name, [-1]) for name, _ in shapes]
            shapes = [(writer.node("Concat", flat, axis=0), (sum(int(np.prod(s)) for _, s in shapes),))]
        (source, shape), where = shapes[0], found[0]
        cell, source, shape, where = self._projected(cell, source, shape, where)
        results, gone = self._readers(chain, cell)
        rolled.write(Rolled(cell, source, shape, where, given, results, []), writer)
        return self._replaced(writer, gone)

    def _begins(self, chain: _Chain, cell: Cell, step: Step) -> list[str | Array]:
        """What states begin with. NoCellError if the first step does not give what the layer gives."""
        begins: list[str | Array] = [np.zeros(cell.hidden, np.float32) if n is None else n for n in chain.begins]
        if all(n is not None and n not in self.constants for n in chain.begins):
            return begins
        bound = chain.bound[0]
        held = [bound[n] for n in (*step.inputs, *step.states) if n in bound]
        wanted = [bound.get(n) for n in step.after]
        if any(n is None for n in wanted):
            raise NoCellError("no first step")
        outputs = [n for n in wanted if n is not None]
        runner = Runner(self._nodes(bound, held), self.constants, outputs, step.opset)
        rng = np.random.default_rng(0)
        points = [rng.normal(size=step.width) * scale for scale in (0.1, 0.3, 0.3, 1.0, 1.0, 3.0)]
        fed = [runner({bound[n]: x[places] for n, places in step.inputs.items()}) for x in points]
        wanted_ = [np.concatenate([f[name].reshape(-1) for name in outputs]) for f in fed]
        given = [np.asarray(self.constants[n] if isinstance(n, str) else n, np.float64).reshape(-1) for n in begins]

        def off(states: Sequence[Array]) -> Array:
            return np.concatenate([np.concatenate(cell(x, states)) - w for x, w in zip(points, wanted_, strict=True)])

        if np.abs(off(given)).max() > NEAR and not isinstance(begins[cell.state], str):
            begins[cell.state] = given[cell.state] = _solved(off, given, cell.state).astype(np.float32)
        if np.abs(off(given)).max() > NEAR:
            raise NoCellError("another first step")
        return begins

    def _projected(
        self, cell: Cell, source: str, shape: tuple[int, ...], places: Index
    ) -> tuple[Cell, str, tuple[int, ...], Index]:  # fmt: skip
        """The layer with what was computed for all steps at once as part of it, where that is less to multiply."""
        weight, bias = cell.weight.astype(np.float64), cell.bias.astype(np.float64)
        while True:
            width = shape[-1] if shape else 0
            rows = places[:, :1] // max(1, width)
            whole = places.shape[1] == width and np.array_equal(places, rows * width + np.arange(width))
            node = self.live[self.makers[source]] if whole and source in self.makers else None
            if node is None or node.op_type not in ("Add", "MatMul"):
                break
            fixed = [i for i in node.input if i in self.constants]
            if len(fixed) != 1 or (node.op_type == "MatMul" and fixed[0] != node.input[1]):
                break
            (data,), value = [i for i in node.input if i not in self.constants], self.constants[fixed[0]]
            inner = self.known.shape(data)
            if inner is None:
                break
            if node.op_type == "Add":
                if value.size != width or value.shape[-1] != width or inner != shape:
                    break
                bias[: len(weight)] += weight @ value.reshape(-1)
            else:
                if value.ndim != 2 or len(weight) * value.shape[0] > weight.size + value.size:
                    break
                weight = weight @ value.T
                shape, places = inner, rows * inner[-1] + np.arange(inner[-1])
            source = data
        changed = Cell(cell.kind, weight.astype(np.float32), cell.recurrent, bias.astype(np.float32), cell.functions,
                       cell.state, cell.after)  # fmt: skip
        return changed, source, shape, places

    def _readers(
        self, chain: _Chain, cell: Cell
    ) -> tuple[list[tuple[str, Index]], set[int]]:  # fmt: skip
        """What others read of the steps' results, behind movements of them alone; and the nodes that made that."""
        result = [chain.end, chain.cell_end][cell.state] or ""
        known: dict[str, Index] = {}
        for step, bound in enumerate(chain.bound):
            shape = self.known.shape(bound[result]) or ()
            known[bound[result]] = step * cell.hidden + np.arange(cell.hidden).reshape(shape)
        inside = {self.makers[b] for bound in chain.bound for b in bound.values() if b in self.makers}
        moved: set[int] = {self.makers[n] for n in known}
        for i, node in enumerate(self.live):
            read = [n for n in node.input if n and n not in self.constants]
            if i in moved or node.op_type not in MOVES or not read or not all(n in known for n in read):
                continue
            if node.op_type == "Concat" and any(n in self.constants for n in node.input):
                continue
            outputs = [o for o in node.output if o]
            values = Runner([node], self.constants, outputs, self.checked.opset)(known)
            known |= {o: np.asarray(v, np.int64) for o, v in values.items()}
            moved.add(i)
        gone = moved | {self.makers[b[chain.end]] for b in chain.bound}
        outside = {n for i, node in enumerate(self.live) if i not in gone | inside for n in node.input}
        outside |= {o.name for o in self.proto.graph.output}
        return [(n, p) for n, p in known.items() if n in outside], gone

    def _replaced(self, writer: Writer, gone: set[int]) -> onnx.ModelProto:
        """A copy of the model with what was written instead of nodes. NoCellError if any step is still needed."""
        made = onnx.ModelProto()
        made.CopyFrom(self.proto)
        removed = {o for i in gone for o in self.live[i].output if o}
        kept = [n for n in made.graph.node if not removed.intersection(n.output)] + writer.nodes
        makers = {o: n for n in kept for o in n.output if o}
        order: list[onnx.NodeProto] = []
        state: dict[str, int] = {}
        todo = [(o.name, False) for o in reversed(made.graph.output)]
        available = {t.name for t in made.graph.initializer} | {t.name for t in writer.tensors}
        available |= {i.name for i in made.graph.input} | {""}
        while todo:
            name, done = todo.pop()
            node = makers.get(name)
            if node is None:
                if name not in available:
                    raise NoCellError("a step is still needed")
                continue
            key = next(filter(None, node.output))
            if done:
                if state[key] == 1:
                    order.append(node)
                state[key] = 2
                continue
            if state.get(key) == 2:
                continue
            if state.get(key) == 1:
                raise NoCellError("a circle")
            state[key] = 1
            todo.append((name, True))
            todo += [(i, False) for i in reversed(node.input)]
        copies = [onnx.NodeProto.FromString(node.SerializeToString()) for node in order]
        del made.graph.node[:]
        made.graph.node.extend(copies)
        made.graph.initializer.extend(writer.tensors)
        return made


def _solved(off: Callable[[Sequence[Array]], Array], given: Sequence[Array], which: int) -> Array:
    """The state at which nothing is off, by Newton's method; what comes out may be none."""
    states = list(given)
    for _ in range(NEWTON):
        error = off(states)
        moved = np.stack(
            [
                off([s + unit * (n == which) for n, s in enumerate(states)])
                for unit in TINY * np.eye(states[which].size)
            ],
            1,
        )
        change = np.linalg.lstsq((moved - error[:, np.newaxis]) / TINY, error, rcond=None)[0]
        states[which] = states[which] - change
        if np.abs(change).max() < NEAR * NEAR:
            break
    return states[which]


def _same(a: onnx.NodeProto, b: onnx.NodeProto) -> bool:
    """Whether two nodes do the same with what they read."""
    kind = a.op_type == b.op_type and a.domain == b.domain and len(a.input) == len(b.input)
    known = [sorted(x.SerializeToString() for x in node.attribute) for node in (a, b)]
    return kind and known[0] == known[1] and len(a.output) == len(b.output)


def _stem(nodes: Sequence[onnx.NodeProto], chain: _Chain) -> str:
    """What the layer is called: after its last step."""
    named = [n.name for n in nodes if n.name]
    return named[-1] if named else chain.end
