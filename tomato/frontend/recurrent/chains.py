"""Steps one behind the other, each the same nodes over the same constants."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from tomato.frontend.recurrent.alike import Graph, same
from tomato.frontend.recurrent.cells import MOVES, PRODUCTS, NoCellError

LEAST = 3
"""Products with the same constant, one behind the other, that are looked at."""
MOST_NODES = 20_000
AFFINE = PRODUCTS | MOVES | {"Add", "Sub", "Mul"}
"""What may be done with the inputs of one step and is part of the layer then."""


@dataclass
class Chain:
    """Steps one behind the other, all like the one at `at`, which makes `end` of `start`.

    bound: what stands in each of them for every value of that one. inputs: for its inputs those of all steps. begins:
    what states are before the first step, None where that is not known.
    """

    start: str
    cell_start: str | None
    end: str
    cell_end: str | None
    at: int
    bound: list[dict[str, str]]
    inputs: dict[str, list[str]] = field(default_factory=dict)
    begins: list[str | None] = field(default_factory=list)


@dataclass(frozen=True)
class Finder:
    """Finds the chains of a graph. states: inputs that will be states."""

    graph: Graph
    states: frozenset[str]

    def chains(self) -> Iterator[Chain]:
        """All that are found."""
        if len(self.graph.live) > MOST_NODES:
            return
        groups: dict[tuple[str, bytes], list[int]] = {}
        for i, node in enumerate(self.graph.live):
            if node.op_type in ("Gemm", "MatMul") and not node.domain:
                fixed = [n for n in node.input[:2] if n in self.graph.constants]
                if len(fixed) == 1 and self.graph.constants[fixed[0]].ndim >= 2:
                    groups.setdefault((node.op_type, self.graph.digest(fixed[0])), []).append(i)
        for group in groups.values():
            if len(group) < LEAST or not all(self.graph.before[b] >> a & 1 for a, b in pairwise(group)):
                continue
            try:
                yield self._chain(group)
            except NoCellError:
                continue

    def _leaves(self, name: str) -> list[str]:
        """What a value is moved from."""
        found, seen, todo = list[str](), set[str](), [name]
        while todo:
            name = todo.pop()
            if name in seen or name in self.graph.constants:
                continue
            seen.add(name)
            maker = self.graph.makers.get(name)
            if maker is None or self.graph.live[maker].op_type not in MOVES:
                found.append(name)
                continue
            node = self.graph.live[maker]
            todo += node.input if node.op_type == "Concat" else node.input[:1]
        return found

    def _chain(self, group: Sequence[int]) -> Chain:
        """The steps between products. NoCellError where they are not alike."""
        data = [next(n for n in self.graph.live[i].input[:2] if n not in self.graph.constants) for i in group]
        found = []
        for k, name in enumerate(data[1:]):
            leaves = [leaf for leaf in self._leaves(name) if self.graph.behind(leaf, group[k])]
            if len(leaves) != 1:
                raise NoCellError("no one state")
            found.append(leaves[0])
        start, end, last = found[-2], found[-1], self.graph.makers[found[-2]]
        made = {o for n, node in enumerate(self.graph.live) for o in node.output
                if self.graph.before[n] >> last & 1 and self.graph.behind(end, n)}  # fmt: skip
        read = (
            {i for o in made for i in self.graph.live[self.graph.makers[o]].input if i}
            - made
            - self.graph.constants.keys()
        )
        cells = [n for n in read if n != start and self.graph.behind(n, group[-3])]
        if len(cells) > 1 or start not in read:
            raise NoCellError("no one state besides")
        cell = cells[0] if cells else None
        stops = frozenset(read)
        last_step = self._last(end, stops, start, cell, group[-1], found[-1])
        bound = [*(self.graph.alike(end, b, stops, start, cell) for b in found), last_step]
        begin = bound[0].get(start)
        chain = Chain(start, cell, end, None, len(bound) - 2, bound)
        if begin is not None and (begin not in self.graph.constants):
            chain = self._extended(chain, stops, begin)
        chain.cell_end = last_step[cell] if cell else None
        self._check_order(chain)
        first_bound = chain.bound[0]
        chain.begins = [first_bound.get(n) for n in (start, cell) if n]
        for name in chain.begins:
            if name is not None and name not in self.graph.constants and name not in self.states:
                raise NoCellError(f"the state {name} is no constant")
        names = [n for n in stops if n not in (start, cell)]
        for name in sorted(names):
            if any(name not in b for b in chain.bound):
                raise NoCellError("an input is missing")
            chain.inputs[name] = [b[name] for b in chain.bound]
        return chain

    def _extended(self, chain: Chain, stops: frozenset[str], begin: str) -> Chain:
        """The chain with a step in front in which what states are multiplied with is constant already."""
        try:
            first = self.graph.alike(chain.end, begin, stops, chain.start, chain.cell_start, folded=True)
        except NoCellError:
            return chain
        chain.bound.insert(0, first)
        chain.at += 1
        return chain

    def _check_order(self, chain: Chain) -> None:
        pairs = [(chain.start, chain.end)]
        pairs += [(chain.cell_start, chain.cell_end)] if chain.cell_start and chain.cell_end else []
        for before, after in pairwise(chain.bound):
            if any(start not in after or after[start] != before.get(end) for start, end in pairs):
                raise NoCellError("steps do not follow each other")

    def _last(
        self, end: str, stops: frozenset[str], start: str, cell: str | None, product: int, state: str
    ) -> dict[str, str]:  # fmt: skip
        """The step behind the last product."""
        kind = self.graph.live[self.graph.makers[end]].op_type
        for i in range(product + 1, len(self.graph.live)):
            if self.graph.live[i].op_type == kind and self.graph.before[i] >> product & 1:
                try:
                    bound = self.graph.alike(end, self.graph.live[i].output[0], stops, start, cell)
                except NoCellError:
                    continue
                if bound[start] == state:
                    return bound
        raise NoCellError("no last step")

    def absorbed(self, chain: Chain) -> dict[str, list[str]]:
        """The inputs of steps, in front of what each does with its own and is affine.

        That becomes part of the steps.
        """
        left, found = dict(chain.inputs), dict[str, list[str]]()
        while left:
            name, values = left.popitem()
            for bound, value in zip(chain.bound, values, strict=True):
                bound[name] = value
            makers = [self.graph.makers.get(v) for v in values]
            nodes = [self.graph.live[m] for m in makers if m is not None]
            apart = len(nodes) == len(values) and len(set(makers)) == len(values)
            if not apart or nodes[0].op_type not in AFFINE or not all(same(nodes[0], n) for n in nodes):
                found[name] = values
                continue
            columns = [list(column) for column in zip(*(n.input for n in nodes), strict=True)]
            free = [c for c in columns if not any(i in self.graph.constants for i in c)]
            fixed = [c for c in columns if all(i in self.graph.constants for i in c)]
            if len(free) + len(fixed) < len(columns) or any(len({self.graph.digest(i) for i in c}) > 1 for c in fixed):
                found[name] = values
                continue
            shared = any(len(set(c)) < len(c) for c in free if c[0])
            if shared or (nodes[0].op_type == "Mul" and len(free) > 1):
                found[name] = values
                continue
            left |= {c[chain.at]: c for c in free if c[0]}
        return found
