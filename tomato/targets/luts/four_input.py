"""LUTs of four inputs, as Yosys maps them for Lattice ECP5: carries are LUTs, little joins what it adds."""

from math import ceil

from tomato.targets.luts.circuits import Gearbox, Luts, TapReader, power_of_two
from tomato.targets.resources import Resources

CHAIN = 4
"""Bits of a counter that is made without a carry chain: few levels, many LUTs."""
COMPARED = 256
"""Words up to which Yosys compares counts and places of a queue in few LUTs."""


class FourInput(Luts):
    """A LUT adds, or selects one of two ways."""

    inputs = 4

    def select(self, ways: int) -> int:
        return ways - 1

    def add(self, terms: int) -> int:
        """Full adders of two LUTs reduce the terms to two, which a carry chain sums."""
        return max(0, terms - 1 if terms < 3 else 2 * terms - 3)

    def increment(self, bits: int) -> int:
        return bits

    def negation(self, bits: int) -> int:
        return bits + 1

    def subtrahend(self, bits: int) -> int:
        return 2 * bits

    def accumulator(self, bits: int) -> int:
        return 2 * bits

    def register_accumulator(self, bits: int) -> int:
        """The carry chain takes other LUTs before it."""
        return bits * 17 // 5

    def multiplier(self, digits: int, factor: int) -> int:
        """A row selects in two LUTs, joined by a multiplexer, and adds in one more; the first digit has two bits."""
        rows = ceil(digits / 2)
        return 2 * factor + 4 + (rows - 1) * (3 * factor + 2) - digits % 2 * factor

    def borrows(self, bits: int) -> int:
        return bits * 3 // 2

    def selected_terms(self, bits: int) -> int:
        return bits * 2 // 3

    def parity(self, terms: int) -> int:
        return max(1, terms * 5 // 8)

    def bit_counts(self, threes: int, eighteens: int) -> int:
        return (2 * threes + 10 * eighteens) * 5 // 2

    def multiplexed(self, wide: int) -> int:
        return wide * 9 // 5

    def taps(self, reader: TapReader) -> int:
        """Per bit of a tap and way of its multiplexers."""
        columns = reader.column_ways - 1 if reader.turning else 0
        return reader.bits * (9 * (reader.row_ways - 1) + 25 * columns) // 20 + 265

    def rom_column(self, depth: int, row: int) -> int:
        """The multiplexers of the slices join two, four or eight rows for nothing."""
        rows, rest = ceil(depth / row), depth % row
        joined = rows // 8 + (rows % 8).bit_count()
        return rows + max(0, joined - 1 - (0 < rest <= row // 2))

    def ring_address(self, words: int) -> int:
        """Two sums and a comparison, of which a power of two needs none, nor a short one without a carry chain."""
        bits = (words - 1).bit_length()
        return 0 if bits <= CHAIN or power_of_two(words) else bits * 11 // 2

    def collector(self, bits: int, beats: int) -> int:
        """The mapper spends twice as many where no counter of four bits is slower."""
        return bits * (1 if beats > 8 else 2)

    def distributor(self, beats: int) -> int:
        """Four to one goes with the multiplexers of the slices, and what is no power of two takes more."""
        if not power_of_two(beats):
            return beats + 5
        return beats // 2 if beats <= 4 else beats - 1

    def gearbox(self, gearbox: Gearbox) -> Resources:
        luts = _shifts(gearbox)
        if power_of_two(gearbox.unit):
            return Resources(lut=luts)
        return Resources(lut=luts * 3 // 4, dsp=1)  # Yosys multiplies the distance of the shift

    def fork(self, outputs: int) -> int:
        """Each output hears of all others."""
        return 15 * (outputs - 1)

    def ordered_list(self, cells: int, bits: int, place: int) -> int:
        """Comparisons of up to eight bits are no carry chains, and dearer than what moves the place."""
        return cells * (7 * (bits - 1) if bits <= 8 else 9 * bits // 2) - 30

    def turns(self, bits: int, layers: int) -> int:
        return bits * (300 + 58 * (layers - 1).bit_length()) // 100

    def fifo(self, depth: int, rows: int) -> int:
        return 30 if depth.bit_length() <= CHAIN else 42 + 10 * (not power_of_two(depth)) + 20 * (depth > COMPARED)

    def output(self, bits: int, memory: int) -> int:
        return memory + 46

    def credits(self, places: int) -> int:
        return 16


def _shifts(gearbox: Gearbox) -> int:
    """LUTs around the buffer.

    Without a carry chain in the way Yosys shortens the path from the count to every bit, whatever it takes:
    5 to 15 LUTs a bit where an output pixel ends in a ragged beat, fewer where beats leave by a power of two.
    """
    entering, stored = gearbox.entering, gearbox.stored
    if gearbox.capacity.bit_length() > CHAIN:
        return 60 + stored * (200 + 25 * entering) // 100
    if gearbox.ragged:
        return 40 + 11 * stored
    if power_of_two(gearbox.leaving):
        return 20 + stored * (110 + 82 * entering) // 100
    return 20 + stored * 58 // 10 if entering == 2 else 250 + 4 * stored
