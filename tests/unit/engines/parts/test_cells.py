"""Which cells are offered for which weights, and what they need."""

import numpy as np
import pytest

from tests.networks.cases import make_site
from tomato.core.formats import Codes, Tensor
from tomato.core.forms import Cell
from tomato.core.ir import TensorType
from tomato.engines import CATALOGUE
from tomato.engines.base import Knobs
from tomato.engines.parts import cells, dot
from tomato.ops.dense import Dense
from tomato.targets import load

S8 = Codes.of(8, signed=True)


@pytest.mark.parametrize(
    ("values", "offered"),
    [
        (range(-127, 128), {Cell.FIXED}),
        ([-1, 1], {Cell.FIXED, Cell.BINARY}),
        ([-1, 0, 1], {Cell.FIXED, Cell.TERNARY}),
        ([-8, 0, 1, 4], {Cell.FIXED, Cell.SHIFT}),
        ([-127, -99, 5, 53, 75, 0], {Cell.FIXED, Cell.CODEBOOK}),
        (range(-7, 8), {Cell.FIXED}),  # a table of sixteen values is no narrower
        ([m + (s << e) for m in (-32, 32) for s in (-1, 1) for e in range(5)], {Cell.FIXED, Cell.FOCUSED}),
    ],
)
def test_a_cell_is_offered_where_its_form_exists_and_pays(values: list[int], offered: set[Cell]) -> None:
    weight = Tensor(np.array(values))
    found = dot.offers(weight, S8, load("u250"))
    assert {k["cell"] for k in found} == offered
    assert {k["pack"] for k in found if k["cell"] not in (Cell.FIXED, Cell.CODEBOOK)} <= {0}
    signs = offered & {Cell.BINARY, Cell.TERNARY}
    assert ({"cell": Cell.FIXED, "pack": 0} in found) == (not signs), "no multiplier in LUTs where signs do"
    assert all(
        dot.field_bits(weight, k) <= dot.field_bits(weight, {"cell": Cell.FIXED, "pack": 1})
        for k in found
        if k["pack"] < 2
    )


def choices(values: list[int], channels: int = 6) -> list[Knobs]:
    weight = np.random.default_rng(0).choice(values, (channels, 4))
    site = make_site(Dense(Tensor(weight)), [TensorType((2, 2, channels), S8)])
    return list(CATALOGUE["dense_fold"].choices(site))


def test_lanes_without_a_channel_need_a_weight_of_zero() -> None:
    lanes = {k["lanes_in"] for k in choices([-1, 1], 7) if k["cell"] == Cell.BINARY}
    assert lanes == {1, 7}
    assert {k["lanes_in"] for k in choices([-1, 0, 1], 7) if k["cell"] == Cell.TERNARY} > {1, 7}


def test_words_hold_the_fields_and_nothing_else() -> None:
    weight = Tensor(np.array([[1, -1, 1], [-1, -1, 1]]))
    knobs = {"cell": Cell.BINARY, "pack": 0, "weight_ram": 0}
    memory = dot.memory(weight.values, 1, weight, knobs)
    assert (memory.width, memory.fields.tolist()) == (3, [[1, 0, 1], [0, 0, 1]])


def test_constants_are_in_order_of_their_codes() -> None:
    weight = Tensor(np.array([-3, 5, 100]))
    found = cells.constants(weight, {"cell": Cell.CODEBOOK, "pack": 0})
    assert f"{found:032x}" == "000000640000006400000005fffffffd"


def test_a_shifter_is_cheaper_than_the_multiplier_and_uses_no_dsp_block() -> None:
    weight, acc = Tensor(np.array([[-64, 0, 1, 32]] * 4)), Codes.of(16, signed=True)
    shift, fixed, packed = (
        dot.cost(4, 4, weight, S8, acc, {"cell": cell, "pack": pack}, load("u250"))
        for cell, pack in ((Cell.SHIFT, 0), (Cell.FIXED, 0), (Cell.FIXED, 2))
    )
    assert (shift.dsp, packed.dsp) == (0, 8)
    assert shift.lut < fixed.lut
