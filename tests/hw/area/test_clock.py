"""Engines placed alone: stored results, no placement."""

import inspect
from types import ModuleType
from typing import Any

import pytest

from tomato.engines import CATALOGUE
from tools.calibrate.alone import alone
from tools.calibrate.clock import DOCUMENT, FLOW, document, known, meaning, signal, stamp, telling
from tools.calibrate.point import Point
from tools.calibrate.run import selected

CHOSEN = [pytest.param(point, id=f"{point.group}-{point.name}") for point in telling(selected(FLOW))]
SLOWEST = 130
"""MHz that every engine reaches alone."""


def test_the_table_is_that_of_the_data() -> None:
    assert DOCUMENT.read_text() == document()


def test_every_engine_is_placed() -> None:
    """But for those that read memory beside the chip, or have a second clock: boards of the family lack both."""
    assert set(known()) == {stem for stem, engine in CATALOGUE.items() if not (engine.fetches or engine.doubles)}


@pytest.mark.parametrize("point", CHOSEN)
def test_what_is_stored_is_the_engine_of_today_and_fast_enough(point: Point) -> None:
    found = known()[point.group][point.name]
    assert found["key"] == stamp(point)
    assert found["mhz"] >= SLOWEST


@pytest.mark.parametrize(
    ("cell", "name"),
    [
        ("u_row.count_q_TRELLIS_FF_Q_3", "u_row.count_q"),
        ("u_dot.mult_d_MULT18X18D_P9_7", "u_dot.mult_d"),
        ("u_ram.gen_block.mem.0.1", "u_ram.gen_block.mem.0.1"),
    ],
)
def test_names_are_those_of_the_rtl(cell: str, name: str) -> None:
    assert signal(cell) == name


def test_ports_are_behind_registers() -> None:
    gate: dict[str, Any] = {
        "type": "LUT4", "parameters": {}, "port_directions": {"A": "input", "B": "input", "Z": "output"},
        "connections": {"A": [3], "B": [4], "Z": [5]},
    }  # fmt: skip
    ways = {"clk_i": ("input", [2]), "data_i": ("input", [3, 4]), "data_o": ("output", [5, 3])}
    module: dict[str, Any] = {
        "ports": {name: {"direction": way, "bits": bits} for name, (way, bits) in ways.items()},
        "cells": {"gate": gate},
        "netnames": {},
    }
    made = alone({"modules": {"top": module}}, "top")["modules"]["top"]
    assert set(made["ports"]) == {"clk_i", "alone_i", "alone_o"}
    driven = {bit: cell["type"] for cell in made["cells"].values() for port, bits in cell["connections"].items()
              if cell["port_directions"][port] == "output" for bit in bits}  # fmt: skip
    assert all(driven[bit] == "TRELLIS_FF" for port in "AB" for bit in gate["connections"][port])
    assert sum(kind == "TRELLIS_FF" for kind in driven.values()) == 2 + 2 * 2
    (shown,) = made["ports"]["alone_o"]["bits"]
    assert driven[shown] == "TRELLIS_FF"


def test_a_comment_changes_no_stamp() -> None:
    bare, told, other = ModuleType("bare"), ModuleType("told"), ModuleType("other")
    sources = {bare: "def f():\n    return 1\n", told: '"""Said."""\ndef f():\n    """Said."""\n    return 1  # so\n',
               other: "def f():\n    return 2\n"}  # fmt: skip
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(inspect, "getsource", sources.__getitem__)
        assert meaning(bare) == meaning(told) != meaning(other)
