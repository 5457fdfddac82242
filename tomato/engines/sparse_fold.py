"""Layers of which many weight words are zero: only the others are read, from a list."""

from collections.abc import Iterable, Iterator
from functools import cached_property
from typing import Any, Self

import numpy as np

from tomato.core.formats import Array, Codes
from tomato.core.ir import TensorType
from tomato.engines.base import Knobs, Site, Timing, beats
from tomato.engines.conv2d_window import Conv2dWindow
from tomato.engines.dense_fold import DenseFold
from tomato.engines.depthwise_window import DepthwiseWindow
from tomato.engines.parts import dot, kept
from tomato.engines.parts.fold import FoldUnit
from tomato.engines.parts.ring import Ring, frontier
from tomato.engines.parts.weighted import WEIGHTS, WeightedUnit
from tomato.hardware.memory import LUTS_PER_BRAM, Ram, Store, rom_cost
from tomato.hardware.netlist import Memory
from tomato.hardware.plumbing import output_cost
from tomato.ops.conv2d import Conv2d
from tomato.ops.dense import Dense
from tomato.ops.window import Window
from tomato.targets import Resources

LIST = "MemFile0"
"""The parameter that names the file of the list of reads."""
WORTH = 0.9
"""Words that are left, of all: with more of them the list is not worth its memory."""


