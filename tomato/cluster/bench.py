"""What is printed for several boards: the ends of links around each, the simulation of all, and what people read."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tomato.backend import library, project, vectors, verilog
from tomato.backend.render import render
from tomato.build.folder import BOARDS
from tomato.cluster.boards import Board
from tomato.cluster.links import PACKET, Crossing
from tomato.core.assets import asset
from tomato.core.files import write_text
from tomato.core.formats import Array
from tomato.hardware.memory import LOAD_BITS
from tomato.hardware.netlist import Stream
from tomato.targets import Target

MODELS = ("tom_link.sv", "tom_feeder.sv")
"""What stands in for links and hosts in simulation."""
COMES, GOES = ("tom_link_rx", "tom_unpack", "tom_width", "tom_frame_end"), ("tom_link_tx", "tom_pack")
"""The modules of a link's ends."""
SUFFIX, BENCH = "_linked", "_cluster"
"""What is added to a design's name where its ends of links stand around it, and where all boards are simulated."""


@dataclass(frozen=True, slots=True)
class WayView:
    """The ports towards a neighbour."""

    name: str
    where: str
    words: str
    credits: str
    bits: int


@dataclass(frozen=True, slots=True)
class CrossingView:
    """A stream over a link, as board_ends.sv.j2 prints its ends."""

    port: str
    comment: str
    bits: int
    channels: int
    lanes: int
    reader_channels: int
    reader_lanes: int
    width: int
    sent_padded: int
    reader_width: int
    padded: int
    reader_beats: int
    word_bits: int
    gather: int
    room: int
    ram: int
    packet: int

    @classmethod
    def of(cls, link: Crossing, port: Stream, target: Target) -> "CrossingView":
        """Its end at the board whose stream `port` is."""
        reader = link.bits * link.reader_lanes
        return cls(
            verilog.port_name(port), f"%{link.value}, {verilog.describe(port)}", link.bits, link.shape[2], link.lanes,
            link.reader_shape[2], link.reader_lanes, link.width, verilog.padded(link.width), reader,
            verilog.padded(reader), link.reader_beats, link.word_bits, link.packing.gather, link.room,
            int(link.ram(target)), PACKET,
        )  # fmt: skip


@dataclass(frozen=True, slots=True)
class EndsView:
    """Everything board_ends.sv.j2 may look at."""

    name: str
    top: str
    title: str
    word_bits: int
    load_bits: int
    inputs: tuple[verilog.PortView, ...]
    outputs: tuple[verilog.PortView, ...]
    ways: tuple[WayView, ...]
    comes: CrossingView | None
    goes: CrossingView | None


def ends(board: Board) -> dict[str, str]:
    """File name to text: the board's top with its ends of links, and the modules that those need."""
    netlist = board.lowered.netlist
    inputs, outputs = own(board)
    ways = []
    if board.comes:
        ways.append(WayView("prev", "in front", "come", "go", board.comes.word_bits))
    if board.goes:
        ways.append(WayView("next", "behind", "go", "come", board.goes.word_bits))
    view = EndsView(
        name=f"{netlist.name}{SUFFIX}",
        top=netlist.name,
        title=f"Board {board.number}, {board.target.name}: from {first(board)} to {last(board)}",
        word_bits=ways[0].bits,
        load_bits=LOAD_BITS if netlist.loaded else 0,
        inputs=tuple(map(verilog.port, inputs)),
        outputs=tuple(map(verilog.port, outputs)),
        ways=tuple(ways),
        comes=CrossingView.of(board.comes, netlist.inputs[0], board.target) if board.comes else None,
        goes=CrossingView.of(board.goes, netlist.outputs[0], board.target) if board.goes else None,
    )
    used = verilog.sources([*(COMES if board.comes else ()), *(GOES if board.goes else ())])
    paths = [*used.values(), *library.includes(used.values()).values()]
    return {path.name: path.read_text() for path in paths} | {f"{view.name}.sv": render("board_ends.sv.j2", view)}


def own(board: Board) -> tuple[tuple[Stream, ...], tuple[Stream, ...]]:
    """The inputs and outputs of a board that are the whole network's."""
    netlist = board.lowered.netlist
    return netlist.inputs[1 if board.comes else 0 :], netlist.outputs[1 if board.goes else 0 :]


def first(board: Board) -> str:
    """Its first layer."""
    return next(iter(board.lowered.units))


def last(board: Board) -> str:
    """Its last layer."""
    return list(board.lowered.units)[-1]


@dataclass(frozen=True, slots=True)
class LinkView:
    """A link in simulation."""

    number: int
    from_name: str
    to_name: str
    bits: int
    latency: int
    per_mille: int


