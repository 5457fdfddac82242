"""The scripts for the vendors' tools, run in a Tcl interpreter that knows their commands; none of the tools is here.

Known is what AMD's UG835 and UG1118, its package_xo page (UG1393), and Intel's Quartus scripting and Platform Designer
references list. What the scripts name is compared with the Verilog.
"""

import json
import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pyslang
import pytest

from tests.digits import compiled

OPTIONS = {
    "create_project": {"-part"}, "set_msg_config": {"-id", "-new_severity"}, "add_files": set(),
    "set_property": {"-dict"}, "current_fileset": set(), "current_project": set(), "update_compile_order": {"-fileset"},
    "ipx::package_project": {"-root_dir", "-vendor", "-library", "-taxonomy", "-set_current"},
    "ipx::unload_core": set(), "ipx::edit_ip_in_project": {"-upgrade", "-name", "-directory"},
    "ipx::current_core": set(),
    "ipx::associate_bus_interfaces": {"-busif", "-clock"}, "ipx::add_memory_map": set(),
    "ipx::get_bus_interfaces": {"-of_objects"}, "ipx::add_address_block": set(), "ipx::add_register": set(),
    "ipx::add_register_parameter": set(), "ipx::create_xgui_files": set(), "ipx::update_checksums": set(),
    "ipx::check_integrity": set(), "ipx::save_core": set(), "close_project": set(),
    "package_xo": {"-xo_path", "-kernel_name", "-ip_directory", "-ctrl_protocol"},
    "get_board_parts": set(), "update_ip_catalog": set(), "get_ipdefs": set(), "create_bd_design": set(),
    "create_bd_cell": {"-type", "-vlnv"}, "apply_bd_automation": {"-rule", "-config"}, "get_bd_pins": set(),
    "get_bd_intf_pins": set(), "connect_bd_net": set(), "connect_bd_intf_net": set(), "assign_bd_address": set(),
    "validate_bd_design": set(), "save_bd_design": set(), "get_files": set(), "make_wrapper": {"-files"},
    "read_xdc": {"-ref"}, "launch_runs": {"-to_step", "-jobs"}, "wait_on_run": set(), "get_runs": set(),
    "get_property": set(), "open_run": set(), "report_utilization": {"-file"}, "report_timing_summary": {"-file"},
    "get_timing_paths": {"-max_paths"},
    "project_new": set(), "set_global_assignment": {"-name"}, "set_instance_assignment": {"-name", "-to"},
    "execute_flow": set(), "project_close": set(),
    "set_module_property": set(), "add_fileset": set(), "set_fileset_property": set(), "add_fileset_file": set(),
    "add_interface": set(), "set_interface_property": set(), "add_interface_port": set(),
}  # fmt: skip
"""Commands, and their options with a value."""
FLAGS = {
    "create_project": ["-force"], "add_files": ["-norecurse"], "ipx::package_project": ["-import_files"],
    "ipx::check_integrity": ["-quiet", "-kernel"], "close_project": ["-delete"], "package_xo": ["-force"],
    "get_board_parts": ["-quiet", "-latest_file_version"], "get_ipdefs": ["-all"], "make_wrapper": ["-top", "-import"],
    "get_timing_paths": ["-setup"], "project_new": ["-overwrite"], "execute_flow": ["-compile"],
}  # fmt: skip
PROPERTIES = [
    "top", "name", "display_name", "version", "core_revision", "supported_families", "auto_family_support_level",
    "sdx_kernel", "sdx_kernel_type", "slave_memory_map_ref", "range", "address_offset", "size", "access", "value",
    "board_part", "ip_repo_paths", "CONFIG.NUM_SI", "CONFIG.NUM_MI", "CONFIG.PCW_USE_S_AXI_HP0",
    "CONFIG.PCW_USE_M_AXI_GP0", "CONFIG.PCW_USE_FABRIC_INTERRUPT", "CONFIG.PCW_IRQ_F2P_INTR",
    "CONFIG.PCW_FPGA0_PERIPHERAL_FREQMHZ", "CONFIG.PSU__USE__M_AXI_GP0", "CONFIG.PSU__USE__M_AXI_GP1",
    "CONFIG.PSU__USE__S_AXI_GP2", "CONFIG.PSU__USE__IRQ0", "CONFIG.PSU__CRL_APB__PL0_REF_CTRL__FREQMHZ",
]  # fmt: skip
ASSIGNMENTS = ["FAMILY", "DEVICE", "TOP_LEVEL_ENTITY", "VERILOG_FILE", "SYSTEMVERILOG_FILE", "SEARCH_PATH", "SDC_FILE"]
ANSWERS = {
    "get_board_parts": "xilinx.com:some:part0:1.3",
    "get_ipdefs": "some:9.0 some:10.0",
    "current_project": "project",
    "current_fileset": "sources_1",
    "ipx::current_core": "core",
    "create_bd_cell": "%s",
}
RECORDER = Path(__file__).parent / "recorder.tcl"
needs_tcl = pytest.mark.skipif(not shutil.which("tclsh"), reason="needs tclsh: install tcl")
Change = Callable[[Path], None]


