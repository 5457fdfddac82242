"""The parts between engines: nothing lost, added or reordered, no bubbles, latencies as hardware/plumbing.py says."""

from collections.abc import Callable
from math import lcm

import numpy as np
import pytest

from tests.hw.rtl.harness import Measured, Port, run
from tomato.hardware.netlist import lane_mask, to_beats
from tomato.hardware.plumbing import FIFO_LATENCY, FORK_LATENCY, REGISTER_LATENCY, Width, width_cycles

RNG = np.random.default_rng(5)


def words(count: int, width: int) -> list[int]:
    return [int.from_bytes(RNG.bytes(9), "little") % (1 << width) for _ in range(count)]


@pytest.mark.rtl
def test_register() -> None:
    port = Port(9, words(200, 9))
    assert run("tom_register", {"Width": 9}, [port], [port], frames=2) == Measured(100, 99 + REGISTER_LATENCY)


@pytest.mark.rtl
@pytest.mark.parametrize(
    ("change", "said"),
    [
        pytest.param(
            lambda w: [*w[:150], w[150] ^ 1, *w[151:]], "'mismatches': 1, .*'frame': 1, 'beat': 50", id="wrong"
        ),
        pytest.param(lambda w: w[:-2], "a beat too many: .*'mismatches': 2", id="too-many"),
        pytest.param(lambda w: [*w, 1, 2], "stuck.*'beats': 200, 'expected_beats': 202", id="missing"),
    ],
)
def test_the_bench_tells_what_is_wrong(change: Callable[[list[int]], list[int]], said: str) -> None:
    beats = words(200, 9)
    with pytest.raises(AssertionError, match=said):
        run("tom_register", {"Width": 9}, [Port(9, beats)], [Port(9, change(beats))], frames=2)


@pytest.mark.rtl
def test_fork() -> None:
    port = Port(65, words(200, 65))
    params = {"Outputs": 3, "Width": 65}
    assert run("tom_fork", params, [port], [port] * 3, frames=2) == Measured(100, 99 + FORK_LATENCY)


@pytest.mark.rtl
@pytest.mark.parametrize("ram", [0, 1])
@pytest.mark.parametrize("second", [0, 1])
def test_fifo(ram: int, second: int) -> None:
    port = Port(8, words(200, 8))
    params = {"Width": 8, "Depth": 5, "Ram": ram, "Second": second}
    assert run("tom_fifo", params, [port], [port], frames=2) == Measured(100, 99 + FIFO_LATENCY + second)


WIDTHS = {
    "same": Width(6, 4, 6, 4),
    "up": Width(10, 2, 10, 6),
    "up_whole_pixel": Width(5, 1, 5, 5),
    "up_reshape": Width(2, 1, 8, 4),
    "down": Width(10, 6, 10, 2),
    "down_reshape": Width(8, 4, 2, 1),
    "any_up": Width(7, 2, 7, 3),
    "any_down": Width(7, 5, 7, 3),
    "any_units": Width(12, 8, 12, 6),
    "any_flatten": Width(7, 3, 21, 2),
    "any_drifting": Width(9, 4, 6, 4),
}


@pytest.mark.rtl
@pytest.mark.parametrize("name", WIDTHS)
def test_width(name: str) -> None:
    shape, bits, frames = WIDTHS[name], 5, 4
    assert name.startswith(shape.kind)
    assert shape.needed == (name != "same")
    codes = RNG.integers(0, 1 << bits, (frames, 1, 6 * lcm(shape.in_channels, shape.out_channels), 1))

    def side(channels: int, lanes: int) -> Port:
        mask = lane_mask(channels, lanes, bits)
        return Port(lanes * bits, to_beats(codes.reshape(frames, -1, channels), lanes, bits), mask)

    source = side(shape.in_channels, shape.in_lanes)
    sink = side(shape.out_channels, shape.out_lanes)
    params = {
        "Bits": bits,
        "InChannels": shape.in_channels,
        "InLanes": shape.in_lanes,
        "OutChannels": shape.out_channels,
        "OutLanes": shape.out_lanes,
    }
    measured = run("tom_width", params, [source], [sink], frames=frames)
    assert measured.interval == max(len(source.beats), len(sink.beats)) // frames


@pytest.mark.rtl
@pytest.mark.parametrize("name", ["up", "down", "any_up", "any_down", "any_flatten"])
def test_width_latency(name: str) -> None:
    shape, bits = WIDTHS[name], 5
    codes = RNG.integers(0, 1 << bits, (1, 1, 1, shape.out_channels))
    in_port = Port(shape.in_lanes * bits, to_beats(codes.reshape(1, -1, shape.in_channels), shape.in_lanes, bits))
    out_port = Port(shape.out_lanes * bits, to_beats(codes, shape.out_lanes, bits))
    out_port.masks.extend(lane_mask(shape.out_channels, shape.out_lanes, bits))
    params = {
        "Bits": bits,
        "InChannels": shape.in_channels,
        "InLanes": shape.in_lanes,
        "OutChannels": shape.out_channels,
        "OutLanes": shape.out_lanes,
    }
    expected = width_cycles(shape.in_channels, shape.in_lanes, shape.out_channels, shape.out_lanes)
    assert run("tom_width", params, [in_port], [out_port]).latency == len(in_port.beats) - 1 + expected
