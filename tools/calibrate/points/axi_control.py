"""Points of tom_axi_control."""

from collections.abc import Iterator

from tomato.board.registers import COUNTERS, POINTER_STEP, POINTERS
from tomato.hardware.shell import control_cost
from tomato.targets import Resources, Target
from tools.calibrate.point import ECP5, FIT, XCUP, Point

BUILD = 0x5EED1234
"""A number like any other."""


def points() -> Iterator[Point]:
    """Inputs, outputs, whether weights are read."""
    for inputs, outputs, weights, judges in (
        (1, 1, 0, FIT),
        (1, 2, 0, FIT),
        (2, 2, 0, FIT),
        (4, 1, 0, FIT),
        (3, 3, 0, FIT),
        (1, 1, 1, XCUP),
        (2, 1, 0, XCUP),
        (3, 1, 1, ECP5),
        (2, 3, 0, ECP5),
    ):
        masters = inputs + outputs + weights
        parameters = {
            "Inputs": inputs, "Outputs": outputs, "Weights": weights, "FramesAt": POINTERS + POINTER_STEP * masters,
            "CountersAt": COUNTERS, "Build": BUILD,
        }  # fmt: skip

        def cost(_: Target, shape: tuple[int, int, int] = (inputs, outputs, weights)) -> Resources:
            return control_cost(*shape)

        name = f"in{inputs}_out{outputs}_weights{weights}"
        yield Point("axi_control", name, "tom_axi_control", parameters, cost, judges)
