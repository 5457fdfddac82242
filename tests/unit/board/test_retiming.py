"""Registers that move into block memories, over logic or not: what the netlist computes stays, cycle by cycle."""

import random
import re
from collections.abc import Callable
from copy import deepcopy
from typing import Any

import pytest

from tests.unit.board.test_blocks import Cells, flop, memory
from tomato.board import ahead, retiming
from tomato.core.assets import asset

CLOCK, ENABLE, RESET = 2, 3, 4
INPUTS = (ENABLE, RESET, 5, 6, 7)
"""Bits of the module's inputs, beside the clock."""
WARM = 4
"""Cycles after which what registers began with is forgotten: all are enabled until then."""


def lut(made: int, entries: list[Any], init: int) -> dict[str, Any]:
    """A LUT, as Yosys writes it."""
    return {
        "type": "LUT4",
        "parameters": {"INIT": f"{init:016b}"},
        "port_directions": dict.fromkeys("ABCD", "input") | {"Z": "output"},
        "connections": {port: [bit] for port, bit in zip("ABCD", entries, strict=True)} | {"Z": [made]},
    }


def way(made: int, zero: int, one: int, choice: int) -> dict[str, Any]:
    """A multiplexer of a slice."""
    return {
        "type": "PFUMX", "parameters": {},
        "port_directions": dict.fromkeys(("BLUT", "ALUT", "C0"), "input") | {"Z": "output"},
        "connections": {"BLUT": [zero], "ALUT": [one], "C0": [choice], "Z": [made]},
    }  # fmt: skip


def register(entry: int, leaves: int, *, enabled: bool = False, reset: bool = False) -> dict[str, Any]:
    """A flip-flop with an enable or a reset."""
    made = flop(entry, leaves, RESET if reset else "0")
    if enabled:
        made["parameters"]["CEMUX"] = "CE"
        made["connections"]["CE"], made["port_directions"]["CE"] = [ENABLE], "input"
    return made


def block(bits: list[int]) -> dict[str, Any]:
    """A block memory whose port B is read."""
    made = memory(0)
    inputs = {"CLKA": [CLOCK], "CLKB": [CLOCK], "RSTA": ["0"], "RSTB": ["0"], "OCEA": ["0"], "OCEB": ["1"]}
    made["connections"] = {f"DOB{i}": [bit] for i, bit in enumerate(bits)} | inputs
    made["port_directions"] = dict.fromkeys(made["connections"], "input")
    made["port_directions"] |= {f"DOB{i}": "output" for i in range(len(bits))}
    made["parameters"] = {
        "DATA_WIDTH_B": f"{18:032b}", "REGMODE_A": "NOREG", "REGMODE_B": "NOREG", "CLKAMUX": "CLKA", "CLKBMUX": "CLKB",
    }  # fmt: skip
    return made


def module(cells: Cells, shown: list[int]) -> dict[str, Any]:
    """A module around cells that shows some bits."""
    ports = {"clk": ("input", [CLOCK]), "x": ("input", [*INPUTS]), "y": ("output", shown)}
    return {"cells": cells, "ports": {name: {"direction": way, "bits": bits} for name, (way, bits) in ports.items()}}


