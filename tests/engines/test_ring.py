"""Rings of rows: when a place is free again, and what holds them."""

import pytest

from tomato.engines.parts.ring import better_ram, freed_by
from tomato.hardware.plumbing import BLOCK, LUTRAM
from tomato.ops.window import Window


def test_the_last_output_row_frees_what_no_window_reads() -> None:
    """Of five rows two windows of two rows leave one over: nothing would free it but the end of the frame."""
    found = freed_by(5, 4, Window((2, 2), stride=(2, 2)), ring=2)
    assert found.tolist() == [-1] * 4 + [-1] * 4 + [1] * 4 + [1] * 4 + [3] * 4


def test_overlapping_windows_free_a_row_each() -> None:
    found = freed_by(4, 1, Window((3, 1), pads=(1, 0, 1, 0)), ring=3)
    assert found.tolist() == [-2, -1, -1, 1]


@pytest.mark.parametrize(
    ("width", "depth", "ram"),
    [(8, 64, LUTRAM), (36, 256, LUTRAM), (36, 512, BLOCK), (18, 1024, BLOCK), (2, 4096, LUTRAM), (3, 4096, BLOCK)],
)
def test_deep_memories_are_of_blocks(width: int, depth: int, ram: int) -> None:
    assert better_ram(width, depth, lut_depth=32) == ram
