"""The page as a file."""

import base64
import gzip
import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from pathlib import Path

from tomato.backend.quoting import one_line
from tomato.backend.render import render
from tomato.build.page import bars, limits, regions, tables, tiles
from tomato.build.page.design import Design, read
from tomato.build.page.drawing import Drawing, draw
from tomato.build.page.figures import Figure
from tomato.build.page.roofline import roofline
from tomato.build.page.timeline import timeline
from tomato.build.rows import KINDS
from tomato.core.files import refusals, write_text

PAGE = "report.html"
DRAWN = ("key", "data", "layout", "choices")
"""What the script of the page takes of a figure."""


@dataclass(frozen=True, slots=True)
class View:
    """Everything report.html.j2 may look at. `plotly`: the library, packed as in a .gz and in base64."""

    title: str
    model: str
    board: str
    part: str
    tiles: tuple[tiles.Tile, ...]
    pace: str
    limit: str
    legend: str
    host: str
    drawing: Drawing
    meters: tuple[tables.Meter, ...]
    regions: tuple[regions.Region, ...]
    segments: str
    figures: dict[str, Figure]
    data: str
    exactness: str
    proofs: tuple[tables.ProofRow, ...]
    properties: tuple[tuple[str, str], ...]
    accuracies: tuple[tuple[str, str], ...]
    columns: tuple[str, ...]
    layers: tuple[tables.LayerRow, ...]
    compared: tuple[str, ...]
    comparison: tuple[tuple[str, ...], ...]
    notes: tuple[str, ...]
    version: str
    plotly: str


@refusals("cannot write the report")
def write(folder: Path, others: Sequence[Path] = (), *, checked: bool = True) -> Path:
    """Write report.html into a build folder, with the designs of other folders beside its own.

    checked: that it is a build folder, see `read`. Raises TomatoError if one of them is none, or of another version.
    """
    page = render("report.html.j2", view(read(folder, checked=checked), [read(other) for other in others]))
    write_text(folder / PAGE, page)
    return folder / PAGE


def view(shown: Design, others: Sequence[Design] = ()) -> View:
    """A design as the page shows it."""
    report = shown.report
    found = (bars.cycles(shown), timeline(shown), bars.resources(shown), roofline([shown, *others]), bars.noise(shown))
    figures = {figure.key: figure for figure in found if figure}
    return View(
        title=shown.title,
        model=one_line(report["model"]),
        board=one_line(report["board"]),
        part=one_line(report["part"]),
        tiles=tiles.tiles(shown),
        pace=limits.pace(shown),
        limit=limits.limit(shown),
        legend=shown.legend,
        host=limits.host(shown),
        drawing=draw(shown),
        meters=tables.meters(shown),
        regions=regions.regions(shown),
        segments=KINDS[limits.fullest(shown)[0]],
        figures=figures,
        data=_script([{name: getattr(f, name) for name in DRAWN} for f in figures.values()]),
        exactness=tables.exactness(shown),
        proofs=tables.proofs(shown),
        properties=tables.properties(shown),
        accuracies=tables.accuracies(shown),
        columns=tuple(KINDS[kind] for kind in tables.columns(shown)),
        layers=tables.layers(shown),
        compared=tables.COMPARED,
        comparison=tables.comparison([shown, *others]) if others else (),
        notes=limits.notes(shown),
        version=shown.ports["tomato"],
        plotly=_plotly(),
    )


def _script(data: object) -> str:
    """JSON that stands in a script element: nothing in it ends the element."""
    text = json.dumps(data, separators=(",", ":"))
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


@cache
def _plotly() -> str:
    library = (files("plotly") / "package_data" / "plotly.min.js").read_bytes()
    return base64.b64encode(gzip.compress(library, 6, mtime=0)).decode()