def play(made: dict[str, Any], cycles: int, seed: int) -> list[list[bool]]:
    """What a module shows in every cycle, on random inputs and contents of memories."""
    rng = random.Random(seed)
    cells = made["cells"]
    drivers = {bit: cell for cell in cells.values() for port, bits in cell["connections"].items() for bit in bits
               if cell["port_directions"][port] == "output"}  # fmt: skip
    held: dict[Any, bool] = {}  # by flip-flop and by pin of a memory
    found = []

    def value(bit: Any) -> bool:
        if not isinstance(bit, int) or bit in now:
            return bool(now.get(bit, bit == "1"))
        cell = drivers[bit]
        pins = {port: bits[0] for port, bits in cell["connections"].items()}
        if cell["type"] == "LUT4":
            now[bit] = cell["parameters"]["INIT"][::-1][sum(value(pins[p]) << i for i, p in enumerate("ABCD"))] == "1"
        else:
            now[bit] = value(pins["ALUT"] if value(pins["C0"]) else pins["BLUT"])
        return now[bit]

    for cycle in range(cycles):
        now: dict[Any, bool] = {bit: rng.random() < 0.5 for bit in INPUTS}
        now[ENABLE] |= cycle < WARM
        words = {(name, f"DOB{i}"): rng.random() < 0.5 for name in ("ram0", "ram1") for i in range(4)}
        for name, cell in cells.items():
            pins, kinds = cell["connections"], cell["parameters"]
            if cell["type"] == "TRELLIS_FF":
                now[pins["Q"][0]] = held.get(name, False)
            if cell["type"] == "DP16KD":
                stage = "out" if kinds["REGMODE_B"] == "OUTREG" else "read"
                now |= {
                    bits[0]: held.get((name, port, stage), False) for port, bits in pins.items() if port[:3] == "DOB"
                }
        found.append([value(bit) for bit in made["ports"]["y"]["bits"]])
        for name, cell in cells.items():
            if "ADB0" in cell["connections"]:
                at = [value(cell["connections"][f"ADB{i}"][0]) for i in range(14)]
                words |= {key: bool(random.Random(f"{key}{at}").getrandbits(1)) for key in words if key[0] == name}
        after: dict[Any, bool] = {}
        for name, cell in cells.items():
            pins, kinds = cell["connections"], cell["parameters"]
            if cell["type"] == "TRELLIS_FF":
                on = value(pins["CE"][0]) if kinds["CEMUX"] == "CE" else True
                cleared = kinds["REGSET"] == "SET" if value(pins["LSR"][0]) else None
                after[name] = cleared if cleared is not None else value(pins["DI"][0]) if on else held.get(name, False)
            for port in (p for p in pins if cell["type"] == "DP16KD" and p[:3] == "DOB"):
                read, out = (name, port, "read"), (name, port, "out")
                after[out] = held.get(read if value(pins["OCEB"][0]) else out, False)
                after[read] = words[name, port] if value(pins.get("CEB", ["1"])[0]) else held.get(read, False)
        held = after
    return found


def drawn(seed: int) -> dict[str, Any]:
    """Two memories, random logic behind them that reads inputs and registers as well, registers, logic behind those."""
    rng = random.Random(seed)
    told = [[100, 101, 102], [103, 104, 105]]
    cells: Cells = {f"ram{i}": block(bits) for i, bits in enumerate(told)}
    cells |= {"beside": flop(5, 110), "later": flop(110, 111)}
    layer, fresh = [bit for bits in told for bit in bits], 200
    for depth in range(rng.randint(1, 3)):
        made = []
        for i in range(len(layer)):
            name, entries = f"logic{depth}_{i}", [layer[i], rng.choice(layer), rng.choice((5, 6, 110, "0")), 111]
            if rng.random() < 0.3:
                cells[f"{name}_b"] = lut(fresh, entries, rng.getrandbits(16))
                cells[f"{name}_a"] = lut(fresh + 1, [6, 7, 110, "1"], rng.getrandbits(16))
                cells[name] = way(fresh + 2, fresh, fresh + 1, rng.choice((6, 110)))
            else:
                cells[name] = lut(fresh + 2, entries, rng.getrandbits(16))
            made.append(fresh + 2)
            fresh += 3
        layer = made
    enabled = rng.random() < 0.5
    for i, bit in enumerate(layer):
        cells[f"register{i}"] = register(bit, 400 + i, enabled=enabled, reset=not enabled and rng.random() < 0.3)
        cells[f"register{i}"]["parameters"]["REGSET"] = rng.choice(("SET", "RESET"))
    cells["behind"] = lut(500, [400, 401, 402, 110], rng.getrandbits(16))
    cells["last"] = flop(500, 501)
    return module(cells, [501, 400, 403, 404, 405])


