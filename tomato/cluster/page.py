"""report.html of several boards: how fast they are together, and a link to the page of each."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tomato.backend.quoting import one_line
from tomato.backend.render import render
from tomato.build import page
from tomato.build.folder import BOARDS
from tomato.build.page.tiles import Tile
from tomato.build.page.words import count, digits, duration, percent
from tomato.build.rows import KINDS
from tomato.core.files import write_text
from tomato.version import __version__

LINKS = ("From", "Carries", "Rate", "Words a frame", "Busy", "Latency")


@dataclass(frozen=True, slots=True)
class BoardRow:
    """A board: its name, its layers in words, and the cells of the table's columns."""

    name: str
    layers: str
    cells: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class View:
    """Everything cluster.html.j2 may look at."""

    title: str
    model: str
    target: str
    tiles: tuple[Tile, ...]
    pace: str
    limit: str
    columns: tuple[str, ...]
    boards: tuple[BoardRow, ...]
    link_columns: tuple[str, ...]
    links: tuple[tuple[str, ...], ...]
    notes: tuple[str, ...]
    version: str


def write(folder: Path) -> Path:
    """Write report.html into the folder of several boards, and into each board's own."""
    report = json.loads((folder / "report.json").read_text())
    for board in report["boards"]:
        page.write(folder / BOARDS / board["name"], checked=False)
    played = folder / "simulation.json"
    simulated = json.loads(played.read_text()) if played.exists() else None
    write_text(folder / page.PAGE, render("cluster.html.j2", view(report, simulated)))
    return folder / page.PAGE


def view(report: Mapping[str, Any], simulated: Mapping[str, Any] | None) -> View:
    """What the page shows. simulated: simulation.json, if there is one."""
    hertz, model, target = report["clock_mhz"] * 1e6, one_line(report["model"]), one_line(report["target"])
    bound = report["bound_cycles"]
    slower = f"; no choice of cuts is faster than {bound:,} cycles" if bound else ""
    kinds = [kind for kind in KINDS if any(board["resources"][kind] for board in report["boards"])]
    return View(
        title=f"{model} on {target}",
        model=model,
        target=target,
        tiles=(
            Tile("Frames a second", digits(report["fps"]), "predicted"),
            Tile("Latency", duration(report["latency_cycles"] / hertz), "predicted, through all boards and links"),
            Tile("Clock", f"{report['clock_mhz']:g}\N{NO-BREAK SPACE}MHz", "assumed, not placed and routed"),
            _exact(simulated),
        ),
        pace=f"A frame every {report['interval_cycles']:,} cycles,",
        limit=f"set by {one_line(report['limit'])}{slower}.",
        columns=("Cycles", *(KINDS[kind] for kind in kinds)),
        boards=tuple(_board(board, kinds) for board in report["boards"]),
        link_columns=LINKS,
        links=tuple(
            (
                f"board {i} to {i + 1}, {one_line(link['kind'])}",
                one_line(link["value"]),
                count(link["gbits_per_s"] * 1e9, "bit/s"),
                f"{link['words_per_frame']:,} of {link['word_bits']} bits",
                percent(link["busy"]),
                f"{link['latency_cycles']:,} cycles",
            )
            for i, link in enumerate(report["links"])
        ),
        notes=tuple(map(one_line, report["notes"])),
        version=__version__,
    )


def _exact(simulated: Mapping[str, Any] | None) -> Tile:
    if simulated is None:
        return Tile("Bit-exact", "not simulated", "tomato simulate checks every output beat", "none")
    frames = f"{simulated['frames']} frames through all boards and links"
    if not simulated["bit_exact"]:
        return Tile("Bit-exact", "no", f"{simulated['mismatches']:,} beats differ in {frames}", "bad")
    return Tile("Bit-exact", "yes", f"measured: {frames}", "good")


def _board(board: Mapping[str, Any], kinds: list[str]) -> BoardRow:
    shares = {kind: board["used"][kind] / max(1, board["budget"][kind]) for kind in kinds}
    used = (f"{board['used'][kind]:,} ({percent(share)})" for kind, share in shares.items())
    layers = f"{board['layers']}: {one_line(board['first'])} to {one_line(board['last'])}"
    return BoardRow(board["name"], layers, (f"{board['interval_cycles']:,}", *used))
