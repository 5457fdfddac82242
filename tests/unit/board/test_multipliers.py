"""Registers that go into the multipliers of the ECP5, and those that stay outside."""

from collections.abc import Callable
from typing import Any

import pytest

from tomato.board.multipliers import with_registers

PLAIN = {"CEMUX": "1 ", "CLKMUX": "CLK", "LSRMUX": "LSR", "REGSET": "RESET", "SRMODE": "LSR_OVER_CE"}
CLOCK, RESET, RESULT = 2, 3, 100
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
    """A multiplier of two bits by another and a constant one."""
    pins: dict[str, list[int | str]] = {f"{x}{i}": ["0"] for x in "AB" for i in range(18)}
    pins |= {"A0": [20], "A1": [21], "B0": ["1"], "B1": [22]}
    pins |= {f"P{i}": [RESULT + i] for i in range(36)}
    ways = {port: "output" if port.startswith("P") else "input" for port in pins}
    return {"type": "MULT18X18D", "parameters": {}, "port_directions": ways, "connections": pins}


def memory(leaves: int) -> dict[str, Any]:
    """A block memory."""
    return {
        "type": "DP16KD",
        "parameters": {},
        "port_directions": {"DOA0": "output"},
        "connections": {"DOA0": [leaves]},
    }


def packed(edit: Callable[[Cells], Any] = lambda cells: None) -> Cells:
    """The cells of a multiplier with registers in front, after an edit, as they are placed."""
    cells: Cells = {"m": multiplier(), **{f"in{i}": flop(10 + i, 20 + i) for i in range(3)}}
    edit(cells)
    ports = {"y": {"bits": [RESULT, 300]}, "clk": {"bits": [CLOCK]}}
    found: Cells = with_registers({"modules": {"top": {"cells": cells, "ports": ports}}})["modules"]["top"]["cells"]
    return found


def registers(cells: Cells) -> str:
    """The operands of the multiplier that are in registers."""
    return "".join(x for x in "AB" if cells["m"]["parameters"].get(f"REG_INPUT{x}_CLK") == "CLK0")


def test_all_registers_go_in() -> None:
    cells = packed()
    assert set(cells) == {"m"}
    assert registers(cells) == "AB"
    pins = cells["m"]["connections"]
    assert [pins[port] for port in ("A0", "A1", "A2", "B0", "B1")] == [[10], [11], ["0"], ["1"], [12]]
    assert [pins[port] for port in ("CLK0", "CE0", "RST0")] == [[CLOCK], ["1"], ["0"]]


def read_twice(cells: Cells) -> None:
    cells["more"] = flop(20, 300)


def shown(cells: Cells) -> None:
    cells["in0"]["connections"]["Q"] = cells["m"]["connections"]["A0"] = [300]


@pytest.mark.parametrize("edit", [read_twice, shown])
def test_a_register_that_others_read_stays_as_well(edit: Callable[[Cells], Any]) -> None:
    cells = packed(edit)
    assert "in0" in cells
    assert registers(cells) == "AB"


@pytest.mark.parametrize(("brings", "function"), [("RESET", lambda a, b: a and not b), ("SET", lambda a, b: a or b)])
def test_a_reset_becomes_a_lut(brings: str, function: Callable[[int, int], int]) -> None:
    old = flop(11, 21, reset=RESET)
    old["parameters"]["REGSET"] = brings
    cells = packed(lambda cells: cells.update(in1=old))
    (made,) = (cell for cell in cells.values() if cell["type"] == "LUT4")
    assert (made["connections"]["A"], made["connections"]["B"]) == ([11], [RESET])
    init = int(made["parameters"]["INIT"], 2)
    assert all((init >> (a + 2 * b)) & 1 == bool(function(a, b)) for a in (0, 1) for b in (0, 1))
    assert cells["m"]["connections"]["A1"] == made["connections"]["Z"]
    assert registers(cells) == "AB"


STAY: dict[str, Callable[[Cells], Any]] = {
    "enabled": lambda cells: cells["in0"]["parameters"].update(CEMUX="CE"),
    "inverted clock": lambda cells: cells["in2"]["parameters"].update(CLKMUX="INV"),
    "other clock": lambda cells: cells["in2"]["connections"].update(CLK=[5]),
    "reset at once": lambda cells: cells.update(in0=flop(10, 20, RESET) | {"parameters": PLAIN | {"SRMODE": "ASYNC"}}),
    "none": lambda cells: cells.pop("in1"),
    "behind a memory": lambda cells: cells.update(ram=memory(12)),
}


@pytest.mark.parametrize("name", STAY)
def test_registers_that_the_block_does_not_have_stay(name: str) -> None:
    cells = packed(STAY[name])
    assert registers(cells) == ""
    assert {"in0", "in2"} <= set(cells)
    assert "CLK0" not in cells["m"]["connections"]


def test_a_constant_goes_through_a_register_beside_the_other_operand() -> None:
    cells = packed(lambda cells: cells["m"]["connections"].update(B1=["1"]))
    assert registers(cells) == "AB"
