"""How often things happen: shares of the frames that reach a node, where some leave at early exits."""

from collections.abc import Mapping
from dataclasses import dataclass
from math import prod

from tomato.core.ir import Graph
from tomato.ops.exits import Leave, gates

HEADROOM = 1.05
"""By how much what is behind an exit is faster than its share of the frames asks for."""

DRAIN = 2.0
"""How much faster a Leave is than its frames come, so that those that waited for one that went on are soon through."""


@dataclass(frozen=True, slots=True)
class Rates:
    """Of all frames, the share of which a value is made, and which a node takes, by name; 1 where none leaves early.

    shares: at each exit, of the frames that come so far, those that go on. before: how many exits are in front of a
    value; levels: of a node. leaves: the nodes that let frames pass.
    """

    made: Mapping[str, float]
    taken: Mapping[str, float]
    shares: tuple[float, ...]
    before: Mapping[str, int]
    levels: Mapping[str, int]
    leaves: frozenset[str]

    @property
    def planned(self) -> dict[str, float]:
        """What a node is dimensioned for: more than it takes at exits and behind, so that few frames wait."""
        behind = {name: rate * (HEADROOM if rate < 1 else 1) for name, rate in self.taken.items()}
        return behind | {name: self.taken[name] * DRAIN for name in self.leaves}


def rates_of(graph: Graph) -> Rates:
    """What the shares of the exits say."""
    behind = gates(graph)
    shares = {node.args[0]: node.op.share for node in graph if isinstance(node.op, Leave)}
    made = {value: prod(shares[bit] for bit in bits) for value, bits in behind.items()}
    before = {value: len(bits) for value, bits in behind.items()}
    return Rates(
        made, {node.name: made[node.args[0]] for node in graph}, tuple(shares.values()), before,
        {node.name: before[node.args[0]] for node in graph},
        frozenset(node.name for node in graph if isinstance(node.op, Leave)),
    )  # fmt: skip
