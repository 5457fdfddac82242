"""The product of two streams: whole frames of the second wait for the pixels of the first."""

from collections.abc import Iterator
from functools import cached_property
from itertools import product
from math import ceil
from typing import Self

import numpy as np

from tomato.core.formats import Codes, Tensor
from tomato.core.forms import Cell
from tomato.engines.base import Knobs, Site, Timing, Unit, beats, divisors, folds
from tomato.engines.parts import dot
from tomato.engines.parts.ring import LAG, frontier, queue_places
from tomato.hardware.memory import Ram, better_ram, memory_cost
from tomato.hardware.plumbing import REGISTER_LATENCY, output_cost, register_cost
from tomato.ops.matmul import MatMul
from tomato.targets import Resources

FRAMES = 2
"""Frames of the second argument that are kept: one is read while the next one comes."""
HANDOVER = 3
"""Cycles between a frame's last beat and its first read, and between its last read and the next frame in its place."""
BORROW = 1
"""Stages between the memory of the second argument and the multipliers."""


class MatMulFrame(Unit[MatMul]):
    """A ring of a few pixels of a, two frames of b, and lanes_in x lanes_out multipliers between them."""

    stem = "matmul_frame"
    ops = (MatMul,)

    @classmethod
    def refuses(cls, site: Site[MatMul]) -> str:
        wide = [z for z in (site.op.zero_a, site.op.zero_b) if not -(1 << 31) <= z < 1 << 31]
        return f"zero point {wide[0]} exceeds 32 bits" if wide else ""

    @classmethod
    def choices(cls, site: Site[MatMul]) -> Iterator[Knobs]:
        return (unit.knobs for unit in cls.units(site))

    @classmethod
    def units(cls, site: Site[MatMul]) -> Iterator[Self]:
        op, (a, b) = site.op, site.args
        useful = folds if op.groups == 1 else divisors  # a beat belongs to one group
        shapes = [*product(useful(op.terms(a)), useful(op.columns(b)))]
        x, y = op.centred(site.args)
        for pack in dot.packs(span(y), x, site.target):
            knobs = ({"lanes_in": i, "lanes_out": o, "pack": pack} for i, o in shapes)
            yield from frontier(cls(site, k) for k in knobs)

    @classmethod
    def portable(cls, site: Site[MatMul], knobs: Knobs) -> Iterator[Knobs]:
        """Channels may share a multiplier as they do on other boards."""
        x, y = site.op.centred(site.args)
        if not 1 < knobs["pack"] <= dot.most_packed(span(y), x):
            return iter(())
        return ({**unit.knobs, "pack": knobs["pack"]} for unit in cls.units(site) if unit.knobs["pack"] == 1)

    @cached_property
    def effort(self) -> float:
        """A rough measure of size, to tell shapes of the same speed apart."""
        lanes, outputs = self.knobs["lanes_in"], self.knobs["lanes_out"]
        made = dot.effort(lanes, outputs, {**self.knobs, "cell": Cell.FIXED})
        return made + outputs * self.out.codes.bits * 4 + lanes * 8

    @cached_property
    def factors(self) -> tuple[Codes, Codes]:
        """What is multiplied."""
        return self.op.centred(self.args)

    @cached_property
    def steps(self) -> tuple[int, int]:
        """Reads of a sum, and beats of a group's results."""
        a, b = self.args
        return beats(self.op.terms(a), self.knobs["lanes_in"]), beats(self.op.columns(b), self.knobs["lanes_out"])

    @cached_property
    def words(self) -> int:
        """Words that hold a frame of b; cycles of an output pixel."""
        reads, passes = self.steps
        return self.op.groups * reads * passes

    @cached_property
    def lanes(self) -> tuple[tuple[int, ...], int]:
        lanes, outputs = self.knobs["lanes_in"], self.knobs["lanes_out"]
        return (lanes, lanes if self.op.transposed else outputs), outputs

    @cached_property
    def beats_b(self) -> int:
        """Beats of a pixel of b."""
        reads, passes = self.steps
        return self.op.groups * (reads if self.op.transposed else passes)

    @cached_property
    def cycles(self) -> int:
        reads, writes = self.reads_and_writes
        turns = ceil((reads + writes + HANDOVER) / FRAMES)  # each of the places is written and read in turn
        return max(reads, writes, turns)

    @property
    def loop_cycles(self) -> int:
        return max(self.reads_and_writes)

    @property
    def reads_and_writes(self) -> tuple[int, int]:
        """Cycles in which a frame of b is read, and in which it comes."""
        return self.out.pixels * self.words, self.args[1].pixels * self.beats_b

    @cached_property
    def ring(self) -> tuple[int, Ram]:
        """Pixels of a in the ring, and its memory kind; one is free besides where they come as slowly."""
        reads = self.op.groups * self.steps[0]
        pixels = 2 + max(reads == self.words, ceil(max(0, LAG - self.words) / self.words))
        return pixels, better_ram(self.knobs["lanes_in"] * self.factors[0].bits, pixels * reads, self.target)

    @cached_property
    def store(self) -> tuple[int, int, int, Ram]:
        """Memories of b: how many, bits of a word, words of each, and their kind."""
        lanes, outputs = self.knobs["lanes_in"], self.knobs["lanes_out"]
        banks, codes = (outputs, lanes) if self.op.transposed else (lanes, outputs)
        bits = codes * self.stored_bits
        return banks, bits, FRAMES * self.words, better_ram(bits, FRAMES * self.words, self.target)

    @cached_property
    def stored_bits(self) -> int:
        """Width of a code of b, less its zero point, in two's complement."""
        return dot.weight_bits(span(self.factors[1]), 1)

    @cached_property
    def timing(self) -> Timing:
        pixels, (_, b) = np.arange(self.out.pixels), self.args
        last = np.full(self.out.pixels, b.pixels - 1)
        latency = self.words + dot.latency(self.knobs["lanes_in"], span(self.factors[1]), self.factors[0], self._dot)
        rooms = (pixels - self.ring[0], np.full(b.pixels, -self.out.pixels - 1))
        return Timing((pixels, last), self.words, REGISTER_LATENCY + latency + BORROW, rooms)

    @cached_property
    def _dot(self) -> Knobs:
        return {**self.knobs, "cell": Cell.FIXED, "weight_ram": Ram.LUT}

    @cached_property
    def formula(self) -> Resources:
        (x, y), lanes, outputs = self.factors, self.knobs["lanes_in"], self.knobs["lanes_out"]
        pixels, ram = self.ring
        banks, bits, depth, kind = self.store
        a, b = self.args
        reads = self.op.groups * self.steps[0]
        ring = memory_cost(lanes * x.bits, pixels * reads, ram, self.target)
        store = memory_cost(bits, depth, kind, self.target) * banks
        array = dot.cost(lanes, outputs, span(y), x, self.out.codes, self._dot, self.target)
        field, pack = dot.weight_bits(span(y), self.knobs["pack"]), max(1, self.knobs["pack"])
        borrowed = Resources(lut=lanes * field * (outputs - ceil(outputs / pack)), ff=lanes * outputs * field)
        ports = register_cost(a.codes.bits * lanes) + register_cost(b.codes.bits * self.lanes[0][1])
        zeros = sum(
            n * c.bits for n, c, z in zip(self.lanes[0], (x, y), (self.op.zero_a, self.op.zero_b), strict=True) if z
        )
        queue = output_cost(outputs * self.out.codes.bits, self.places, self.target)
        return ring + store + array + borrowed + ports + Resources(lut=zeros) + queue + self._control

    @cached_property
    def _control(self) -> Resources:
        """Counters of beats, passes, groups and pixels, and addresses in the ring and in both frames."""
        sizes = (*self.steps, self.op.groups, self.args[1].pixels, self.out.pixels, 2 * self.words, 2 * self.words)
        bits = sum((n - 1).bit_length() for n in sizes)
        pipeline = 0 if self.target.memory.srl_depth else 110  # flags on their way, where LUTs are no shift registers
        return Resources(lut=60 + 3 * bits, ff=10 + 2 * bits + pipeline)

    @cached_property
    def places(self) -> int:
        """Places of the output queue."""
        (x, y), lanes = self.factors, self.knobs["lanes_in"]
        return queue_places(dot.pipeline(lanes, span(y), x, self._dot), self.steps[0])

    @cached_property
    def params(self) -> dict[str, int]:
        op, (a, b), (x, y) = self.op, self.args, self.factors
        pixels, ram = self.ring
        reads, passes = self.steps
        return {
            "Lanes": self.knobs["lanes_in"],
            "Outputs": self.knobs["lanes_out"],
            "Groups": op.groups,
            "Beats": reads,
            "Folds": passes,
            "Terms": op.terms(a),
            "Transposed": int(op.transposed),
            "APixels": a.pixels,
            "BPixels": b.pixels,
            "ABits": a.codes.bits,
            "ASigned": int(a.codes.signed),
            "ZeroA": op.zero_a,
            "ADiffBits": x.bits,
            "ADiffSigned": int(x.signed),
            "BBits": b.codes.bits,
            "BSigned": int(b.codes.signed),
            "ZeroB": op.zero_b,
            "BDiffBits": self.stored_bits,
            "FieldBits": dot.weight_bits(span(y), self.knobs["pack"]),
            "ProdBits": dot.product_bits(span(y), x),
            "AccBits": self.out.codes.bits,
            "Pack": self.knobs["pack"],
            "Pixels": pixels,
            "RingRam": ram,
            "StoreRam": self.store[3],
        }


def span(codes: Codes) -> Tensor:
    """Weights of `tom_dot` that reach as far as these codes."""
    return Tensor(np.array([codes.lo, codes.hi]))


ENGINE = MatMulFrame
