"""Registers that go into the multipliers and the block memories of the ECP5, and those that stay outside."""

from collections.abc import Callable
from typing import Any

import pytest

from tomato.board import retiming
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
        "parameters": {"DATA_WIDTH_B": f"{18:032b}", "REGMODE_A": "NOREG", "REGMODE_B": "NOREG"},
        "port_directions": {"DOA0": "output"},
        "connections": {"DOA0": [leaves]},
    }


def packed(edit: Callable[[Cells], Any] = lambda cells: None) -> Cells:
    """The cells of a multiplier with registers in front, after an edit, as they are placed."""
    cells: Cells = {"m": multiplier(), **{f"in{i}": flop(10 + i, 20 + i) for i in range(3)}}
    edit(cells)
    ports = {"y": {"bits": [*range(RESULT, RESULT + 36), 300]}, "clk": {"bits": [CLOCK]}}
    found: Cells = with_registers({"modules": {"top": {"cells": cells, "ports": ports}}})["modules"]["top"]["cells"]
    return found


def registers(cells: Cells) -> str:
    """The operands of the multiplier that are in registers, and P for its product."""
    ends = {"A": "INPUTA", "B": "INPUTB", "P": "OUTPUT"}
    return "".join(x for x, end in ends.items() if cells["m"]["parameters"].get(f"REG_{end}_CLK") == "CLK0")


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


def behind(cells: Cells, only: range = range(36)) -> None:
    """Registers behind the product, and an operand that comes from a memory."""
    cells["ram"] = memory(12)
    cells["m"]["connections"] |= {f"P{i}": [400 + i] for i in range(36)}
    cells.update({f"out{i}": flop(400 + i, RESULT + i) for i in only})


def test_a_product_goes_in_where_operands_cannot() -> None:
    cells = packed(behind)
    assert registers(cells) == "P"
    assert set(cells) == {"m", "ram", "in0", "in1", "in2"}
    pins = cells["m"]["connections"]
    assert [pins[f"P{i}"] for i in range(36)] == [[RESULT + i] for i in range(36)]
    assert [pins[port] for port in ("CLK0", "CE0", "RST0")] == [[CLOCK], ["1"], ["0"]]


def test_a_product_of_which_nothing_reads_some_bits_goes_in() -> None:
    assert registers(packed(lambda cells: behind(cells, range(30)))) == "P"


def test_a_product_stays_outside_where_operands_go_in() -> None:
    def edit(cells: Cells) -> None:
        behind(cells)
        del cells["ram"]

    cells = packed(edit)
    assert registers(cells) == "AB"
    assert {f"out{i}" for i in range(36)} <= set(cells)


OUTSIDE: dict[str, Callable[[Cells], Any]] = {
    "read twice": lambda cells: cells.update(more=flop(400, 300)),
    "reset": lambda cells: cells.update(out3=flop(403, RESULT + 3, RESET)),
    "enabled": lambda cells: cells["out3"]["parameters"].update(CEMUX="CE"),
    "begins as 1": lambda cells: cells["out3"]["parameters"].update(REGSET="SET"),
    "other clock": lambda cells: cells["out3"]["connections"].update(CLK=[5]),
}


@pytest.mark.parametrize("name", OUTSIDE)
def test_products_that_the_block_cannot_hold_stay(name: str) -> None:
    def edit(cells: Cells) -> None:
        behind(cells)
        OUTSIDE[name](cells)

    assert registers(packed(edit)) == ""


def block(ports: str) -> dict[str, Any]:
    """A block memory of which port B is read, or both ports as one."""
    outputs = {f"DO{port}{i}": [500 + 18 * n + i] for n, port in enumerate(ports) for i in range(18)}
    inputs = {"CLKA": [CLOCK], "CLKB": [CLOCK], "RSTA": ["0"], "RSTB": ["0"], "OCEA": ["0"], "OCEB": ["1"]}
    return {
        "type": "DP16KD",
        "parameters": {
            "DATA_WIDTH_B": f"{18 * len(ports):032b}", "REGMODE_A": "NOREG", "REGMODE_B": "NOREG",
            "CLKAMUX": "CLKA", "CLKBMUX": "CLKB",
        },
        "port_directions": dict.fromkeys(outputs, "output") | dict.fromkeys(inputs, "input"),
        "connections": {**outputs, **inputs},
    }  # fmt: skip


def remembered(ports: str, edit: Callable[[Cells], Any] = lambda cells: None) -> Cells:
    """The cells of a block memory with registers behind, after an edit, as they are placed."""
    cells: Cells = {"ram": block(ports), **{f"out{i}": flop(500 + i, 600 + i) for i in range(18 * len(ports))}}
    edit(cells)
    module = {"cells": cells, "ports": {"y": {"bits": [600, 700]}, "clk": {"bits": [CLOCK]}}}
    found: Cells = retiming.with_registers({"modules": {"top": module}})["modules"]["top"]["cells"]
    return found


def modes(cells: Cells) -> list[str]:
    """How the outputs of both ports leave."""
    return [cells["ram"]["parameters"][f"REGMODE_{port}"] for port in "AB"]


@pytest.mark.parametrize(("ports", "expected"), [("AB", ["OUTREG", "OUTREG"]), ("B", ["NOREG", "OUTREG"])])
def test_registers_behind_a_memory_go_in(ports: str, expected: list[str]) -> None:
    cells = remembered(ports)
    assert set(cells) == {"ram"}
    assert modes(cells) == expected
    pins = cells["ram"]["connections"]
    assert [pins[f"DO{port}{i}"] for port in ports for i in range(18)] == [[500 + i] for i in range(18 * len(ports))]
    assert [pins[f"OCE{port}"] for port in ports] == [["1"]] * len(ports)


def enabled(cells: Cells) -> None:
    for cell in list(cells.values())[1:]:
        cell["parameters"]["CEMUX"], cell["connections"]["CE"] = "CE", [9]
        cell["port_directions"]["CE"] = "input"


def test_an_enable_of_all_goes_in_with_them() -> None:
    cells = remembered("AB", enabled)
    assert modes(cells) == ["OUTREG", "OUTREG"]
    assert [cells["ram"]["connections"][f"OCE{port}"] for port in "AB"] == [[9], [9]]


def enabled_but_one(cells: Cells) -> None:
    enabled(cells)
    cells["out3"] = flop(503, 603)


KEPT: dict[str, Callable[[Cells], Any]] = {
    "shown": lambda cells: cells["ram"]["connections"].update(DOB3=[700]),
    "read by a carry": lambda cells: cells["out3"].update(type="CCU2C"),
    "an enable of some": enabled_but_one,
    "reset at once": lambda cells: cells.update(
        out3=flop(503, 603, RESET) | {"parameters": PLAIN | {"SRMODE": "ASYNC"}}
    ),
    "other clock": lambda cells: cells["out3"]["connections"].update(CLK=[5]),
    "inverted clock": lambda cells: cells["ram"]["parameters"].update(CLKBMUX="INV"),
    "a memory that is reset": lambda cells: cells["ram"]["connections"].update(RSTB=[RESET]),
}


@pytest.mark.parametrize("name", KEPT)
def test_registers_that_a_memory_does_not_have_stay(name: str) -> None:
    cells = remembered("B", KEPT[name])
    assert modes(cells) == ["NOREG", "NOREG"]
    assert sum(cell["type"] != "DP16KD" for cell in cells.values()) >= 18
