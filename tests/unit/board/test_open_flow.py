"""What a build folder gets for a board that open tools know."""

import json
import re
import shlex
from dataclasses import replace
from typing import Any

import pytest

from tests.networks.codenets import residual
from tomato import targets
from tomato.board import boards, gowin, open_flow, serial
from tomato.board.ecp5 import results, without_idle_carries
from tomato.board.number import number
from tomato.board.synthesis import ECP5, UNMARKED, script
from tomato.build.report import report
from tomato.core.errors import TomatoError
from tomato.hardware.netlist import Netlist
from tomato.lower import lower
from tomato.schedule import schedule
from tomato.targets import Target


def made(target: Target, size: int = 8) -> tuple[Netlist, dict[str, str]]:
    """A small network on a board: its netlist, and the files below board/."""
    graph = residual(size)
    plan = schedule(graph, target)
    lowered = lower(graph, plan, target)
    facts = report(graph, plan, target, lowered, model="residual", notes=[])
    return lowered.netlist, open_flow.files(lowered.netlist, target, facts)


@pytest.mark.parametrize("name", boards.names())
def test_every_board_with_pins_is_a_target_of_its_family(name: str) -> None:
    found, target = boards.find(name), targets.load(name)
    assert found is not None
    assert target.family in open_flow.FLOWS
    assert (
        boards.device(target.part)[1:2] == ("--package",) if target.family == "ecp5" else gowin.options(target, "t", 1)
    )
    pins = [found.clock_pin, found.rxd, found.txd, *found.leds, *found.high]
    assert len(set(pins)) == len(pins)
    assert 1 <= len(found.leds) <= 4


@pytest.mark.parametrize("name", boards.names())
def test_every_pin_of_the_top_is_placed_once(name: str) -> None:
    _, files = made(targets.load(name))
    flow = open_flow.FLOWS[targets.load(name).family]
    placed = re.findall(r'(?:LOCATE COMP|IO_LOC) "(\S+?)" ', files[f"{flow.name}/{flow.pins}"])
    top = files[f"rtl/{json.loads(files['serial.json'])['top']}.sv"]
    ports = re.search(r"module net_\w+ \((.*?)\);", top, re.DOTALL)
    assert ports is not None
    expected: list[str] = []
    for high, port in re.findall(r"logic (?:\[(\d+):0\] )?(\w+)", ports[1]):
        expected += [f"{port}[{i}]" for i in range(int(high) + 1)] if high else [port]
    assert sorted(placed) == sorted(expected)


@pytest.mark.parametrize("name", ["ulx3s", "tang-nano-20k"])
def test_who_places_by_hand_is_told_every_option(name: str) -> None:
    target = targets.load(name)
    netlist, files = made(target)
    shell = json.loads(files[open_flow.SERIAL])
    flow = open_flow.FLOWS[target.family]
    told = files["README.md"].replace(" \\\n", "").split()
    options = shlex.split(" ".join(flow.placing(target, shell["top"], shell["clock_mhz"])))
    assert options == flow.options(target, shell["top"], shell["clock_mhz"])
    assert any(told[i : i + len(options)] == options for i in range(len(told)))
    assert netlist.name in " ".join(options)


def test_the_script_names_files_that_the_folder_holds() -> None:
    netlist, files = made(targets.load("ulx3s"))
    described = json.loads(files["serial.json"])
    assert {f.removeprefix("board/") for f in described["sources"] if f.startswith("board/")} <= set(files)
    assert f"rtl/{netlist.name}.sv" in described["sources"]
    assert all(source in files["ecp5/synth.ys"] for source in described["sources"])
    assert described["frame_bytes"] == sum(p["bytes"] for p in described["inputs"]) == 8 * 8 * 4


def test_the_script_of_another_family_maps_its_multipliers_between_the_halves_of_its_own() -> None:
    _, files = made(targets.load("tang-nano-20k"), 4)
    commands = files["gowin/synth.ys"].splitlines()
    told = ("-run begin:coarse", "techmap -map +/mul2dsp.v", "techmap -map +/gowin/dsp_map.v", "-run map_ram:")
    places = [next(i for i, command in enumerate(commands) if part in command) for part in told]
    assert places == sorted(places)
    assert ".ODIV_SEL (32)" in files["rtl/net_tang_nano_20k.sv"]


def test_other_boards_get_nothing() -> None:
    assert made(targets.load("u250"))[1] == {}


def test_frames_that_fit_nowhere_are_refused() -> None:
    target = targets.load("ulx3s")
    small = replace(target, budget=target.budget._replace(bram18=0), fill=target.fill._replace(bram18=0))
    refused = json.loads(made(small, 16)[1]["serial.json"])["refused"]
    assert refused == (
        "the serial shell stores whole frames, 1,024 bytes in and 6 bytes out: 2 block RAMs, and 0 are left"
    )


