"""Scripts for Yosys that synthesise a design as the compiler meant it: multipliers in DSP blocks or in LUTs as planned.

Yosys' own scripts map every multiplier alike. Here those behind a register with the attribute use_dsp = "no" are put
aside while the others are mapped, in a sequence that otherwise does what synth_ecp5 and synth_xilinx do.
"""

from collections.abc import Sequence
from dataclasses import dataclass

ASIDE = "$__soft_mul"
"""A kind of cell that no mapping touches."""
COARSE = ("proc -latches error", "flatten", "tribuf -logic", "deminout", "opt_expr", "opt_clean", "opt -nodffe -nosdff",
          "fsm", "opt", "select -set soft a:use_dsp=no %ci3 t:$mul %i", "wreduce", "peepopt", "opt_clean", "share",
          "techmap -map +/cmp2lut.v -D LUT_WIDTH={lut}", "opt_expr", "opt_clean",
          f"chtype -set {ASIDE} @soft t:$mul %i")  # fmt: skip
"""From what is read to before the multipliers, the same for every family."""


@dataclass(frozen=True, slots=True)
class Flow:
    """A family's synthesis: `begin` and `end` around what is written here, `dsp` maps multipliers; inputs of a LUT.

    `boxes`: files, below Yosys' share, with the ports of cells.
    """

    begin: str
    dsp: tuple[str, ...]
    end: str
    lut: int
    boxes: tuple[str, ...]


WIDTHS = "-D DSP_A_MAXWIDTH=18 -D DSP_B_MAXWIDTH=18 -D DSP_A_MINWIDTH=2 -D DSP_B_MINWIDTH=2"
"""What a multiplier of 18 x 18 bits takes."""
ECP5 = Flow(
    begin="synth_ecp5 {options} -top {top} -run begin:coarse",
    dsp=(
        f"techmap -map +/mul2dsp.v {WIDTHS} -D DSP_NAME=$__MUL18X18",
        "techmap -map +/lattice/dsp_map_18x18.v",
    ),
    end="synth_ecp5 {options} -top {top} -run map_ram:",
    lut=4,
    boxes=("lattice/cells_bb_ecp5.v",),
)
GW2A = Flow(
    begin="synth_gowin -family gw2a {options} -top {top} -run begin:coarse",
    dsp=(
        f"techmap -map +/mul2dsp.v {WIDTHS} -D DSP_NAME=$__MUL18X18",
        "techmap -map +/gowin/dsp_map.v",
    ),
    end="synth_gowin -family gw2a {options} -top {top} -run map_ram:",
    lut=4,
    boxes=("gowin/cells_sim.v", "gowin/cells_xtra_gw2a.v"),
)


def _amd(family: str, mapping: str, operand: int, options: str = "") -> Flow:
    """A family of AMD: its name for Yosys, the file that maps multipliers, and the bits of their first operand."""
    synthesis = f"synth_xilinx -family {family} -flatten -noiopad -noclkbuf{options} {{options}} -top {{top}}"
    widths = (
        f"-D DSP_A_MAXWIDTH={operand} -D DSP_B_MAXWIDTH=18 -D DSP_A_MAXWIDTH_PARTIAL=18 -D DSP_A_MINWIDTH=2 "
        "-D DSP_B_MINWIDTH=2 -D DSP_Y_MINWIDTH=9 -D DSP_SIGNEDONLY=1"
    )
    return Flow(
        begin=f"{synthesis} -run begin:prepare",
        dsp=(
            "pmux2shiftx",
            "clean",
            "memory_dff",
            "alumacc -macc-only",
            "maccmap -unmap",
            "opt_clean",
            f"techmap -map +/mul2dsp.v -map +/xilinx/{mapping} {widths} -D DSP_NAME=$__MUL{operand}X18",
            "select a:mul2dsp",
            "setattr -unset mul2dsp",
            "opt_expr -fine",
            "wreduce",
            "select -clear",
            f"xilinx_dsp -family {family}",
            "techmap -map +/cmp2lcu.v -D LUT_WIDTH=6",
        ),
        end=f"{synthesis} -run map_memory:",
        lut=6,
        boxes=("xilinx/cells_sim.v", "xilinx/cells_xtra.v"),
    )


SERIES7 = _amd("xc7", "xc7_dsp_map.v", 25)
ULTRASCALE_PLUS = _amd("xcup", "xcu_dsp_map.v", 27, " -uram")

UNMARKED = 'setattr -set ram_style "registers" t:$mem_v2 a:ram_style a:rom_style %u %d'
"""Memories that ask for no kind are small ones of constants: logic, as the resource model counts them."""


def script(flow: Flow, top: str, files: Sequence[str], includes: Sequence[str], *, options: str = "") -> list[str]:
    """Commands that synthesise `top` from SystemVerilog files."""
    paths = " ".join((*(f"-I {folder}" for folder in includes), *files))
    return [
        f"read_slang --threads 1 --empty-blackboxes --top {top} {paths}",
        flow.begin.format(top=top, options=options),
        *(command.format(lut=flow.lut) for command in COARSE),
        *flow.dsp,
        f"chtype -set $mul t:{ASIDE}",
        "alumacc",
        "opt",
        "memory -nomap",
        "opt_clean",
        UNMARKED,
        flow.end.format(top=top, options=options),
    ]


GATES = "tom_gates"
"""The module of a netlist that is to be simulated."""


def core(flow: Flow, top: str, files: Sequence[str], netlist: str) -> list[str]:
    """Commands, run from a build folder, that synthesise the accelerator alone and write its cells, as JSON."""
    return [*script(flow, top, files, ["rtl"]), f"write_json {netlist}"]


def simulated(flow: Flow, top: str, models: Sequence[str], kept: Sequence[str], cells: str, netlist: str) -> list[str]:
    """Commands, run from a build folder, that write cells, read as JSON, in Verilog.

    Those that have models, files of Yosys below its share, are written as what they do: simulators take that faster.
    `kept`: cells that are none of those, whatever the files have.
    """
    return [
        f"read_json {cells}",
        f"write_verilog -noattr {netlist}",
        "design -reset",
        *(f"read_verilog -lib +/{file}" for file in flow.boxes),
        f"read_verilog {netlist}",
        *(f"read_verilog -overwrite +/{file}" for file in models),
        *(f"blackbox {cell}" for cell in kept),
        f"hierarchy -top {top}",
        "proc",
        "flatten",
        "delete t:$scopeinfo",
        "opt_expr",
        "opt_clean -purge",
        f"rename {top} {GATES}",
        f"write_verilog -noattr {netlist}",
    ]
