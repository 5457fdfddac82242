"""An interpreter that knows the commands of the vendors' tools, and what the Verilog says of the same.

Known is what AMD's UG835 and UG1118, its package_xo page (UG1393), and Intel's Quartus scripting and Platform Designer
references list.
"""

import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path

import pyslang
import pytest

from tests.digits import compiled

OPTIONS = {
    "create_project": {"-part"}, "set_msg_config": {"-id", "-new_severity"}, "add_files": {"-fileset"},
    "set_property": {"-dict"}, "current_fileset": set(), "current_project": set(), "update_compile_order": {"-fileset"},
    "ipx::package_project": {"-root_dir", "-vendor", "-library", "-taxonomy", "-set_current"},
    "ipx::unload_core": set(), "ipx::edit_ip_in_project": {"-upgrade", "-name", "-directory"},
    "ipx::current_core": set(), "ipx::infer_bus_interface": set(),
    "ipx::associate_bus_interfaces": {"-busif", "-clock", "-reset"}, "ipx::add_memory_map": set(),
    "ipx::get_memory_maps": {"-of_objects"}, "ipx::get_address_blocks": {"-of_objects"},
    "ipx::add_bus_parameter": set(),
    "ipx::get_bus_interfaces": {"-of_objects"}, "ipx::add_address_block": set(), "ipx::add_register": set(),
    "ipx::add_register_parameter": set(), "ipx::create_xgui_files": set(), "ipx::update_checksums": set(),
    "ipx::check_integrity": set(), "ipx::save_core": set(), "close_project": set(),
    "package_xo": {"-xo_path", "-kernel_name", "-ip_directory", "-ctrl_protocol"},
    "get_board_parts": set(), "update_ip_catalog": set(), "get_ipdefs": set(), "create_bd_design": set(),
    "create_bd_cell": {"-type", "-vlnv"}, "apply_bd_automation": {"-rule", "-config"}, "get_bd_pins": set(),
    "get_bd_intf_pins": set(), "connect_bd_net": set(), "connect_bd_intf_net": set(), "assign_bd_address": set(),
    "validate_bd_design": set(), "save_bd_design": set(), "get_files": set(), "make_wrapper": {"-files"},
    "launch_runs": {"-to_step", "-jobs"}, "wait_on_run": set(), "get_runs": set(),
    "get_property": set(), "open_run": set(), "report_utilization": {"-file"}, "report_timing_summary": {"-file"},
    "get_timing_paths": {"-max_paths"}, "get_cells": {"-filter"}, "current_instance": set(),
    "set_multicycle_path": {"-from", "-to"},
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
    "get_timing_paths": ["-setup", "-hold"], "get_cells": ["-hierarchical"],
    "set_multicycle_path": ["-setup", "-hold", "-end"],
    "ipx::get_memory_maps": ["-quiet"], "ipx::get_address_blocks": ["-quiet"],
    "ipx::add_bus_parameter": ["-quiet"], "project_new": ["-overwrite"], "execute_flow": ["-compile"],
}  # fmt: skip
PROPERTIES = {
    "core": {"name", "display_name", "version", "core_revision", "supported_families", "auto_family_support_level",
             "sdx_kernel", "sdx_kernel_type"},
    "bus": {"slave_memory_map_ref"}, "block": {"range"}, "register": {"address_offset", "size", "access"},
    "parameter": {"value", "value_resolve_type"}, "fileset": {"top"}, "project": {"board_part", "ip_repo_paths"},
    "file": {"USED_IN"}, "smartconnect": {"CONFIG.NUM_SI", "CONFIG.NUM_MI"},
    "clk_wiz": {"CONFIG.PRIM_SOURCE", "CONFIG.USE_RESET", "CONFIG.CLKOUT1_REQUESTED_OUT_FREQ", "CONFIG.CLKOUT2_USED",
                "CONFIG.CLKOUT2_REQUESTED_OUT_FREQ"}, "cells": {"USER_SLR_ASSIGNMENT"},
    "processing_system7": {
        *(f"CONFIG.PCW_USE_S_AXI_HP{i}" for i in range(4)), "CONFIG.PCW_USE_M_AXI_GP0",
        "CONFIG.PCW_USE_FABRIC_INTERRUPT",
        "CONFIG.PCW_IRQ_F2P_INTR", "CONFIG.PCW_FPGA0_PERIPHERAL_FREQMHZ"},
    "zynq_ultra_ps_e": {
        "CONFIG.PSU__USE__M_AXI_GP0", "CONFIG.PSU__USE__M_AXI_GP1", "CONFIG.PSU__USE__M_AXI_GP2",
        *(f"CONFIG.PSU__USE__S_AXI_GP{2 + i}" for i in range(4)),
        "CONFIG.PSU__USE__IRQ0", "CONFIG.PSU__CRL_APB__PL0_REF_CTRL__FREQMHZ"},
}  # fmt: skip
"""Kinds of objects, and what may be set of each."""
KINDS = {
    "ipx::current_core": "core", "ipx::get_bus_interfaces": "bus", "ipx::get_memory_maps": "map",
    "ipx::add_memory_map": "map", "ipx::get_address_blocks": "block", "ipx::add_address_block": "block",
    "ipx::add_register": "register", "ipx::add_register_parameter": "parameter",
    "ipx::add_bus_parameter": "parameter", "current_fileset": "fileset", "current_project": "project",
    "get_files": "file", "get_cells": "cells",
}  # fmt: skip
"""Commands, and the kinds of object that they give."""
PINS = {
    "processing_system7": {"FCLK_CLK0", "FCLK_RESET0_N", "M_AXI_GP0", "M_AXI_GP0_ACLK", "S_AXI_HP[0-3]",
                           "S_AXI_HP[0-3]_ACLK", "IRQ_F2P"},
    "zynq_ultra_ps_e": {"pl_clk0", "pl_resetn0", "M_AXI_HPM0_FPD", "maxihpm0_fpd_aclk", "S_AXI_HP[0-3]_FPD",
                        "saxihp[0-3]_fpd_aclk", "pl_ps_irq0"},
    "proc_sys_reset": {"slowest_sync_clk", "ext_reset_in", "dcm_locked", "peripheral_aresetn"},
    "clk_wiz": {"clk_in1", "clk_out1", "clk_out2", "locked"},
    "smartconnect": {"S[01][0-9]_AXI", "M00_AXI", "aclk", "aresetn"},
}  # fmt: skip
"""Pins of AMD's IPs (PG082, PG201, PG164, PG065, PG247) under these settings."""
ASSIGNMENTS = ["FAMILY", "DEVICE", "TOP_LEVEL_ENTITY", "VERILOG_FILE", "SYSTEMVERILOG_FILE", "SEARCH_PATH", "SDC_FILE"]
ANSWERS = {"get_board_parts": "xilinx.com:some:part0:1.3"}
SLACKS = "setup 0.25 hold 0.03"
RECORDER = Path(__file__).parent / "recorder.tcl"
needs_tcl = pytest.mark.skipif(not shutil.which("tclsh"), reason="needs tclsh: install tcl")