def words(values: object) -> str:
    """A list of Tcl, nested for mappings."""
    if isinstance(values, dict):
        return " ".join(f"{{{k}}} {{{words(v)}}}" for k, v in values.items())
    return values if isinstance(values, str) else " ".join(sorted(values))  # type: ignore[call-overload]


def run(script: Path) -> tuple[int, str, list[str]]:
    """Exit code, what is said, and the calls."""
    record = script.parent / "calls"
    given = {"options": OPTIONS, "flags": FLAGS, "answers": ANSWERS}
    lines = [f"set {name} {{{words(value)}}}" for name, value in given.items()]
    lines += [f"set properties {{{' '.join(PROPERTIES)}}}", f"set assignments {{{' '.join(ASSIGNMENTS)}}}"]
    lines += [f"set record {{{record}}}", f"source {{{RECORDER}}}"]
    lines += ["proc package {args} {if {[lindex $args 0] ne {require}} {refuse $args}}", f"source {{{script}}}"]
    prelude = script.parent / "prelude.tcl"
    prelude.write_text("\n".join(lines) + "\n")
    done = subprocess.run(["tclsh", str(prelude)], capture_output=True, text=True, check=False, timeout=60)
    calls = record.read_text().splitlines() if record.exists() else []
    return done.returncode, done.stdout + done.stderr, calls


def build(folder: Path, target: str) -> Path:
    return compiled(target).write(folder / target)


def ports(folder: Path, top: str) -> dict[str, int]:
    """Ports of the Verilog-2001 top and their bits, as a parser of SystemVerilog sees them."""
    tree = pyslang.syntax.SyntaxTree.fromFile(str(folder / "board" / "rtl" / f"{top}.v"))
    compilation = pyslang.ast.Compilation()
    compilation.addSyntaxTree(tree)
    (instance,) = compilation.getRoot().topInstances
    return {p.name: p.type.bitWidth for p in instance.body.portList}


def called(calls: list[str], command: str) -> list[str]:
    return [line.removeprefix(f"{command} ") for line in calls if line.startswith(f"{command} ")]


@needs_tcl
@pytest.mark.parametrize("target", ["kv260", "zcu102", "zcu104", "pynq-z2", "u250"])
def test_packaging_names_what_is_there(target: str, tmp_path: Path) -> None:
    folder = build(tmp_path, target)
    place = folder / "board" / ("vitis" if target == "u250" else "vivado")
    code, said, calls = run(place / "package_ip.tcl")
    assert code == 0, said
    registers = json.loads((folder / "board" / "registers.json").read_text())
    names = ports(folder, registers["top"])
    masters = {m["name"] for m in registers["masters"]}
    buses = {line.split()[1] for line in called(calls, "ipx::associate_bus_interfaces")}
    assert buses == {"s_axi_control", *masters}
    assert {n.rsplit("_", 1)[0] for n in names if "_axi_" in n} == buses
    assert "ap_clk" in names
    made = [line.split()[0] for line in called(calls, "ipx::add_register")]
    assert made == [r["name"] for r in registers["registers"]]
    offsets = [int(line.split()[1], 16) for line in called(calls, "set_property") if line.startswith("address_offset")]
    assert offsets == [r["offset"] for r in registers["registers"]]
    linked = [line.split()[1] for line in called(calls, "set_property") if line.startswith("value ")]
    assert linked == [m["name"] for m in registers["masters"]]
    (added,) = called(calls, "add_files")
    copies = {Path(word).name for word in added.replace("{", "").replace("}", "").split()[1:]}
    every = {p.name for part in ("rtl", "board/rtl", "mem") for p in (folder / part).iterdir()}
    assert copies == {n for n in every if n.endswith((".sv", ".svh", ".v", ".mem"))} - {"tom_probe.sv"}
    text = (place / "work" / "src" / "digits.sv").read_text()
    files = re.findall(r'"([^"]*\.mem)"', text)
    assert files, "the design has memories"
    assert set(files) <= copies, "memories are found by their names alone"


