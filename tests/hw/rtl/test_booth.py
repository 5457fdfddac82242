"""Multipliers in LUTs: products of all widths and signs."""

from itertools import product
from pathlib import Path

import numpy as np
import pytest

from tests.hw.rtl.harness import FREE, Port, run
from tomato.backend.library import RTL, sources

WIDEST = 9
MODULE = Path(__file__).parent / "engines" / "tom_products.sv"


@pytest.mark.rtl
def test_products_of_all_widths_are_exact() -> None:
    """The ends of all ranges with each other, and random factors: those of up to 5 bits in about every pair."""
    ends = [0, -1, *(1 << n for n in range(WIDEST)), *((1 << n) - 1 for n in range(WIDEST))]
    drawn = np.random.default_rng(0).integers(0, 1 << WIDEST, (4000, 2)).tolist()
    mask = (1 << WIDEST) - 1
    beats = [(code & mask) << WIDEST | weight & mask for weight, code in (*product(ends, ends), *drawn)]
    right = Port(2 * WIDEST * WIDEST, [0] * len(beats))
    used = [*sources(RTL, ["tom_cells_booth"]).values(), MODULE]
    run(MODULE.stem, {"Widest": WIDEST}, [Port(2 * WIDEST, beats)], [right], stalls=[FREE], sources=used)
