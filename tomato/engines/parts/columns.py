"""Neighbouring columns that are side by side in a beat, so that an engine has several pixels a cycle."""

from tomato.engines.base import divisors

MOST = 8
"""Columns side by side, at most: beats get wide, and layers of so many pixels are few."""


def together(width: int) -> list[int]:
    """How many columns of so many may be side by side, beside one."""
    return [n for n in divisors(width) if 1 < n <= MOST]
