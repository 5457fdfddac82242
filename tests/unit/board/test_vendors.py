"""The scripts for the vendors' tools, run in a Tcl interpreter that knows their commands; none of the tools is here.

What the scripts name is compared with the Verilog.
"""

import json
import re
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from tests.unit.board.tools import build, called, instances, needs_tcl, ports, run
from tomato import targets
from tomato.backend.verilog import WATCHERS
from tomato.board import platforms, vendors
from tomato.board.registers import Map, Master
from tomato.core.errors import TomatoError


@needs_tcl
@pytest.mark.parametrize("target", [*platforms.ZYNQ, *platforms.ALVEO])
def test_packaging_names_what_is_there(target: str, tmp_path: Path) -> None:
    folder = build(tmp_path, target)
    kernel = target in platforms.ALVEO
    place = folder / "board" / ("vitis" if kernel else "vivado")
    assert run(place / "package_ip.tcl", inferred=False)[0] == 0
    code, said, calls = run(place / "package_ip.tcl")
    assert code == 0, said
    registers = json.loads((folder / "board" / "registers.json").read_text())
    names = ports(folder, registers["top"])
    masters = {m["name"] for m in registers["masters"]}
    associated = [line.split() for line in called(calls, "ipx::associate_bus_interfaces")]
    buses = {words[1] for words in associated if words[0] == "-busif"}
    assert ["-clock", "ap_clk", "-reset", "ap_rst_n", "core:"] in associated
    assert buses == {"s_axi_control", *masters}
    assert {n.rsplit("_", 1)[0] for n in names if "_axi_" in n} == buses
    assert {"ap_clk", "ap_rst_n"} <= set(names)
    made = [line.split()[0] for line in called(calls, "ipx::add_register")]
    known = registers["registers"]
    if kernel:  # an argument is made of every other one
        known = [
            r
            for r in known
            if r["offset"] < 0x10 or r["name"] in {"frames", *(m["pointer"] for m in registers["masters"])}
        ]
        assert made == ["CTRL", "GIER", "IP_IER", "IP_ISR", *(r["name"] for r in known[4:])]
    else:
        assert made == [r["name"] for r in known]
    offsets = [int(line.split()[1], 16) for line in called(calls, "set_property") if line.startswith("address_offset")]
    assert offsets == [r["offset"] for r in known]
    linked = [line.split()[1] for line in called(calls, "set_property") if line.endswith(":ASSOCIATED_BUSIF")]
    assert linked == [m["name"] for m in registers["masters"]]
    added, clock = called(calls, "add_files")
    assert clock == f"-fileset constrs_1 -norecurse {place / 'digits_ooc.xdc'}"
    copies = {Path(word).name for word in added.replace("{", "").replace("}", "").split()[1:]}
    every = {p.name for part in ("rtl", "board/rtl", "mem") for p in (folder / part).iterdir()}
    assert copies == {n for n in every if n.endswith((".sv", ".svh", ".v", ".mem"))} - set(WATCHERS)
    text = (place / "work" / "src" / "digits.sv").read_text()
    files = re.findall(r'"([^"]*\.mem)"', text)
    assert files, "the design has memories"
    assert set(files) <= copies, "memories are found by their names alone"


@needs_tcl
@pytest.mark.parametrize("target", ["kv260", "zcu102", "zcu104", "pynq-z2"])
def test_the_block_design_connects_what_is_there(target: str, tmp_path: Path) -> None:
    folder = build(tmp_path, target)
    place = folder / "board" / "vivado"
    registers = json.loads((folder / "board" / "registers.json").read_text())
    names = ports(folder, registers["top"])
    buses = {n.rsplit("_", 1)[0] for n in names if "_axi_" in n}
    accelerator = {registers["top"]: buses | {n for n in names if "_axi_" not in n}}
    code, said, _ = run(place / "build.tcl", accelerator)
    assert (code, said.splitlines()[0]) == (1, "error: there is no ip/: run package_ip.tcl first")
    assert run(place / "package_ip.tcl")[0] == 0
    code, said, _ = run(place / "build.tcl", accelerator, slacks="setup 0.25 hold -0.01")
    assert (code, said) == (1, "error: hold times are missed: see timing.rpt\n")
    code, said, _ = run(place / "build.tcl", accelerator, slacks="setup -0.5 hold 0.03")
    assert code == 1
    assert said.startswith("error: timing is missed by 0.5 ns at ")
    assert not (place / "digits.bit").exists()
    code, said, calls = run(place / "build.tcl", accelerator)
    assert code == 0, said
    assert said.startswith("written: ")
    assert (place / "digits.bit").exists()
    assert (place / "digits.hwh").exists()
    (system,) = called(calls, "create_bd_design")
    modules = {p.stem for part in ("rtl", "board/rtl") for p in (folder / part).iterdir()}
    assert not {system, f"{system}_wrapper"} & modules, "two modules of one name"
    nets = [net.split() for command in ("connect_bd_net", "connect_bd_intf_net") for net in called(calls, command)]
    joined = [pin for net in nets for pin in net]
    assert len(joined) == len(set(joined)), "no pin is on two nets"
    slots = sorted(pin for pin in joined if pin.startswith("memory/S"))
    assert slots == [f"memory/S{i:02d}_AXI" for i in range(len(registers["masters"]))]
    pins = {w.removeprefix("accelerator/") for c in ("get_bd_pins", "get_bd_intf_pins") for w in called(calls, c)
            if w.startswith("accelerator/")}  # fmt: skip
    assert pins == {"ap_clk", "ap_rst_n", "interrupt", "s_axi_control", *(m["name"] for m in registers["masters"])}
    assert pins - {"s_axi_control", *(m["name"] for m in registers["masters"])} <= set(names)
    clock = json.loads((folder / "report.json").read_text())["clock_mhz"]
    (said_clock,) = re.findall(r"FREQMHZ (\d+)", " ".join(calls))
    assert float(said_clock) == clock


