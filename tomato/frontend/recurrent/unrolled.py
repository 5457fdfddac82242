"""Recurrent layers that an exporter wrote out step by step become layers again.

The same constant multiplies something of each step that comes of the step before: between two of these products lies
one step. The others have to be the same nodes over the same constants, see `cells` for what a step has to compute.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import onnx

from tomato.core.formats import Array
from tomato.frontend.checked import Checked
from tomato.frontend.layout import Index
from tomato.frontend.recurrent import rolled
from tomato.frontend.recurrent.alike import Graph
from tomato.frontend.recurrent.cells import MOVES, NEAR, Cell, NoCellError, Runner, Step
from tomato.frontend.recurrent.chains import LEAST, Chain, Finder
from tomato.frontend.recurrent.readers import Readers
from tomato.frontend.recurrent.recognise import recognise
from tomato.frontend.recurrent.rolled import Result, Rolled, Writer
from tomato.frontend.shapes import survey

NEWTON, TINY = 20, 1e-6
MOST_LAYERS = 64


def roll_up(checked: Checked, states: Iterable[str] = ()) -> Checked:
    """The model in which steps that were written out are layers. states: inputs that will be states."""
    for _ in range(MOST_LAYERS):
        if not _worthwhile(checked):
            break
        graph = Graph(checked, survey(checked))
        found = next(_Roller(graph, Finder(graph, frozenset(states))).found(), None)
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


@dataclass(frozen=True)
class _Roller:
    """Puts layers in place of chains."""

    graph: Graph
    finder: Finder

    def found(self) -> Iterator[onnx.ModelProto]:
        """The model with one layer for its steps, for each chain that is one."""
        for chain in self.finder.chains():
            try:
                yield self.rolled(chain)
            except (NoCellError, ValueError):  # the latter where shapes of a damaged model do not suit each other
                continue

    def _numbers(self, name: str) -> tuple[str, Index]:
        """The value that a value is moved from, and where its elements lie there."""
        nodes, root = [], name
        while (maker := self.graph.makers.get(root)) is not None and self.graph.live[maker].op_type in MOVES - {
            "Concat"
        }:
            if any(i in self.graph.makers for i in self.graph.live[maker].input[1:]):
                break
            nodes.append(self.graph.live[maker])
            root = self.graph.live[maker].input[0]
        shape = self.graph.known.shape(root)
        if shape is None:
            raise NoCellError("no shape")
        every = np.arange(int(np.prod(shape))).reshape(shape)
        opset = self.graph.checked.opset
        return root, np.asarray(Runner(nodes[::-1], self.graph.constants, [name], opset)({root: every})[name], np.int64)

    def _nodes(self, bound: Mapping[str, str], stops: Iterable[str]) -> list[onnx.NodeProto]:
        """The nodes of a step, in order."""
        held = set(stops)
        return [
            self.graph.live[i]
            for i in sorted({self.graph.makers[b] for b in bound.values() if b in self.graph.makers and b not in held})
        ]

    def rolled(self, chain: Chain) -> onnx.ModelProto:
        """The model with the layer for a chain."""
        front = self.finder.absorbed(chain)
        names, steps, opset = list(front), len(chain.bound), self.graph.checked.opset
        if not names:
            raise NoCellError("no input")
        roots, places, shapes = dict[str, int](), [], list[tuple[str, tuple[int, ...]]]()
        for n in range(steps):
            row = []
            for name in names:
                root, where = self._numbers(front[name][n])
                if root not in roots:
                    roots[root] = sum(int(np.prod(s)) for _, s in shapes)
                    shapes.append((root, self.graph.known.shape(root) or ()))
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
        shapes_ = {s: self.graph.known.shape(s) or () for s in states}
        step = Step(nodes, self.graph.constants, inputs, found[0].shape[1], shapes_, after, opset)
        cell = recognise(step)
        if any(f.name == "Relu" for f in cell.functions):
            raise NoCellError("no layer of ours")
        begins = self._begins(chain, cell, step)
        writer = Writer(_stem(nodes, chain), rolled.names(self.graph.proto))
        given = [n if isinstance(n, str) else writer.constant(n, "begin") for n in begins]
        if len(shapes) > 1:
            flat = [writer.reshape(name, [-1]) for name, _ in shapes]
            shapes = [(writer.node("Concat", flat, axis=0), (sum(int(np.prod(s)) for _, s in shapes),))]
        (source, shape), where = shapes[0], found[0]
        cell, source, shape, where = self._projected(cell, source, shape, where)
        results, gone = self._readers(chain, cell)
        rolled.write(Rolled(cell, source, shape, where, given, results, []), writer)
        return self._replaced(writer, gone)

    def _begins(self, chain: Chain, cell: Cell, step: Step) -> list[str | Array]:
        """What states begin with. NoCellError if the first step does not give what the layer gives."""
        begins: list[str | Array] = [np.zeros(cell.hidden, np.float32) if n is None else n for n in chain.begins]
        if all(n is not None and n not in self.graph.constants for n in chain.begins):
            return begins
        bound = chain.bound[0]
        held = [bound[n] for n in (*step.inputs, *step.states) if n in bound]
        wanted = [bound.get(n) for n in step.after]
        if any(n is None for n in wanted):
            raise NoCellError("no first step")
        outputs = [n for n in wanted if n is not None]
        runner = Runner(self._nodes(bound, held), self.graph.constants, outputs, step.opset)
        rng = np.random.default_rng(0)
        points = [rng.normal(size=step.width) * scale for scale in (0.1, 0.3, 0.3, 1.0, 1.0, 3.0)]
        fed = [runner({bound[n]: x[places] for n, places in step.inputs.items()}) for x in points]
        wanted_ = [np.concatenate([f[name].reshape(-1) for name in outputs]) for f in fed]
        given = [
            np.asarray(self.graph.constants[n] if isinstance(n, str) else n, np.float64).reshape(-1) for n in begins
        ]

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
            node = self.graph.live[self.graph.makers[source]] if whole and source in self.graph.makers else None
            if node is None or node.op_type not in ("Add", "MatMul"):
                break
            fixed = [i for i in node.input if i in self.graph.constants]
            if len(fixed) != 1 or (node.op_type == "MatMul" and fixed[0] != node.input[1]):
                break
            (data,), value = [i for i in node.input if i not in self.graph.constants], self.graph.constants[fixed[0]]
            inner = self.graph.known.shape(data)
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

    def _readers(self, chain: Chain, cell: Cell) -> tuple[list[Result], set[int]]:
        """What others read of the steps' results, and the nodes that made that."""
        result = [chain.end, chain.cell_end][cell.state] or ""
        makers = self.graph.makers
        inside = frozenset(makers[b] for bound in chain.bound for b in bound.values() if b in makers)
        results, gone = Readers(self.graph, [b[result] for b in chain.bound], inside, cell.hidden).found()
        return results, gone | {makers[b[chain.end]] for b in chain.bound}

    def _replaced(self, writer: Writer, gone: set[int]) -> onnx.ModelProto:
        """A copy of the model with what was written instead of nodes. NoCellError if any step is still needed."""
        made = onnx.ModelProto()
        made.CopyFrom(self.graph.proto)
        removed = {o for i in gone for o in self.graph.live[i].output if o}
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


def _stem(nodes: Sequence[onnx.NodeProto], chain: Chain) -> str:
    """What the layer is called: after its last step."""
    named = [n.name for n in nodes if n.name]
    return named[-1] if named else chain.end
