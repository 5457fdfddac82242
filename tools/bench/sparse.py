"""When zeros pay: python -m tools.bench.sparse writes the table of docs/sparse.md.

Layers of random weights, of which some words are zero; for each the cheapest unit of every kind that is fast enough,
by the resource model. A price is the share of the board's resources, summed over their kinds, as the scheduler has it.
"""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, Final

import numpy as np

from tomato import targets
from tomato.core.formats import Codes, Tensor
from tomato.core.ir import Node, TensorType
from tomato.engines import CATALOGUE
from tomato.engines.base import AnyUnit, Site
from tomato.ops.conv2d import Conv2d
from tomato.ops.dense import Dense
from tomato.ops.window import Window
from tomato.schedule.scheduler import weight
from tools.bench.cases import ROOT
from tools.bench.precision import fill

DOCUMENT: Final = ROOT / "docs" / "sparse.md"
BEGIN: Final = "<!-- made by python -m tools.bench.sparse -->\n"
BOARD: Final = "pynq-z2"
WORD: Final = 8
"""Filters of a word; it is of one input and one tap."""
MULTIPLIERS: Final = 64
"""Of the engine that reads all words: its cycles are those that the others must reach."""
LAYERS: Final = {"1x1, 128 to 128, 8x8 pixels": (1, 128, 8), "3x3, 32 to 64, 14x14 pixels": (3, 32, 14)}


def site(kernel: int, channels: int, size: int, bits: int, density: float) -> Site[Any]:
    """A layer; of its words, of every lane of eight as many, that share is left."""
    filters, limit = (128 if kernel == 1 else 64), (1 << (bits - 1)) - 1
    rng = np.random.default_rng(kernel)
    values = rng.integers(1, limit, (kernel, kernel, channels, filters), endpoint=True)
    lanes = kernel * kernel * channels // 8
    order = rng.random((filters // WORD, 8, lanes)).argsort(axis=2) < round(density * lanes)
    words = order.reshape(filters // WORD, 8, kernel, kernel, channels // 8).transpose(2, 3, 4, 1, 0)
    tensor = Tensor(values * words.reshape(kernel, kernel, channels, -1).repeat(WORD, axis=3))
    op = Dense(Tensor(tensor.values[0, 0])) if kernel == 1 else Conv2d(tensor, Window((3, 3), pads=(1,) * 4))
    kind = TensorType((size, size, channels), Codes.of(bits, signed=False))
    return Site(Node("y", op, ("x",), op.infer([kind])), (kind,), targets.load(BOARD))


def cheapest(units: Iterable[AnyUnit], cycles: int, where: Site[Any]) -> AnyUnit | None:
    """The unit of the least price that is fast enough."""
    fast = [unit for unit in units if unit.cycles <= cycles and not unit.cost.uram]
    return min(fast, key=lambda unit: weight(unit.cost, where.target.usable), default=None)


def rows() -> Iterator[str]:
    """A line for each layer, width and density: what every kind takes, and its price in that of the whole."""
    for title, (kernel, channels, size) in LAYERS.items():
        for bits in (8, 4):
            for density in (1.0, 0.5, 0.25, 0.125):
                where = site(kernel, channels, size, bits, density)
                whole = CATALOGUE["dense_fold" if kernel == 1 else "conv2d_window"]
                op = where.op
                cycles = where.out.pixels * op.weight.values.size // MULTIPLIERS
                best = cheapest(whole.units(where), cycles, where)
                assert best is not None, "any rate can be reached"
                sparse = [] if CATALOGUE["sparse_fold"].refuses(where) else list(CATALOGUE["sparse_fold"].units(where))
                kinds = [[u for u in sparse if (u.knobs["lists"] > 1) == apart] for apart in (False, True)]
                found = [best, *(cheapest(kind, cycles, where) for kind in kinds)]
                yield f"| {title} | {bits} | {density:.1%} | " + " | ".join(_cell(u, best, where) for u in found) + " |"


def _cell(unit: AnyUnit | None, best: AnyUnit, where: Site[Any]) -> str:
    if unit is None:
        return ""
    share = weight(unit.cost, where.target.usable) / weight(best.cost, where.target.usable)
    return f"{unit.cost.lut:,} LUT, {unit.cost.dsp} DSP, {unit.cost.bram18} BRAM18: {share:.2f}"


def table() -> str:
    """The table, with its head."""
    heads = ("layer", "bits", "words left", "all words", "one list", "a list per lane")
    return "\n".join([f"| {' | '.join(heads)} |", "|---" * len(heads) + "|", *rows()]) + "\n"


def main(document: Path = DOCUMENT) -> None:
    """Write it into the page."""
    document.write_text(fill(document.read_text(), BEGIN, table()))


if __name__ == "__main__":
    main()
