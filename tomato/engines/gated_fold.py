"""Convolutions of which gates choose, frame by frame, the channels that are computed and read."""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from functools import cached_property
from itertools import product
from typing import Self

import numpy as np

from tomato.core.formats import Codes
from tomato.engines.base import Knobs, Site, Timing, divisors, folds
from tomato.engines.conv2d_window import Conv2dWindow
from tomato.engines.parts import dot
from tomato.engines.parts.ring import Ring, frontier, queue_places
from tomato.engines.parts.weighted import WEIGHTS, WeightedUnit
from tomato.hardware.memory import Ram, memory_cost
from tomato.hardware.netlist import Memory
from tomato.hardware.plumbing import fifo_cost, output_cost, queue_cost, register_cost
from tomato.ops.conv2d import Conv2d
from tomato.ops.gated_conv2d import GatedConv2d
from tomato.targets import Resources

LIMIT = 1 << 31
"""Codes that stand for 0 are parameters of 32 bits, signed."""
EXPANDED = 3
"""Cycles from the last result of a pixel to its first beat, in tom_expand."""


class GatedFold(WeightedUnit[GatedConv2d]):
    """The engine that reads all words, with loops over chosen groups only, and an end that puts zeros between them.

    Words do not reach over a group's end. How many reads a pixel takes does not depend on which groups are chosen, and
    all beats of a pixel leave together, so that no frame is faster than another.
    """

    stem = "gated_fold"
    ops = (GatedConv2d,)

    @classmethod
    def refuses(cls, site: Site[GatedConv2d]) -> str:
        op = site.op
        wide = [z for z in (op.zero, op.zero_in, op.base) if not -LIMIT <= z < LIMIT]
        return f"zero point {wide[0]} exceeds 32 bits" if wide else ""

    @classmethod
    def factors(cls, site: Site[GatedConv2d]) -> Codes:
        return Conv2dWindow.factors(_inner(site))

    @classmethod
    def shapes(cls, site: Site[GatedConv2d], offers: Iterable[Knobs]) -> Iterator[Self]:
        inner = _inner(site)
        for cell in offers:
            yield from frontier(
                cls(site, {**shape, **cell}) for shape in _unrollings(site) if Conv2dWindow.fills(inner, shape, cell)
            )

    @cached_property
    def whole(self) -> Conv2dWindow:
        """The engine without gates of the same words: its array is the same."""
        return Conv2dWindow(_inner(self.site), {**self.knobs, "pixels": 1})

    @cached_property
    def groups(self) -> tuple[int, int]:
        """Groups of the result and of the input; 1 where there is no gate."""
        op = self.op
        at, at_in = op.gate_at, op.gate_in_at
        return self.args[at].channels if at else 1, self.args[at_in].channels if at_in else 1

    @property
    def kept(self) -> tuple[int, int]:
        """Those of them that a frame chooses."""
        return self.op.keep or 1, self.op.keep_in or 1

    @cached_property
    def folds(self) -> int:
        """Passes of a group of the result."""
        return self.whole.folds // self.groups[0]

    @cached_property
    def reads(self) -> int:
        """Reads of a pass."""
        return self.whole.ring.steps * self.whole.ring.beats * self.kept[1] // self.groups[1]

    @cached_property
    def pixel_cycles(self) -> int:
        """Cycles of an output pixel: its reads, but at least its beats."""
        return max(self.kept[0] * self.folds * self.reads, self.groups[0] * self.folds)

    @cached_property
    def ring(self) -> Ring:
        """The line buffer."""
        return replace(self.whole.ring, pixel_cycles=self.pixel_cycles)

    @property
    def words(self) -> int:
        return self.whole.words

    @property
    def multipliers(self) -> int:
        return self.whole.multipliers

    @property
    def effort(self) -> float:
        """A rough measure of size, to tell shapes of the same speed apart."""
        return self.whole.effort

    @cached_property
    def lanes(self) -> tuple[tuple[int, ...], int]:
        return (self.knobs["lanes_in"], *(1 for _ in self.args[1:])), self.knobs["lanes_out"]

    @cached_property
    def cycles(self) -> int:
        return max(self.ring.cycles, *(gate.channels for gate in self.args[1:]))

    @cached_property
    def timing(self) -> Timing:
        kept, (groups, _) = self.kept[0], self.groups
        waiting = groups * self.folds if self.op.keep else 0  # of a whole pixel's beats
        latency = kept * self.folds * self.reads + self.whole.delay + waiting
        ring, pixels = self.ring.timing(0), self.out.pixels
        first = np.zeros(pixels, dtype=np.int64)
        free = np.array([-pixels - 1])  # two lists: one is free when the frame before the last is over
        gates = len(self.args) - 1
        return Timing((*ring.need, *[first] * gates), self.pixel_cycles, latency, (*ring.room, *[free] * gates))

    @cached_property
    def places(self) -> int:
        """Places of the output queue: where pixels leave whole, for one that leaves and the one behind it."""
        if not self.op.keep:
            return queue_places(self.whole.pipeline, self.reads)
        pipeline = self.whole.pipeline + EXPANDED
        return 2 * self.op.keep * self.folds + queue_places(pipeline, self.reads)

    @cached_property
    def bare(self) -> Resources:
        width, target = self.knobs["lanes_out"] * self.out.codes.bits, self.target
        made = self.ring.cost + self.whole.array
        if not self.op.keep:
            return made + output_cost(width, self.places, target) + self._control
        count = self.places.bit_length() + (self.groups[0] * self.folds).bit_length()
        queues = queue_cost(width, self.places, target) + fifo_cost(
            (self.groups[0] - 1).bit_length(), self.places, Ram.LUT, target
        )
        zeros = Resources(lut=width // 2 + 2 * count, ff=2 * count)
        return made + queues + zeros + register_cost(width) + self._control

    @property
    def _control(self) -> Resources:
        """The lists, and what loops over them: a fit, in the place of counters that the ring counts."""
        total = Resources(lut=-30, ff=20)
        word = (self.words - 1).bit_length()
        for groups, kept in zip(self.groups, self.kept, strict=True):
            if groups > 1:
                wide = (groups - 1).bit_length() + word
                lists = memory_cost(wide, 2 << (kept - 1).bit_length(), Ram.LUT, self.target)
                total += Resources(lut=lists.lut + 2 * wide + 20, ff=wide + 12)
        return total + Resources(lut=word, ff=4 * word)

    @cached_property
    def params(self) -> dict[str, int]:
        op, (x, *gates) = self.op, [kind.codes for kind in self.args]
        bits = [gate.bits for gate in gates]
        groups, kept = self.groups, self.kept
        return {
            "Lanes": self.knobs["lanes_in"],
            "Outputs": self.knobs["lanes_out"],
            "Beats": self.ring.beats,
            "Folds": self.folds,
            "Groups": groups[0],
            "Keep": kept[0],
            "GateBits": bits[0] if op.keep else 1,
            "Zero": op.zero,
            "GroupsIn": groups[1],
            "KeepIn": kept[1],
            "GateInBits": bits[-1] if op.keep_in else 1,
            "ZeroIn": op.zero_in,
            "XBits": x.bits,
            "XSigned": int(x.signed),
            "Base": op.base,
            "Depth": self.places,
            **self.ring.params(),
            "PadValue": op.conv.pad_value,
            **self.ring.bank_params(),
            **dot.params(self.weight, self.factors(self.site), self.out.codes, self.knobs, self.whole.chain),
        }

    @cached_property
    def memories(self) -> dict[str, Memory]:
        return {WEIGHTS: dot.memory(self.whole.table, self.whole.outputs, self.weight, self.knobs)}


def _inner(site: Site[GatedConv2d]) -> Site[Conv2d]:
    """The convolution without its gates."""
    x = site.op.seen(site.args[0])
    return Site(replace(site.node, op=site.op.conv, args=site.node.args[:1]), (x,), site.target)


def _unrollings(site: Site[GatedConv2d]) -> list[Knobs]:
    """Every sensible setting of the knobs that say what is in a word: lanes divide the groups of a side with a gate."""
    op, inner = site.op, _inner(site)
    channels, filters = inner.arg.channels, inner.out.channels
    at, at_in = op.gate_at, op.gate_in_at
    lanes_in = divisors(channels // site.args[at_in].channels) if at_in else folds(channels)
    lanes_out = divisors(filters // site.args[at].channels) if at else folds(filters)
    taps = [(0, 0), (0, 1), (1, 1)] if op.conv.window.taps > 1 else [(0, 0)]
    return [
        {"lanes_in": i, "lanes_out": o, "parallel_rows": r, "parallel_columns": c}
        for i, o, (r, c) in product(lanes_in, lanes_out, taps)
    ]


ENGINE = GatedFold
