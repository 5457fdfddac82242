"""Points of tom_fifo."""

from collections.abc import Iterator

from tomato.hardware import plumbing
from tomato.hardware.memory import Ram
from tomato.targets import Resources, Target
from tools.calibrate.point import ECP5, FIT, XCUP, Point


def points() -> Iterator[Point]:
    """Width, depth, memory."""
    for bits, depth, ram, judges in (
        (8, 16, 0, FIT),
        (32, 32, 0, FIT),
        (64, 64, 0, FIT),
        (32, 200, 0, FIT),
        (64, 512, 1, FIT),
        (24, 48, 0, FIT),
        (32, 128, 0, FIT),
        (36, 2048, 1, FIT),
        (20, 96, 0, FIT),
        (28, 150, 0, FIT),
        (16, 180, 0, XCUP),
        (12, 72, 0, FIT),
        (48, 24, 0, XCUP),
        (40, 1024, 1, XCUP),
        (24, 100, 0, ECP5),
        (50, 20, 0, ECP5),
        (18, 300, 1, ECP5),
        (72, 700, 1, ECP5),
        (30, 1500, 1, FIT),
        (28, 1400, 1, ECP5),
        (70, 1200, 1, ECP5),
    ):
        parameters = {"Width": bits, "Depth": depth, "Ram": ram}

        def cost(target: Target, shape: tuple[int, int, Ram] = (bits, depth, Ram(ram))) -> Resources:
            return plumbing.fifo_cost(*shape, target)

        yield Point("fifo", f"width{bits}_depth{depth}_ram{ram}", "tom_fifo", parameters, cost, judges)
