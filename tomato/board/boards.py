"""Boards with a serial line: pins, oscillator, and how a bitstream gets there."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from tomato.core.errors import TomatoError
from tomato.core.files import read_toml

_BOARDS = Path(__file__).parent / "boards"

PACKAGES: Mapping[str, str] = {
    "BG256": "CABGA256", "BG381": "CABGA381", "BG554": "CABGA554", "BG756": "CABGA756", "MG285": "CSFBGA285",
}  # fmt: skip
"""Packages of the ECP5, as part names and as nextpnr have them."""
PART = re.compile(r"LFE5(?P<kind>U|UM|UM5G)-(?P<size>12|25|45|85)F-(?P<speed>[678])(?P<package>[BM]G\d{3})[CI]")


@dataclass(frozen=True, slots=True)
class Board:
    """A board as seen from the FPGA: `rxd` is its input. Frequencies in MHz, `most_baud` in bits a second.

    `leds`: pins for what the shell shows, the most telling first; `leds_low`: lit by a zero. `high`: pins kept at one.
    `loader` is openFPGALoader's name of the board, `cable` what is plugged in.
    """

    name: str
    clock_pin: str
    clock_mhz: float
    rxd: str
    txd: str
    most_baud: int
    leds: tuple[str, ...]
    leds_low: bool
    high: tuple[str, ...]
    loader: str
    cable: str


def find(name: str) -> Board | None:
    """The board of a target's name; None if nothing is known of its pins."""
    path = _BOARDS / f"{name}.toml"
    if not path.exists():
        return None
    table = read_toml(path, "the board's file")
    clock = table.pop("clock")
    return Board(
        name=name, clock_pin=clock["pin"], clock_mhz=clock["mhz"], leds=tuple(table.pop("leds")),
        high=tuple(table.pop("high")), **table,
    )  # fmt: skip


def names() -> tuple[str, ...]:
    """The boards whose pins are known."""
    return tuple(sorted(path.stem for path in _BOARDS.glob("*.toml")))


def device(part: str) -> tuple[str, ...]:
    """The options of nextpnr-ecp5 for a part. Raises TomatoError for a name that is no ECP5's."""
    found = PART.fullmatch(part)
    if found is None or found["package"] not in PACKAGES:
        raise TomatoError(f"{part!r} is no part of the ECP5 family", hint="a name such as LFE5U-85F-6BG381C")
    kind = {"U": "", "UM": "um-", "UM5G": "um5g-"}[found["kind"]]
    return f"--{kind}{found['size']}k", "--package", PACKAGES[found["package"]], "--speed", found["speed"]
