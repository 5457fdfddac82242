"""Models of AMD's cells (sim/gates) against what the vendor's guides say of them; other modes are refused, in words."""

import json
import random
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest
import toolchain

from tests.hw.rtl.amd_cells import BlockRam, Cell, Ports, UltraRam
from tests.hw.rtl.amd_dsp import Dsp, Registers
from tomato.build.gates import FAMILIES
from tomato.core.assets import asset

ROOT = Path(__file__).parents[3]
CYCLES = 800
MODELS = [*dict.fromkeys(asset("sim", "gates", model) for family in FAMILIES.values() for model in family.models)]
TOP = "top"

RAMS = [
    BlockRam("RAMB18E1", Ports(read_b=9, write_a=9)),
    BlockRam("RAMB18E1", Ports(read_a=36, write_b=36)),
    BlockRam("RAMB36E1", Ports(read_a=1, write_b=4, mode="WRITE_FIRST")),
    BlockRam("RAMB36E1", Ports(read_a=72, write_b=18)),
    BlockRam("RAMB18E2", Ports(read_a=18, write_a=18, read_b=2, mode="WRITE_FIRST")),
    BlockRam("RAMB18E2", Ports(read_a=4, write_b=18)),
    BlockRam("RAMB36E2", Ports(read_a=36, write_a=36, read_b=18, mode="NO_CHANGE")),
    BlockRam("RAMB36E2", Ports(read_a=72, write_b=72, mode="WRITE_FIRST")),
    UltraRam("PARITY_INTERLEAVED"),
    UltraRam("PARITY_INDEPENDENT"),
]
DSPS = [
    Dsp("DSP48E2", Registers(), z=(0,)),
    Dsp("DSP48E2", Registers(a=1, b=2, m=1, p=1, acasc=1, bcasc=1), z=(0, 1, 5)),
    Dsp("DSP48E2", Registers(a=1, d=1, ad=1, c=1, p=1, acasc=1), z=(0, 3), summed=True),
    Dsp("DSP48E1", Registers(a=2, b=1, c=1, m=1, p=1, acasc=2, bcasc=1), z=(0, 2, 3, 6)),
    Dsp("DSP48E1", Registers(a=2, b=2, m=1, p=1, acasc=1, bcasc=1), z=(1,), summed=True, cascaded=True),
]


def instance(name: str, cell: Cell, place: int, shown: int) -> str:
    """A cell between some bits of the input and some of the output."""
    pins = [f".{clock}(clk)" for clock in cell.clocks]
    for widths, at, wires in ((cell.pins, place, "word_in"), (cell.results, shown, "word_out")):
        for pin, width in widths.items():
            pins.append(f".{pin}({wires}[{at + width - 1}:{at}])")
            at += width
    values = ", ".join(f".{name}({value})" for name, value in cell.parameters.items())
    return f"  {cell.kind} #({values}) {name} ({', '.join(pins)});\n"


def packed(widths: Mapping[str, int], values: Mapping[str, int]) -> tuple[int, int]:
    """Numbers side by side, the first lowest, and their bits."""
    word = at = 0
    for pin, width in widths.items():
        word |= (values[pin] & (1 << width) - 1) << at
        at += width
    return word, at


def top(cells: Sequence[Cell]) -> str:
    """A module in which cells stand side by side."""
    places, shown, text = 0, 0, ""
    for i, cell in enumerate(cells):
        text += instance(f"u{i}", cell, places, shown)
        places, shown = places + sum(cell.pins.values()), shown + sum(cell.results.values())
    ports = f"input wire clk, input wire [{places - 1}:0] word_in, output wire [{shown - 1}:0] word_out"
    return f"module {TOP} ({ports});\n{text}endmodule\n"


def built(cells: Sequence[Cell], work: Path) -> toolchain.Build:
    """The simulation of some cells."""
    (work / f"{TOP}.sv").write_text(top(cells))
    made = toolchain.Build(TOP, [*MODELS, work / f"{TOP}.sv"], [], work / "build", quick=True)
    toolchain.build(made)
    return made


