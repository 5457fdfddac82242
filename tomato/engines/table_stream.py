"""Any unary function by table, one beat per cycle."""

from functools import cached_property

import numpy as np

from tomato.engines.base import Site, Timing, beats, pixelwise
from tomato.engines.parts.lanes import LaneUnit
from tomato.hardware.memory import Ram, Store, rom_rows
from tomato.hardware.netlist import Memory, uniform_memory
from tomato.hardware.plumbing import QUEUE_LATENCY, queue_cost
from tomato.ops.table import Table
from tomato.targets import Resources

PIPELINE = 3
"""Stages from the input port to the output queue."""
WIDEST = 16
"""Bits of the widest input: a table has an entry for each of its codes."""
LUT_DEPTH = 512
"""Depth of the largest table that is built of LUTs."""


class TableStream(LaneUnit[Table]):
    """A memory per lane, addressed by the bits of the code."""

    stem = "table_stream"
    ops = (Table,)

    @classmethod
    def refuses(cls, site: Site[Table]) -> str:
        bits = site.arg.codes.bits
        return f"inputs of {bits} bits need a table of 2^{bits} entries; at most {WIDEST} bits" if bits > WIDEST else ""

    @cached_property
    def timing(self) -> Timing:
        return pixelwise(self.arg, self.beats, PIPELINE + QUEUE_LATENCY)

    @cached_property
    def formula(self) -> Resources:
        out, lanes = self.out.codes.bits, self.count
        depth = _depth(self.site, lanes)
        word = out * (lanes if _per_channel(self.op) else 1)  # block RAM holds the unused fields too
        table = Resources(bram18=self.target.bram18_for(word, depth), ff=out)
        if _ram(depth) == Ram.LUT:
            table = Resources(lut=out * rom_rows(depth, self.target), ff=2 * out)
        registers = Resources(lut=4, ff=PIPELINE + self.arg.codes.bits * lanes)
        return table * lanes + registers + queue_cost(out * lanes, PIPELINE + 4, self.target)

    @cached_property
    def params(self) -> dict[str, int]:
        return {
            "Lanes": self.count,
            "Beats": self.beats,
            "PerChannel": int(_per_channel(self.op)),
            "InBits": self.arg.codes.bits,
            "OutBits": self.out.codes.bits,
            "Ram": _ram(_depth(self.site, self.count)),
        }

    @cached_property
    def stores(self) -> dict[str, Store]:
        depth = _depth(self.site, self.count)
        return {
            "MemFile": Store(_ram(depth), depth, self.out.codes.bits * (self.count if _per_channel(self.op) else 1))
        }

    @cached_property
    def memories(self) -> dict[str, Memory]:
        op, x, lanes = self.op, self.arg.codes, self.count
        patterns = np.arange(1 << x.bits)
        codes = np.where(patterns >> (x.bits - 1) & int(x.signed), patterns - (1 << x.bits), patterns)
        column = np.clip(codes - op.lo, 0, op.entries.shape[1] - 1)  # codes that never come may read anything
        tables = op.entries.values[:, column]
        if _per_channel(op):
            count = beats(self.arg.channels, lanes)
            tables = np.pad(tables, ((0, count * lanes - tables.shape[0]), (0, 0)))
            words = tables.reshape(count, lanes, -1).transpose(0, 2, 1).reshape(-1, lanes)
        else:
            words = tables.reshape(-1, 1)
        return {"MemFile": uniform_memory(words, self.out.codes.bits, lanes, self.stores["MemFile"].kind)}


def _per_channel(op: Table) -> bool:
    return op.entries.shape[0] > 1


def _depth(site: Site[Table], lanes: int) -> int:
    rows = beats(site.arg.channels, lanes) if _per_channel(site.op) else 1
    return rows << site.arg.codes.bits


def _ram(depth: int) -> Ram:
    return Ram.LUT if depth <= LUT_DEPTH else Ram.BLOCK


ENGINE = TableStream
