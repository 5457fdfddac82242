"""The ring of rows behind a border of a frame's own pixels: as large as it has to be, and no larger."""

from itertools import product

import numpy as np
import pytest

from tests.networks.cases import make_site
from tomato.core.formats import Codes
from tomato.core.ir import TensorType
from tomato.engines.edge_pad_ring import EdgePadRing, ring_pixels
from tomato.ops.edge_pad import EdgePad

FRAMES = 4
SHAPES = ((1, 1), (1, 5), (4, 1), (3, 4), (5, 3))
SIDES = ((0, 0, 0, 1), (1, 0, 0, 0), (0, 0, 1, 0), (0, 1, 0, 0), (1, 1, 1, 1), (2, 0, 1, 2), (1, 2, 2, 0))


def interval(op: EdgePad, shape: tuple[int, int], pixels: int) -> int | None:
    """Cycles of a frame, of pixels of one beat, with a ring of so many; None if it stands still."""
    site = make_site(op, [TensorType((*shape, 1), Codes(0, 1))])
    unit = EdgePadRing(site, {"lanes": 1, "ram": 0})
    rows, columns = op.picked(*shape)
    source = (rows[:, None] * shape[1] + columns).reshape(-1)
    inner, outer = unit.arg.pixels, unit.out.pixels
    shown = [frame * inner + int(s) for frame in range(FRAMES) for s in source]
    kept = np.minimum.accumulate(np.array([*shown, FRAMES * inner])[::-1])[::-1].tolist()  # the first still to be shown
    came, went, ends, cycle = 0, 0, list[int](), 0
    while went < len(shown):
        reads, writes = shown[went] < came, came < FRAMES * inner and came < kept[went] + pixels
        if not reads and not writes:
            return None
        came, went, cycle = came + writes, went + reads, cycle + 1
        if reads and went % outer == 0:
            ends.append(cycle)
    return ends[-1] - ends[-2]


@pytest.mark.parametrize(("shape", "pads", "mirrored"), [*product(SHAPES, SIDES, (False, True))])
def test_the_ring_holds_what_a_frame_without_a_pause_needs_and_no_pixel_more(
    shape: tuple[int, int], pads: tuple[int, int, int, int], mirrored: bool
) -> None:
    top, left, bottom, right = pads
    if mirrored and (max(top, bottom) >= shape[0] or max(left, right) >= shape[1]):
        return
    op = EdgePad(pads, mirrored)
    pixels = ring_pixels(op, shape[1])
    law = (shape[0] + top + bottom) * (shape[1] + left + right)
    assert interval(op, shape, pixels) == law
    fewer = interval(op, shape, pixels - 1)
    assert fewer is None or fewer > law