@dataclass(frozen=True, slots=True)
class BoardView:
    """A board in simulation. sides: of every neighbour its name, the link, and what is sent and received there."""

    number: int
    module: str
    inputs: tuple[verilog.PortView, ...]
    outputs: tuple[verilog.PortView, ...]
    load_beats: int
    load_file: str
    sides: tuple[tuple[str, int, str, str], ...]


@dataclass(frozen=True, slots=True)
class ClusterView:
    """Everything cluster.sv.j2 may look at."""

    name: str
    title: str
    load_bits: int
    inputs: tuple[verilog.PortView, ...]
    outputs: tuple[verilog.PortView, ...]
    links: tuple[LinkView, ...]
    boards: tuple[BoardView, ...]


def name_of(boards: Sequence[Board]) -> str:
    """The module in which all boards are simulated: the network's name, and what it is."""
    return boards[0].lowered.netlist.name.removesuffix("_0") + BENCH


def write(folder: Path, boards: Sequence[Board], report: Mapping[str, Any], values: Mapping[str, Array]) -> None:
    """Write sim/, the Makefile and README.md of the whole; rtl/ and mem/ are there already."""
    (folder / "sim").mkdir()
    for name in (*project.SIM_FILES, *MODELS):
        write_text(folder / "sim" / name, asset("sim", name).read_text())
    inputs = tuple(s for board in boards for s in own(board)[0])
    outputs = tuple(s for board in boards for s in own(board)[1])
    view = ClusterView(
        name=name_of(boards),
        title=f"{report['model']} on {report['target']}",
        load_bits=LOAD_BITS,
        inputs=tuple(map(verilog.port, inputs)),
        outputs=tuple(map(verilog.port, outputs)),
        links=tuple(
            LinkView(b.number, b.name, boards[b.number + 1].name, b.goes.word_bits,
                     b.goes.link.latency(b.goes.clock_mhz), b.goes.link.per_mille(b.goes.clock_mhz))
            for b in boards if b.goes
        ),
        boards=tuple(map(_seen, boards)),
    )  # fmt: skip
    write_text(folder / "sim" / f"{view.name}.sv", render("cluster.sv.j2", view))
    beats = max(b.load_beats for b in view.boards)
    design = project.design_of(view.name, inputs, outputs, report) | {
        "sources": _sources(folder, boards),
        "bench": [*MODELS, f"{view.name}.sv"],
        "pauses": True,
        "load_cycles": beats,
    }
    write_text(folder / "sim" / "design.json", json.dumps(design, indent=1) + "\n")
    write_vectors(folder, boards, values)
    write_text(folder / "Makefile", asset("templates", "Makefile").read_text())
    write_text(folder / "README.md", render("cluster.md.j2", report))


def write_vectors(folder: Path, boards: Sequence[Board], values: Mapping[str, Array]) -> None:
    """Write the beats of the network's inputs and outputs, for frames of codes, below sim/vectors."""
    for board in boards:
        inputs, outputs = own(board)
        for stream in (*inputs, *outputs):
            vectors.write(folder, stream, values[stream.value], is_input=stream in inputs)


def _seen(board: Board) -> BoardView:
    netlist = board.lowered.netlist
    inputs, outputs = own(board)
    sides = [("prev", board.number - 1, "credits", "words")] if board.comes else []
    sides += [("next", board.number, "words", "credits")] if board.goes else []
    return BoardView(
        board.number, f"{netlist.name}{SUFFIX}", tuple(map(verilog.port, inputs)), tuple(map(verilog.port, outputs)),
        int(netlist.loader.params["Beats"]) if netlist.loader else 0, f"{BOARDS}/{board.name}/{vectors.LOADER}",
        tuple(sides),
    )  # fmt: skip


def _sources(folder: Path, boards: Sequence[Board]) -> list[str]:
    """Every file of rtl/ in the order to read them: packages and modules by level, then the boards."""
    modules = [i.module for board in boards for i in board.lowered.netlist.instances]
    known = [path.name for path in verilog.sources(dict.fromkeys([*modules, *COMES, *GOES])).values()]
    tops = [f"{board.lowered.netlist.name}{suffix}.sv" for board in boards for suffix in ("", SUFFIX)]
    present = {path.name for path in (folder / "rtl").iterdir()}
    return [name for name in (*known, *verilog.WATCHERS, *tops) if name in present]


def readme(board: Board, report: Mapping[str, Any]) -> str:
    """README.md of a board's folder."""
    seen = report["boards"][board.number]
    return render("cluster_board.md.j2", {**seen, "model": report["model"], "clock_mhz": report["clock_mhz"],
                                          "top": f"{board.lowered.netlist.name}{SUFFIX}",
                                          "inner": board.lowered.netlist.name})  # fmt: skip
