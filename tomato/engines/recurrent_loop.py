"""A layer that reads its own last result: multipliers in a loop with the functions of its units."""

from collections.abc import Iterable, Iterator, Sequence
from functools import cached_property
from itertools import product
from math import ceil
from typing import Self

import numpy as np

from tomato.core.state import Scope
from tomato.engines.base import Knobs, Site, Timing, beats, folds
from tomato.engines.parts import cells, dot
from tomato.engines.parts.interleave import Interleave
from tomato.engines.parts.recurrent import (
    BACK,
    CONSTANTS,
    FED,
    FIRST_LINES,
    GATE_BITS,
    KEPT,
    NARROW,
    UNITS,
    RecurrentUnit,
    line_fields,
)  # fmt: skip
from tomato.engines.parts.ring import frontier
from tomato.engines.piecewise_stream import line_bits
from tomato.hardware.memory import LUTS_PER_BRAM, Ram, memory_cost, rom_cost
from tomato.hardware.plumbing import QUEUE_LATENCY, fifo_cost
from tomato.ops.recurrent import (
    CELL_FRACTION,
    GATE_FRACTION,
    HIDDEN,
    HIDDEN_FRACTION,
    SUM,
    Gru,
    Lstm,
    Recurrent,
    Rnn,
)  # fmt: skip
from tomato.targets import Resources


