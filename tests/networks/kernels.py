"""A quantised network with the runtime's own kernels where constants cannot equal them.

Two properties make our codes differ from ONNX Runtime's, see docs/onnxruntime.md:
`float average`, an AveragePool whose float32 sum lies next to a tie, and `sum of ties`, an Add whose ties the
rounding of its float32 settles. Here both layers are computed as the runtime does, so that all others can be
asked to be equal.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from tomato import kernels
from tomato.core.formats import Array, Codes
from tomato.core.ir import Graph, Node
from tomato.kernels import Quantisation
from tomato.ops.join import Add
from tomato.ops.pool import SumPool
from tomato.ops.quantise import Quantise
from tomato.quantise.absorb.fused import around
from tomato.quantise.absorb.held import Held, Pair
from tomato.quantise.absorb.pairs import asked_of
from tomato.quantise.absorb.proof import SUM_OF_TIES
from tomato.quantise.absorb.requantiser import Requantiser
from tomato.quantise.integers import Integers

TIE = 1e-4
"""Distance from a half, in codes, that the float32 roundings of an average explain."""


@dataclass
class Tally:
    """Codes of quantised layers, and by property how many our constants make other than the runtime's kernel."""

    codes: int = 0
    differing: Counter[str] = field(default_factory=Counter)


@dataclass
class Compiled:
    """What requantisations were made of, by the value behind them.

    pairs: two values joined, and what the runtime makes of their codes. pooled: the parameters of the codes that are
    added up, which the graph may note otherwise where two quantisations give the same codes.
    """

    pairs: dict[str, tuple[Pair, Callable[[Array, Array], Array]]] = field(default_factory=dict)
    pooled: dict[str, Quantisation] = field(default_factory=dict)


@contextmanager
def recorded() -> Iterator[Compiled]:
    """Everything that is compiled meanwhile."""
    found = Compiled()
    joined, narrowed = Requantiser.joined, Requantiser.narrowed

    def join(self: Any, node: Node, op: Quantise, pair: Pair) -> str:
        value = str(joined(self, node, op, pair))
        found.pairs[value] = pair, asked_of(pair, op, self.said)
        return value

    def narrow(self: Any, node: Node, op: Quantise, held: Held) -> str:
        value = str(narrowed(self, node, op, held))
        if isinstance(held.source, SumPool):
            found.pooled[value] = around(held.args[0])
        return value

    Requantiser.joined, Requantiser.narrowed = join, narrow  # type: ignore[method-assign]
    try:
        yield found
    finally:
        Requantiser.joined, Requantiser.narrowed = joined, narrowed  # type: ignore[method-assign]


def values(
    made: Integers, codes: Mapping[str, Array], tally: Tally, compiled: Compiled | None = None
) -> dict[str, Array]:
    """All values of the graph for codes of its inputs. compiled: what was `recorded`."""
    graph, env, compiled = made.graph, dict(codes), compiled or Compiled()
    inexact = {p.value for p in made.proofs if p.differing}
    for node in graph:
        env[node.name] = node.op.golden([env[a] for a in node.args])
        if node.name in inexact and node.name in compiled.pairs:
            pair, asked = compiled.pairs[node.name]
            wanted = asked(env[pair.a.value], env[pair.b.value])
            apart = np.abs(env[node.name] - wanted)
            assert apart.max() <= 1, node.name
            tally.differing[SUM_OF_TIES] += int(np.count_nonzero(apart))
            env[node.name] = wanted
        elif (found := _kernel(graph, node, env, inexact, compiled)) is not None:
            name, exact, wanted = found
            tally.differing[name] += _difference(name, env[node.name], exact, wanted)
            env[node.name] = wanted
        tally.codes += env[node.name].size if node.name in graph.encodings else 0
    return env


def _difference(name: str, got: Array, exact: Array, wanted: Array) -> int:
    """How many codes differ; all of them by 1, next to a tie of the exact real code."""
    differ = got != wanted
    where = exact[differ]
    assert np.all(np.abs(got - wanted)[differ] == 1), name
    assert np.all(np.abs(where - np.floor(where) - 0.5) < TIE), f"{name}: differs where there is no tie"
    return int(np.count_nonzero(differ))


def _kernel(
    graph: Graph, node: Node, env: Mapping[str, Array], inexact: set[str], compiled: Compiled
) -> tuple[str, Array, Array] | None:
    """The property, the exact real code and the runtime's, if a node requantises an average or an inexact sum."""
    source = graph.producers.get(node.args[0])
    if source is None or node.name not in graph.encodings:
        return None
    taken = [env[a] for a in source.args]
    if isinstance(source.op, SumPool):
        y, *arguments = (_parameters(graph, v) for v in (node.name, *source.args))
        window, (x,), q = source.op.window, taken, compiled.pooled.get(node.name, arguments[0])
        assert not any(window.pads), "written for windows inside the frame"
        taps = np.stack([window.tap(x, r, c, window.output(x.shape[1:])) for r, c in np.ndindex(window.kernel)], -1)
        exact = (taps.mean(axis=-1) - q.zero) * (q.scale / y.scale) + y.zero
        return "float average", exact, kernels.average_pool(taps, window.taps, q, y)
    if isinstance(source.op, Add) and node.name in inexact:
        y, *arguments = (_parameters(graph, v) for v in (node.name, *source.args))
        (a, b), (qa, qb) = taken, arguments
        exact = ((a - qa.zero) * qa.scale + (b - qb.zero) * qb.scale) / y.scale + y.zero
        return "sum of ties", exact, kernels.add(a, b, qa, qb, y)
    return None


def _parameters(graph: Graph, value: str) -> Quantisation:
    while value not in graph.encodings:  # moved
        value = graph.producers[value].args[0]
    encoding, fmt = graph.encodings[value], graph.types[value].fmt
    assert isinstance(fmt, Codes)
    zero = int(encoding.zero)
    return Quantisation(float(np.float32(encoding.scale)), zero, Codes(min(fmt.lo, zero), max(fmt.hi, zero)))
