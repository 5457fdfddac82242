"""Points of tom_fork."""

from collections.abc import Iterator

from tomato.hardware import plumbing
from tomato.targets import Resources, Target
from tools.calibrate.point import ECP5, FIT, XCUP, Point


def points() -> Iterator[Point]:
    """Outputs, width."""
    for count, bits, judges in (
        (2, 8, FIT),
        (3, 32, FIT),
        (2, 64, FIT),
        (4, 24, FIT),
        (3, 16, XCUP),
        (2, 30, ECP5),
        (4, 10, ECP5),
    ):

        def fork(target: Target, shape: tuple[int, int] = (count, bits)) -> Resources:
            return plumbing.fork_cost(*shape, target)

        yield Point("fork", f"outputs{count}_width{bits}", "tom_fork", {"Outputs": count, "Width": bits}, fork, judges)