class RecurrentLoop(RecurrentUnit):
    """lanes_in x (units * turns * gates) multipliers; `units` units a cycle leave them, for `turns` cycles.

    `frames` frames take turns in them: each waits for its own last result while the others have theirs.
    """

    stem = "recurrent_loop"
    ops = (Lstm, Gru, Rnn)

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
            built = [{"lanes_in": i, "units": c, "turns": t, "frames": 1, **cell} for i, c, t in sorted(found)]
            filled = [k for k in built if cells.fills(site.op.weight, cell, hidden, k["lanes_in"])]
            yield from cls.offered(site, filled)

    @classmethod
    def offered(cls, site: Site[Recurrent], shapes: Sequence[Knobs]) -> Iterator[Self]:
        """The best of these shapes, and of those in which frames take turns, for each number of cycles.

        One frame at a time takes no memory of frames, which a board may lack: no other setting beats it.
        """
        alone = [*frontier(cls(site, knobs) for knobs in shapes)]
        yield from alone
        busiest = frontier(cls(site, {**k, "frames": most}) for k in shapes if (most := cls(site, k).useful[-1]) > 1)
        turns = [cls(site, {**unit.knobs, "frames": n}) for unit in busiest for n in unit.useful[1:]]
        yield from (unit for unit in frontier([*alone, *turns]) if unit.interleave)

    @cached_property
    def useful(self) -> list[int]:
        """Frames that may take turns, ascending: the fewest for each length of their windows, if they gain anything."""
        busy, alone = self.passes * self.reads, self.arg.pixels * self.rounds
        if self.op.scope is Scope.SEQUENCE:
            return [1]
        most = ceil((busy + self.gap) / busy)
        fewest = {ceil((busy + self.gap) / n): n for n in range(most, 1, -1)}
        worth = [n for window, n in fewest.items() if alone * max(window, busy) < alone * (busy + self.gap) - self.gap]
        return [1, *sorted(worth)]

    @cached_property
    def interleave(self) -> Interleave | None:
        """How frames take turns, if they do."""
        if self.knobs["frames"] == 1:
            return None
        busy = self.passes * self.reads
        return Interleave(
            frames=self.knobs["frames"],
            passes=self.arg.pixels * self.rounds,
            busy=busy,
            loop=busy + self.gap,
            beats=self.arg.pixels * self.turns,
            late=int((self.ready - np.arange(self.turns)).max()) + self.turns,
            turned=int(self.ready[-1]) - BACK - UNITS[type(self.op)] - NARROW,
        )

    @cached_property
    def effort(self) -> float:
        """A rough measure of size, to tell shapes of the same speed apart."""
        array = dot.effort(self.knobs["lanes_in"], self.outputs, self.knobs) + self.knobs["units"] * 1000
        if not self.interleave:
            return array
        held = self.interleave.cost(self.widths, self.target)
        return array + held.lut + held.bram18 * LUTS_PER_BRAM + 600

    @cached_property
    def cycles(self) -> int:
        return self.interleave.cycles if self.interleave else self.loop_cycles

    @cached_property
    def loop_cycles(self) -> int:
        free = 0 if self.op.scope is Scope.SEQUENCE else self.gap  # the first step waits for nothing
        return self.arg.pixels * self.period - free

    @cached_property
    def timing(self) -> Timing:
        if self.interleave:
            whole, at_once = (np.full(self.arg.pixels, n) for n in (self.arg.pixels - 1, -self.arg.pixels - 1))
            return Timing((whole,), self.turns, self.interleave.latency + self.turns - 1, room=(at_once,))
        need = np.arange(self.arg.pixels)
        last_turns = self.turns - (self.passes - 1) * self.knobs["turns"]
        early = self.turns - min(self.turns, self.knobs["turns"])  # beats that may come behind a step's start
        latency = self.period - self.gap - early + self.depth - BACK + QUEUE_LATENCY + last_turns - 1
        return Timing((need,), self.period, latency, room=(need - 1,))

    @cached_property
    def slices(self) -> tuple[int, int]:
        """Bits of a sum and of what it is multiplied by that one multiplier of the board takes."""
        return self.target.dsp.slices(self.op.acc.bits, self.fields[0])

    @cached_property
    def places(self) -> tuple[int, int]:
        """Input beats that may wait, and folds of results."""
        on_way = ceil(self.depth / self.reads) + 2
        return self.turns + on_way * self.knobs["turns"] + 4, on_way

    @cached_property
    def bare(self) -> Resources:
        lanes, count, op = self.knobs["lanes_in"], self.knobs["units"], self.op
        fed, acc = self.arithmetic.feed, op.acc
        array = dot.cost(lanes, self.outputs, self.weight, fed, acc, self.knobs, self.target)
        banks, rows = lanes // count, 2 * self.knobs["frames"] * self.reads
        last = memory_cost(count * fed.bits, rows, Ram.LUT, self.target) * banks
        mult, bias = self.fields
        total = max(acc.bits + mult, bias) + 1
        rows, columns = (ceil(bits / piece) for bits, piece in zip((acc.bits, mult), self.slices, strict=True))
        parts = mult * rows + acc.bits * columns if rows * columns > 1 else 0  # bits of products that are summed
        narrowed = Resources(
            lut=total + SUM.bits + 2 + self.target.dsp.joints(acc.bits, mult),
            ff=acc.bits + mult + 2 * bias + parts + total + SUM.bits,
            dsp=self.target.dsp_for(acc.bits, mult),
        ) * (count * op.gates)
        begun = any(op.begin.values.ravel())
        roms = rom_cost(self.constants[CONSTANTS], self.target)
        if begun:
            roms += rom_cost(self.constants[FED], self.target) + rom_cost(self.constants[KEPT], self.target)
        turning = Resources(lut=self.outputs * acc.bits, ff=self.outputs * acc.bits)
        control = Resources(lut=120, ff=150)
        return array + last + narrowed + roms + turning + self._queues + self._units + control

    @property
    def _queues(self) -> Resources:
        """What holds inputs and results."""
        waiting, folds_out = self.places
        entering, leaving = self.widths
        if self.interleave:
            frames = self.knobs["frames"]
            on_way = ceil(int(self.ready[-1]) / self.interleave.window) + 1
            rows, words = 2 * frames * self.reads, frames * self.turns
            held = self.interleave.control(self.arg.pixels, rows, words, on_way, self.target)
            return self.interleave.cost(self.widths, self.target) + held
        queues = fifo_cost(entering, waiting, Ram.LUT, self.target)
        return queues + fifo_cost(leaving, max(2, folds_out * self.knobs["turns"]), Ram.LUT, self.target)

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
                lut=sums + offset + 4 * GATE_BITS + 12,
                ff=sums + function.rest + slope + offset,
                dsp=self.target.dsp_for(slope, function.rest + 1),
            ) + rom_cost(self.constants[f"MemFile{FIRST_LINES + n}"], self.target)
        unit += Resources(lut=sums, ff=sums) * op.gates
        factors: list[tuple[int, int]] = []
        if isinstance(op, Lstm):
            factors = [(GATE_BITS, HIDDEN.bits), (GATE_BITS, GATE_BITS), (GATE_BITS, GATE_BITS)]
            unit += Resources(lut=100 + op.shown * HIDDEN.bits, ff=op.shown * HIDDEN.bits)
        if isinstance(op, Gru):
            factors = [(GATE_BITS, SUM.bits if op.reset_after else HIDDEN.bits), (GATE_BITS, HIDDEN.bits + 2)]
            unit += Resources(lut=220 if op.reset_after else 120)  # what waits for the reset gate
        for a, b in factors:
            unit += Resources(dsp=self.target.dsp_for(a, b), ff=a + b, lut=self.target.dsp.joints(a, b))
        if not factors:
            return unit * count
        words = self.turns * self.knobs["frames"]
        kept = memory_cost(count * HIDDEN.bits, words, Ram.LUT, self.target)
        if self.interleave and self.rounds == 2:  # what the first pass leaves to the second one
            kept += memory_cost(count * (GATE_BITS + x.bits), words, Ram.LUT, self.target)
        return unit * count + kept

    @cached_property
    def params(self) -> dict[str, int]:
        made, x, op = self.arithmetic, self.arg.codes, self.op
        kind = 3 if isinstance(op, Lstm) else 0 if isinstance(op, Rnn) else self.rounds
        waiting, folds_out = self.places
        taken = self.interleave
        rams = taken.rams(self.widths, self.target) if taken else (Ram.LUT, Ram.LUT)
        packed = dot.params(self.weight, made.feed, op.acc, self.knobs)
        del packed["InBits"], packed["InSigned"], packed["Chain"]  # a chain would make the loop longer
        return {
            "Kind": kind,
            "Hidden": op.hidden,
            "Lanes": self.knobs["lanes_in"],
            "Units": self.knobs["units"],
            "Turns": self.knobs["turns"],
            "Steps": 0 if op.scope is Scope.SEQUENCE else self.arg.pixels,
            "Gap": self.gap,
            "Frames": self.knobs["frames"],
            "Pause": taken.pause if taken else 0,
            "Slots": taken.slots if taken else 1,
            "Delay": taken.delay if taken else 2,
            "InRam": rams[0],
            "OutRam": rams[1],
            "XBits": x.bits,
            "XSigned": int(x.signed),
            "XPlaces": waiting,
            "Waiting": folds_out,
            "FedBits": made.fed,
            **packed,
            "MultBits": self.fields[0],
            "AccSlice": self.slices[0],
            "MultSlice": self.slices[1],
            "BiasBits": self.fields[1],
            "Shift": made.shift,
            "SumBits": SUM.bits,
            "GateFraction": GATE_FRACTION,
            "CellFraction": CELL_FRACTION,
            "HiddenFraction": HIDDEN_FRACTION,
            "OutBits": HIDDEN.bits,
            "Cells": op.shown,
            "Functions": sum(line_fields(f) << (7 * 32 * n) for n, f in enumerate(self.functions)),
        }


ENGINE = RecurrentLoop
