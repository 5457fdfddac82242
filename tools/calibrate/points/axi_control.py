"""Points of tom_axi_control."""

from collections.abc import Iterator

from tomato.board.registers import COUNTERS, POINTER_STEP, POINTERS
from tomato.hardware.shell import control_cost
from tomato.targets import Resources, Target
from tools.calibrate.point import ECP5, FIT, XCUP, Point

BUILD = 0x5EED1234
"""A number like any other."""


def points() -> Iterator[Point]:
    """Inputs, outputs, whether weights are read, masters that fetch weights."""
    for inputs, outputs, weights, fetches, judges in (
        (1, 1, 0, 0, FIT),
        (1, 2, 0, 0, FIT),
        (2, 2, 0, 0, FIT),
        (4, 1, 0, 0, FIT),
        (3, 3, 0, 0, FIT),
        (1, 1, 1, 0, XCUP),
        (2, 1, 0, 0, XCUP),
        (3, 1, 1, 0, ECP5),
        (2, 3, 0, 0, ECP5),
        (1, 1, 0, 4, FIT),
        (1, 2, 1, 8, XCUP),
    ):
        masters = inputs + outputs + weights + fetches
        parameters = {
            "Inputs": inputs, "Outputs": outputs, "Weights": weights, "Fetches": fetches,
            "FramesAt": POINTERS + POINTER_STEP * masters, "CountersAt": COUNTERS, "Build": BUILD,
        }  # fmt: skip

        def cost(_: Target, shape: tuple[int, int, int, int] = (inputs, outputs, weights, fetches)) -> Resources:
            return control_cost(*shape)

        name = f"in{inputs}_out{outputs}_weights{weights}" + (f"_fetches{fetches}" if fetches else "")
        yield Point("axi_control", name, "tom_axi_control", parameters, cost, judges)
