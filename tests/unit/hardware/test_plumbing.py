"""What the parts between engines take, as the hardware was measured to."""

import pytest

from tomato.hardware.plumbing import Width, width_cycles


@pytest.mark.parametrize(
    ("shape", "cycles"),
    [
        (Width(6, 4, 6, 4), 1),
        (Width(10, 2, 10, 6), 1),
        (Width(5, 1, 5, 5), 1),
        (Width(2, 1, 8, 4), 1),
        (Width(10, 6, 10, 2), 5),
        (Width(8, 4, 2, 1), 3),
        (Width(7, 2, 7, 3), 2),
        (Width(7, 5, 7, 3), 3),
        (Width(12, 8, 12, 6), 2),
        (Width(7, 3, 21, 2), 4),
        (Width(9, 4, 6, 4), 2),
    ],
    ids=str,
)
def test_latency_of_a_lane_converter(shape: Width, cycles: int) -> None:
    """The numbers of tests/hw/rtl/test_plumbing.py, which measures them."""
    assert width_cycles(shape.in_channels, shape.in_lanes, shape.out_channels, shape.out_lanes) == cycles
