"""Points of tom_queue."""

from collections.abc import Iterator

from tomato.hardware import plumbing
from tomato.targets import Resources, Target
from tools.calibrate.point import ECP5, FIT, XCUP, Point


def points() -> Iterator[Point]:
    """Width, depth."""
    for bits, depth, judges in (
        (8, 8, FIT),
        (32, 8, FIT),
        (80, 12, FIT),
        (100, 14, FIT),
        (16, 9, FIT),
        (48, 11, XCUP),
        (24, 10, ECP5),
        (60, 15, ECP5),
    ):

        def queue(target: Target, shape: tuple[int, int] = (bits, depth)) -> Resources:
            return plumbing.queue_cost(*shape, target)

        yield Point("queue", f"width{bits}_depth{depth}", "tom_queue", {"Width": bits, "Depth": depth}, queue, judges)