@needs_tcl
@pytest.mark.parametrize("target", ["kv260", "zcu102", "zcu104", "pynq-z2"])
def test_the_block_design_connects_what_is_there(target: str, tmp_path: Path) -> None:
    folder = build(tmp_path, target)
    place = folder / "board" / "vivado"
    code, said, _ = run(place / "build.tcl")
    assert (code, said.splitlines()[0]) == (1, "error: there is no ip/: run package_ip.tcl first")
    assert run(place / "package_ip.tcl")[0] == 0
    code, said, calls = run(place / "build.tcl")
    assert code == 0, said
    assert said.startswith("written: ")
    assert (place / "digits.bit").exists()
    assert (place / "digits.hwh").exists()
    registers = json.loads((folder / "board" / "registers.json").read_text())
    names = ports(folder, registers["top"])
    pins = {w.removeprefix("accelerator/") for c in ("get_bd_pins", "get_bd_intf_pins") for w in called(calls, c)
            if w.startswith("accelerator/")}  # fmt: skip
    assert pins == {"ap_clk", "ap_rst_n", "interrupt", "s_axi_control", *(m["name"] for m in registers["masters"])}
    assert pins - {"s_axi_control", *(m["name"] for m in registers["masters"])} <= set(names)
    clock = json.loads((folder / "report.json").read_text())["clock_mhz"]
    (said_clock,) = re.findall(r"FREQMHZ (\d+)", " ".join(calls))
    assert float(said_clock) == clock


@needs_tcl
def test_a_kernel_is_packed_and_linked(tmp_path: Path) -> None:
    folder = build(tmp_path, "u250")
    place = folder / "board" / "vitis"
    code, said, calls = run(place / "package_xo.tcl")
    assert code == 0, said
    (packed,) = called(calls, "package_xo")
    assert "-kernel_name digits_top" in packed
    assert "sdx_kernel_type rtl core" in " ".join(calls)
    registers = json.loads((folder / "board" / "registers.json").read_text())
    lines = (place / "link.cfg").read_text().splitlines()
    banks = [line.removeprefix("sp=digits_1.").partition(":") for line in lines if line.startswith("sp=")]
    assert [b[0] for b in banks] == [m["name"] for m in registers["masters"]]
    assert "nk=digits_top:1:digits_1" in lines
    assert "slr=digits_1:SLR0" in lines


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
    assert given == (every - {"tom_probe.sv"}) | {"digits.sdc"}
    code, said, calls = run(place / "digits_top_hw.tcl")
    assert code == 0, said
    declared = {line.split()[1]: int(line.split()[4]) for line in called(calls, "add_interface_port")}
    assert declared == ports(folder, "digits_top")
    for line in called(calls, "add_fileset_file"):
        assert (place / line.split()[-1]).exists(), line


def lose_memory(folder: Path) -> None:
    next((folder / "mem").glob("*.mem")).unlink()


def wrong_command(folder: Path) -> None:
    edit(folder, "ipx::add_memory_map", "ipx::create_memory_map")


def wrong_option(folder: Path) -> None:
    edit(folder, "-import_files", "-import")


def wrong_property(folder: Path) -> None:
    edit(folder, "address_offset", "offset")


def lose_source(folder: Path) -> None:
    (folder / "rtl" / "tom_pkg.sv").unlink()


def edit(folder: Path, right: str, wrong: str) -> None:
    script = folder / "board" / "vivado" / "package_ip.tcl"
    assert right in script.read_text()
    script.write_text(script.read_text().replace(right, wrong))


@needs_tcl
@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        (lose_memory, r"error: mem/.*\.mem is missing: compile the model again"),
        (lose_source, r"error: rtl/tom_pkg.sv is missing"),
        (wrong_command, "there is no command ipx::create_memory_map"),
        (wrong_option, "ipx::package_project knows no option -import"),
        (wrong_property, "there is no property offset"),
    ],
)
def test_what_is_wrong_is_found(wrong: Change, said: str, tmp_path: Path) -> None:
    folder = build(tmp_path, "kv260")
    wrong(folder)
    code, text, _ = run(folder / "board" / "vivado" / "package_ip.tcl")
    assert code != 0
    assert re.search(said, text), text
