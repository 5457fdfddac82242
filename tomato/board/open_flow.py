"""What a build folder holds for a board that open tools know, below board/."""

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from tomato.backend import verilog
from tomato.backend.render import render
from tomato.board import boards, ecp5, gowin, serial
from tomato.board.flow import OpenFlow
from tomato.core.errors import TomatoError
from tomato.hardware.netlist import Netlist
from tomato.targets import Target

FLOWS: Mapping[str, OpenFlow] = {"ecp5": ecp5.FLOW, "gw2a": gowin.FLOW}
"""The families, as target files spell them, that open tools know."""
SERIAL = "serial.json"
"""What is known of the shell, or why there is none."""


def files(netlist: Netlist, target: Target, report: Mapping[str, Any]) -> dict[str, str]:
    """File name, below board/, to text: the serial shell on a board whose pins are known; none for other boards."""
    board = line(target)
    if board is None:
        return {}
    flow, title = FLOWS[target.family], f"{report['model']} for {report['target']}"
    try:
        made = serial.shell(netlist, target, board, flow.name, flow.pll, report["clock_mhz"], title)
        check_room(made, target, report["resources"]["bram18"])
    except TomatoError as reason:
        return {SERIAL: json.dumps({"refused": reason.what, "hint": reason.hint}) + "\n"}
    told = replace(made, placing=flow.placing(target, made.top, made.clock_mhz))
    shell = serial.rtl(made, netlist)
    used = verilog.sources([*dict.fromkeys(i.module for i in netlist.instances), *serial.ROOTS])
    places = [f"board/rtl/{p.name}" if p.name in shell else f"rtl/{p.name}" for p in used.values()]
    sources = [*places, f"rtl/{netlist.name}.sv", f"board/rtl/{made.serial}.sv", f"board/rtl/{made.top}.sv"]
    described = {**serial.description(made, target), "sources": sources, "serial": made.serial, "top": made.top}
    return {
        **{f"rtl/{name}": text for name, text in shell.items()},
        SERIAL: json.dumps(described, indent=1) + "\n",
        f"{flow.name}/synth.ys": flow.synthesis(made, sources),
        f"{flow.name}/{flow.pins}": render(f"board/{flow.name}{Path(flow.pins).suffix}.j2", made),
        "README.md": render(f"board/README_{flow.name}.md.j2", told),
    }


def line(target: Target) -> boards.Board | None:
    """The board, if it has a serial line that a design is reached through."""
    return boards.find(target.name) if target.family in FLOWS else None


def check_room(made: serial.Shell, target: Target, used: int) -> None:
    """Raise TomatoError where the frames that the shell stores do not fit beside the design."""
    needed, left = serial.store_blocks((*made.inputs, *made.outputs), target), target.budget.bram18 - used
    if needed > left:
        raise TomatoError(
            f"the serial shell stores whole frames, {made.frame_bytes:,} bytes in and {made.answer_bytes:,} bytes out: "
            f"{needed} block RAMs, and {left} are left",
            hint="a board with more block RAM, or fewer frames/s (--fps), which may need less",
        )
