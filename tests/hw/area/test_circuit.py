"""The hash of a circuit: blind to names and order, not to kinds, parameters and connections."""

from collections.abc import Callable
from copy import deepcopy
from typing import Any

import pytest

from tools.calibrate.circuit import circuit

WIDTHS = {"A_WIDTH": "01", "B_WIDTH": "10", "Y_WIDTH": "10"}
TOP: dict[str, Any] = {
    "attributes": {"top": "1"},
    "ports": {
        "a": {"bits": [1]},
        "b": {"bits": [2, 3]},
        "y": {"bits": [4, 5]},
        "z": {"bits": [6]},
    },
    "cells": {
        "sum": {"type": "$add", "parameters": WIDTHS, "connections": {"A": [1], "B": [2, 3], "Y": [7, 8]}},
        "less": {"type": "$sub", "parameters": WIDTHS, "connections": {"A": [1], "B": [7, 8], "Y": [4, 5]}},
        "port": {"type": "$memrd_v2", "parameters": {"MEMID": "m"}, "connections": {"ADDR": [1], "DATA": [6]}},
        "other": {"type": "$memwr_v2", "parameters": {"MEMID": "m"}, "connections": {"ADDR": [2], "DATA": [3]}},
    },
}  # fmt: skip
Edit = Callable[[dict[str, Any]], Any]


def renamed(cells: dict[str, Any]) -> None:
    bits = {n: n + 20 for n in (7, 8)}
    for name in list(cells)[::-1]:
        cell = cells.pop(name)
        cells[f"u_{name}"] = cell
        if "MEMID" in cell["parameters"]:
            cell["parameters"]["MEMID"] = "memory"
        for port, found in cell["connections"].items():
            cell["connections"][port] = [bits.get(bit, bit) for bit in found]


def swapped(cells: dict[str, Any]) -> None:
    cells["sum"]["connections"] |= {"A": [2, 3], "B": [1]}
    cells["sum"]["parameters"] = {**WIDTHS, "A_WIDTH": "10", "B_WIDTH": "01"}


SAME: dict[str, Edit] = {
    "renamed": renamed,
    "swapped": swapped,
    "marker": lambda cells: cells.update(mark={"type": "$scopeinfo", "parameters": {}, "connections": {}}),
}
OTHER: dict[str, Edit] = {
    "kind": lambda cells: cells["sum"].update(type="$mul"),
    "parameter": lambda cells: cells["less"].update(parameters={**WIDTHS, "Y_WIDTH": "11"}),
    "crossed": lambda cells: cells["sum"]["connections"].update(B=[3, 2]),
    "constant": lambda cells: cells["sum"]["connections"].update(A=["1"]),
    "order": lambda cells: cells["less"]["connections"].update(A=[7], B=[1, 8]),
    "memory": lambda cells: cells["other"]["parameters"].update(MEMID="n"),
    "missing": lambda cells: cells.pop("port"),
}


def edited(edit: Edit) -> str:
    top = deepcopy(TOP)
    edit(top["cells"])
    return circuit({"modules": {"top": top}})


@pytest.mark.parametrize("name", SAME)
def test_equal_circuits_share_it(name: str) -> None:
    assert edited(SAME[name]) == edited(lambda cells: None)


def test_how_memories_are_mapped_is_part_of_it() -> None:
    def circuit_of(attributes: dict[str, str]) -> str:
        top = deepcopy(TOP)
        for name in ("port", "other"):
            top["cells"][name]["parameters"]["MEMID"] = "\\m"
        return circuit({"modules": {"top": {**top, "memories": {"m": {"attributes": attributes}}}}})

    plain = circuit_of({"ram_style": "block", "src": "a.sv:1"})
    assert circuit_of({"ram_style": "block", "src": "b.sv:2"}) == plain
    assert circuit_of({"ram_style": "block", "no_rw_check": "1"}) != plain


def test_an_input_that_nothing_reads_is_no_hardware() -> None:
    top = deepcopy(TOP)
    top["ports"]["unused"] = {"direction": "input", "bits": [40, 41]}
    assert circuit({"modules": {"top": top}}) == edited(lambda cells: None)


@pytest.mark.parametrize("name", OTHER)
def test_other_circuits_do_not(name: str) -> None:
    assert edited(OTHER[name]) != edited(lambda cells: None)
