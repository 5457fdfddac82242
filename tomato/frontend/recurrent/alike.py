"""Which nodes of a graph do the same as others."""

from functools import cached_property
from hashlib import blake2b

import numpy as np
import onnx

from tomato.frontend.checked import Checked
from tomato.frontend.recurrent.cells import NoCellError
from tomato.frontend.shapes import Resolver


class Graph:
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

    def equal(self, a: str, b: str) -> bool:
        """Whether two names stand for one value."""
        return a == b or (a in self.constants and b in self.constants and self.digest(a) == self.digest(b))

    def _fixed(self, last: str, stops: frozenset[str], states: set[str | None]) -> frozenset[str]:
        """What a value is made of and depends on states and constants alone."""
        inside, todo = set[int](), [last]
        while todo:
            name = todo.pop()
            if name not in stops and name not in self.constants and self.makers[name] not in inside:
                inside.add(self.makers[name])
                todo += [i for i in self.live[self.makers[name]].input if i]
        found = {s for s in states if s}
        for i in sorted(inside):
            if all(n in found or n in self.constants for n in self.live[i].input if n):
                found.update(self.live[i].output)
        return frozenset(found)

    def alike(
        self, like: str, value: str, stops: frozenset[str], start: str, cell: str | None, *, folded: bool = False
    ) -> dict[str, str]:  # fmt: skip
        """What makes a value, for each value of the step that makes `like`. NoCellError where they are not the same.

        folded: what is made of states and constants alone may be a constant.
        """
        bound: dict[str, str] = {}
        fixed = self._fixed(like, stops, {start, cell}) if folded else frozenset()
        todo = [(like, value)]
        while todo:
            a, b = todo.pop()
            if a in bound or a in self.constants:
                if not self.equal(bound.get(a, a), b):
                    raise NoCellError("another value")
                continue
            if a in stops:
                bound[a] = b
                continue
            if a in fixed and b in self.constants:
                maker = self.computed.get(b)
                if maker is not None and same(self.live[self.makers[a]], maker):
                    todo += [(i, j) for i, j in zip(self.live[self.makers[a]].input, maker.input, strict=True) if i]
                continue
            if b not in self.makers:
                raise NoCellError("nothing makes it")
            mine, other = self.live[self.makers[a]], self.live[self.makers[b]]
            if not same(mine, other) or list(mine.output).index(a) != list(other.output).index(b):
                raise NoCellError("another node")
            bound[a] = b
            if any(bool(one) != bool(two) for one, two in zip(mine.input, other.input, strict=True)):
                raise NoCellError("another input")
            todo += [(one, two) for one, two in zip(mine.input, other.input, strict=True) if one]
        return bound


def same(a: onnx.NodeProto, b: onnx.NodeProto) -> bool:
    """Whether two nodes do the same with what they read."""
    kind = a.op_type == b.op_type and a.domain == b.domain and len(a.input) == len(b.input)
    known = [sorted(x.SerializeToString() for x in node.attribute) for node in (a, b)]
    return kind and known[0] == known[1] and len(a.output) == len(b.output)
