"""Random design points: an operator with its arguments, and a setting of the knobs of one of its engines.

A strategy belongs to an operator, not to an engine, so a new engine for a known operator needs none. What
hypothesis takes for simplest, and tries first, is the first of each choice: never the degenerate one.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from math import prod
from typing import Any

import numpy as np
from hypothesis import assume
from hypothesis import strategies as st

from tests.networks.cases import UNSURE, make_site
from tests.networks.draws import CHANNELS, NUMBERS, SIZES, Draw, Operation, formats, kinds, pairs
from tests.networks.operators import described
from tomato.core.formats import Array, Codes, Tensor
from tomato.core.ir import Op, TensorType
from tomato.engines.base import NAMED, AnyUnit, Knobs, Site
from tomato.hardware.memory import Ram
from tomato.ops.conv2d import Conv2d
from tomato.ops.dense import Dense
from tomato.ops.exits import Exit, Leave, Number, Sure
from tomato.ops.frame_requant import FrameRequant
from tomato.ops.gated_conv2d import GatedConv2d
from tomato.ops.join import Add, Multiply
from tomato.ops.move import Concat, DepthToSpace, Pad, Slice, SpaceToDepth, Transpose, Upsample
from tomato.ops.piecewise import Piecewise
from tomato.ops.pool import GlobalSum, MaxPool, SumPool
from tomato.ops.requant import Requant
from tomato.ops.table import Table
from tomato.ops.threshold import Threshold
from tomato.ops.window import Window

MOST_CYCLES = 4000
"""A simulation of more would take longer than its build."""


@dataclass(frozen=True, slots=True)
class Point:
    """What a test of one engine plays: `frames` frames of codes drawn from `seed`."""

    op: Op
    args: tuple[TensorType, ...]
    knobs: Knobs
    frames: int
    seed: int


@st.composite
def points(draw: Draw, engine: type[AnyUnit]) -> Point:
    """Anything that an engine does not refuse."""
    kind = draw(st.sampled_from(engine.ops))
    assert kind in OPERATIONS, f"OPERATIONS in tests/networks/points.py needs a strategy for {kind.__name__}"
    op, args = draw(OPERATIONS[kind])
    site = make_site(op, args)
    assume(engine.refuses(site) == "")
    knobs, frames = draw(choices(engine, site)), draw(st.integers(2, 3))
    assume(engine(site, knobs).cycles * frames <= MOST_CYCLES)
    return Point(op, args, knobs, frames, draw(st.integers(0, 999)))


@st.composite
def choices(draw: Draw, engine: type[AnyUnit], site: Site[Any]) -> Knobs:
    """One of the choices, knob by knob, so that rare values are no rarer; any memory for weights.

    First what has names: that is other hardware. Then in any order.
    """
    left = list(engine.choices(site))
    for name in sorted(draw(st.permutations(list(left[0]))), key=lambda name: name not in NAMED):
        value = draw(st.sampled_from(sorted({k[name] for k in left}, reverse=True)))
        left = [k for k in left if k[name] == value]
    (knobs,) = left
    if "weight_ram" in knobs:
        kinds = [kind for kind in Ram if kind != Ram.ULTRA or getattr(engine, "loads", True)]
        knobs = {**knobs, "weight_ram": draw(st.sampled_from(kinds))}
    return knobs


@st.composite
def windows(draw: Draw) -> tuple[Window, tuple[int, int]]:
    """A window, and the height and width of a frame that holds it."""
    axes, size = [], []
    for _ in range(2):
        kernel, stride = draw(st.sampled_from((3, 1, 2, 4))), draw(st.sampled_from((1, 2, 3)))
        dilation = draw(st.sampled_from((1, 2)))
        span = (kernel - 1) * dilation + 1
        before, after = draw(st.integers(0, span - 1)), draw(st.integers(0, span - 1))
        axes.append((kernel, stride, dilation, before, after))
        size.append(max(1, span - before - after) + draw(st.integers(0, 4)))
    (kernel, stride, dilation, before, after) = zip(*axes, strict=True)
    return Window(kernel, stride, dilation, (*before, *after)), (size[0], size[1])


def borders(fmt: Codes) -> st.SearchStrategy[int]:
    """What a stream of `fmt` can carry: other borders become operators of their own, see separate_borders."""
    full = Codes.of(fmt.bits, signed=fmt.signed)
    return st.sampled_from((full.hi, 0, full.lo)) | st.integers(full.lo, full.hi)


@st.composite
def weights(draw: Draw, *shape: int) -> Tensor:
    """Integers that one of the forms of weights suits: any of few bits, signs, powers of two, those about means."""
    size = 1 << draw(st.integers(0, 4))
    low, count = draw(st.integers(0, 3)), draw(st.integers(1, 4))
    powers = [sign << low + e for sign in (-1, 1) for e in range(count)]
    bits, few = draw(st.integers(2, 8)), st.lists(st.integers(-128, 127), min_size=1, max_size=16)
    values: list[int] = draw(
        st.sampled_from(
            [
                list(range(-(1 << bits - 1), 1 << bits - 1)),
                [-1, 1],
                [-1, 0, 1],
                [0, *powers],
                powers,
                [
                    mean + power
                    for mean in (-size, draw(st.sampled_from((0, size, 4 * size))))
                    for power in (0, *powers)
                ],
                draw(few),
            ]
        )
    )
    drawn: Array = _random(draw).choice(values, shape)
    count = min(len(values), drawn.size)
    drawn.flat[:count] = values[:count]
    if draw(st.booleans()):  # pruned
        drawn[_random(draw).random(shape) < draw(st.sampled_from((0.8, 0.5, 1.0)))] = 0
    return Tensor(drawn)


@st.composite
def convolutions(draw: Draw) -> Operation:
    """Dense ones, grouped ones and depthwise ones."""
    window, size = draw(windows())
    groups = draw(st.sampled_from((1, 3, 2)))
    depthwise = draw(st.booleans())
    into, out = (1, 1) if depthwise else (draw(st.integers(1, 4)), draw(st.integers(1, 4)))
    kind = TensorType((*size, into * groups), draw(formats()))
    weight = draw(weights(*window.kernel, into, out * groups))
    return Conv2d(weight, window, groups, draw(borders(kind.codes))), (kind,)


@st.composite
def gated(draw: Draw) -> Operation:
    """Gates of the result, of the input, or of both."""
    (window, size), fmt = draw(windows()), draw(formats())
    base = draw(st.sampled_from((0, fmt.lo))) if fmt.hi > 0 else 0
    sides = draw(st.sampled_from(((1, 1), (1, 0), (0, 1))))
    args: list[TensorType] = []
    chosen = []
    for gate in sides:
        groups = draw(st.sampled_from((3, 2, 5))) if gate else 1
        keep = draw(st.integers(1, groups - 1)) if gate else 0
        kind = TensorType((1, 1, groups), draw(formats()))
        zero = draw(st.sampled_from((kind.codes.lo, kind.codes.hi))) if gate else 0
        args += [kind] * gate
        chosen.append((groups * draw(st.integers(1, 3)), keep, zero))
    (out, keep, zero), (into, keep_in, zero_in) = chosen
    seen = Codes(fmt.lo - base, fmt.hi - base)
    border = 0 if keep_in or not seen.lo <= 0 <= seen.hi else draw(borders(seen))
    conv = Conv2d(draw(weights(*window.kernel, into, out)), window, 1, border)
    return GatedConv2d(conv, keep, keep_in, zero, zero_in, base), (TensorType((*size, into), fmt), *args)


@st.composite
def products(draw: Draw) -> Operation:
    """Fully connected layers and pointwise convolutions."""
    kind = draw(kinds())
    return Dense(draw(weights(kind.channels, draw(CHANNELS)))), (kind,)


@st.composite
def maxima(draw: Draw) -> Operation:
    """A window that never sees the border alone: its maximum is nothing."""
    window, size = draw(windows())
    inside = MaxPool(window).golden([np.zeros((1, *size, 1), dtype=np.int64)])
    assume(inside.min() == 0)
    return MaxPool(window), (TensorType((*size, draw(CHANNELS)), draw(formats())),)


@st.composite
def sums(draw: Draw) -> Operation:
    """Any window over any border."""
    (window, size), fmt = draw(windows()), draw(formats())
    return SumPool(window, draw(borders(fmt))), (TensorType((*size, draw(CHANNELS)), fmt),)


@st.composite
def concatenations(draw: Draw) -> Operation:
    """Two to five inputs; lanes want divisors, so channels often have some in common."""
    height, width, common = draw(SIZES), draw(SIZES), draw(st.sampled_from((1, 2, 3)))
    counts = draw(st.lists(st.integers(1, 3), min_size=2, max_size=5))
    args = [TensorType((height, width, n * common), draw(formats())) for n in counts]
    last = TensorType((height, width, draw(CHANNELS)), draw(formats()))
    return Concat(), (*args[:-1], last)


@st.composite
def slices(draw: Draw) -> Operation:
    """Any part of the frame, with steps."""
    kind = draw(kinds())
    begin = [draw(st.integers(0, n - 1)) for n in kind.shape]
    end = [draw(st.integers(b + 1, n)) for b, n in zip(begin, kind.shape, strict=True)]
    steps = draw(st.tuples(st.integers(1, 3), st.integers(1, 3)))
    return Slice((begin[0], begin[1], begin[2]), (end[0], end[1], end[2]), steps), (kind,)


@st.composite
def frames(draw: Draw) -> Operation:
    """Any border, also none."""
    pads = draw(st.tuples(*[st.integers(0, 3)] * 4))
    return Pad(pads, draw(NUMBERS)), (draw(kinds()),)


@st.composite
def blocks(draw: Draw, op: type[DepthToSpace] | type[SpaceToDepth]) -> Operation:
    """Blocks of pixels that become channels, or channels that become blocks."""
    block, (height, width, channels) = draw(st.sampled_from((2, 1, 3))), draw(kinds()).shape
    flat, deep = (height, width, channels * block * block), (height * block, width * block, channels)
    return op(block), (TensorType(flat if op is DepthToSpace else deep, draw(formats())),)


@st.composite
def transpositions(draw: Draw) -> Operation:
    """Two to five axes in any order, folded into three before and after."""
    view = draw(st.lists(st.sampled_from((2, 3, 4, 1)), min_size=2, max_size=5))
    perm = draw(st.permutations(range(len(view))))
    shapes = []
    for axes in (view, [view[p] for p in perm]):
        first, second = sorted(draw(st.tuples(*[st.integers(0, len(view))] * 2)))
        shapes.append((prod(axes[:first]), prod(axes[first:second]), prod(axes[second:])))
    return Transpose(tuple(view), tuple(perm), shapes[1]), (TensorType(shapes[0], draw(formats())),)


@st.composite
def repetitions(draw: Draw) -> Operation:
    """Pixels repeated in both directions."""
    return Upsample(draw(st.tuples(*[st.sampled_from((2, 1, 3))] * 2))), (draw(kinds()),)


@st.composite
def requantisations(draw: Draw) -> Operation:
    """Factors and shifts that leave a few bits of the input, clamps within and beyond them, with nudges or without."""
    kind, shift, rng = draw(kinds(most=24)), draw(st.integers(0, 24)), _random(draw)
    mult = rng.integers(-(1 << shift), 1 << shift, kind.channels, endpoint=True)
    if draw(st.booleans()):
        mult = np.ones(kind.channels, dtype=np.int64)
    bias = rng.integers(-(1 << shift + 4), 1 << shift + 4, kind.channels)
    lo, hi = sorted(draw(st.tuples(NUMBERS, NUMBERS)))
    nudges = draw(st.none() | st.integers(1, 4).map(lambda most: _nudges(rng, kind, most)))
    return Requant(Tensor(mult), Tensor(bias), shift, lo, hi, nudges), (kind,)


@st.composite
def frame_requantisations(draw: Draw) -> Operation:
    """The same by constants that differ along any axes, the factors also along none."""
    kind, shift, rng = draw(kinds(most=20)), draw(st.integers(0, 20)), _random(draw)
    mult, bias = ([n if draw(st.booleans()) else 1 for n in kind.shape] for _ in range(2))
    lo, hi = sorted(draw(st.tuples(NUMBERS, NUMBERS)))
    factors = Tensor(rng.integers(-(1 << shift), 1 << shift, mult, endpoint=True))
    return FrameRequant(factors, Tensor(rng.integers(-(1 << shift + 4), 1 << shift + 4, bias)), shift, lo, hi), (kind,)


def _nudges(rng: np.random.Generator, kind: TensorType, most: int) -> Tensor:
    """Up to `most` per channel, at the extremes first: those are the codes that frames hold most."""
    lo, hi = kind.codes.lo, kind.codes.hi
    places = list(dict.fromkeys([lo, hi, *rng.integers(lo, hi, 4, endpoint=True).tolist()]))
    nudges = np.zeros((kind.channels, most, 2), dtype=np.int64)
    for channel in nudges:
        for entry, at in zip(channel, places[: rng.integers(0, most, endpoint=True)], strict=False):
            ways = [d for d in (-1, 1) if lo <= at + d <= hi]
            entry[:] = (at, rng.choice(ways)) if ways else (0, 0)
    return Tensor(nudges)


@st.composite
def thresholdings(draw: Draw) -> Operation:
    """Thresholds anywhere, also just outside of the inputs and some of them equal."""
    kind = draw(kinds(most=24))
    lo, hi = kind.codes.lo, kind.codes.hi
    steps, margin = draw(st.sampled_from((3, 1, 2, 7, 8, 40, 255))), (hi - lo) // 16 + 1
    values = _random(draw).integers(lo - margin, hi + margin, (kind.channels, steps), endpoint=True)
    return Threshold(Tensor(np.sort(values, axis=1)), draw(NUMBERS)), (kind,)


@st.composite
def tables(draw: Draw) -> Operation:
    """A table for all channels or for each, with some entries that nothing reads."""
    kind, entries, before, after = draw(kinds(most=10)), draw(formats()), draw(SIZES), draw(SIZES)
    rows = kind.channels if draw(st.booleans()) else 1
    columns = before + kind.codes.hi - kind.codes.lo + 1 + after
    values = _random(draw).integers(entries.lo, entries.hi, (rows, columns), endpoint=True)
    return Table(Tensor(values), kind.codes.lo - before), (kind,)


@st.composite
def lines(draw: Draw) -> Operation:
    """Segments that cover inputs, or some of them, or lie beside them."""
    kind, rng = draw(kinds(most=24)), _random(draw)
    index, rest = draw(st.sampled_from((2, 1, 6, 8, 9))), draw(st.integers(0, 12))
    shift = draw(st.integers(0, rest + 6))
    first = kind.codes.lo + draw(st.just(0) | st.integers(-(2 << index + rest), 1 << index + rest) | NUMBERS)
    slope = rng.integers(-1 << shift, 1 << shift, 1 << index, endpoint=True)
    lo, hi = sorted(draw(st.tuples(NUMBERS, NUMBERS)))
    offset = rng.integers(-(1 << shift + 9), 1 << shift + 9, 1 << index)
    return Piecewise(Tensor(slope), Tensor(offset), max(-(1 << 31), first), rest, shift, lo, hi), (kind,)


@st.composite
def scores(draw: Draw) -> Operation:
    """Scores of a few classes, and a margin that some of them reach."""
    fmt = draw(formats())
    margin = draw(st.just(0) | st.integers(0, fmt.hi - fmt.lo + 1))
    return Sure(margin), (TensorType((1, 1, draw(st.integers(2, 9))), fmt),)


@st.composite
def exits(draw: Draw) -> Operation:
    """Two kinds of scores, of frames that are not sure."""
    channels, number = draw(CHANNELS), draw(st.sampled_from((0, 1, 2)))
    if number:
        channels += 2  # digits of any width hold it
    return Exit(number), (UNSURE, *(TensorType((1, 1, channels), draw(formats())) for _ in range(2)))


@st.composite
def numbers(draw: Draw) -> Operation:
    """Counts of a few frames, or of many, in digits of any width."""
    return Number(draw(st.integers(1, 20)), draw(st.integers(1, 9)), draw(st.booleans())), (UNSURE,)


def _random(draw: Draw) -> np.random.Generator:
    """For values that no one needs to see shrink."""
    return np.random.default_rng(draw(st.integers(0, 999)))


OPERATIONS: Mapping[type[Op], st.SearchStrategy[Operation]] = {
    Add: pairs(Add, NUMBERS),
    Concat: concatenations(),
    Conv2d: convolutions(),
    Dense: products(),
    DepthToSpace: blocks(DepthToSpace),
    Exit: exits(),
    GatedConv2d: gated(),
    FrameRequant: frame_requantisations(),
    GlobalSum: kinds().map(lambda kind: (GlobalSum(), (kind,))),
    Leave: kinds().map(lambda kind: (Leave(), (UNSURE, kind))),
    MaxPool: maxima(),
    Multiply: pairs(Multiply, NUMBERS),
    Number: numbers(),
    Pad: frames(),
    Piecewise: lines(),
    Requant: requantisations(),
    Slice: slices(),
    SpaceToDepth: blocks(SpaceToDepth),
    SumPool: sums(),
    Sure: scores(),
    Table: tables(),
    Threshold: thresholdings(),
    Transpose: transpositions(),
    Upsample: repetitions(),
    **{kind: found.points for kind, found in described().items()},
}
"""How to draw each operator that reaches hardware."""
