"""Points of tom_register."""

from collections.abc import Iterator

from tomato.hardware import plumbing
from tomato.targets import Resources, Target
from tools.calibrate.point import ECP5, FIT, XCUP, Point


def points() -> Iterator[Point]:
    """Width."""
    for bits, judges in ((8, FIT), (32, FIT), (128, FIT), (20, FIT), (64, FIT), (48, XCUP), (90, ECP5)):

        def register(_: Target, bits: int = bits) -> Resources:
            return plumbing.register_cost(bits)

        yield Point("register", f"width{bits}", "tom_register", {"Width": bits}, register, judges)
