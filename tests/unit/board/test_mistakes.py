"""Mistakes in the scripts for the vendors' tools, and files that are not there: each is found."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.unit.board.tools import build, needs_tcl, ports, run

Change = Callable[[Path], None]


def lose_memory(folder: Path) -> None:
    next((folder / "mem").glob("*.mem")).unlink()


def wrong_command(folder: Path) -> None:
    edit(folder, "ipx::add_register $name", "ipx::create_register $name")


def wrong_option(folder: Path) -> None:
    edit(folder, "-import_files", "-import")


def wrong_property(folder: Path) -> None:
    edit(folder, "address_offset", "offset")


def property_of_another(folder: Path) -> None:
    edit(folder, "set_property range 4096 $block", "set_property range 4096 $map")


def lose_clock(folder: Path) -> None:
    (folder / "board" / "vivado" / "digits_ooc.xdc").unlink()


def map_made_twice(folder: Path) -> None:
    edit(folder, "if {[llength $map] == 0}", "if 1")


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
        (wrong_command, "there is no command ipx::create_register"),
        (wrong_option, "ipx::package_project knows no option -import"),
        (wrong_property, "has no property offset"),
        (property_of_another, "map:s_axi_control has no property range"),
        (lose_clock, "error: .*/digits_ooc.xdc is missing: compile the model again"),
        (map_made_twice, "ipx::add_memory_map: it is there already"),
    ],
)
def test_what_is_wrong_is_found(wrong: Change, said: str, tmp_path: Path) -> None:
    folder = build(tmp_path, "kv260")
    wrong(folder)
    code, text, _ = run(folder / "board" / "vivado" / "package_ip.tcl")
    assert code != 0
    assert re.search(said, text), text


@needs_tcl
@pytest.mark.parametrize(
    ("right", "wrong", "said"),
    [
        ("accelerator/interrupt", "accelerator/irq", "accelerator has no pin irq"),
        ("reset/slowest_sync_clk", "rst/slowest_sync_clk", "there is no cell rst"),
        ("pl_ps_irq0", "IRQ_F2P", "ps has no pin IRQ_F2P"),
        ("ip:smartconnect", "ip:smart_connect", "there is no IP smart_connect"),
        ("$found end", "$found 0", "9.0 is not the newest"),
        ("PSU__USE__IRQ0", "PSU__USE__IRQ", "has no property CONFIG.PSU__USE__IRQ"),
    ],
)
def test_what_is_wrong_in_a_system_is_found(right: str, wrong: str, said: str, tmp_path: Path) -> None:
    place = build(tmp_path, "kv260") / "board" / "vivado"
    assert run(place / "package_ip.tcl")[0] == 0
    script = place / "build.tcl"
    assert right in script.read_text()
    script.write_text(script.read_text().replace(right, wrong))
    code, text, _ = run(script, {"digits_top": set(ports(place.parents[1], "digits_top")) | {
        "s_axi_control", "m_axi_in_image", "m_axi_out_classify_Gemm_q"}})  # fmt: skip
    assert code == 3
    assert said in text
