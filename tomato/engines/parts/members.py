"""Layers that take turns on one array of multipliers: each by its sizes, and what all have in common."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import cached_property, reduce

import numpy as np

from tomato.core.formats import Array, Codes, Tensor
from tomato.core.ir import TensorType
from tomato.engines.base import Site, beats, divisors
from tomato.ops.narrowed import Narrowed
from tomato.targets import Target


@dataclass(frozen=True)
class Turns:
    """A layer on an engine with so many lanes: its sizes."""

    site: Site[Narrowed]
    lanes_in: int
    lanes_out: int

    @property
    def arg(self) -> TensorType:
        """The input as the engine sees it: codes come in the same order."""
        return self.site.arg

    @property
    def out(self) -> TensorType:
        """The output as the engine sees it."""
        return self.site.out

    @property
    def tile(self) -> int:
        """Output pixels of a turn."""
        return 1

    @property
    def turns(self) -> int:
        """Turns of a frame."""
        return self.site.out.pixels // self.tile

    @property
    def beats(self) -> int:
        """Words of an input pixel."""
        return beats(self.site.arg.channels, self.lanes_in)

    @property
    def folds(self) -> int:
        """Passes of an output pixel."""
        return beats(self.site.out.channels, self.lanes_out)

    @property
    def words(self) -> int:
        """Words of weights of a pass."""
        return self.site.op.window.taps * self.beats

    @property
    def reads(self) -> int:
        """Reads of an output pixel, and words of weights."""
        return self.folds * self.words

    @cached_property
    def waits(self) -> Array:
        """For each output row the last input row that it waits for: the last one of all waits for the whole frame."""
        window, height = self.site.op.window, self.arg.shape[0]
        needed = max(window.kernel[0], window.stride[0])
        last = np.arange(self.out.shape[0]) * window.stride[0] - window.pads[0] + needed - 1
        last[-1] = height - 1
        return np.asarray(np.minimum(last, height - 1))

    @cached_property
    def rows(self) -> int:
        """Input rows that are kept: from the first that an output row reads to the last that the next one waits for."""
        window = self.site.op.window
        tops = np.arange(self.out.shape[0]) * window.stride[0] - window.pads[0]
        later = np.append(self.waits[1:], self.arg.shape[0] + self.waits[0])
        return int((later - tops).max()) + 1

    @property
    def extents(self) -> tuple[int, int, int]:
        """The most rows, columns and steps of a loop that are counted."""
        (height, width, _), window = self.arg.shape, self.site.op.window
        (top, left, *_), (kh, kw), (down, right) = window.pads, window.kernel, window.stride
        return max(self.rows, height + top + kh + down), width + left + kw + right, max(self.beats, self.folds, kh, kw)

    @property
    def ring(self) -> int:
        """Words of the rows that are kept."""
        return self.rows * self.arg.shape[1] * self.beats


@dataclass(frozen=True)
class Tiles(Turns):
    """A layer whose turns are several pixels of a row: at most `most`, and as many in each.

    Of a matrix product a row is the pixels of a turn, whatever rows its frame has.
    """

    most: int

    @property
    def _pixelwise(self) -> bool:
        window = self.site.op.window
        return window.kernel == window.stride == (1, 1) and not any(window.pads)

    @cached_property
    def tile(self) -> int:
        out = self.site.out
        return max(n for n in divisors(out.pixels if self._pixelwise else out.shape[1]) if n <= self.most)

    @cached_property
    def arg(self) -> TensorType:
        return self._rows(self.site.arg)

    @cached_property
    def out(self) -> TensorType:
        return self._rows(self.site.out)

    def _rows(self, kind: TensorType) -> TensorType:
        """A row a turn, of a matrix product."""
        return replace(kind, shape=(kind.pixels // self.tile, self.tile, kind.channels)) if self._pixelwise else kind


@dataclass(frozen=True, eq=False)
class Members:
    """Layers that share an engine, in the order of the graph."""

    sites: tuple[Site[Narrowed], ...]

    @property
    def target(self) -> Target:
        """The board."""
        return self.sites[0].target

    @cached_property
    def weight(self) -> Tensor:
        """All weights."""
        return Tensor(np.concatenate([site.op.summed.weight.values.reshape(-1) for site in self.sites]))

    @cached_property
    def x(self) -> Codes:
        """The codes of all inputs and borders, as they are kept."""
        return _union(site.op.factors(site.arg.codes) for site in self.sites)

    @cached_property
    def acc(self) -> Codes:
        """All accumulators, with a sign."""
        return _union((Codes(-1, 0), *(site.op.accumulators(site.args).codes for site in self.sites)))

    @cached_property
    def out_bits(self) -> int:
        """Bits of a result as it is kept."""
        return max(site.out.codes.bits for site in self.sites)

    @cached_property
    def narrow_bits(self) -> tuple[int, int]:
        """Bits of a factor and of an offset of the requantisations, two's complement."""
        mults, biases = ([getattr(site.op.narrow, name) for site in self.sites] for name in ("mult", "bias"))
        return max(2, *map(signed_bits, mults)), max(map(signed_bits, biases))

    @cached_property
    def shifts(self) -> tuple[int, int]:
        """The right shift that all requantisations have, and the most that one has beyond it."""
        found = [site.op.narrow.shift for site in self.sites]
        return min(found), max(found) - min(found)

    @cached_property
    def nudges(self) -> tuple[tuple[tuple[int, int], ...], ...]:
        """Of every layer the sums that are nudged, each with its step."""
        return tuple(site.op.narrow.nudged_sums or () for site in self.sites)

    @property
    def nudged(self) -> int:
        """The most such sums of a layer."""
        return max(map(len, self.nudges))


def _union(formats: Iterable[Codes]) -> Codes:
    """The smallest format that holds all."""
    return reduce(Codes.union, formats)


def signed_bits(constant: Tensor) -> int:
    """Width of a two's-complement field that holds a constant of codes."""
    assert isinstance(constant.fmt, Codes)
    return constant.fmt.bits + (not constant.fmt.signed)
