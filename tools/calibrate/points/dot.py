"""Points of tom_dot alone: every form of weights in every cell that multiplies it, weights in block RAM."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from tomato.core.formats import Array, Codes, Tensor
from tomato.core.forms import Cell, Focused, Shift
from tomato.engines.base import Knobs
from tomato.engines.parts import dot
from tomato.hardware.memory import Ram, Store, rom_cost, sequencer_cost
from tomato.hardware.netlist import Memory
from tomato.ops.weighted import accumulator
from tomato.targets import Resources, Target, load
from tools.calibrate.point import ECP5, FIT, MODEL, XCUP, Point

WORDS = 32
"""Words of weights: more than LUTs would hold."""
S8, U8, U1 = Codes.of(8, signed=True), Codes.of(8, signed=False), Codes.of(1, signed=False)


def fixed(bits: int) -> Array:
    """All values of a symmetric format."""
    limit = (1 << (bits - 1)) - 1
    return np.arange(-limit, limit + 1)


def shift(bits: int) -> Array:
    """0 and the powers of two with a sign that a code of so many bits has."""
    return Shift(0, (1 << (bits - 1)) - 1).decode(np.arange(1 << bits))


def focused(bits: int, mean: int) -> Array:
    """The values of a code of so many bits with the means -mean and mean."""
    return Focused(Shift(0, (1 << (bits - 2)) - 1), (-mean, mean)).decode(np.arange(1 << bits))


VALUES: Mapping[str, Array] = {
    **{f"fixed{bits}": fixed(bits) for bits in (2, 3, 4, 5, 6, 8)},
    "binary": np.array([-1, 1]),
    "ternary": np.array([-1, 0, 1]),
    "shift3": shift(3),
    "shift4": shift(4),
    "focused4": focused(4, 16),
    "focused5": focused(5, 32),
    "codebook4": np.array([-127, -90, -65, -44, -30, -17, -9, 0, 5, 11, 23, 38, 55, 71, 98, 127]),
    "codebook3": np.array([-31, -19, -7, 0, 5, 11, 21, 30]),
}


@dataclass(frozen=True, slots=True)
class Array2d:
    """An array of `inputs` x `outputs` cells for weights of one kind of VALUES."""

    kind: str
    cell: Cell
    pack: int
    x: Codes
    inputs: int = 8
    outputs: int = 8
    shared: bool = True
    judges: str = FIT

    @property
    def name(self) -> str:
        """Name of the point."""
        place = ("" if self.shared else "_apart") + (f"_pack{self.pack}" if self.pack else "")
        return f"{self.kind}_{self.cell.label}_{self.x}_{self.inputs}x{self.outputs}{place}"

    @property
    def knobs(self) -> Knobs:
        """As an engine would choose."""
        return {"cell": self.cell, "pack": self.pack, "weight_ram": Ram.BLOCK}

    @property
    def weight(self) -> Tensor:
        """Random weights (words, products) that take every value."""
        values = VALUES[self.kind]
        drawn = np.random.default_rng(self.inputs + self.outputs).choice(values, (WORDS, self.inputs * self.outputs))
        drawn.flat[: len(values)] = values
        return Tensor(drawn)

    @property
    def acc(self) -> Codes:
        """Sums over four words."""
        per_filter = self.weight.values.reshape(-1, 4, self.outputs, self.inputs).transpose(1, 3, 0, 2)
        return accumulator(per_filter.reshape(4 * self.inputs, -1), self.x)

    def chain(self, target: Target) -> int:
        """Products that a board's DSP blocks sum up."""
        return dot.chain_of(self.inputs, self.weight, self.x, self.knobs, target)

    def point(self) -> Point:
        """What is synthesised, and what the model says."""
        made = self.on(load(MODEL))
        return Point("dot", self.name, "tom_dot", made.params, self.cost, self.judges, made.memories, part=self.on)

    def on(self, target: Target) -> "Placed":
        """The array on a board."""
        weight, knobs = self.weight, self.knobs
        parameters = dot.params(weight, self.x, self.acc, knobs, self.chain(target))
        parameters["Ram"] = parameters.pop("WeightRam")
        sizes = {"Inputs": self.inputs, "Outputs": self.outputs, "Shared": int(self.shared), "Words": WORDS}
        return Placed(sizes | parameters, {"MemFile": dot.memory(weight.values, self.outputs, weight, knobs)})

    def cost(self, target: Target) -> Resources:
        """tom_dot with its memory."""
        width, chain = self.inputs * self.outputs * dot.field_bits(self.weight, self.knobs), self.chain(target)
        rom = rom_cost(Store(Ram.BLOCK, WORDS, width), target) + sequencer_cost(WORDS)
        sizes = self.inputs, self.outputs, self.weight, self.x, self.acc, self.knobs, target
        return rom + dot.cost(*sizes, chain=chain, shared=self.shared)


@dataclass(frozen=True, slots=True)
class Placed:
    """Parameters and memories of an array on a board."""

    params: Mapping[str, int]
    memories: Mapping[str, Memory]


