"""Flip-flops of the ECP5 in a netlist of Yosys, and what of them the registers of its blocks can stand for."""

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import Any

Cell = dict[str, Any]
Pin = tuple[Cell, str]
"""A cell and one of its ports."""

FLIPFLOP, OUTSIDE = "TRELLIS_FF", "outside"
ZERO, ONE = "0", "1"
"""Constant bits."""
PLAIN = {"CLKMUX": "CLK"}
"""Parameters of a flip-flop that a block's can stand for: the clock is not inverted."""
STARTS = PLAIN | {"REGSET": "RESET"}
"""Those of one that begins as 0, too."""
RESET = {"LSRMUX": "LSR", "SRMODE": "LSR_OVER_CE"}
"""Parameters of a reset that a LUT in front of the flip-flop can stand for."""


def reset(flop: Cell) -> Any:
    """The wire that resets a flip-flop, or ZERO."""
    return flop["connections"].get("LSR", [ZERO])[0]


def enable(flop: Cell) -> Any:
    """The wire without which a flip-flop keeps its value, ONE if it has none, None if it is another."""
    kind = str(flop["parameters"].get("CEMUX", ONE)).strip()
    return ONE if kind == ONE else flop["connections"].get("CE", [None])[0] if kind == "CE" else None


def has(flop: Cell, parameters: Mapping[str, str]) -> bool:
    """Whether a flip-flop has these parameters."""
    return all(flop["parameters"].get(name) == value for name, value in parameters.items())


def starts(flop: Cell) -> bool:
    """Whether a flip-flop is plain, begins as 0 and has no reset, nor an enable that is inverted."""
    return has(flop, STARTS) and reset(flop) == ZERO and enable(flop) is not None


def lut(entries: Sequence[Any], made: int, function: Callable[[bool, bool, bool, bool], bool]) -> Cell:
    """A LUT of four bits that drives a new one."""
    places = (bool(function(*(bool(place >> i & 1) for i in range(4)))) for place in reversed(range(16)))
    return {
        "hide_name": 0, "type": "LUT4", "attributes": {},
        "parameters": {"INIT": "".join("01"[value] for value in places)},
        "port_directions": dict.fromkeys("ABCD", "input") | {"Z": "output"},
        "connections": {port: [bit] for port, bit in zip("ABCD", entries, strict=True)} | {"Z": [made]},
    }  # fmt: skip


def unless(flop: Cell, entry: Any, made: int) -> Cell:
    """The LUT that stands for the reset of a flip-flop, from what that would take to a new bit."""
    brings = flop["parameters"]["REGSET"] == "SET"
    return lut((entry, reset(flop), ZERO, ZERO), made, lambda a, b, _, __: brings if b else a)


def pins(cells: Iterable[Cell], *, leaving: bool) -> Iterable[tuple[Any, Cell, str]]:
    """Every bit of the outputs of cells, or of their inputs, with the cell and its port."""
    for cell in cells:
        for port, bits in cell["connections"].items():
            if (cell["port_directions"][port] == "output") == leaving:
                yield from ((bit, cell, port) for bit in bits)


def shown(module: Mapping[str, Any]) -> set[Any]:
    """The bits of a module's own ports."""
    return {bit for port in module["ports"].values() for bit in port["bits"]}


def readers(module: Mapping[str, Any]) -> Mapping[Any, list[Pin]]:
    """What reads each bit of a module: pins of its cells, and for its own ports one of no cell."""
    found: dict[Any, list[Pin]] = defaultdict(list)
    for bit in shown(module):
        found[bit].append(({"type": OUTSIDE}, OUTSIDE))
    for bit, cell, port in pins(module["cells"].values(), leaving=False):
        found[bit].append((cell, port))
    return dict(found)


def sole(behind: Collection[list[Pin]]) -> list[Cell]:
    """The flip-flops that are all that reads some bits, one for each; none if others read them."""
    found = [cell for (cell, port), *others in behind if not others and cell["type"] == FLIPFLOP and port == "DI"]
    return found if len(found) == len(behind) else []
