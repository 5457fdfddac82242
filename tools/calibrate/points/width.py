"""Points of tom_width."""

from collections.abc import Iterator

from tomato.hardware import plumbing
from tomato.targets import Resources, Target
from tools.calibrate.point import ECP5, FIT, XCUP, Point


def points() -> Iterator[Point]:
    """Channels and lanes in and out, bits."""
    for channels, lanes_in, lanes_out, bits, judges in (
        (16, 1, 4, 8, FIT),
        (16, 2, 8, 8, FIT),
        (16, 4, 1, 8, FIT),
        (16, 8, 4, 8, FIT),
        (12, 3, 4, 8, FIT),
        (12, 4, 3, 8, FIT),
        (24, 8, 6, 8, FIT),
        (24, 3, 8, 8, FIT),
        (10, 4, 3, 4, FIT),
        (32, 4, 16, 8, FIT),
        (32, 16, 4, 8, FIT),
        (24, 4, 6, 8, FIT),
        (30, 6, 5, 8, FIT),
        (20, 2, 10, 8, XCUP),
        (36, 12, 3, 6, XCUP),
        (20, 5, 2, 8, XCUP),
        (18, 3, 9, 8, ECP5),
        (30, 2, 10, 6, ECP5),
        (24, 12, 4, 8, FIT),
        (20, 10, 2, 6, FIT),
        (32, 16, 2, 4, FIT),
        (60, 15, 5, 5, ECP5),
        (42, 14, 2, 4, ECP5),
        (64, 16, 2, 5, ECP5),
        (40, 10, 5, 4, ECP5),
        (18, 6, 4, 8, FIT),
        (15, 5, 3, 6, FIT),
        (15, 5, 3, 8, FIT),
        (14, 4, 3, 8, FIT),
        (14, 3, 4, 8, FIT),
        (21, 6, 4, 8, FIT),
        (22, 8, 6, 8, FIT),
        (13, 5, 4, 4, FIT),
        (24, 4, 6, 6, FIT),
        (25, 4, 5, 4, FIT),
        (30, 3, 5, 8, FIT),
        (18, 2, 3, 8, FIT),
        (18, 3, 2, 8, FIT),
        (20, 4, 5, 8, ECP5),
        (36, 9, 4, 4, ECP5),
        (26, 6, 4, 8, ECP5),
        (28, 7, 4, 4, FIT),
    ):
        parameters = {
            "InChannels": channels, "InLanes": lanes_in, "OutChannels": channels, "OutLanes": lanes_out, "Bits": bits
        }  # fmt: skip

        def cost(
            target: Target, shape: tuple[int, int, int, int, int] = (channels, lanes_in, channels, lanes_out, bits)
        ) -> Resources:
            return plumbing.width_cost(*shape, target)

        name = f"channels{channels}_lanes{lanes_in}to{lanes_out}_bits{bits}"
        yield Point("width", name, "tom_width", parameters, cost, judges)