class SparseFold(WeightedUnit[Dense | Conv2d]):
    """The engine that reads all words, `whole`, with a list in the place of its counters."""

    stem = "sparse_fold"
    ops = (Dense, Conv2d)

    @classmethod
    def refuses(cls, site: Site[Dense | Conv2d]) -> str:
        return "" if _zeros(site).share > 1 - WORTH else "nearly all of its weights count"

    @classmethod
    def shares(cls, site: Site[Dense | Conv2d]) -> bool:
        return _engine(site).shares(site)

    @classmethod
    def factors(cls, site: Site[Dense | Conv2d]) -> Codes:
        return _engine(site).factors(site)

    @classmethod
    def shapes(cls, site: Site[Dense | Conv2d], offers: Iterable[Knobs]) -> Iterator[Self]:
        engine = _engine(site)
        shapes = [shape for shape in engine.unrollings(site) if shape.get("pixels", 1) == 1]
        left = [int(_passes(site, shape).sum()) for shape in shapes]
        for cell in offers:
            built = (
                cls(site, {**shape, **cell}).reading(reads)
                for shape, reads in zip(shapes, left, strict=True)
                if engine.fills(site, shape, cell)
            )
            yield from frontier(unit for unit in built if unit.words <= WORTH * unit.all_words)

    def reading(self, reads: int) -> Self:
        """The same unit; what its list leaves is known."""
        self.__dict__["words"] = reads
        return self

    @cached_property
    def words(self) -> int:
        return int(self.passes.sum())

    @cached_property
    def passes(self) -> Array:
        """Reads of every pass of an output pixel, in order."""
        return _passes(self.site, self.knobs)

    @property
    def all_words(self) -> int:
        """Words if none was left out."""
        return _engine(self.site)(self.site, self.knobs).pixel_cycles

    @cached_property
    def whole(self) -> FoldUnit[Any]:
        """The engine that this one is like, but for the reads of an output pixel."""
        return _engine(self.site)(self.site, self.knobs).listed(self.words)

    @property
    def effort(self) -> float:
        """A rough measure of size, to tell shapes of the same speed apart."""
        return self.whole.effort

    @property
    def lanes(self) -> tuple[tuple[int, ...], int]:
        return self.whole.lanes

    @cached_property
    def cycles(self) -> int:
        return self.whole.cycles

    @property
    def multipliers(self) -> int:
        return self.whole.multipliers

    @property
    def timing(self) -> Timing:
        return self.whole.timing

    @cached_property
    def places(self) -> int:
        """Places of the output queue."""
        return kept.queue_places(self.passes, dot.PIPELINE - 1 + dot.stages(self.whole.inputs))

    @property
    def list_bits(self) -> tuple[int, ...]:
        """Fields of a read: it ends a pass, the pixel; its beat, its kernel column and row."""
        rows, columns, count = self._steps
        return 1, 1, *(max(1, (n - 1).bit_length()) for n in (count, columns, rows))

    @cached_property
    def list_ram(self) -> Ram:
        """The memory of the list: LUTs while they are cheaper."""
        kinds = [rom_cost(Store(ram, self.words, sum(self.list_bits)), self.target) for ram in (Ram.LUT, Ram.BLOCK)]
        return Ram.LUT if kinds[0].lut <= kinds[1].lut + LUTS_PER_BRAM * kinds[1].bram18 else Ram.BLOCK

    @cached_property
    def stores(self) -> dict[str, Store]:
        return {**super().stores, LIST: Store(self.list_ram, self.words, sum(self.list_bits))}

    @cached_property
    def bare(self) -> Resources:
        bits = sum(self.list_bits)
        queue = output_cost(self.whole.outputs * self.out.codes.bits, self.places, self.target)
        listed = Resources(ff=bits) + rom_cost(Store(self.list_ram, self.words, bits), self.target)
        return self.whole.buffer + self.whole.array + queue + listed + self._control

    @property
    def _control(self) -> Resources:
        """What says when a pixel is read, and selects in the list: a fit. In a convolution the buffer counts it."""
        select = self.words // 5 if self.list_ram == Ram.LUT else 0
        return Resources(lut=select, ff=45) + Resources(lut=40) * isinstance(self.whole, DenseFold)

    @cached_property
    def params(self) -> dict[str, int]:
        lanes = self.lanes[0][0]
        return {
            "Lanes": lanes,
            "Outputs": self.whole.outputs,
            "Beats": beats(self.arg.channels, lanes),
            "Folds": len(self.passes),
            "Shared": int(self.shares(self.site)),
            "Kept": self.words,
            "ListRam": self.list_ram,
            "Depth": self.places,
            **self._window,
            **dot.params(self.weight, self.factors(self.site), self.out.codes, self.knobs),
        }

    @property
    def _window(self) -> dict[str, int]:
        """The parameters of the window. In a dense layer every pixel is an image."""
        whole = self.whole
        if isinstance(whole, DenseFold):
            pixels, ram = whole.ring
            kind = TensorType((1, 1, self.arg.channels), self.arg.fmt)
            image = Ring(self.target, kind, Window((1, 1)), whole.inputs, False, False, self.words)
            return {**image.params(), "PadValue": 0, **image.bank_params(), "Rows": pixels, "RingRam": ram}
        assert isinstance(whole, Conv2dWindow | DepthwiseWindow)
        return {**whole.ring.params(), "PadValue": whole.op.pad_value, **whole.ring.bank_params()}

    @property
    def _steps(self) -> tuple[int, int, int]:
        """Kernel rows and columns that are read one after the other, and beats of a pixel."""
        rows, columns = self.op.window.kernel if isinstance(self.op, Conv2d) else (1, 1)
        all_rows, all_columns = self.whole.taps
        return 1 if all_rows else rows, 1 if all_columns else columns, beats(self.arg.channels, self.lanes[0][0])

    @cached_property
    def memories(self) -> dict[str, Memory]:
        """The words that are left; a pass of which none is keeps its first."""
        table, count = self.whole.table, len(self.passes)
        there = table.any(axis=1).reshape(count, -1)
        there[:, 0] |= ~there.any(axis=1)
        turn, read = np.nonzero(there)
        rows, columns, all_beats = self._steps
        row, column, beat = np.unravel_index(read, (rows, columns, there.shape[1] // rows // columns))
        group = turn * (all_beats * rows * columns // there.shape[1]) // count  # of those whose beats are read apart
        last = np.append(np.diff(turn) > 0, True)
        ends = np.arange(len(turn)) == len(turn) - 1
        entries = np.stack([last, ends, group * (there.shape[1] // rows // columns) + beat, column, row], axis=1)
        words = table[there.reshape(-1)]
        return {
            WEIGHTS: dot.memory(words, self.whole.outputs, self.weight, self.knobs),
            LIST: Memory(entries.astype(np.int64), self.list_bits, ram=self.list_ram),
        }


def _engine(site: Site[Any]) -> type[FoldUnit[Any]]:
    """The engine that reads all words of a layer."""
    if isinstance(site.op, Dense):
        return DenseFold
    return DepthwiseWindow if site.op.depthwise else Conv2dWindow


def _zeros(site: Site[Any]) -> kept.Zeros:
    """Where the weights of a layer are zero."""
    op = site.op
    dense = isinstance(op, Dense)
    return kept.zeros(op.weight, 1 if dense else op.groups, depthwise=not dense and op.depthwise)


def _passes(site: Site[Any], shape: Knobs) -> Array:
    """Reads of every pass of an output pixel."""
    taps = bool(shape.get("parallel_rows", 0)), bool(shape.get("parallel_columns", 0))
    lanes = shape.get("lanes", 0)  # of a depthwise layer
    return _zeros(site).passes(shape.get("lanes_in", 1), lanes or shape["lanes_out"], taps)


ENGINE = SparseFold
