"""What a search chooses from: formats of weights, widths of activations."""

from typing import Final, Literal

from tomato.quantise.precision import LayerFormat

Objective = Literal["fps", "area", "weights"]

WIDTHS: Final = (8, 6, 4)
"""Of activations, in bits."""
KNOWN: Final = LayerFormat()
"""The format to fall back on."""
FIXED: Final = ("w8", "w6", "w5", "w4", "w3", "ternary", "binary")
"""Two's complement of any width holds these in as many bits; `w2` would be `ternary`."""
CELLS: Final = ("shift4", "shift3", "codebook4")
"""These take few bits or few LUTs only in a cell of their own, and the scheduler may choose another one."""


def formats(objective: Objective) -> tuple[LayerFormat, ...]:
    """Of a layer's weights, the one to fall back on first."""
    names = FIXED if objective == "weights" else FIXED + CELLS
    return tuple(LayerFormat.parse(name) for name in names)
