"""What is asked of a family's LUTs: circuits by name, each with what it takes."""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import ClassVar

from tomato.targets.resources import Resources


@dataclass(frozen=True, slots=True)
class TapReader:
    """What reads a line buffer: `bits` per read, out of banks of rows and of columns, over whose border lies padding.

    row_ways, column_ways: ways of the multiplexers behind the banks. columns: the banks of a row.
    all_rows, all_columns: whether a read takes all rows, all columns of the kernel. padded: there is a border.
    turning: whether a column of the kernel comes from one bank after the other, not always from the same.
    """

    bits: int
    row_ways: int
    column_ways: int
    columns: int
    all_rows: bool
    all_columns: bool
    padded: bool
    turning: bool


@dataclass(frozen=True, slots=True)
class Gearbox:
    """A buffer of `capacity` units of `unit` bits: `entering` come in a beat, `leaving` go in one.

    ragged: the last beat of an output pixel is not full.
    """

    entering: int
    leaving: int
    capacity: int
    unit: int
    ragged: bool

    @property
    def stored(self) -> int:
        """Bits in the buffer."""
        return self.capacity * self.unit


class Luts(ABC):
    """LUTs of a family: how many each circuit takes. Constants are fitted to tools/calibrate/data."""

    inputs: ClassVar[int]
    """Inputs of a LUT."""

    @abstractmethod
    def select(self, ways: int) -> int:
        """A multiplexer, per bit."""

    @abstractmethod
    def add(self, terms: int) -> int:
        """A sum of terms, per bit."""

    @abstractmethod
    def increment(self, bits: int) -> int:
        """A counter that does nothing else."""

    @abstractmethod
    def negation(self, bits: int) -> int:
        """A code's negative, of which the lowest bit is that of the code."""

    @abstractmethod
    def subtrahend(self, bits: int) -> int:
        """What a term takes beyond the sum it is in, when it is subtracted there."""

    @abstractmethod
    def accumulator(self, bits: int) -> int:
        """A running sum that starts anew at a signal."""

    @abstractmethod
    def register_accumulator(self, bits: int) -> int:
        """A running sum that starts anew, in the register that also is the result."""

    @abstractmethod
    def multiplier(self, digits: int, factor: int) -> int:
        """Rows that add up a factor, each for a radix-4 digit of another one; both in bits of two's complement."""

    @abstractmethod
    def borrows(self, bits: int) -> int:
        """What repairs products that share a multiplier: `bits` of products that borrowed from the one below."""

    @abstractmethod
    def selected_terms(self, bits: int) -> int:
        """Terms of `bits` bits in all, each passed on or cleared."""

    @abstractmethod
    def parity(self, terms: int) -> int:
        """An exclusive or of terms into a register, per bit."""

    @abstractmethod
    def bit_counts(self, threes: int, eighteens: int) -> int:
        """Counts of three bits, and sums of six of those counts."""

    @abstractmethod
    def multiplexed(self, wide: int) -> int:
        """What selects signs and shifts of codes in `wide` LUTs of six inputs."""

    @abstractmethod
    def taps(self, reader: TapReader) -> int:
        """What stands behind and around the memories of a line buffer."""

    @abstractmethod
    def rom_column(self, depth: int, row: int) -> int:
        """One bit of `depth` constant words, `row` of them in a LUT."""

    @abstractmethod
    def ring_address(self, words: int) -> int:
        """What an address takes that turns around after so many words, beyond a plain counter."""

    @abstractmethod
    def collector(self, bits: int, beats: int) -> int:
        """What gathers `beats` narrow beats into one wide beat: `bits` wait for the last."""

    @abstractmethod
    def distributor(self, beats: int) -> int:
        """What cuts a wide beat into `beats` narrow ones, per bit of those."""

    @abstractmethod
    def gearbox(self, gearbox: Gearbox) -> Resources:
        """What shifts beats into and out of a gearbox, without its registers."""

    @abstractmethod
    def fork(self, outputs: int) -> int:
        """The handshakes of a fork."""

    @abstractmethod
    def ordered_list(self, cells: int, bits: int, place: int) -> int:
        """A list in order of so many cells, and what reads it: numbers of `bits`, a place goes with each."""

    @abstractmethod
    def turns(self, bits: int, layers: int) -> int:
        """What moves the state of the layers that share an engine: `bits` of it, and of constants that one selects."""

    @abstractmethod
    def fifo(self, depth: int, rows: int) -> int:
        """The counters of a FIFO of `depth` words in `rows` rows of memory."""

    @abstractmethod
    def output(self, bits: int, memory: int) -> int:
        """A short queue and its credits at the output of an engine; its words alone take `memory`."""

    @abstractmethod
    def credits(self, places: int) -> int:
        """A counter of free places."""


def power_of_two(n: int) -> bool:
    """Whether n is one."""
    return n & (n - 1) == 0
