"""Counting cells and following paths, on netlists small enough to check by eye."""

from typing import Any

import pytest

from tools.calibrate.measure import measure


def cell(kind: str, inputs: dict[str, list[int]], outputs: dict[str, list[int]]) -> dict[str, Any]:
    ways = {**dict.fromkeys(inputs, "input"), **dict.fromkeys(outputs, "output")}
    return {"type": kind, "connections": {**inputs, **outputs}, "port_directions": ways}


def netlist(cells: dict[str, Any], **names: int) -> dict[str, Any]:
    nets = {name: {"bits": [bit]} for name, bit in names.items()}
    return {"modules": {"top": {"attributes": {"top": 1}, "cells": cells, "netnames": nets, "ports": {}}}}


def flipflop(data: int, out: int) -> dict[str, Any]:
    return cell("FDRE", {"C": [0], "D": [data]}, {"Q": [out]})


def test_a_path_is_luts_and_carry_chains() -> None:
    found = measure(
        netlist(
            {
                "from": flipflop(1, 2),
                "first": cell("LUT2", {"I0": [2]}, {"O": [3]}),
                "low": cell("CARRY4", {"CI": [1], "S": [3]}, {"CO": [4], "O": [5]}),
                "high": cell("CARRY4", {"CI": [4], "S": [1]}, {"CO": [6], "O": [7]}),
                "mux": cell("MUXF7", {"I0": [7]}, {"O": [8]}),
                "last": cell("LUT6", {"I0": [8]}, {"O": [9]}),
                "to": flipflop(9, 10),
            },
            source_q=2,
            sum_q=10,
        )
    )
    assert (found.lut, found.ff) == (2, 2)
    assert (found.levels, found.carries) == (2, 1), "two cells of one chain are one chain, a slice multiplexer is free"
    assert found.path == ("source_q", "sum_q")


def test_what_drives_nothing_is_no_path() -> None:
    cells = {"from": flipflop(1, 2), "dead": cell("LUT2", {"I0": [2]}, {"O": [3]})}
    assert measure(netlist(cells)).levels == 0


def test_blocks_begin_and_end_paths_and_lut_memories_are_read_through() -> None:
    read = cell("RAM32M16", {"ADDRA": [2], "ADDRH": [1], "DIA": [1]}, {"DOA": [3]})
    block = cell("DSP48E2", {"A": [3]}, {"P": [4]})
    found = measure(netlist({"from": flipflop(1, 2), "memory": read, "multiply": block, "to": flipflop(4, 5)}))
    assert (found.lut, found.dsp, found.levels) == (8, 1, 1)


def test_block_memories_are_counted_in_halves() -> None:
    cells = {"a": cell("RAMB36E2", {}, {"DOUT": [1]}), "b": cell("RAMB18E2", {}, {"DOUT": [2]})}
    assert measure(netlist(cells)).bram18 == 3


def test_a_cell_without_a_rule_is_an_error() -> None:
    with pytest.raises(AssertionError, match=r"^cells without a rule: \['MYSTERY'\]$"):
        measure(netlist({"odd": cell("MYSTERY", {}, {"Q": [1]})}))
