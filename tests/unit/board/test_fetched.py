"""Weights from memory beside the chip: registers, what the shell takes, and the way of each master to its memory."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.fetched import fetched
from tests.unit.board.tools import called, needs_tcl, ports, run
from tomato.board import platforms, shell
from tomato.board.registers import Map, Master, masters
from tomato.schedule.border import border
from tomato.targets import Resources


def build(folder: Path, target: str, filters: int) -> tuple[Path, dict[str, Any]]:
    made = fetched(folder, target, filters).write(folder / target)
    return made, json.loads((made / "board" / "registers.json").read_text())


def test_registers_say_where_weights_belong(tmp_path: Path) -> None:
    folder, described = build(tmp_path, "kv260", 32)
    mine = [m for m in described["masters"] if m["fetched"]]
    assert [(m["name"], m["direction"], m["data_bits"], m["file"]) for m in mine] == [
        (f"m_axi_weights{i}", "read", 128, f"weights{i}.bin") for i in range(4)
    ]
    for m in mine:
        assert (folder / "host" / m["file"]).stat().st_size == m["frame_bytes"]
        assert (folder / "host" / m["file"]).samefile(folder / "mem" / m["file"])
    known = {r["name"]: r for r in described["registers"]}
    assert known["weights3"] | {"fields": []} == {
        "name": "weights3", "offset": 0x10 + 0xC * 5, "bits": 64, "access": "rw", "fields": [],
        "what": "address of weights (host/weights3.bin), in bytes, a multiple of 4,096; it stays until a new sequence "
        "begins",
    }  # fmt: skip
    assert known["frames"]["offset"] == 0x10 + 0xC * 6
    fields = {f["name"]: f for f in known["status"]["fields"]}
    assert list(fields) == ["busy", "loaded", "frame_error", "error_fetch", "error_in_x", "error_out_y_q"]
    assert fields["error_fetch"] == {
        "name": "error_fetch", "bit": 3, "width": 1, "access": "w1c",
        "what": "memory answered one of m_axi_weights0 to m_axi_weights3 with an error: begin a new sequence, what "
        "is wrong may wait",
    }  # fmt: skip
    readme = (folder / "board" / "README.md").read_text()
    assert "| `m_axi_weights3` | 560 |" in readme
    assert "`host/weights0.bin`" in readme


def test_the_shell_pays_for_the_addresses(tmp_path: Path) -> None:
    made = fetched(tmp_path, "kv260", 32)
    lowered = made.lowered
    seen = border(made.graph, lowered.units, lowered.routes, lowered.reader)
    found, target = masters(seen), made.target
    less = shell.cost(found[:2], target)
    assert [m.fetched for m in found] == [False] * 2 + [True] * 4
    assert made.report["shell"]["resources"] == shell.cost(found, target).counts()
    more = Resources(**{k: n - less.counts()[k] for k, n in shell.cost(found, target).counts().items()})
    assert (more.ff, more.dsp, more.bram18) == (4 * 64 + 2, 0, 0)
    assert 100 < more.lut < 400


def test_more_channels_than_the_status_has_bits() -> None:
    many = tuple(
        Master(f"m_axi_weights{i}", "", "read", 256, f"weights{i}", 32, 8, f"weights{i}.bin", fetched=True)
        for i in range(32)
    )
    design = Map("many_top", 0, (Master("m_axi_in_x", "x", "read", 32, "in_x", 1, 1), *many))
    assert (design.frames_at, design.counters_at) == (0x10 + 33 * 0xC, 0x200)
    (status,) = (r for r in design.registers if r.name == "status")
    assert [f.bit for f in status.fields] == [0, 1, 2, 3, 8]


@needs_tcl
@pytest.mark.parametrize(("target", "ways"), [("kv260", 4), ("pynq-z2", 3)])
def test_a_zynq_spreads_channels_over_its_ports(target: str, ways: int, tmp_path: Path) -> None:
    folder, described = build(tmp_path, target, 32)
    place, top = folder / "board" / "vivado", described["top"]
    names = ports(folder, top)
    buses = {n.rsplit("_", 1)[0] for n in names if "_axi_" in n}
    assert {m["name"] for m in described["masters"]} < buses
    code, said, _ = run(place / "package_ip.tcl")
    assert code == 0, said
    code, said, calls = run(place / "build.tcl", {top: buses | {n for n in names if "_axi_" not in n}})
    assert code == 0, said
    joined = dict(line.split() for line in called(calls, "connect_bd_intf_net"))
    channels = [m["name"] for m in described["masters"] if m["fetched"]]
    port = "S_AXI_HP{}_FPD" if target == "kv260" else "S_AXI_HP{}"
    reached = []
    for name in channels:
        cell = joined[f"accelerator/{name}"].split("/")[0]
        reached.append(joined[f"{cell}/M00_AXI"])
    assert reached == [f"ps/{port.format((i + 1) % 4)}" for i in range(len(channels))]
    assert joined["memory/M00_AXI"] == f"ps/{port.format(0)}"
    cells = [line.split()[-1] for line in called(calls, "create_bd_cell") if line.split()[-1].startswith("memory")]
    assert cells == ["memory", *(f"memory{i}" for i in range(1, ways))]
    pins = [pin for net in called(calls, "connect_bd_net") for pin in net.split()]
    assert {f"{cell}/{pin}" for cell in cells for pin in ("aclk", "aresetn")} <= set(pins)
    assert sum("hp" in pin.lower() and "aclk" in pin.lower() and "hpm" not in pin for pin in pins) == ways
    settings = " ".join(called(calls, "set_property"))
    assert sum(f"S_AXI_GP{2 + i} 1" in settings or f"S_AXI_HP{i} 1" in settings for i in range(4)) == ways


@needs_tcl
@pytest.mark.parametrize(("target", "banks"), [("u50", ["HBM[4]", "HBM[5]"]), ("u250", ["DDR[0]"])])
def test_a_kernel_has_a_bank_for_each_channel(target: str, banks: list[str], tmp_path: Path) -> None:
    folder, described = build(tmp_path, target, 32)
    place = folder / "board" / "vitis"
    code, said, calls = run(place / "package_xo.tcl")
    assert code == 0, said
    made = [line.split()[0] for line in called(calls, "ipx::add_register")]
    assert made[4:] == [*(m["pointer"] for m in described["masters"]), "frames"], "arguments, as the host gives them"
    lines = [line for line in (place / "link.cfg").read_text().splitlines() if line.startswith("sp=")]
    card = platforms.ALVEO[target]
    assert lines == [
        *(f"sp=two_1.{m['name']}:{card.bank}" for m in described["masters"] if not m["fetched"]),
        *(f"sp=two_1.m_axi_weights{i}:{bank}" for i, bank in enumerate(banks)),
    ]


def test_banks_are_spread() -> None:
    hbm, ddr = platforms.ALVEO["u280"], platforms.ALVEO["u250"]
    assert [ddr.bank_of(i, 4) for i in range(4)] == ["DDR[0]", "DDR[1]", "DDR[2]", "DDR[3]"]
    for channels in (1, 16, 32):
        assert len({hbm.bank_of(i, channels) for i in range(channels)}) == channels
    assert hbm.bank_of(0, 16) == "HBM[4]"
    assert hbm.bank_of(31, 32) == "HBM[31]"
