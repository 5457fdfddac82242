"""Borders of a frame's own pixels."""

import numpy as np
import pytest

from tomato.core.formats import Codes
from tomato.core.ir import TensorType
from tomato.ops.edge_pad import EdgePad

X = np.arange(2 * 4 * 5 * 3).reshape(2, 4, 5, 3)


@pytest.mark.parametrize(("mirrored", "mode"), [(True, "reflect"), (False, "edge")])
@pytest.mark.parametrize("pads", [(3, 4, 3, 4), (0, 1, 2, 0), (0, 0, 0, 0)])
def test_it_is_numpys_pad(pads: tuple[int, int, int, int], mirrored: bool, mode: str) -> None:
    top, left, bottom, right = pads
    wanted = np.pad(X, ((0, 0), (top, bottom), (left, right), (0, 0)), mode=mode)  # type: ignore[call-overload]
    assert np.array_equal(EdgePad(pads, mirrored).golden([X]), wanted)


def test_a_pixel_is_repeated_any_number_of_times_and_mirrored_once() -> None:
    kind = TensorType((4, 5, 3), Codes(-3, 9))
    assert EdgePad((9, 0, 0, 7)).infer([kind]) == TensorType((13, 12, 3), Codes(-3, 9))
    for pads in ((4, 0, 0, 0), (0, 5, 0, 0), (0, 0, 4, 0), (0, 0, 0, 5)):
        with pytest.raises(ValueError, match=r"^padding \(.*\) mirrors more than there is of 4x5 pixels$"):
            EdgePad(pads, mirrored=True).infer([kind])
    with pytest.raises(ValueError, match=r"^negative padding \(-1, 0, 0, 0\)$"):
        EdgePad((-1, 0, 0, 0)).infer([kind])