def constants(seed: int) -> dict[str, Any]:
    """A memory of constants that a counter addresses, with enables and resets, and registers behind a multiplexer."""
    rng = random.Random(seed)
    cells: Cells = {f"ram{i}": block([100 + 2 * i, 101 + 2 * i]) for i in range(2)}
    asked = rng.choice(["1", ENABLE])
    for cell in [*cells.values()]:
        address = {f"ADB{i}": [110 + i] if i < 3 else [rng.choice("01")] for i in range(14)}
        idle = rng.choice((("0", "1"), ("1", "0")))  # a port that never writes
        more = (
            address
            | {"CEB": [asked], "WEB": ["0"]}
            | {pin: [bit] for pin, bit in zip(("CEA", "WEA"), idle, strict=True)}
        )
        cell["connections"] |= more
        cell["port_directions"] |= dict.fromkeys(more, "input")
    for i in range(3):
        cells[f"count{i}"] = register(120 + i, 110 + i, enabled=rng.random() < 0.5, reset=rng.random() < 0.5)
        cells[f"count{i}"]["parameters"]["REGSET"] = rng.choice(("SET", "RESET"))
        cells[f"next{i}"] = lut(120 + i, [110, 111, 112, 7], rng.getrandbits(16))
    cells["choice"] = register(112, 130, enabled=asked == ENABLE)
    for i in range(2):
        cells[f"mux{i}"] = lut(140 + i, [100 + i, 102 + i, 130, "0"], 0b1100110010101010)
        cells[f"out{i}"] = flop(140 + i, 150 + i)
    return module(cells, [150, 151, 140])


def modes(made: dict[str, Any]) -> set[str]:
    """How the data of memories leaves."""
    return {cell["parameters"]["REGMODE_B"] for cell in made["cells"].values() if cell["type"] == "DP16KD"}


@pytest.mark.parametrize("seed", range(40))
def test_a_netlist_computes_the_same(seed: int) -> None:
    before = drawn(seed)
    after = retiming.with_registers({"modules": {"top": deepcopy(before)}})["modules"]["top"]
    assert modes(after) == {"OUTREG"}
    assert not {name for name in before["cells"] if name.startswith("register")} & after["cells"].keys()
    assert play(before, 60, seed)[WARM:] == play(after, 60, seed)[WARM:]


@pytest.mark.parametrize("seed", range(40))
def test_a_memory_that_is_read_ahead_holds_the_same(seed: int) -> None:
    before = constants(seed)
    after = ahead.with_registers({"modules": {"top": deepcopy(before)}})["modules"]["top"]
    assert modes(after) == {"OUTREG"}
    assert play(before, 80, seed)[WARM:] == play(after, 80, seed)[WARM:]


WRITTEN: dict[str, Callable[[Cells], Any]] = {
    "written": lambda cells: cells["ram0"]["connections"].update(WEA=[ENABLE], CEA=["1"]),
    "written by the other port": lambda cells: cells["ram0"]["connections"].update(WEB=["1"]),
    "addressed by logic": lambda cells: cells["ram0"]["connections"].update(ADB1=[121]),
    "addressed from outside": lambda cells: cells["ram0"]["connections"].update(ADB1=[6]),
    "an address of another clock": lambda cells: cells["count1"]["connections"].update(CLK=[5]),
    "an inverted enable": lambda cells: cells["count1"]["parameters"].update(CEMUX="INV"),
    "an address that is reset at once": lambda cells: (
        cells["count1"]["connections"].update(LSR=[RESET]), cells["count1"]["parameters"].update(SRMODE="ASYNC")
    ),
    "a memory that is reset": lambda cells: cells["ram0"]["connections"].update(RSTB=[RESET]),
    "a register there": lambda cells: cells["ram0"]["parameters"].update(REGMODE_B="OUTREG"),
}  # fmt: skip


