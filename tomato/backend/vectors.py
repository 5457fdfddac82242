"""Vectors: the beats of a port in hexadecimal, one a line, which every testbench plays or compares."""

from pathlib import Path

from tomato.core.files import write_text
from tomato.core.formats import Array
from tomato.hardware.netlist import Stream, to_beats

LOADER = "mem/loader.hex"
"""File of the beats that fill UltraRAM, below the build folder."""


def file_of(port: Stream, *, is_input: bool) -> str:
    """File of a port's vectors, below the build folder."""
    return f"sim/vectors/{'in' if is_input else 'out'}_{port.value}.hex"


def write(folder: Path, port: Stream, codes: Array, *, is_input: bool) -> None:
    """Write the beats of a port for frames of codes, of any shape with as many elements."""
    lines = (f"{beat:x}\n" for beat in to_beats(codes.reshape(-1, *port.shape), port.lanes, port.bits))
    path = folder / file_of(port, is_input=is_input)
    path.parent.mkdir(parents=True, exist_ok=True)
    write_text(path, "".join(lines))
