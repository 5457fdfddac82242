"""Points of tom_checksum."""

from collections.abc import Iterator

from tomato.hardware.shell import checksum_cost
from tomato.targets import Resources, Target
from tools.calibrate.point import ECP5, FIT, XCUP, Point


def points() -> Iterator[Point]:
    """Bits of a beat."""
    for width, judges in (
        (8, FIT),
        (16, FIT),
        (32, FIT),
        (64, FIT),
        (128, FIT),
        (256, FIT),
        (24, XCUP),
        (80, XCUP),
        (40, ECP5),
        (96, ECP5),
    ):

        def cost(target: Target, width: int = width) -> Resources:
            return checksum_cost(width, target)

        yield Point("checksum", f"width{width}", "tom_checksum", {"Width": width}, cost, judges)
