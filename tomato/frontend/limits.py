"""What a model may claim: larger numbers are refused before any array of their size is made."""

from collections.abc import Sequence
from math import prod

MOST_VALUES = 1 << 25
"""Values of a tensor of one frame: 1920 x 1080 pixels of 16 channels. Weights from the file may be more."""
MOST_MACS = 1 << 43
"""Multiply-accumulates of one layer for one frame, 9e12: hours on a processor."""
MOST_AXES = 16
MOST_NODES = 100_000
"""Nodes of a graph, those of local functions counted wherever they are called."""
LARGEST = 2.0**100
"""Magnitude of a weight: sums of such products still are finite float32 numbers for inputs of up to 2^16."""


def too_large(shape: Sequence[int]) -> str:
    """Why a tensor of this shape is refused, batch included; "" if it is not."""
    if len(shape) > MOST_AXES:
        return f"a tensor of {len(shape)} axes; {MOST_AXES} are the most"
    if (size := prod(shape)) > MOST_VALUES:
        return f"{'x'.join(map(str, shape))} = {size:,} values; {MOST_VALUES:,} are the most of a frame"
    return ""