@needs_tcl
@pytest.mark.parametrize("target", ["kv260", "pynq-z2"])
def test_a_second_clock_comes_from_the_generator_of_the_first(target: str, tmp_path: Path) -> None:
    folder = build(tmp_path, target, double_clock=True)
    place = folder / "board" / "vivado"
    registers = json.loads((folder / "board" / "registers.json").read_text())
    names = ports(folder, registers["top"])
    assert names["ap_clk2x"] == 1
    pins = {n.rsplit("_", 1)[0] if "_axi_" in n else n for n in names}
    code, said, calls = run(place / "package_ip.tcl")
    assert code == 0, said
    assert f"-fileset constrs_1 -norecurse {folder}/rtl/clocks.xdc" in called(calls, "add_files")
    (inferred,) = called(calls, "ipx::infer_bus_interface")
    assert inferred.split()[0] in names
    code, said, calls = run(place / "build.tcl", {registers["top"]: pins})
    assert code == 0, said
    nets = [set(net.split()) for net in called(calls, "connect_bd_net")]
    (source,) = (net for net in nets if "clocks/clk_in1" in net)
    (slow,) = (net for net in nets if "clocks/clk_out1" in net)
    assert len(source) == 2, "nothing but the generator has the clock of the processor"
    assert {"accelerator/ap_clk", "reset/slowest_sync_clk", "control/aclk", "memory/aclk"} < slow
    assert {"clocks/clk_out2", "accelerator/ap_clk2x"} in nets
    assert {"clocks/locked", "reset/dcm_locked"} in nets
    clock = json.loads((folder / "report.json").read_text())["clock_mhz"]
    asked = dict(re.findall(r"CONFIG\.CLKOUT(\d)_REQUESTED_OUT_FREQ (\S+)", " ".join(calls)))
    assert {n: float(mhz.strip("{}")) for n, mhz in asked.items()} == {"1": clock, "2": 2 * clock}
    periods = dict(re.findall(r"-name (\w+) -period (\S+)", (place / "digits_ooc.xdc").read_text()))
    assert float(periods["ap_clk"]) == 2 * float(periods["ap_clk2x"])
    shutil.copy(folder / "rtl" / "clocks.xdc", place / "clocks.tcl")
    code, said, calls = run(place / "clocks.tcl")
    assert code == 0, said
    assert len(called(calls, "set_multicycle_path")) == 2


@needs_tcl
@pytest.mark.parametrize("target", [*platforms.ALVEO])
def test_a_kernel_is_packed_and_linked(target: str, tmp_path: Path) -> None:
    folder = build(tmp_path, target)
    place = folder / "board" / "vitis"
    code, said, calls = run(place / "package_xo.tcl")
    assert code == 0, said
    (packed,) = called(calls, "package_xo")
    assert "-kernel_name digits_top" in packed
    assert "sdx_kernel_type rtl core:" in " ".join(calls)
    registers = json.loads((folder / "board" / "registers.json").read_text())
    lines = (place / "link.cfg").read_text().splitlines()
    (bank,) = {line.rpartition(":m_axi")[2].partition(":")[2] for line in lines if line.startswith("sp=")}
    assert bank == platforms.ALVEO[target].bank
    banks = [line.removeprefix("sp=digits_1.").partition(":") for line in lines if line.startswith("sp=")]
    assert [b[0] for b in banks] == [m["name"] for m in registers["masters"]]
    assert "nk=digits_top:1:digits_1" in lines
    makefile = (place / "Makefile").read_text()
    if "regions.tcl" in makefile:  # the hook says where the parts are: the whole in one region would contradict it
        assert not any(line.startswith("slr=") for line in lines)
    else:
        assert "slr=digits_1:SLR0" in lines


