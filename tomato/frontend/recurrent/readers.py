"""Who reads the results of steps that become a layer."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from tomato.frontend.layout import Index
from tomato.frontend.recurrent.alike import Graph
from tomato.frontend.recurrent.cells import MOVES, POLYNOMIAL, NoCellError, Runner
from tomato.frontend.recurrent.heads import head
from tomato.frontend.recurrent.rolled import Result


@dataclass(frozen=True)
class Readers:
    """results: for each step the value that is its result. inside: the nodes of the steps."""

    graph: Graph
    results: Sequence[str]
    inside: frozenset[int]
    hidden: int

    def found(self) -> tuple[list[Result], set[int]]:
        """What others read, behind movements and what they do with each step alike; and the nodes that made that."""
        shape = self.graph.known.shape(self.results[0])
        if shape is None:
            raise NoCellError("no shape")
        units = np.arange(self.hidden).reshape(shape)
        known = {name: step * self.hidden + units for step, name in enumerate(self.results)}
        gone = {self.graph.makers[n] for n in known}
        self._move(known, gone)
        tips, region = self._tips(known, gone)
        try:
            made = [self._head(values, known, region) for values in tips]
        except NoCellError:
            made, region, tips = [], set(), []
        gone |= {self.graph.makers[v] for values in tips for v in values}
        for places, _ in made:
            self._move(places, gone)
        outside = {
            n for i, node in enumerate(self.graph.live) if i not in gone | self.inside | region for n in node.input
        }
        outside |= {o.name for o in self.graph.proto.graph.output}
        every = [Result(n, p, self.hidden) for n, p in known.items() if n in outside]
        every += [
            Result(n, p, like.size, like.matrix, like.offset)
            for places, like in made
            for n, p in places.items()
            if n in outside
        ]
        return every, gone

    def _move(self, known: dict[str, Index], gone: set[int]) -> None:
        """Follow values through movements of them alone."""
        constants, opset = self.graph.constants, self.graph.checked.opset
        for i, node in enumerate(self.graph.live):
            read = [n for n in node.input if n and n not in constants]
            if i in gone or node.op_type not in MOVES or not read or not all(n in known for n in read):
                continue
            if node.op_type == "Concat" and any(n in constants for n in node.input):
                continue
            values = Runner([node], constants, [o for o in node.output if o], opset)(known)
            known |= {o: np.asarray(v, np.int64) for o, v in values.items()}
            gone.add(i)

    def _tips(self, known: Mapping[str, Index], gone: set[int]) -> tuple[list[list[str]], set[int]]:
        """Values made of one step's result by sums and products, for all steps; and the nodes that make them."""
        owner = {
            n: int(p.min()) // self.hidden for n, p in known.items() if p.min() // self.hidden == p.max() // self.hidden
        }
        region = set[int]()
        for i, node in enumerate(self.graph.live):
            read = {owner.get(n, -1) for n in node.input if n and n not in self.graph.constants}
            taken = i in gone or i in self.inside or node.op_type not in POLYNOMIAL or node.domain
            if not taken and len(read) == 1 and read != {-1}:
                region.add(i)
                owner.update((o, next(iter(read))) for o in node.output if o)
        made = {o for i in region for o in self.graph.live[i].output if o}
        read_by_others = {n for i, node in enumerate(self.graph.live) if i not in region for n in node.input}
        read_by_others |= {o.name for o in self.graph.proto.graph.output}
        tips: list[list[str]] = [[] for _ in self.results]
        for name in self.graph.makers:
            if name in made and name in read_by_others:
                tips[owner[name]].append(name)
        if len({len(t) for t in tips}) > 1 or not tips[0]:
            return [], set()
        return [list(values) for values in zip(*tips, strict=True)], region

    def _head(
        self, values: Sequence[str], known: Mapping[str, Index], region: set[int]
    ) -> tuple[dict[str, Index], Result]:
        """Where the numbers of values lie, one for each step, and what they are made by. NoCellError if not alike."""
        first = {n: p for n, p in known.items() if p.max() < self.hidden}
        for step, value in enumerate(values):
            bound = self.graph.alike(values[0], value, frozenset(first), "", None)
            if any(not np.array_equal(known[b], first[a] + step * self.hidden) for a, b in bound.items() if a in first):
                raise NoCellError("another unit")
        nodes = [self.graph.live[i] for i in sorted(region)]
        matrix, offset = head(nodes, self.graph.constants, values[0], first, self.hidden, self.graph.checked.opset)
        numbers = np.arange(offset.size).reshape(offset.shape)
        like = Result(values[0], numbers, offset.size, matrix, offset.reshape(-1))
        return {value: step * offset.size + numbers for step, value in enumerate(values)}, like
