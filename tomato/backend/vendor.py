"""What surrounds the HLS C++ of a design: scripts for AMD's tools, a comparison with their reports, a README."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tomato.backend.render import render
from tomato.core.assets import asset
from tomato.hardware.netlist import Netlist

COMPARE = "compare_csynth.py"
"""Sets a vendor's report against report.json; lies in sim/, travels with the build folder."""
AMD = "amd"
"""The vendor, as target files spell it, whose tools synthesise this C++."""

WIDEST = 4096
"""Bits of the widest ap_uint that AMD documents (UG1399, AP_INT_MAX_W)."""


@dataclass(frozen=True, slots=True)
class Tool:
    """An HLS tool of AMD. `commands` start it; `solution` is what open_solution is told, `configure` what follows."""

    name: str
    project: str
    commands: tuple[str, ...]
    flags: str
    solution: str
    configure: tuple[str, ...] = ()

    @property
    def script(self) -> str:
        """File name of its Tcl script."""
        return f"run_{self.project}.tcl"


# open_project and open_solution are documented for both tools, in UG902 and in UG1399 from 2020.2 to 2025.2; the newer
# open_component would leave older releases out.
TOOLS = (
    Tool(
        name="Vitis HLS",
        project="vitis_hls",
        commands=(
            "vitis_hls -f run_vitis_hls.tcl",
            "vitis-run --mode hls --tcl run_vitis_hls.tcl     # releases that have no vitis_hls any more",
        ),
        flags="-std=c++14",
        solution="-flow_target vivado solution1",
        configure=("config_compile -pipeline_style frp",),  # results need no further input to come out (UG1448)
    ),
    Tool(
        name="Vivado HLS",
        project="vivado_hls",
        commands=("vivado_hls -f run_vivado_hls.tcl",),
        flags="-std=c++0x -DTOM_VIVADO_HLS",
        solution="solution1",
    ),
)


@dataclass(frozen=True, slots=True)
class ScriptView:
    """Everything run.tcl.j2 may look at. `clock` is in MHz."""

    name: str
    title: str
    part: str
    clock: str
    tool: Tool


@dataclass(frozen=True, slots=True)
class HlsReadmeView:
    """Everything hls/README.md.j2 may look at. `tools` is empty where none of them knows the part.

    `wide`: streams that may be too wide for the tools.
    """

    name: str
    title: str
    target: str
    part: str
    tools: tuple[Tool, ...]
    interval: str
    wide: tuple[str, ...]


def files(netlist: Netlist, report: Mapping[str, Any], title: str) -> dict[str, str]:
    """File name, below hls/, to text. Only AMD's parts get scripts: no other vendor's tool reads this C++."""
    tools = TOOLS if report["vendor"] == AMD else ()
    readme = HlsReadmeView(
        name=netlist.name,
        title=title,
        target=report["target"],
        part=report["part"],
        tools=tools,
        interval=f"{report['interval_cycles']:,}",
        wide=tuple(f"`{s.signal}`, {s.width:,} bits" for s in netlist.streams if s.width > WIDEST),
    )
    scripts = (ScriptView(netlist.name, title, report["part"], f"{report['clock_mhz']:g}", tool) for tool in tools)
    return {
        "README.md": render("hls/README.md.j2", readme),
        COMPARE: asset("sim", COMPARE).read_text(),
        **{view.tool.script: render("hls/run.tcl.j2", view) for view in scripts},
    }
