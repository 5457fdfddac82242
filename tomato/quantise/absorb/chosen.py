"""Values of a network that comes quantised that come together: joined, or one chosen at every place."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Self

import numpy as np

from tomato.core.ir import Node, Op
from tomato.core.treatment import Line
from tomato.passes.groups import join_origins
from tomato.quantise.absorb.held import Held, on_one


@dataclass(frozen=True, slots=True, eq=False)
class Chosen:
    """tail(op(args)): values without a common step, of which `op` chooses one, by their order or by `conditions`.

    conditions: the names of the codes 0 and 1 that are its first arguments.
    """

    args: tuple[Held, ...]
    op: Op
    node: Node
    conditions: tuple[str, ...] = ()
    tail: tuple[Op, ...] = ()
    nodes: tuple[Node, ...] = ()

    def then(self, node: Node) -> Self:
        """The value after a real operator on it alone."""
        return replace(self, tail=(*self.tail, on_one(node)), nodes=(*self.nodes, node))

    @property
    def origin(self) -> tuple[str, ...]:
        """The ONNX names of the operators so far."""
        return join_origins(*(n for held in self.args for n in held.nodes), self.node, *self.nodes)

    @property
    def behind(self) -> tuple[Held, ...]:
        """Every argument alone, with what is behind the choice."""
        return tuple(
            replace(held, tail=(*held.tail, *self.tail), nodes=(*held.nodes, self.node, *self.nodes))
            for held in self.args
        )


def meet(held: Sequence[Held]) -> bool:
    """Whether codes of several values mean the same."""
    first, *others = (h.line for h in held)
    return all(np.array_equal(x.scale, first.scale) and np.array_equal(x.offset, first.offset) for x in others)


def brought_together(name: str, line: Line, held: list[Held], node: Node) -> Held:
    """Values of several arguments."""
    nodes = tuple(dict.fromkeys(n for h in held for n in h.nodes))
    plain = all(h.source is None and not h.steps for h in held)
    source = next((h.source for h in held if h.source is not None), None)
    return Held(name, line, source, tuple(held), nodes=(*nodes, node), plain=plain)
