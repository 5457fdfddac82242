"""The law of the gated engine, and what it refuses."""

import numpy as np
import pytest

from tests.networks.cases import make_site
from tomato.core.formats import Codes, Tensor
from tomato.core.ir import TensorType
from tomato.engines import CATALOGUE
from tomato.engines.gated_fold import GatedFold
from tomato.ops.conv2d import Conv2d
from tomato.ops.gated_conv2d import GatedConv2d
from tomato.ops.window import Window

CONV = Conv2d(Tensor(np.arange(9 * 16 * 16).reshape(3, 3, 16, 16) % 255 - 127), Window((3, 3), pads=(1, 1, 1, 1)))
X, GATE = TensorType((8, 8, 16), Codes(0, 255)), TensorType((1, 1, 4), Codes(0, 255))


@pytest.mark.parametrize(("keep", "keep_in"), [(1, 1), (2, 3), (3, 2)])
def test_cycles_are_the_share_of_both_sides_that_is_kept(keep: int, keep_in: int) -> None:
    site = make_site(GatedConv2d(CONV, keep, keep_in), [X, GATE, GATE])
    for unit in GatedFold.units(site):
        folds, ways = 4 // unit.knobs["lanes_out"], 4 // unit.knobs["lanes_in"]
        steps = 9 // unit.ring.taps
        pixel = max(keep * folds * steps * keep_in * ways, 4 * folds)
        assert unit.cycles == 64 * max(pixel, 4 * ways)


def test_lanes_stay_within_groups() -> None:
    whole = {k["lanes_in"] for k in GatedFold.choices(make_site(GatedConv2d(CONV, keep=1), [X, GATE]))}
    grouped = {k["lanes_in"] for k in GatedFold.choices(make_site(GatedConv2d(CONV, keep_in=1), [X, GATE]))}
    assert max(whole) == 16
    assert max(grouped) == 4


def test_refuses_huge_zero_points() -> None:
    site = make_site(GatedConv2d(CONV, keep=1, base=1 << 31), [X, GATE])
    assert CATALOGUE["gated_fold"].refuses(site) == "zero point 2147483648 exceeds 32 bits"
