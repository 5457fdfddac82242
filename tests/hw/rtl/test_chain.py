"""Sums in rows of DSP blocks: exact at the ends of all ranges, however many filters share one, and as a vendor's."""

import numpy as np
import pytest

from tests.hw.rtl.harness import check_engine, check_rtl
from tests.networks.cases import make_unit
from tomato.core.formats import Codes, Tensor
from tomato.core.forms import Cell
from tomato.core.ir import TensorType
from tomato.engines.base import Knobs
from tomato.ops.dense import Dense

CHANNELS, FILTERS = 14, 6
SHAPES = (
    # weight bits, input bits, signed, lanes, filters per block, products per row
    (8, 8, False, 7, 2, 4),
    (4, 4, False, 5, 3, 3),
    (5, 5, False, 7, 3, 2),
    (2, 2, True, 4, 6, 4),
    (8, 8, True, 1, 2, 1),
    (16, 16, True, 7, 1, 4),
)
"""What is tried: widths, signs, rows of several lengths, blocks with a filter too few."""


def layer(weight_bits: int, input_bits: int, *, signed: bool) -> tuple[Dense, TensorType]:
    """A layer of the widest weights of a symmetric format, and small ones: fields reach both ends of their ranges."""
    limit = (1 << (weight_bits - 1)) - 1
    drawn = np.random.default_rng(weight_bits).choice([-limit, limit, 0, -1], (CHANNELS, FILTERS))
    drawn[:, 0], drawn[:, 1] = -limit, limit
    return Dense(Tensor(drawn)), TensorType((1, 3, CHANNELS), Codes.of(input_bits, signed=signed))


def knobs_of(lanes: int, pack: int) -> Knobs:
    return {"lanes_in": lanes, "lanes_out": 5 if pack > 1 else 3, "cell": Cell.FIXED, "pack": pack, "weight_ram": 0}


@pytest.mark.rtl
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_sums_of_rows_are_exact(shape: tuple[int, int, bool, int, int, int]) -> None:
    weight_bits, input_bits, signed, lanes, pack, chain = shape
    op, x = layer(weight_bits, input_bits, signed=signed)
    knobs = knobs_of(lanes, pack)
    assert make_unit("dense_fold", op, [x], knobs).params["Chain"] == chain
    check_engine("dense_fold", op, [x], knobs)


@pytest.mark.rtl
@pytest.mark.parametrize(("pack", "lanes"), [(1, 3), (2, 7)])
def test_a_vendors_blocks_are_the_same(pack: int, lanes: int) -> None:
    op, x = layer(8, 8, signed=False)
    check_rtl("dense_fold", op, [x], knobs_of(lanes, pack), vendor="amd")
