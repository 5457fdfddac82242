"""Piecewise: a unary function of wide codes as lines on segments of equal width."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import ClassVar, Self

import numpy as np

from tomato.core.formats import Array, Codes, Tensor
from tomato.core.ir import Op, TensorType
from tomato.core.treatment import Treatment

SLOPE_BITS = 18
"""Bits of the widest slope, two's complement: a port of every family's multiplier."""
GUARD_BITS = 6
"""Bits behind the point of the result, at the end of a segment, that a slope is worth."""
MOST_BITS = 24
"""Bits of the widest inputs that `fit` asks its function for, one by one."""
PRODUCT_BITS = 62
"""Bits that no value of the meaning exceeds."""
BLOCK = 1 << 20
"""Inputs that are compared at a time."""
SAMPLES = 64
"""Steps between inputs of a segment at which its line is sought."""
WINDOWS = 1 << 18
"""Inputs at which the place of the segments is sought."""
SEARCH = 48
"""Steps of the search for a slope: each leaves two thirds of the interval."""
NEAR = 1 / 64
"""Of an output step: an error that a narrower constant may add."""


@dataclass(frozen=True, slots=True)
class Piecewise(Op):
    """A line on each of 2^k segments of 2^rest codes, the first of which begins at `first`. Codes only.

    With p = clip(x - first, 0, segments * 2^rest - 1), k = p >> rest and low = p mod 2^rest:

        y = clip((offset[k] + slope[k] * low) >> shift, lo, hi)

    `slope` and `offset` have the shape (segments,). `>>` rounds towards minus infinity; half a step is inside `offset`.
    """

    treatment: ClassVar = Treatment.CODES

    slope: Tensor
    offset: Tensor
    first: int
    rest: int
    shift: int
    lo: int
    hi: int

    @property
    def segments(self) -> int:
        """How many lines there are."""
        return self.slope.shape[0]

    def infer(self, args: Sequence[TensorType]) -> TensorType:
        (x,) = args
        if not isinstance(x.fmt, Codes):
            raise ValueError("piecewise takes codes, not reals")
        if self.slope.shape != self.offset.shape or len(self.slope.shape) != 1:
            raise ValueError(f"slopes {self.slope.shape} and offsets {self.offset.shape} must be one each per segment")
        if self.segments & (self.segments - 1) or self.segments < 2:
            raise ValueError(f"{self.segments} segments are no power of 2, at least 2")
        if self.rest < 0 or self.shift < 0:
            raise ValueError(f"a segment of 2^{self.rest} codes, or a shift of {self.shift} bits, cannot be")
        if max(_bits(self.slope) + self.rest, _bits(self.offset)) + 1 > PRODUCT_BITS:
            raise ValueError(f"its products exceed {PRODUCT_BITS} bits")
        return TensorType(x.shape, self.reach(x.fmt))

    def reach(self, x: Codes) -> Codes:
        """The results that inputs in `x` can give: a line is least and greatest at its ends."""
        begin = self.first + (np.arange(self.segments) << self.rest)
        last = begin[-1] + (1 << self.rest) - 1
        ends = np.concatenate([begin, begin + (1 << self.rest) - 1, [x.lo, x.hi]])
        inside = np.clip(x.lo, self.first, last) <= ends
        ends = ends[inside & (ends <= np.clip(x.hi, self.first, last))]
        results = self.golden([np.append(ends, [x.lo, x.hi])])
        return Codes(int(results.min()), int(results.max()))

    def beside(self, columns: int) -> Self:
        return self

    def golden(self, args: Sequence[Array]) -> Array:
        (x,) = args
        place = np.clip(x, self.first, self.first + (self.segments << self.rest) - 1) - self.first
        line, low = place >> self.rest, place & ((1 << self.rest) - 1)
        y = (self.offset.values[line] + self.slope.values[line] * low) >> self.shift
        return np.asarray(np.clip(y, self.lo, self.hi))


def _bits(constant: Tensor) -> int:
    fmt = constant.fmt
    assert isinstance(fmt, Codes)
    return fmt.bits + (not fmt.signed)


@dataclass(frozen=True, slots=True)
class Fitted:
    """Lines, and the largest distance of their results from the function within the output codes, in output steps.

    error: over all inputs. Rounding alone makes it half a step.
    """

    op: Piecewise
    error: float


Function = Callable[[Array], Array]
"""From input codes to output codes as real numbers, before they are rounded and clipped; infinite ones are allowed."""


def fit(function: Function, inputs: Codes, outputs: Codes, segments: int, *, clipped: bool = False) -> Fitted:
    """The lines on `segments` segments whose largest error over all `inputs` is least.

    Their width and place follow from where the function leaves what it is at both ends of its inputs; outside of them
    results are the function's, rounded, where that is constant. clipped: so are they at both ends of the inputs, where
    most inputs may lie that were clipped to these. Raises ValueError
    where the function is no number somewhere, and where inputs are too many.
    """
    if segments < 2 or segments & (segments - 1):
        raise ValueError(f"{segments} segments are no power of 2, at least 2")
    if inputs.bits > MOST_BITS:
        raise ValueError(f"inputs of {inputs.bits} bits are too many to try; at most {MOST_BITS} bits")
    best = None
    for rest, first, outside in _windows(function, inputs, outputs, segments):
        if best is not None and outside >= best[1]:
            break
        lines = _lines(function, inputs, outputs, Window(segments, rest, first), clipped=clipped)
        if lines is not None and (best is None or lines[1] < best[1]):
            best = lines
    assert best is not None, "segments of one code have no slope"
    return Fitted(best[0], _error(best[0], function, inputs, outputs))


@dataclass(frozen=True, slots=True)
class Window:
    """Where segments lie."""

    segments: int
    rest: int
    first: int


def _asked(function: Function, x: Array) -> Array:
    with np.errstate(all="ignore"):
        y = np.asarray(function(x), dtype=np.float64)
    if np.isnan(y).any():
        raise ValueError(f"it is not a number at {int(x[np.isnan(y)][0])}")
    return y


def _windows(function: Function, inputs: Codes, outputs: Codes, segments: int) -> Iterator[tuple[int, int, float]]:
    """Widths of segments as powers of 2, from those that cover all inputs downwards, and where the first one begins.

    Also by how many steps the function moves outside of them, where results are constant, at least half a step. Some
    segment may begin where the function bends most: where two lines meet.
    """
    count = inputs.hi - inputs.lo + 1
    stride = max(1, count // WINDOWS)
    x = np.append(np.arange(inputs.lo, inputs.hi, stride), inputs.hi)
    y = np.clip(_asked(function, x), outputs.lo, outputs.hi)
    before = np.maximum(np.maximum.accumulate(y) - y, y - np.minimum.accumulate(y))
    back = y[::-1]
    behind = np.maximum(np.maximum.accumulate(back) - back, back - np.minimum.accumulate(back))[::-1]
    bend = int(x[1 + np.abs(np.diff(y, 2)).argmax()]) if x.size > 2 and stride == 1 else inputs.lo
    for rest in range(max(0, ((count - 1) // segments).bit_length()), -1, -1):
        width = segments << rest
        if width >= count:
            yield rest, inputs.lo - (width - count) // 2, 0.5
            yield rest, inputs.lo, 0.5
            for wide in (rest, rest + 1):
                first = bend + (inputs.lo - bend >> wide << wide)
                if first != inputs.lo and first + (segments << wide) > inputs.hi:
                    yield wide, first, 0.5
                    break
            continue
        begins = x[x <= inputs.hi - width + 1]
        last = np.searchsorted(x, begins + width - 1)
        outside = np.maximum(np.maximum(before[: begins.size], behind[last]), 0.5)
        least = float(outside.min())
        ties = begins[outside == least]
        middle = int(ties[ties.size // 2])
        yield rest, middle, least
        if ties[0] <= (aligned := bend + (middle - bend >> rest << rest)) <= ties[-1] and aligned != middle:
            yield rest, aligned, least


def _lines(
    function: Function, inputs: Codes, outputs: Codes, window: Window, *, clipped: bool
) -> tuple[Piecewise, float] | None:
    """The best lines in a window, and their largest error where they were sought and at both ends of the inputs."""
    width = 1 << window.rest
    low = np.unique(np.linspace(0, width - 1, min(width, SAMPLES + 1)).astype(np.int64))
    begin = window.first + (np.arange(window.segments)[:, None] << window.rest)
    x = np.clip(begin + low, inputs.lo, inputs.hi)
    low = np.clip(x - begin, 0, width - 1)
    ends = np.array([inputs.lo, inputs.hi])
    reach = 4 * (outputs.hi - outputs.lo + 1)
    real = np.clip(_asked(function, x.ravel()).reshape(x.shape), outputs.lo - reach, outputs.hi + reach)
    wanted = np.clip(real, outputs.lo, outputs.hi)
    free = (real <= outputs.lo) | (real >= outputs.hi)
    targets = ((real, np.full(x.shape, True)), (wanted, np.full(x.shape, True)), (real, ~free))
    slopes = _slopes(low, targets)
    outer = np.clip(_asked(function, ends), outputs.lo, outputs.hi)
    beyond = window.first > inputs.lo, window.first + (window.segments << window.rest) <= inputs.hi
    segment = [min(max(0, (end - window.first) >> window.rest), window.segments - 1) for end in (inputs.lo, inputs.hi)]
    closed = [end for end, there in zip(zip(segment, (0, -1), strict=True), beyond, strict=True) if there or clipped]
    found: list[tuple[Piecewise, float, float]] = []
    for shift in range(window.rest + GUARD_BITS + 1):
        slope, offset = _rounded(low, wanted, targets, slopes, shift, outputs, closed)
        if np.abs(slope).max() >= 1 << (SLOPE_BITS - 1):
            break
        op = Piecewise(Tensor(slope), Tensor(offset), window.first, window.rest, shift, outputs.lo, outputs.hi)
        off = np.abs(op.golden([x]) - wanted).max(axis=1)
        found.append((op, float(max(off.max(), np.abs(op.golden([ends]) - outer).max())), float(off.mean())))
    if not found:
        return None
    most, mean = min(off for _, off, _ in found) + NEAR, min(average for *_, average in found) + NEAR
    near = [(op, off) for op, off, average in found if off <= most and average <= mean]
    return near[0] if near else min(((op, off) for op, off, _ in found), key=lambda each: each[1])


def _slopes(low: Array, targets: Sequence[tuple[Array, Array]]) -> Array:
    """Per target and segment the slope of the line that comes nearest, in the largest distance, at the points used."""
    y, used = (np.array(each) for each in zip(*targets, strict=True))
    tops, bottoms = np.where(used, y, -np.inf), np.where(used, y, np.inf)
    run = np.maximum(np.diff(low, axis=1), 1)
    most: Array = (np.abs(np.diff(y, axis=2)) / run).max(axis=2, initial=0.0)
    least = -most
    for _ in range(SEARCH):
        third = (most - least) / 3
        left, right = least + third, most - third
        lines = np.array([left, right])[..., None] * low
        reach = (tops - lines).max(axis=3) - (bottoms - lines).min(axis=3)
        better = reach[0] <= reach[1]
        least, most = np.where(better, least, left), np.where(better, right, most)
    return np.asarray((least + most) / 2)


def _middle(low: Array, y: Array, used: Array, slope: Array) -> Array:
    """The middle of how far y less a line through 0 reaches, per segment; 0 where nothing is used."""
    left, some = y - slope[:, None] * low, used.any(axis=1)
    top = np.where(some, np.where(used, left, -np.inf).max(axis=1), 0.0)
    bottom = np.where(some, np.where(used, left, np.inf).min(axis=1), 0.0)
    return np.asarray((top + bottom) / 2)


def _rounded(
    low: Array,
    wanted: Array,
    targets: Sequence[tuple[Array, Array]],
    slopes: Array,
    shift: int,
    outputs: Codes,
    closed: Sequence[tuple[int, int]],
) -> tuple[Array, Array]:
    """Slopes and offsets as integers: per segment the nearest to what is wanted of the lines for several targets.

    closed: segments, and ends of them beyond which inputs lie, perhaps most: results there are what is wanted, rounded.
    """
    best = np.full(len(low), np.inf)
    slope, offset = np.zeros(len(low), dtype=np.int64), np.zeros(len(low), dtype=np.int64)
    for (y, used), real in zip(targets, slopes, strict=True):
        whole = np.rint(real * 2.0**shift).astype(np.int64)
        middle = _middle(low, y, used, whole * 2.0**-shift)
        begin = np.floor((middle + 0.5) * 2.0**shift).astype(np.int64)
        made = np.clip((begin[:, None] + whole[:, None] * low) >> shift, outputs.lo, outputs.hi)
        off = np.abs(made - wanted).max(axis=1)
        better = off < best
        best = np.where(better, off, best)
        slope, offset = np.where(better, whole, slope), np.where(better, begin, offset)
    for segment, end in closed:
        made, code = int(offset[segment] + slope[segment] * low[segment, end]), int(np.rint(wanted[segment, end]))
        least = made if code == outputs.lo else code << shift
        most = made if code == outputs.hi else (code + 1 << shift) - 1
        offset[segment] += min(max(made, least), most) - made
    return slope, offset


def _error(op: Piecewise, function: Function, inputs: Codes, outputs: Codes) -> float:
    """The largest distance of the results from the function, over all inputs."""
    most = 0.0
    for start in range(inputs.lo, inputs.hi + 1, BLOCK):
        x = np.arange(start, min(start + BLOCK, inputs.hi + 1))
        wanted = np.clip(_asked(function, x), outputs.lo, outputs.hi)
        most = max(most, float(np.abs(op.golden([x]) - wanted).max()))
    return most