def words(values: object) -> str:
    """A list of Tcl, nested for mappings."""
    if isinstance(values, dict):
        return " ".join(f"{{{k}}} {{{words(v)}}}" for k, v in values.items())
    return values if isinstance(values, str) else " ".join(sorted(values))  # type: ignore[call-overload]


def run(
    script: Path, accelerator: Mapping[str, set[str]] | None = None, *, inferred: bool = True, slacks: str = SLACKS
) -> tuple[int, str, list[str]]:
    """Exit code, what is said, and the calls. accelerator: its IP to its pins."""
    record = script.parent / "calls"
    given = {
        "options": OPTIONS, "flags": FLAGS, "answers": ANSWERS, "properties": PROPERTIES, "kinds": KINDS,
        "pins": PINS | dict(accelerator or {}), "inferred": str(int(inferred)), "slacks": slacks,
    }  # fmt: skip
    lines = [f"set {name} {{{words(value)}}}" for name, value in given.items()]
    lines += [f"set assignments {{{' '.join(ASSIGNMENTS)}}}"]
    lines += [f"set record {{{record}}}", f"source {{{RECORDER}}}"]
    lines += ["proc package {args} {if {[lindex $args 0] ne {require}} {refuse $args}}", f"source {{{script}}}"]
    prelude = script.parent / "prelude.tcl"
    prelude.write_text("\n".join(lines) + "\n")
    done = subprocess.run(["tclsh", str(prelude)], capture_output=True, text=True, check=False, timeout=60)
    calls = record.read_text().splitlines() if record.exists() else []
    return done.returncode, done.stdout + done.stderr, calls


def build(folder: Path, target: str, *, double_clock: bool = False) -> Path:
    return compiled(target, double_clock=double_clock).write(folder / target)


def ports(folder: Path, top: str) -> dict[str, int]:
    """Ports of the Verilog-2001 top and their bits, as a parser of SystemVerilog sees them."""
    tree = pyslang.syntax.SyntaxTree.fromFile(str(folder / "board" / "rtl" / f"{top}.v"))
    compilation = pyslang.ast.Compilation()
    compilation.addSyntaxTree(tree)
    (instance,) = compilation.getRoot().topInstances
    return {p.name: p.type.bitWidth for p in instance.body.portList}


def called(calls: list[str], command: str) -> list[str]:
    return [line.removeprefix(f"{command} ") for line in calls if line.startswith(f"{command} ")]


def instances(source: Path) -> list[str]:
    """Instances in a file, as a parser of SystemVerilog sees them."""
    found: list[str] = []

    def visit(node: object) -> None:
        if isinstance(node, pyslang.syntax.HierarchicalInstanceSyntax):
            found.append(node.decl.name.valueText)

    pyslang.syntax.SyntaxTree.fromFile(str(source)).root.visit(visit)
    return found