@needs_tcl
def test_regions_reach_the_placer(tmp_path: Path) -> None:
    folder = build(tmp_path, "u50")
    code, said, calls = run(folder / "board" / "vitis" / "regions.tcl")
    assert code == 0, said
    search, *cells = called(calls, "get_cells")
    assert search == "-hierarchical -filter {REF_NAME == digits || ORIG_REF_NAME == digits}"
    placed = [cell for line in cells for cell in line.strip("{}").split()]
    assert sorted(placed) == sorted(instances(folder / "rtl" / "digits.sv"))
    slrs = [line.split()[1] for line in called(calls, "set_property")]
    assert slrs == ["SLR0", "SLR1"]
    text = (folder / "board" / "vitis" / "regions.tcl").read_text()
    assert all(line in text for line in (folder / "rtl" / "regions.xdc").read_text().splitlines()[2:])


@pytest.mark.parametrize(("target", "flow"), [("kv260", "vivado"), ("u50", "vitis")])
def test_make_stops_at_the_first_error(target: str, flow: str, tmp_path: Path) -> None:
    folder = build(tmp_path, target)
    tool = tmp_path / "tool"
    tool.write_text('#!/bin/sh\necho "$@" >> "$0.calls"\nexit 1\n')
    tool.chmod(0o755)
    made = subprocess.run(
        ["make", "-C", str(folder / "board" / flow), f"VIVADO={tool}", f"VPP={tool}"],
        capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip
    assert made.returncode == 2, made.stderr
    (call,) = tool.with_suffix(".calls").read_text().splitlines()
    assert call.endswith(f"-source package_{'ip' if flow == 'vivado' else 'xo'}.tcl")


@pytest.mark.parametrize("mode", ["hw", "hw_emu"])
def test_regions_are_assigned_where_there_is_a_placer(mode: str, tmp_path: Path) -> None:
    place = build(tmp_path, "u50") / "board" / "vitis"
    made = subprocess.run(
        ["make", "-n", "-C", str(place), f"MODE={mode}"], capture_output=True, text=True, check=True, timeout=60
    )
    hook = f"--linkhook.do_first vpl.impl.place_design,{place}/regions.tcl"
    assert (hook in made.stdout) == (mode == "hw")
    assert f"--target {mode} " in made.stdout


def test_more_masters_than_a_port_of_memory_takes() -> None:
    masters = tuple(Master(f"m_axi_in_{i}", f"p{i}", "read", 32, f"in_{i}", 1, 1) for i in range(17))
    view = vendors.View("many", "kv260", "part", 100.0, Map("many_top", 0, masters), (), (), (), (), ())
    target = targets.load("kv260")
    with pytest.raises(TomatoError) as refused:
        vendors.files(view, target)
    assert str(refused.value) == (
        "error: the network has 17 inputs and outputs: 16 reach the memory of kv260\n"
        "  hint: compile with --shell none, and connect the streams yourself"
    )
    fewer = replace(view, registers=replace(view.registers, masters=masters[:16]))
    assert "CONFIG.NUM_SI 16 " in vendors.files(fewer, target)["vivado/build.tcl"]


@needs_tcl
@pytest.mark.parametrize("target", ["arria10-gx1150", "stratix10-gx2800"])
def test_quartus_gets_every_file_and_port(target: str, tmp_path: Path) -> None:
    folder = build(tmp_path, target)
    place = folder / "board" / "quartus"
    code, said, calls = run(place / "project.tcl")
    assert code == 0, said
    given = {Path(line.split()[2]).name for line in called(calls, "set_global_assignment") if "_FILE " in line}
    every = {
        p.name for part in ("rtl", "board/rtl") for p in (folder / part).iterdir() if p.suffix in (".sv", ".svh", ".v")
    }
    assert given == (every - set(WATCHERS)) | {"digits.sdc"}
    code, said, calls = run(place / "digits_top_hw.tcl")
    assert code == 0, said
    declared = {line.split()[1]: int(line.split()[4]) for line in called(calls, "add_interface_port")}
    assert declared == ports(folder, "digits_top")
    for line in called(calls, "add_fileset_file"):
        assert (place / line.split()[-1]).exists(), line
