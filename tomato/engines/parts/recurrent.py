"""What a recurrent layer in a loop consists of: geometry, how long its results take, constants."""

from collections.abc import Mapping
from functools import cached_property

import numpy as np

from tomato.core.formats import Array, Codes
from tomato.engines.base import Site, beats
from tomato.engines.parts import cells, dot
from tomato.engines.parts.weighted import WEIGHTS, WeightedUnit
from tomato.engines.piecewise_stream import line_bits, line_words
from tomato.engines.requant_stream import lane_words, signed_bits
from tomato.hardware.memory import Ram, Store
from tomato.hardware.netlist import Memory, uniform_memory
from tomato.ops.piecewise import Piecewise
from tomato.ops.recurrent import GATE_FRACTION, HIDDEN, Arithmetic, Gru, Lstm, Recurrent, Rnn

READ = 2
"""Cycles from a read of the last result to the multipliers."""
DOT = 4
"""Cycles from there to a sum, adder tree not counted."""
NARROW = 5
"""Cycles from a fold's sums to those of its first units in steps of the argument."""
UNITS: Mapping[type[Recurrent], int] = {Rnn: 8, Gru: 18, Lstm: 18}
"""Cycles from there to the units' results."""
BACK = 1
"""Cycles from there to the memory that is read."""
GATE_BITS = GATE_FRACTION + 2
CONSTANTS, FED, KEPT, FIRST_LINES = "MemFile0", "MemFile1", "MemFile2", 3
"""Memories besides that of the weights, the first of those of lines by its number."""
FUNCTIONS = 3
"""Functions that the module has."""


class RecurrentUnit(WeightedUnit[Recurrent]):
    """Units whose gates are columns of a product of weights and their own last results."""

    @classmethod
    def refuses(cls, site: Site[Recurrent]) -> str:
        return "" if site.op.arithmetic is not None else "it is on reals"

    @classmethod
    def factors(cls, site: Site[Recurrent]) -> Codes:
        return arithmetic(site.op).feed

    @property
    def arithmetic(self) -> Arithmetic:
        """How the operator computes."""
        return arithmetic(self.op)

    @property
    def functions(self) -> tuple[Piecewise, ...]:
        """Those of the units, as many as the module has: the last one stands for those that a unit has not."""
        own = self.arithmetic.functions
        return own + own[-1:] * (FUNCTIONS - len(own))

    @property
    def outputs(self) -> int:
        """Columns of a fold."""
        return self.knobs["units"] * self.knobs["turns"] * self.op.gates

    @property
    def reads(self) -> int:
        """Reads of a fold."""
        return beats(self.op.hidden, self.knobs["lanes_in"])

    @property
    def passes(self) -> int:
        """Folds of a pass."""
        return beats(self.op.hidden, self.knobs["units"] * self.knobs["turns"])

    @property
    def turns(self) -> int:
        """Beats of a step."""
        return beats(self.op.hidden, self.knobs["units"])

    @property
    def rounds(self) -> int:
        """Passes of a step."""
        return 2 if isinstance(self.op, Gru) and not self.op.reset_after else 1

    @cached_property
    def depth(self) -> int:
        """Cycles from the last read of a fold to when the results of its first units may be read."""
        fed = Codes.of(self.arithmetic.fed, signed=True)
        product = DOT + dot.waits(self.weight, fed, self.knobs) + dot.stages(self.knobs["lanes_in"])
        return READ + product + NARROW + UNITS[type(self.op)] + BACK

    @cached_property
    def ready(self) -> Array:
        """Cycles from the first read of a pass to when the results of each of its beats may be read."""
        turns, word = self.knobs["turns"], np.arange(self.turns)
        return np.asarray((word // turns + 1) * self.reads + self.depth + word % turns)

    @cached_property
    def gap(self) -> int:
        """Cycles that a pass waits for the results of the one before."""
        wanted = np.arange(self.turns) * self.knobs["units"] // self.knobs["lanes_in"]  # the read of its pass
        return max(0, int((self.ready - wanted).max()) - self.passes * self.reads)

    @cached_property
    def period(self) -> int:
        """Cycles from step to step."""
        return self.rounds * (self.passes * self.reads + self.gap)

    @cached_property
    def lanes(self) -> tuple[tuple[int, ...], int]:
        return (self.knobs["units"] * self.op.gates,), self.knobs["units"]

    @property
    def widths(self) -> tuple[int, int]:
        """Bits of an input beat and of an output beat."""
        (entering,), leaving = self.lanes
        return entering * self.arg.codes.bits, leaving * HIDDEN.bits

    @cached_property
    def multipliers(self) -> int:
        return self.knobs["lanes_in"] * self.outputs

    @cached_property
    def words(self) -> int:
        return self.passes * self.reads

    @cached_property
    def fields(self) -> tuple[int, int]:
        """Bits of what a sum is multiplied by, and of what is added."""
        return signed_bits(self.arithmetic.mult), signed_bits(self.arithmetic.bias)

    @cached_property
    def constants(self) -> Mapping[str, Store]:
        """All memories of constants but that of the weights."""
        count, gates, fed = self.knobs["units"], self.op.gates, self.arithmetic.fed
        lines = {
            f"MemFile{FIRST_LINES + n}": Store(Ram.LUT, function.segments, sum(line_bits(function)))
            for n, function in enumerate(self.functions)
        }
        return {
            CONSTANTS: Store(Ram.LUT, self.turns, sum(self.fields) * count * gates),
            FED: Store(Ram.LUT, self.reads, self.knobs["lanes_in"] * fed),
            KEPT: Store(Ram.LUT, self.turns, count * HIDDEN.bits),
            **lines,
        }

    @cached_property
    def stores(self) -> Mapping[str, Store]:
        return {**super().stores, **self.constants}

    @cached_property
    def memories(self) -> dict[str, Memory]:
        op, made, count = self.op, self.arithmetic, self.knobs["units"]
        kernel = self.weight.values.reshape(1, 1, *self.weight.shape)
        filler = cells.form(self.weight, self.knobs).filler
        words = dot.weight_words(kernel, 1, self.knobs["lanes_in"], self.outputs, (False, False), filler)
        constants = np.stack(
            [lane_words(v.values, self.turns, count * op.gates) for v in (made.mult, made.bias)], axis=2
        )
        fed = made.fed_back(op.begin.values[0])
        found = {
            WEIGHTS: dot.memory(words, self.outputs, self.weight, self.knobs),
            CONSTANTS: Memory(constants.reshape(self.turns, -1), self.fields * (count * op.gates)),
            FED: uniform_memory(lane_words(fed, self.reads, self.knobs["lanes_in"]), made.fed),
            KEPT: uniform_memory(lane_words(op.begin.values[-1], self.turns, count), HIDDEN.bits),
        }
        for n, function in enumerate(self.functions):
            found[f"MemFile{FIRST_LINES + n}"] = Memory(line_words(function), line_bits(function))
        return found


def arithmetic(op: Recurrent) -> Arithmetic:
    """How an operator on codes computes."""
    assert op.arithmetic is not None, "it is on reals"
    return op.arithmetic


def line_fields(function: Piecewise) -> int:
    """A function as lines_t of tom_recurrent_pkg."""
    offset, slope = line_bits(function)
    index = (function.segments - 1).bit_length()
    values = (function.first, index, function.rest, slope, offset, function.shift, function.lo)
    return sum((v & 0xFFFFFFFF) << (32 * n) for n, v in enumerate(values))
