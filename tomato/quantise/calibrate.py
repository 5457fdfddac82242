"""The ranges of a network's values, measured on data."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from tomato.core.errors import TomatoError
from tomato.core.formats import Array, Tensor
from tomato.core.interpret import Player, Watch
from tomato.core.ir import Graph
from tomato.ops.move import Reshape
from tomato.ops.softmax import Softmax
from tomato.passes.groups import partition
from tomato.passes.rewrite import read_once
from tomato.quantise.precision import Precision

BINS = 2048
"""Resolution of the histograms behind percentile and mse."""
FINE_BITS = 8
"""From this width on, `mse` takes rounding errors to be spread evenly over a step, and `auto` clips nothing."""
REACH = 18.0
"""How far below the greatest of its run a value may lie before its exponential is less than 2^-25."""
SYNTHETIC_FRAMES = 8
Method = Literal["auto", "minmax", "percentile", "mse"]
Batches = Iterable[Mapping[str, Array]]


@dataclass(frozen=True, slots=True)
class Range:
    """The interval that a value's codes will cover.

    integral: all values seen were integers. clipped: the share of the values seen that lie outside.
    mean, spread: the mean, and greatest less least value, of every channel, where they were measured.
    """

    lo: float
    hi: float
    integral: bool = False
    clipped: float = 0.0
    mean: Tensor | None = None
    spread: Tensor | None = None

    def union(self, other: "Range") -> "Range":
        """The smallest range that holds both, without what is known of channels."""
        return Range(
            min(self.lo, other.lo),
            max(self.hi, other.hi),
            self.integral and other.integral,
            max(self.clipped, other.clipped),
        )


Ranges = Mapping[str, Range]
"""By the name of the value in the real graph."""


def calibrate(
    graph: Graph,
    batches: Batches,
    method: Method = "minmax",
    *,
    percentile: float = 99.99,
    precision: Precision | None = None,
    watch: Watch | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> dict[str, Range]:
    """Ranges of every value that `quantise` turns into codes.

    minmax covers all that was seen; percentile leaves out (100 - percentile) % of the values, half on
    either side; mse clips where the squared error of the codes is least, at the bits of `precision` (8 unless given);
    auto is mse for values of fewer than 8 bits, minmax for all others.
    Inputs and outputs of the network are never clipped. `watch(name, values)` sees every value of the first
    sweep; `progress(done, total)` counts batches over both.
    """
    data = list(batches)
    bits = {g.output: (precision or Precision()).of(g.head).activation_bits for g in partition(graph)}
    if method == "auto" and min(bits.values(), default=FINE_BITS) >= FINE_BITS:
        method = "minmax"
    total = len(data) * (1 if method == "minmax" else 2)
    if not data:
        raise TomatoError("there is no calibration data", hint="give at least one frame")
    points = frozenset(name for name, _ in graph.inputs) | {g.output for g in partition(graph)}
    seen = _extremes(graph, data, points, watch, lambda done: progress(done, total) if progress else None)
    if method == "minmax":
        return seen
    inner = points - {name for name, _ in graph.inputs} - set(graph.outputs)
    if method == "auto":
        inner = frozenset(name for name in inner if bits[name] < FINE_BITS)
    counts = {name: np.zeros(BINS, dtype=np.int64) for name in inner if _has_bins(seen[name])}

    def count(name: str, values: Array) -> None:
        if name in counts:
            counts[name] += np.histogram(values, bins=BINS, range=(seen[name].lo, seen[name].hi))[0]

    _sweep(graph, data, count, lambda done: progress(len(data) + done, total) if progress else None)
    if method == "percentile":
        return seen | {name: _percentile(seen[name], bins, percentile) for name, bins in counts.items()}
    return seen | {name: _least_error(seen[name], bins, bits[name]) for name, bins in counts.items()}


def synthetic_ranges(graph: Graph, *, seed: int = 0) -> dict[str, Range]:
    """Ranges under standard normal noise at every input.

    Enough to compile and to measure speed when there is no data; accuracy means nothing then.
    """
    rng = np.random.default_rng(seed)
    return calibrate(graph, [{n: rng.standard_normal((SYNTHETIC_FRAMES, *k.shape)) for n, k in graph.inputs}])


def _extremes(
    graph: Graph,
    data: list[Mapping[str, Array]],
    points: frozenset[str],
    watch: Watch | None,
    done: Callable[[int], None],
) -> dict[str, Range]:
    """Minimum, maximum and mean of some values, and how far their channels spread."""
    seen: dict[str, Range] = {}
    sums: dict[str, Array] = {}
    ends: dict[str, tuple[Array, Array]] = {}

    def widen(name: str, values: Array) -> None:
        if watch:
            watch(name, values)
        if name in points:
            found = _range_of(name, values)
            seen[name] = seen[name].union(found) if name in seen else found
            lo, hi = values.min(axis=(0, 1, 2)), values.max(axis=(0, 1, 2))
            before = ends.get(name, (lo, hi))
            ends[name] = np.minimum(before[0], lo), np.maximum(before[1], hi)
            sums[name] = sums.get(name, np.zeros(values.shape[3])) + values.mean(axis=(1, 2)).sum(axis=0)

    _sweep(graph, data, widen, done)
    frames = sum(len(batch[graph.inputs[0][0]]) for batch in data)
    return {
        name: replace(found, mean=Tensor(sums[name] / frames), spread=Tensor(ends[name][1] - ends[name][0]))
        for name, found in seen.items()
    }


def _has_bins(seen: Range) -> bool:
    """Whether numbers between the ends tell that many bins apart."""
    return bool(np.all(np.diff(np.linspace(seen.lo, seen.hi, BINS + 1)) > 0.0))


def _sweep(
    graph: Graph,
    data: list[Mapping[str, Array]],
    watch: Watch,
    done: Callable[[int], None],
) -> None:
    groups = _shared_out(graph)

    def see(name: str, values: Array) -> None:
        watch(name, _reaching(values, groups[name]) if name in groups else values)

    player = Player(graph, see)
    for i, batch in enumerate(data):
        player.play({n: batch[n].astype(np.float64) for n, _ in graph.inputs})
        done(i + 1)


def _shared_out(graph: Graph) -> dict[str, int]:
    """The values that a softmax alone reads, perhaps as a vector reshaped in between, and of how many runs a pixel."""
    alone, types, found = read_once(graph), graph.types, dict[str, int]()
    for node in reversed(graph.nodes):
        x = node.args[0]
        if isinstance(node.op, Softmax) and x in alone:
            found[x] = node.op.groups
        elif isinstance(node.op, Reshape) and node.name in found and x in alone:
            length = node.type.channels // found[node.name]
            if types[x].channels % length == 0:
                found[x] = types[x].channels // length
    return found


def _reaching(values: Array, groups: int) -> Array:
    """Values of which softmax makes more than 0: a mask takes others so far down that it would take the range along."""
    runs = values.reshape(*values.shape[:-1], groups, -1)
    return np.asarray(np.maximum(runs, runs.max(axis=-1, keepdims=True) - REACH).reshape(values.shape))


def _range_of(name: str, values: Array) -> Range:
    lo, hi = float(values.min()), float(values.max())
    if not np.isfinite(lo) or not np.isfinite(hi):
        raise TomatoError(
            "the calibration data gives values that are not finite",
            where=f"value %{name}",
            hint="check the data and its normalisation",
        )
    integral = lo.is_integer() and hi.is_integer() and bool(np.all(values == np.rint(values)))
    return Range(lo, hi, integral)


def _percentile(seen: Range, bins: Array, percentile: float) -> Range:
    """Drop bins from both ends while the values dropped stay within half the share each."""
    total, edges = bins.sum(), np.linspace(seen.lo, seen.hi, BINS + 1)
    spare = total * (1.0 - percentile / 100.0) / 2.0
    low = int(np.searchsorted(np.cumsum(bins), spare, side="right"))
    high = BINS - int(np.searchsorted(np.cumsum(bins[::-1]), spare, side="right"))
    if low >= high:
        return seen
    return _cut(seen, bins, edges, low, high)


def _least_error(seen: Range, bins: Array, bits: int) -> Range:
    """Shrink both ends towards zero by the factor with the least rounding plus clipping error."""
    edges = np.linspace(seen.lo, seen.hi, BINS + 1)
    middle = (edges[:-1] + edges[1:]) / 2.0
    best, least = seen, np.inf
    for factor in np.linspace(1.0, 0.2, 65):
        lo, hi = min(seen.lo * factor, 0.0), max(seen.hi * factor, 0.0)
        outside = middle - np.clip(middle, lo, hi)
        error = float((bins * _squared_error(middle, outside, lo, hi, bits)).sum())
        if error < least:
            share = float(bins[outside != 0.0].sum() / bins.sum())
            best, least = replace(seen, lo=max(lo, seen.lo), hi=min(hi, seen.hi), clipped=share), error
    return best


def _squared_error(middle: Array, outside: Array, lo: float, hi: float, bits: int) -> Array:
    """Of each bin, when `bits` wide codes cover lo to hi, 0 among them."""
    top = (1 << bits) - 1
    step = (hi - lo) / top
    if bits >= FINE_BITS:
        return np.asarray(np.where(outside != 0.0, outside**2, step**2 / 12.0))
    if bits == 1:
        step, lo = (hi, 0.0) if hi >= -lo else (-lo, lo)
    zero = np.rint(-lo / step)
    return np.asarray(((np.clip(np.rint(middle / step) + zero, 0, top) - zero) * step - middle) ** 2)


def _cut(seen: Range, bins: Array, edges: Array, low: int, high: int) -> Range:
    share = float((bins[:low].sum() + bins[high:].sum()) / bins.sum())
    return replace(seen, lo=float(edges[low]), hi=float(edges[high]), clipped=share)
