"""Registers that go into the multipliers of the ECP5, and those that stay outside."""

from collections.abc import Callable
from typing import Any

import pytest

from tomato.board.multipliers import with_registers

PLAIN = {"CEMUX": "1 ", "CLKMUX": "CLK", "LSRMUX": "LSR", "REGSET": "RESET", "SRMODE": "LSR_OVER_CE"}
CLOCK, RESET, RESULT, MIXED = 2, 3, 100, 200
Cells = dict[str, Any]


def flop(entry: int | str, leaves: int, reset: int | str = "0") -> dict[str, Any]:
    """A flip-flop, as Yosys writes it."""
    return {
        "type": "TRELLIS_FF",
        "parameters": dict(PLAIN),
        "port_directions": {"CLK": "input", "DI": "input", "LSR": "input", "Q": "output"},
        "connections": {"CLK": [CLOCK], "DI": [entry], "LSR": [reset], "Q": [leaves]},
    }


def multiplier() -> dict[str, Any]:
    """A multiplier of two bits by a constant, whose result has three that are used."""
    pins: dict[str, list[int | str]] = {f"{x}{i}": ["0"] for x in "AB" for i in range(18)}
    pins |= {"A0": [20], "A1": [21], "B0": ["1"], "B1": [22]}
    pins |= {f"P{i}": [RESULT + i] for i in range(36)}
    ways = {port: "output" if port.startswith("P") else "input" for port in pins}
    return {"type": "MULT18X18D", "parameters": {}, "port_directions": ways, "connections": pins}


def reader(entry: int, leaves: int) -> dict[str, Any]:
    """Logic instead of a register."""
    return {
        "type": "LUT4", "parameters": {}, "port_directions": {"A": "input", "Z": "output"},
        "connections": {"A": [entry], "Z": [leaves]},
    }  # fmt: skip


def packed(edit: Callable[[Cells], Any] = lambda cells: None) -> Cells:
    """The cells of a multiplier with registers around it, after an edit, as they are placed."""
    cells: Cells = {
        "m": multiplier(),
        **{f"in{i}": flop(10 + i, 20 + i) for i in range(3)},
        **{f"out{i}": flop(RESULT + i, MIXED + i) for i in range(3)},
    }
    edit(cells)
    ports = {"y": {"bits": [300]}, "clk": {"bits": [CLOCK]}}
    cells["reader"] = {
        "type": "LUT4", "parameters": {}, "port_directions": {"A": "input", "B": "input", "C": "input", "Z": "output"},
        "connections": {"A": [MIXED], "B": [MIXED + 1], "C": [MIXED + 2], "Z": [300]},
    }  # fmt: skip
    found: Cells = with_registers({"modules": {"top": {"cells": cells, "ports": ports}}})["modules"]["top"]["cells"]
    return found


def registers(cells: Cells) -> set[str]:
    """Which registers of the multiplier are used."""
    return {name[4:-4] for name, value in cells["m"]["parameters"].items() if name.endswith("_CLK") and value == "CLK0"}


def test_all_registers_go_in() -> None:
    cells = packed()
    assert set(cells) == {"m", "reader"}
    assert registers(cells) == {"INPUTA", "INPUTB", "OUTPUT"}
    pins = cells["m"]["connections"]
    assert [pins[port] for port in ("A0", "A1", "A2", "B0", "B1")] == [[10], [11], ["0"], ["1"], [12]]
    assert [pins[f"P{i}"] for i in range(3)] == [[MIXED], [MIXED + 1], [MIXED + 2]]
    assert [pins[port] for port in ("CLK0", "CE0", "RST0")] == [[CLOCK], ["1"], ["0"]]


def test_a_register_that_others_read_stays_as_well() -> None:
    cells = packed(lambda cells: cells.update(more=flop(20, 400), far=flop(400, 300)))
    assert "in0" in cells
    assert registers(cells) == {"INPUTA", "INPUTB", "OUTPUT"}


def test_equal_registers_behind_become_one() -> None:
    def edit(cells: Cells) -> None:
        cells["out2"] = flop(RESULT + 1, MIXED + 2)

    cells = packed(edit)
    assert registers(cells) == {"INPUTA", "INPUTB", "OUTPUT"}
    assert cells["reader"]["connections"] == {"A": [MIXED], "B": [MIXED + 1], "C": [MIXED + 1], "Z": [300]}


def test_a_reset_in_front_becomes_a_lut() -> None:
    cells = packed(lambda cells: cells.update(in1=flop(11, 21, reset=RESET)))
    (made,) = (cell for name, cell in cells.items() if name.startswith("unless"))
    assert (made["connections"]["A"], made["connections"]["B"]) == ([11], [RESET])
    assert cells["m"]["connections"]["A1"] == made["connections"]["Z"]
    assert registers(cells) == {"INPUTA", "INPUTB", "OUTPUT"}


STAY: dict[str, tuple[Callable[[Cells], Any], set[str]]] = {
    "enabled": (lambda cells: cells["in0"]["parameters"].update(CEMUX="CE"), {"INPUTB", "OUTPUT"}),
    "inverted clock": (lambda cells: cells["in2"]["parameters"].update(CLKMUX="INV"), {"INPUTA", "OUTPUT"}),
    "other clock": (lambda cells: cells["in2"]["connections"].update(CLK=[5]), {"INPUTA", "OUTPUT"}),
    "starts set": (lambda cells: cells["in0"]["parameters"].update(REGSET="SET"), {"INPUTB", "OUTPUT"}),
    "none in front": (lambda cells: cells.pop("in1"), {"INPUTB", "OUTPUT"}),
    "reset behind": (lambda cells: cells.update(out1=flop(RESULT + 1, MIXED + 1, RESET)), {"INPUTA", "INPUTB"}),
    "read at once": (lambda cells: cells.update(out0=reader(RESULT, MIXED)), {"INPUTA", "INPUTB"}),
    "shown": (lambda cells: cells["out0"]["connections"].update(Q=[300]), {"INPUTA", "INPUTB"}),
}


@pytest.mark.parametrize("name", STAY)
def test_registers_that_the_block_does_not_have_stay(name: str) -> None:
    edit, inside = STAY[name]
    assert registers(packed(edit)) == inside
