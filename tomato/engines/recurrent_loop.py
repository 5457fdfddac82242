"""A layer that reads its own last result: multipliers in a loop with the functions of its units."""

from collections.abc import Iterable, Iterator, Mapping
from functools import cached_property
from itertools import product
from math import ceil
from typing import Self

import numpy as np

from tomato.core.formats import Codes
from tomato.core.state import Scope
from tomato.engines.base import Knobs, Site, Timing, beats, folds
from tomato.engines.parts import cells, dot
from tomato.engines.parts.ring import frontier
from tomato.engines.parts.weighted import WEIGHTS, WeightedUnit
from tomato.engines.piecewise_stream import line_bits, line_words
from tomato.engines.requant_stream import lane_words, signed_bits
from tomato.hardware.memory import Ram, Store, banks_cost, memory_cost, rom_cost
from tomato.hardware.netlist import Memory, uniform_memory
from tomato.hardware.plumbing import QUEUE_LATENCY, fifo_cost
from tomato.ops.piecewise import Piecewise
from tomato.ops.recurrent import (
    CELL_FRACTION,
    GATE_FRACTION,
    HIDDEN,
    HIDDEN_FRACTION,
    SUM,
    Arithmetic,
    Gru,
    Lstm,
    Recurrent,
    Rnn,
)  # fmt: skip
from tomato.targets import Resources

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