def played(build: toolchain.Build, words: Sequence[int], work: Path) -> list[int]:
    """What the output is in every cycle."""
    job = {"inputs": [f"{word:x}" for word in words], "outputs": str(work / "outputs.json")}
    (work / "job.json").write_text(json.dumps(job))
    with toolchain.importable(asset("sim")), toolchain.importable(ROOT):
        toolchain.play(build, "tests.hw.rtl.cell_bench", work, {"TOM_JOB": str(work / "job.json")}, logs=work)
    return [int(word, 16) for word in json.loads((work / "outputs.json").read_text())]


@pytest.mark.rtl
@pytest.mark.parametrize("cells", [RAMS, DSPS], ids=["memories", "dsp"])
def test_models_are_the_cells_of_the_guides(cells: Sequence[Cell], tmp_path: Path) -> None:
    rng, words, expected = random.Random(1), [], []
    for _ in range(CYCLES):
        word = shown = at = out = 0
        results = []
        for cell in cells:
            pins = cell.drawn(rng)
            value, width = packed(cell.pins, pins)
            word, at = word | value << at, at + width
            result, width = packed(cell.results, cell.shown(pins))
            shown, out = shown | result << out, out + width
            results.append(result)
            cell.clock(pins)
        words.append(word)
        expected.append(results)
    for cycle, (found, results) in enumerate(
        zip(played(built(cells, tmp_path), words, tmp_path), expected, strict=True)
    ):
        at = 0
        for i, (cell, result) in enumerate(zip(cells, results, strict=True)):
            width = sum(cell.results.values())
            seen = found >> at & (1 << width) - 1
            assert seen == result, f"cycle {cycle}: {cell.kind} {i} gives {seen:x}, not {result:x}"
            at += width


REFUSED = {
    "registers behind its outputs": "RAMB18E2 #(.DOA_REG(1), .DOB_REG(0)) u (.CLKARDCLK(clk))",
    "these widths": "RAMB18E2 #(.DOA_REG(0), .DOB_REG(0), .READ_WIDTH_A(72)) u (.CLKARDCLK(clk))",
    "reads other words than it writes": (
        "RAMB36E2 #(.DOA_REG(0), .DOB_REG(0), .READ_WIDTH_A(9), .WRITE_WIDTH_A(18)) u (.CLKARDCLK(clk))"
    ),
    "RAMB36E1 in this mode": 'RAMB36E1 #(.DOA_REG(0), .DOB_REG(0), .RAM_EXTENSION_A("LOWER")) u (.CLKARDCLK(clk))',
    "CASCADE_ORDER_A": 'RAMB18E2 #(.DOA_REG(0), .DOB_REG(0), .CASCADE_ORDER_A("FIRST")) u (.CLKARDCLK(clk))',
    "URAM288 in this mode": 'URAM288 #(.OREG_A("TRUE")) u (.CLK(clk))',
    "a DSP block in this mode": "DSP48E1 u (.CLK(clk))",
    "DP16KD with an inverted clock": 'DP16KD #(.CLKAMUX("INV")) u (.CLKA(clk))',
}
"""What a refusal says, and a cell that is refused."""


@pytest.mark.rtl
@pytest.mark.parametrize("said", REFUSED)
def test_a_cell_in_another_mode_stops_the_build(said: str, tmp_path: Path) -> None:
    (tmp_path / f"{TOP}.sv").write_text(f"module {TOP} (input wire clk);\n  {REFUSED[said]};\nendmodule\n")
    with pytest.raises(toolchain.ToolError, match=said):
        toolchain.build(toolchain.Build(TOP, [*MODELS, tmp_path / f"{TOP}.sv"], [], tmp_path / "build", quick=True))


@pytest.mark.rtl
def test_a_block_that_is_told_to_do_something_else_stops_the_simulation(tmp_path: Path) -> None:
    cell = Dsp("DSP48E2", Registers(), z=(0,))
    build = built([cell], tmp_path)
    idle = dict.fromkeys(cell.pins, 0)
    assert played(build, [packed(cell.pins, idle)[0]], tmp_path) == [0]
    for pin, value in {"ALUMODE": 3, "OPMODE": 0b000110011}.items():
        with pytest.raises(toolchain.ToolError, match="what is not modelled"):
            played(build, [packed(cell.pins, {**idle, pin: value})[0]], tmp_path)