def test_designs_have_numbers_of_their_own() -> None:
    target = targets.load("ulx3s")
    graph = residual()
    slow, fast = (lower(graph, schedule(graph, target, fps=fps), target).netlist for fps in (100, 20_000))
    assert number(slow, target) == number(slow, target) != number(fast, target)


@pytest.mark.parametrize(
    ("mhz", "most", "rate"),
    [(50, 3_000_000, 2_000_000), (48, 3_000_000, 3_000_000), (25, 1_000_000, 1_000_000), (7.3728, 115_200, 115_200)],
)
def test_rates_are_those_that_a_divider_makes(mhz: float, most: int, rate: int) -> None:
    assert serial.rate(mhz, most) == rate


@pytest.mark.parametrize(
    ("part", "options"),
    [
        ("LFE5U-85F-6BG381C", "--85k --package CABGA381 --speed 6"),
        ("LFE5U-25F-8MG285C", "--25k --package CSFBGA285 --speed 8"),
        ("LFE5UM5G-45F-8BG554I", "--um5g-45k --package CABGA554 --speed 8"),
    ],
)
def test_parts_as_nextpnr_names_them(part: str, options: str) -> None:
    assert " ".join(boards.device(part)) == options


def test_a_part_of_another_family_is_refused() -> None:
    with pytest.raises(TomatoError, match="'xcu250-figd2104-2L-e' is no part of the ECP5 family"):
        boards.device("xcu250-figd2104-2L-e")


def test_multipliers_for_luts_are_put_aside_before_the_others_are_mapped() -> None:
    commands = script(ECP5, "top", ["a.sv"], ["rtl"])
    aside, mapped, back = (
        next(i for i, c in enumerate(commands) if c.startswith(start))
        for start in ("chtype -set $__soft_mul", "techmap -map +/mul2dsp.v", "chtype -set $mul")
    )
    assert aside < mapped < back


def test_memories_that_ask_for_no_kind_are_marked_before_any_is_mapped() -> None:
    commands = script(ECP5, "top", ["a.sv"], ["rtl"])
    mapped = next(i for i, c in enumerate(commands) if c.endswith("-run map_ram:"))
    assert commands.index("memory -nomap") < commands.index(UNMARKED) < mapped


def test_what_nextpnr_counts_is_in_the_units_of_the_budget() -> None:
    used = {"TRELLIS_COMB": 100, "TRELLIS_RAMW": 3, "TRELLIS_FF": 40, "MULT18X18D": 2, "DP16KD": 1}
    clocks = {"a": {"achieved": 80.0, "constraint": 50.0}, "b": {"achieved": 30.0, "constraint": 25.0}}
    found = results({"utilization": {k: {"used": n} for k, n in used.items()}, "fmax": clocks})
    assert found == {"resources": {"lut": 100, "ff": 40, "dsp": 2, "bram18": 1}, "clock_mhz": 30.0}


def test_carries_of_gowin_take_places_of_luts() -> None:
    used = {"LUT4": 100, "ALU": 7, "DFF": 40, "MULT18X18": 2, "BSRAM": 1, "RAM16SDP4": 3}
    clocks = {"a": {"achieved": 80.0, "constraint": 27.0}}
    found = gowin.results({"utilization": {k: {"used": n} for k, n in used.items()}, "fmax": clocks})
    assert found == {"resources": {"lut": 107, "ff": 40, "dsp": 2, "bram18": 1}, "clock_mhz": 80.0}


def test_a_part_of_another_family_is_refused_by_gowin() -> None:
    with pytest.raises(TomatoError, match="'LFE5U-25F-6BG381C' is no part of the GW2A family"):
        gowin.options(targets.load("colorlight-i5"), "top", 27)


def chain(carry: int, into: int | str) -> dict[str, Any]:
    """Two bits of a carry chain, as Yosys writes them."""
    ways = {"CIN": "input", "COUT": "output"}
    return {"type": "CCU2C", "port_directions": dict(ways), "connections": {"CIN": [into], "COUT": [carry]}}


def test_only_carries_that_are_read_leave_their_chain() -> None:
    cells = {"low": chain(2, "0"), "high": chain(3, 2), "shown": chain(4, "0")}
    netlist = {"modules": {"top": {"ports": {"y": {"bits": [4]}}, "cells": cells}}}
    found = without_idle_carries(netlist)["modules"]["top"]["cells"]
    assert {name: cell["connections"]["COUT"] for name, cell in found.items()} == {
        "low": [2], "high": ["x"], "shown": [4],
    }  # fmt: skip