class RecurrentLoop(WeightedUnit[Recurrent]):
    """lanes_in x (units * turns * gates) multipliers; `units` units a cycle leave them, for `turns` cycles."""

    stem = "recurrent_loop"
    ops = (Lstm, Gru, Rnn)

    @classmethod
    def refuses(cls, site: Site[Recurrent]) -> str:
        return "" if site.op.arithmetic is not None else "it is on reals"

    @classmethod
    def factors(cls, site: Site[Recurrent]) -> Codes:
        return arithmetic(site.op).feed

    @classmethod
    def shapes(cls, site: Site[Recurrent], offers: Iterable[Knobs]) -> Iterator[Self]:
        hidden = site.op.hidden
        found = set()
        for lanes, units in product(folds(hidden), folds(hidden)):
            reads = beats(hidden, lanes)
            count = ceil(units / reads)
            if lanes % count == 0:
                found.add((lanes, count, ceil(units / count)))
        for cell in offers:
            built = [{"lanes_in": i, "units": c, "turns": t, **cell} for i, c, t in sorted(found)]
            filled = (k for k in built if cells.fills(site.op.weight, cell, hidden, k["lanes_in"]))
            yield from frontier(cls(site, knobs) for knobs in filled)

    @cached_property
    def effort(self) -> float:
        """A rough measure of size, to tell shapes of the same speed apart."""
        return dot.effort(self.knobs["lanes_in"], self.outputs, self.knobs) + self.knobs["units"] * 1000

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
        return READ + DOT + dot.stages(self.knobs["lanes_in"]) + NARROW + UNITS[type(self.op)] + BACK

    @cached_property
    def gap(self) -> int:
        """Cycles that a pass waits for the results of the one before."""
        lanes, count, turns = (self.knobs[k] for k in ("lanes_in", "units", "turns"))
        word = np.arange(self.turns)
        ready = (word // turns + 1) * self.reads + self.depth + word % turns
        wanted = word * count // lanes  # the read of its pass
        return max(0, int((ready - wanted).max()) - self.passes * self.reads)

    @cached_property
    def period(self) -> int:
        """Cycles from step to step."""
        return self.rounds * (self.passes * self.reads + self.gap)

    @cached_property
    def lanes(self) -> tuple[tuple[int, ...], int]:
        return (self.knobs["units"] * self.op.gates,), self.knobs["units"]

    @cached_property
    def cycles(self) -> int:
        free = 0 if self.op.scope is Scope.SEQUENCE else self.gap  # the first step waits for nothing
        return self.arg.pixels * self.period - free

    @cached_property
    def multipliers(self) -> int:
        return self.knobs["lanes_in"] * self.outputs

    @cached_property
    def words(self) -> int:
        return self.passes * self.reads

    @cached_property
    def timing(self) -> Timing:
        need = np.arange(self.arg.pixels)
        last = self.turns - (self.passes - 1) * self.knobs["turns"]
        early = self.turns - min(self.turns, self.knobs["turns"])  # beats that may come behind a step's start
        latency = self.period - self.gap - early + self.depth - BACK + QUEUE_LATENCY + last - 1
        return Timing((need,), self.period, latency, room=(need - 1,))

    @cached_property
    def places(self) -> tuple[int, int]:
        """Input beats that may wait, and folds of results."""
        on_way = ceil(self.depth / self.reads) + 2
        return self.turns + on_way * self.knobs["turns"] + 4, on_way

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
    def bare(self) -> Resources:
        lanes, count, x, op = self.knobs["lanes_in"], self.knobs["units"], self.arg.codes, self.op
        fed, acc = self.arithmetic.feed, op.acc
        array = dot.cost(lanes, self.outputs, self.weight, fed, acc, self.knobs, self.target)
        last = banks_cost(count * fed.bits, 2 * self.reads, Ram.LUT, self.target, lanes // count, lanes // count)
        mult, bias = self.fields
        total = max(acc.bits + mult, bias) + 1
        narrowed = Resources(
            lut=total + SUM.bits + 2 + self.target.dsp.joints(acc.bits, mult),
            ff=acc.bits + mult + 2 * bias + total + SUM.bits,
            dsp=self.target.dsp_for(acc.bits, mult),
        ) * (count * op.gates)
        begun = any(op.begin.values.ravel())
        roms = rom_cost(self.constants[CONSTANTS], self.target)
        if begun:
            roms += rom_cost(self.constants[FED], self.target) + rom_cost(self.constants[KEPT], self.target)
        turning = Resources(lut=self.outputs * acc.bits, ff=self.outputs * acc.bits)
        waiting, folds_out = self.places
        queues = fifo_cost(count * op.gates * x.bits, waiting, Ram.LUT, self.target)
        queues += fifo_cost(count * HIDDEN.bits, max(2, folds_out * self.knobs["turns"]), Ram.LUT, self.target)
        control = Resources(lut=120, ff=150)
        return array + last + narrowed + roms + turning + queues + self._units + control

    @cached_property
    def _units(self) -> Resources:
        """The functions and products behind the sums."""
        op, count, x = self.op, self.knobs["units"], self.arg.codes
        sums = max(x.bits, SUM.bits) + 1
        functions = self.arithmetic.functions
        used = {Lstm: (0, 0, 0, 1, 2), Gru: (0, 0, 1), Rnn: (0,)}[type(op)]
        unit = Resources()
        for n in used:
            function = functions[n]
            offset, slope = line_bits(function)
            unit += Resources(
                lut=3 * (sums + offset) + 4 * GATE_BITS,
                ff=sums + function.rest + slope + offset + GATE_BITS,
                dsp=self.target.dsp_for(slope, function.rest + 1),
            ) + rom_cost(self.constants[f"MemFile{FIRST_LINES + n}"], self.target)
        unit += Resources(lut=sums, ff=sums) * op.gates
        factors: list[tuple[int, int]] = []
        if isinstance(op, Lstm):
            factors = [(GATE_BITS, HIDDEN.bits), (GATE_BITS, GATE_BITS), (GATE_BITS, GATE_BITS)]
            unit += Resources(lut=100)
        if isinstance(op, Gru):
            factors = [(GATE_BITS, SUM.bits if op.reset_after else HIDDEN.bits), (GATE_BITS, HIDDEN.bits + 2)]
            unit += Resources(lut=220 if op.reset_after else 120)  # what waits for the reset gate
        for a, b in factors:
            unit += Resources(dsp=self.target.dsp_for(a, b), ff=a + b, lut=self.target.dsp.joints(a, b))
        kept = memory_cost(count * HIDDEN.bits, self.turns, Ram.LUT, self.target) if factors else Resources()
        return unit * count + kept

    @cached_property
    def params(self) -> dict[str, int]:
        made, x, op = self.arithmetic, self.arg.codes, self.op
        kind = 3 if isinstance(op, Lstm) else 0 if isinstance(op, Rnn) else self.rounds
        waiting, folds_out = self.places
        packed = dot.params(self.weight, made.feed, op.acc, self.knobs)
        del packed["InBits"], packed["InSigned"]
        return {
            "Kind": kind,
            "Hidden": op.hidden,
            "Lanes": self.knobs["lanes_in"],
            "Units": self.knobs["units"],
            "Turns": self.knobs["turns"],
            "Steps": 0 if op.scope is Scope.SEQUENCE else self.arg.pixels,
            "Gap": self.gap,
            "XBits": x.bits,
            "XSigned": int(x.signed),
            "XPlaces": waiting,
            "Waiting": folds_out,
            "FedBits": made.fed,
            **packed,
            "MultBits": self.fields[0],
            "BiasBits": self.fields[1],
            "Shift": made.shift,
            "SumBits": SUM.bits,
            "GateFraction": GATE_FRACTION,
            "CellFraction": CELL_FRACTION,
            "HiddenFraction": HIDDEN_FRACTION,
            "OutBits": HIDDEN.bits,
            "Functions": sum(_fields(f) << (7 * 32 * n) for n, f in enumerate(self.functions)),
        }

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


def _fields(function: Piecewise) -> int:
    """A function as lines_t of tom_recurrent_pkg."""
    offset, slope = line_bits(function)
    index = (function.segments - 1).bit_length()
    values = (function.first, index, function.rest, slope, offset, function.shift, function.lo)
    return sum((v & 0xFFFFFFFF) << (32 * n) for n, v in enumerate(values))


ENGINE = RecurrentLoop
