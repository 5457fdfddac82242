"""Points of tom_axi_write."""

from collections.abc import Iterator

from tomato.hardware.shell import MOST_BEATS, WRITE_DEPTH, write_cost
from tomato.targets import Resources, Target
from tools.calibrate.point import ECP5, FIT, XCUP, Point


def points() -> Iterator[Point]:
    """Bytes of a beat of AXI4 and of the stream, beats of a frame."""
    for data, beat, beats, judges in (
        (4, 1, 10, FIT),
        (4, 2, 5, FIT),
        (4, 3, 1024, FIT),
        (4, 4, 490, FIT),
        (4, 8, 1, FIT),
        (4, 10, 16, FIT),
        (8, 3, 1024, FIT),
        (8, 4, 256, FIT),
        (8, 6, 1024, FIT),
        (16, 4, 1024, FIT),
        (16, 12, 64, FIT),
        (16, 16, 64, FIT),
        (32, 16, 4096, FIT),
        (4, 2, 10, XCUP),
        (8, 5, 300, XCUP),
        (16, 8, 1000, XCUP),
        (16, 6, 100, XCUP),
        (4, 6, 512, XCUP),
        (4, 1, 1000, ECP5),
        (4, 5, 200, ECP5),
        (8, 7, 640, ECP5),
    ):
        parameters = {
            "DataBytes": data, "BeatBytes": beat, "Beats": beats, "MaxBeats": MOST_BEATS, "Depth": WRITE_DEPTH
        }  # fmt: skip

        def cost(target: Target, shape: tuple[int, int, int] = (data, beat, beats)) -> Resources:
            return write_cost(*shape, target)

        yield Point("axi_write", f"data{data}_beat{beat}_beats{beats}", "tom_axi_write", parameters, cost, judges)
