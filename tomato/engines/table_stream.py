"""Any unary function by table, one beat per cycle."""

from collections.abc import Iterator

import numpy as np

from tomato.engines.base import Engine, Knobs, Site, Timing, beats, folds, pixelwise
from tomato.hardware.netlist import Memory, uniform_memory
from tomato.hardware.plumbing import BLOCK, LUTRAM, QUEUE_LATENCY, queue_cost
from tomato.ops.table import Table
from tomato.targets import Resources, Target

PIPELINE = 3
"""Stages from the input port to the output queue."""
WIDEST = 16
"""Bits of the widest input: a table has an entry for each of its codes."""
LUT_DEPTH = 512
"""Depth of the largest table that is built of LUTs."""


class TableStream(Engine):
    """A memory per lane, addressed by the bits of the code."""

    stem = "table_stream"
    ops = (Table,)

    def refuses(self, site: Site, target: Target) -> str:
        bits = site.arg.codes.bits
        return f"inputs of {bits} bits need a table of 2^{bits} entries; at most {WIDEST} bits" if bits > WIDEST else ""

    def choices(self, site: Site) -> Iterator[Knobs]:
        return ({"lanes": n} for n in folds(site.arg.channels))

    def lanes(self, site: Site, knobs: Knobs) -> tuple[tuple[int, ...], int]:
        return (knobs["lanes"],), knobs["lanes"]

    def cycles(self, site: Site, knobs: Knobs) -> int:
        return site.arg.pixels * beats(site.arg.channels, knobs["lanes"])

    def timing(self, site: Site, knobs: Knobs) -> Timing:
        return pixelwise(site.arg, beats(site.arg.channels, knobs["lanes"]), PIPELINE + QUEUE_LATENCY)

    def cost(self, site: Site, knobs: Knobs, target: Target) -> Resources:
        out, lanes = site.out.codes.bits, knobs["lanes"]
        depth = _depth(site, lanes)
        word = out * (lanes if _per_channel(_op(site)) else 1)  # block RAM holds the unused fields too
        table = Resources(bram18=target.bram18_for(word, depth), ff=out)
        if _ram(depth) == LUTRAM:
            table = Resources(lut=out * -(-depth // target.lutram_depth), ff=2 * out)
        registers = Resources(lut=4, ff=PIPELINE + site.arg.codes.bits * lanes)
        return table * lanes + registers + queue_cost(out * lanes, PIPELINE + 4, target)

    def params(self, site: Site, knobs: Knobs) -> dict[str, int]:
        return {
            "Lanes": knobs["lanes"],
            "Beats": beats(site.arg.channels, knobs["lanes"]),
            "PerChannel": int(_per_channel(_op(site))),
            "InBits": site.arg.codes.bits,
            "OutBits": site.out.codes.bits,
            "Ram": _ram(_depth(site, knobs["lanes"])),
        }

    def memories(self, site: Site, knobs: Knobs) -> dict[str, Memory]:
        op, x, lanes = _op(site), site.arg.codes, knobs["lanes"]
        patterns = np.arange(1 << x.bits)
        codes = np.where(patterns >> (x.bits - 1) & int(x.signed), patterns - (1 << x.bits), patterns)
        column = np.clip(codes - op.lo, 0, op.entries.shape[1] - 1)  # codes that never come may read anything
        tables = op.entries.values[:, column]
        if _per_channel(op):
            count = beats(site.arg.channels, lanes)
            tables = np.pad(tables, ((0, count * lanes - tables.shape[0]), (0, 0)))
            words = tables.reshape(count, lanes, -1).transpose(0, 2, 1).reshape(-1, lanes)
        else:
            words = tables.reshape(-1, 1)
        return {"MemFile": uniform_memory(words, site.out.codes.bits, lanes, _ram(_depth(site, lanes)))}


def _per_channel(op: Table) -> bool:
    return op.entries.shape[0] > 1


def _depth(site: Site, lanes: int) -> int:
    rows = beats(site.arg.channels, lanes) if _per_channel(_op(site)) else 1
    return rows << site.arg.codes.bits


def _ram(depth: int) -> int:
    return LUTRAM if depth <= LUT_DEPTH else BLOCK


def _op(site: Site) -> Table:
    assert isinstance(site.op, Table)
    return site.op


ENGINE = TableStream()
