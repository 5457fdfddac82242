"""Rings of rows: when a place is free again, and what holds them."""

import pytest

from tomato.engines.parts.ring import freed_by
from tomato.hardware.memory import Ram, better_ram
from tomato.ops.window import Window
from tomato.targets import load


def test_the_last_output_row_frees_what_no_window_reads() -> None:
    """Of five rows two windows of two rows leave one over: nothing would free it but the end of the frame."""
    found = freed_by(5, 4, Window((2, 2), stride=(2, 2)), ring=2)
    assert found.tolist() == [-1] * 4 + [-1] * 4 + [1] * 4 + [1] * 4 + [3] * 4


def test_overlapping_windows_free_a_row_each() -> None:
    found = freed_by(4, 1, Window((3, 1), pads=(1, 0, 1, 0)), ring=3)
    assert found.tolist() == [-2, -1, -1, 1]


@pytest.mark.parametrize(
    ("board", "width", "depth", "ram"),
    [
        ("u250", 8, 64, Ram.LUT),
        ("u250", 36, 256, Ram.LUT),
        ("u250", 36, 512, Ram.BLOCK),
        ("u250", 18, 1024, Ram.BLOCK),
        ("u250", 2, 4096, Ram.LUT),
        ("u250", 3, 4096, Ram.BLOCK),
        ("pynq-z2", 36, 256, Ram.LUT),
        ("pynq-z2", 36, 512, Ram.BLOCK),
        ("ulx3s", 36, 80, Ram.LUT),
        ("ulx3s", 36, 96, Ram.BLOCK),
    ],
)
def test_deep_memories_are_of_blocks(board: str, width: int, depth: int, ram: Ram) -> None:
    assert better_ram(width, depth, load(board)) == ram
