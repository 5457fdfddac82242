"""Points of tom_axi_read."""

from collections.abc import Iterator

from tomato.hardware.shell import MOST_BEATS, read_cost
from tomato.targets import Resources, Target
from tools.calibrate.point import ECP5, FIT, XCUP, Point


def points() -> Iterator[Point]:
    """Bytes of a beat of AXI4 and of the stream, beats of a frame, beats of AXI4 that are held."""
    for data, beat, beats, depth, judges in (
        (4, 1, 64, 32, FIT),
        (4, 2, 784, 128, FIT),
        (4, 3, 1024, 128, FIT),
        (4, 4, 490, 128, FIT),
        (4, 8, 1024, 64, FIT),
        (4, 12, 100, 128, FIT),
        (8, 3, 1024, 128, FIT),
        (8, 4, 50_176, 128, FIT),
        (8, 6, 1024, 128, FIT),
        (8, 10, 40, 64, FIT),
        (16, 8, 1024, 128, FIT),
        (16, 12, 50_176, 128, FIT),
        (16, 16, 64, 64, FIT),
        (32, 16, 4096, 128, FIT),
        (4, 1, 784, 128, XCUP),
        (8, 5, 300, 128, XCUP),
        (16, 9, 256, 128, FIT),
        (16, 7, 640, 128, XCUP),
        (32, 32, 4096, 128, XCUP),
        (4, 6, 512, 128, XCUP),
        (4, 1, 3072, 128, ECP5),
        (4, 5, 200, 64, ECP5),
        (8, 7, 640, 128, ECP5),
    ):
        parameters = {"DataBytes": data, "BeatBytes": beat, "Beats": beats, "MaxBeats": MOST_BEATS, "Depth": depth}

        def cost(target: Target, shape: tuple[int, int, int, int] = (data, beat, beats, depth)) -> Resources:
            return read_cost(*shape, target)

        name = f"data{data}_beat{beat}_beats{beats}_depth{depth}"
        yield Point("axi_read", name, "tom_axi_read", parameters, cost, judges)