@pytest.mark.parametrize("name", WRITTEN)
def test_memories_that_cannot_be_read_ahead_stay(name: str) -> None:
    made = constants(1)
    WRITTEN[name](made["cells"])
    before = deepcopy(made["cells"]["ram0"])
    assert ahead.with_registers({"modules": {"top": made}})["modules"]["top"]["cells"]["ram0"] == before


def simple(edit: Callable[[Cells], Any] = lambda cells: None) -> dict[str, Any]:
    """A multiplexer of two memories with a register behind, after an edit, as it is placed."""
    cells: Cells = {
        "ram0": block([100]), "ram1": block([101]), "choice": flop(5, 110),
        "mux": lut(200, [100, 101, 110, "0"], 0b1100110010101010), "out": register(200, 300),
    }  # fmt: skip
    edit(cells)
    found: dict[str, Any] = retiming.with_registers({"modules": {"top": module(cells, [300])}})["modules"]["top"]
    return found


def test_what_chooses_gets_a_register() -> None:
    cells = simple()["cells"]
    assert modes({"cells": cells}) == {"OUTREG"}
    (mux,) = (cell for cell in cells.values() if cell["type"] == "LUT4")
    (moved,) = (cell for cell in cells.values() if cell["connections"].get("DI") == [110])
    assert [mux["connections"][port] for port in "ABC"] == [[100], [101], moved["connections"]["Q"]]
    assert len(cells) == 5


def slow(cells: Cells) -> None:
    """A multiplier and logic behind the register: as long as what is in front."""
    cells["m"] = {
        "type": "MULT18X18D", "parameters": {}, "port_directions": {"A0": "input", "P0": "output"},
        "connections": {"A0": [300], "P0": [310]},
    }  # fmt: skip
    cells["sum"], cells["end"] = lut(311, [310, "0", "0", "0"], 2), flop(311, 312)


KEPT: dict[str, Callable[[Cells], Any]] = {
    "read by another": lambda cells: cells.update(more=flop(100, 301), other=register(200, 302, enabled=True)),
    "logic is shown": lambda cells: cells["mux"]["connections"].update(Z=[300]),
    "an enable of some": lambda cells: cells.update(other=register(101, 302, enabled=True)),
    "a reset beside an enable": lambda cells: cells.update(out=register(200, 300, enabled=True, reset=True)),
    "a reset at once": lambda cells: cells.update(
        out=register(200, 300, reset=True) | {"parameters": register(0, 0)["parameters"] | {"SRMODE": "ASYNC"}}
    ),
    "other clock": lambda cells: cells["out"]["connections"].update(CLK=[5]),
    "a memory's other clock": lambda cells: cells["ram1"]["connections"].update(CLKB=[5]),
    "a memory that is reset": lambda cells: cells["ram1"]["connections"].update(RSTB=[RESET]),
    "a register there": lambda cells: cells["ram1"]["parameters"].update(REGMODE_B="OUTREG"),
    "a reset by it": lambda cells: cells.update(other=flop(5, 302, 200)),
    "a longer path": slow,
}


@pytest.mark.parametrize("name", KEPT)
def test_registers_that_cannot_move_stay(name: str) -> None:
    cells = simple(KEPT[name])["cells"]
    assert cells["ram0"]["parameters"]["REGMODE_B"] == "NOREG"
    assert {"mux", "out"} <= cells.keys()


def test_no_register_of_the_rtl_has_a_value_when_the_chip_starts() -> None:
    """Those of memories and those that were moved may begin with others."""
    given = re.compile(r'_q(\[[^\]]*\])* = |\binitial (?!if \(MemFile\d? != ""\) \$readmemh)')
    files = sorted(asset("hw", "rtl").rglob("*.sv"))
    found = {file.name: line for file in files for line in file.read_text().splitlines() if given.search(line)}
    assert files
    assert not found
