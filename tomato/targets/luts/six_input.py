"""LUTs of six inputs with carry chains: UltraScale+, 7 series, and Intel's adaptive LUTs by the same formulas."""

from math import ceil

from tomato.targets.luts.circuits import Gearbox, Luts, TapReader, power_of_two
from tomato.targets.resources import Resources


class SixInput(Luts):
    """A LUT adds, and selects or negates what it adds; it selects one of four ways."""

    inputs = 6

    def select(self, ways: int) -> int:
        return -(-(ways - 1) // 3)

    def add(self, terms: int) -> int:
        """A full adder takes two LUTs and removes a term; with carries, it is one for each term."""
        return max(0, terms - 1)

    def increment(self, bits: int) -> int:
        """Carries alone."""
        return 0

    def negation(self, bits: int) -> int:
        """Carries alone."""
        return 0

    def subtrahend(self, bits: int) -> int:
        """LUTs negate as they add."""
        return 0

    def accumulator(self, bits: int) -> int:
        """What starts the sum anew is in the LUTs that add."""
        return bits

    def register_accumulator(self, bits: int) -> int:
        return bits * 8 // 5

    def multiplier(self, digits: int, factor: int) -> int:
        """A row selects and adds in one LUT a bit, and in one more where the ones of negative digits are many.

        Of a topmost digit that is a sign alone Yosys makes half a row more.
        """
        rows = ceil(digits / 2)
        return rows * (factor + 1 + (rows > 4)) + (factor // 2 if rows > 1 and digits % 2 else 0)

    def borrows(self, bits: int) -> int:
        """A term more of a sum that has room for it."""
        return 0

    def selected_terms(self, bits: int) -> int:
        """Registers that are cleared."""
        return 0

    def parity(self, terms: int) -> int:
        return max(1, terms * 3 // 8)

    def bit_counts(self, threes: int, eighteens: int) -> int:
        return 2 * threes + 10 * eighteens

    def multiplexed(self, wide: int) -> int:
        return wide

    def taps(self, reader: TapReader) -> int:
        border = reader.bits if reader.padded else 0
        if reader.all_rows:
            border //= 2  # behind a multiplexer of rows it finds room in about every other LUT
        elif reader.columns > 1:
            border = 0  # three columns, two selects and it are one LUT
        serial = 0 if reader.all_rows or reader.all_columns else 35  # address generators of both loops
        ways = self.select(reader.row_ways) + self.select(reader.column_ways)
        return reader.bits * ways + border + 120 + 8 * reader.columns + serial

    def rom_column(self, depth: int, row: int) -> int:
        """Rows, and multiplexers of four rows."""
        rows, rest = ceil(depth / row), depth % row
        return rows + ceil((rows - 1) * 2 / 3) - (rows > 1 and 0 < rest <= row // 4)

    def ring_address(self, words: int) -> int:
        return 0 if power_of_two(words) else 2 * (words - 1).bit_length()

    def collector(self, bits: int, beats: int) -> int:
        return bits * 4 // 5

    def distributor(self, beats: int) -> int:
        """Two to one goes with the register."""
        return (beats + 1) // 4

    def gearbox(self, gearbox: Gearbox) -> Resources:
        multiplexer = 45 + 24 * min(gearbox.entering, 16)  # per hundred bits
        return Resources(lut=gearbox.stored * multiplexer // 100 + 40)

    def fork(self, outputs: int) -> int:
        return 2 * outputs

    def ordered_list(self, cells: int, bits: int, place: int) -> int:
        return cells * (bits * 7 // 4 + place + 1) + 33

    def turns(self, bits: int, layers: int) -> int:
        """State moves in little more than a LUT a bit; constants of more layers than a LUT selects from take others."""
        return bits * (130 + 50 * (layers - 1).bit_length()) // 100

    def fifo(self, depth: int, rows: int) -> int:
        """Pointers that do not wrap by themselves are compared; where there are rows, their ends are decoded."""
        count, wraps = depth.bit_length(), not power_of_two(depth)
        return 2 * count + 1 + wraps * count * min(rows, 2)

    def output(self, bits: int, memory: int) -> int:
        return ceil(bits * 0.6) + 25

    def credits(self, places: int) -> int:
        return 2 * places.bit_length()