TABLE = (
    *(Array2d(f"fixed{bits}", Cell.FIXED, 0, S8, outputs=2) for bits in (8, 6, 4, 3, 2)),
    *(Array2d(f"fixed{bits}", Cell.FIXED, pack, S8) for bits, pack in ((8, 2), (6, 2), (4, 3), (3, 3), (2, 3))),
    Array2d("codebook4", Cell.CODEBOOK, 1, S8),
    Array2d("codebook4", Cell.CODEBOOK, 0, S8, outputs=2, judges=XCUP),
    Array2d("focused5", Cell.FOCUSED, 0, S8, judges=XCUP),
    Array2d("focused4", Cell.FOCUSED, 0, S8),
    Array2d("shift4", Cell.SHIFT, 0, S8),
    Array2d("shift3", Cell.SHIFT, 0, S8),
    Array2d("ternary", Cell.TERNARY, 0, S8),
    Array2d("binary", Cell.BINARY, 0, S8, judges=XCUP),
    Array2d("binary", Cell.BINARY, 0, U1, inputs=72, judges=XCUP),
)
"""The arrays of docs/arithmetic.md: eight inputs; fewer filters where synthesis is slow, more inputs to count."""
OTHERS = (
    Array2d("shift4", Cell.SHIFT, 0, Codes.of(4, signed=False), inputs=16, outputs=2),
    Array2d("focused4", Cell.FOCUSED, 0, Codes.of(4, signed=True), inputs=12, outputs=3),
    Array2d("ternary", Cell.TERNARY, 0, Codes.of(2, signed=False), inputs=32, outputs=3),
    Array2d("binary", Cell.BINARY, 0, Codes.of(4, signed=False), inputs=18, outputs=3),
    Array2d("binary", Cell.BINARY, 0, U1, inputs=16, outputs=4),
    Array2d("codebook3", Cell.CODEBOOK, 0, Codes.of(4, signed=True), inputs=6, outputs=4),
    Array2d("ternary", Cell.TERNARY, 0, U8, inputs=9, outputs=4, shared=False),
    Array2d("shift4", Cell.SHIFT, 0, S8, inputs=9, outputs=2, shared=False),
    Array2d("shift3", Cell.SHIFT, 0, U8, inputs=10, outputs=5),
    Array2d("focused5", Cell.FOCUSED, 0, U8, inputs=6, outputs=6),
    Array2d("ternary", Cell.TERNARY, 0, Codes.of(4, signed=True), inputs=18, outputs=5),
    Array2d("binary", Cell.BINARY, 0, U8, inputs=12, outputs=6),
    Array2d("binary", Cell.BINARY, 0, U1, inputs=36, outputs=12),
    Array2d("codebook3", Cell.CODEBOOK, 0, U8, inputs=6, outputs=5),
    Array2d("binary", Cell.BINARY, 0, U8, inputs=9, outputs=3, shared=False),
    Array2d("shift4", Cell.SHIFT, 0, U8, inputs=6, outputs=5, judges=XCUP),
    Array2d("ternary", Cell.TERNARY, 0, Codes.of(6, signed=False), inputs=10, outputs=4, judges=XCUP),
    Array2d("codebook3", Cell.CODEBOOK, 1, U8, inputs=4, outputs=5, judges=XCUP),
    Array2d("fixed6", Cell.FIXED, 0, U8, inputs=6, outputs=2),
    Array2d("fixed5", Cell.FIXED, 0, S8, inputs=5, outputs=2, judges=ECP5),
    Array2d("fixed4", Cell.FIXED, 0, U8, inputs=7, outputs=2, judges=ECP5),
    Array2d("fixed4", Cell.FIXED, 3, S8, inputs=6, outputs=4, judges=ECP5),
    Array2d("fixed8", Cell.FIXED, 2, S8, inputs=5, outputs=5, judges=ECP5),
    Array2d("codebook3", Cell.CODEBOOK, 0, S8, inputs=4, outputs=3),
    Array2d("codebook4", Cell.CODEBOOK, 1, U8, inputs=6, outputs=4, judges=ECP5),
    Array2d("focused5", Cell.FOCUSED, 0, Codes.of(6, signed=False), inputs=6, outputs=4, judges=ECP5),
    Array2d("shift4", Cell.SHIFT, 0, Codes.of(6, signed=True), inputs=8, outputs=4, judges=ECP5),
    Array2d("ternary", Cell.TERNARY, 0, U8, inputs=12, outputs=5, judges=ECP5),
    Array2d("binary", Cell.BINARY, 0, Codes.of(6, signed=False), inputs=10, outputs=5, judges=ECP5),
    Array2d("binary", Cell.BINARY, 0, U1, inputs=54, outputs=6, judges=ECP5),
)
"""Other widths and shapes, to fit the costs to; most are judged by rows of the table."""


def points() -> Iterator[Point]:
    """Every array."""
    yield from (array.point() for array in (*TABLE, *OTHERS))
