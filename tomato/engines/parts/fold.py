"""Engines that read the weights of an output pixel word by word, in folds of filters."""

from abc import abstractmethod
from collections.abc import Iterable, Iterator
from copy import copy
from functools import cached_property
from typing import Self, TypeVar

from tomato.core.formats import Array, Codes
from tomato.core.ir import Op
from tomato.engines.base import Knobs, Site, Timing
from tomato.engines.parts import cells, dot, unrolling
from tomato.engines.parts.pixel_ring import PixelRing
from tomato.engines.parts.ring import Ring, frontier
from tomato.engines.parts.weighted import WEIGHTS, WeightedUnit
from tomato.hardware.memory import Ram
from tomato.hardware.netlist import Memory
from tomato.hardware.plumbing import output_cost
from tomato.ops.conv2d import Conv2d
from tomato.targets import Resources

OpT = TypeVar("OpT", bound=Op)


class FoldUnit(WeightedUnit[OpT]):
    """A ring of pixels in front of the array of multipliers, tom_dot."""

    @classmethod
    @abstractmethod
    def unrollings(cls, site: Site[OpT]) -> list[Knobs]:
        """Every sensible setting of the knobs that say what is in a word."""

    @classmethod
    @abstractmethod
    def fills(cls, site: Site[OpT], shape: Knobs, cell: Knobs) -> bool:
        """Whether the cell has a weight for lanes without a channel, or none is needed."""

    @classmethod
    def shapes(cls, site: Site[OpT], offers: Iterable[Knobs]) -> Iterator[Self]:
        shapes = cls.unrollings(site)
        for cell in offers:
            yield from frontier(cls(site, {**shape, **cell}) for shape in shapes if cls.fills(site, shape, cell))

    @property
    @abstractmethod
    def effort(self) -> float:
        """A rough measure of size, to tell shapes of the same speed apart."""

    @property
    def taps(self) -> tuple[bool, bool]:
        """Whether all kernel rows, all kernel columns are read at once."""
        return unrolling.taps(self.knobs)

    @property
    @abstractmethod
    def inputs(self) -> int:
        """Products of a read and filter."""

    @property
    @abstractmethod
    def outputs(self) -> int:
        """Filters of a read."""

    @cached_property
    @abstractmethod
    def pixel_cycles(self) -> int:
        """Reads of an output pixel."""

    def listed(self, reads: int) -> Self:
        """The same unit where a list names so many reads of an output pixel."""
        unit = copy(self)
        unit.__dict__["pixel_cycles"] = reads
        return unit

    @property
    def words(self) -> int:
        return self.pixel_cycles

    @cached_property
    def multipliers(self) -> int:
        return self.inputs * self.outputs

    @property
    @abstractmethod
    def ring_memory(self) -> tuple[int, int, Ram, int]:
        """Of the memories of the ring: bits of a word, words, their kind and number."""

    @property
    @abstractmethod
    def buffer(self) -> Resources:
        """The ring and its control."""

    @property
    def front(self) -> Resources:
        """All that is in front of the array."""
        return self.buffer

    @property
    def array(self) -> Resources:
        """The multipliers and sums."""
        x, acc, shared = self.factors(self.site), self.out.codes, self.shares(self.site)
        return dot.cost(
            self.inputs, self.outputs, self.weight, x, acc, self.knobs, self.target, chain=self.chain, shared=shared
        )

    @cached_property
    def chain(self) -> int:
        """Products of a filter that are summed in a row of DSP blocks, see dot.chain_of."""
        return dot.chain_of(self.inputs, self.weight, self.factors(self.site), self.knobs, self.target)

    @property
    def delay(self) -> int:
        """Cycles from the last read of a pass to its result at the output."""
        shared = self.shares(self.site)
        x = self.factors(self.site)
        return dot.latency(self.inputs, self.weight, x, self.knobs, self.chain, shared=shared)

    @property
    def pipeline(self) -> int:
        """Cycles from the last read of a pass to its result at the queue."""
        return dot.pipeline(self.inputs, self.weight, self.factors(self.site), self.knobs, self.chain)

    @property
    @abstractmethod
    def table(self) -> Array:
        """The weights of each read of an output pixel, see dot.weight_words."""

    @property
    def filler(self) -> int:
        """The weight of lanes without a channel."""
        return cells.form(self.weight, self.knobs).filler

    @property
    @abstractmethod
    def window_params(self) -> dict[str, int]:
        """The parameters of tom_window, in this engine or in one that has its words behind such a window."""

    @property
    def dot_params(self) -> dict[str, int]:
        """The parameters of tom_dot."""
        return dot.params(self.weight, self.factors(self.site), self.out.codes, self.knobs, self.chain)

    @cached_property
    def memories(self) -> dict[str, Memory]:
        return {WEIGHTS: dot.memory(self.table, self.outputs, self.weight, self.knobs)}


class WindowFold(FoldUnit[Conv2d]):
    """One whose ring is a line buffer."""

    @classmethod
    def factors(cls, site: Site[Conv2d]) -> Codes:
        return site.op.factors(site.arg.codes)

    @cached_property
    @abstractmethod
    def ring(self) -> Ring | PixelRing:
        """The line buffer."""

    @property
    def window_params(self) -> dict[str, int]:
        assert isinstance(self.ring, Ring)
        return {**self.ring.params(), "PadValue": self.op.pad_value, **self.ring.bank_params()}

    @property
    def steps(self) -> tuple[int, int]:
        """Kernel rows and columns that are read one after the other."""
        (rows, columns), kernel = self.taps, self.op.window.kernel
        return 1 if rows else kernel[0], 1 if columns else kernel[1]

    @property
    @abstractmethod
    def places(self) -> int:
        """Places of the output queue."""

    @cached_property
    def cycles(self) -> int:
        return self.ring.cycles

    @cached_property
    def timing(self) -> Timing:
        return self.ring.timing(self.delay)

    @property
    def ring_memory(self) -> tuple[int, int, Ram, int]:
        ring = self.ring
        return ring.lanes * ring.arg.codes.bits, ring.depth, ring.ram, ring.banks

    @property
    def buffer(self) -> Resources:
        return self.ring.cost

    @cached_property
    def bare(self) -> Resources:
        return self.front + self.array + output_cost(self.outputs * self.out.codes.bits, self.places, self.target)
