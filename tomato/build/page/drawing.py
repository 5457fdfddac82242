"""The network as a drawing: boxes and paths with their coordinates, in pixels, for the template to print."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tomato.backend.quoting import one_line
from tomato.build.page.design import Design
from tomato.build.page.lanes import DIRECT, Edge, Placed, place
from tomato.build.page.words import middle, percent, shape
from tomato.build.rows import KINDS, unrolling

MANY = 48
"""From here on a layer is one line."""
CORNER = 7


@dataclass(frozen=True, slots=True)
class Size:
    """Of a drawing: boxes, the gaps between rows and lanes, a track of the margin, characters on a line."""

    width: int
    height: int
    gap: int
    between: int = 28
    track: int = 14
    letters: int = 34


ROOMY = Size(width=264, height=66, gap=30, letters=36)
DENSE = Size(width=340, height=21, gap=7, letters=34)


@dataclass(frozen=True, slots=True)
class Box:
    """A layer, or an end of the network.

    href: the row of the table; "" for an end. busy: width of the bar that shows the layer's share of the interval.
    """

    x: float
    y: float
    width: float
    height: float
    lines: tuple[str, ...]
    note: str
    href: str
    busy: float
    slowest: bool


@dataclass(frozen=True, slots=True)
class Label:
    """What an edge carries."""

    x: float
    y: float
    text: str


@dataclass(frozen=True, slots=True)
class Drawing:
    """The whole network. `dense`: one line a layer."""

    width: float
    height: float
    boxes: tuple[Box, ...]
    paths: tuple[str, ...]
    labels: tuple[Label, ...]
    dense: bool


def draw(design: Design) -> Drawing:
    """The network of a design, from its inputs at the top to its outputs."""
    size = DENSE if len(design.rows) >= MANY else ROOMY
    reads, carried = _graph(design)
    placed = place(reads)
    at = {n: _corner(n, placed, size) for n in reads}
    boxes = tuple(_box(design, key, at[key], size) for key in reads)
    paths = tuple(_path(edge, placed, at, size) for edge in placed.edges)
    labels = [Label(at[n][0] + size.width / 2 + 8, at[n][1] + size.height + 17, text) for n, text in carried.items()]
    rows = max(placed.row.values(), default=0) + 1
    return Drawing(
        width=2 + placed.margins * size.track + placed.lanes * (size.width + size.between) - size.between,
        height=2 + rows * (size.height + size.gap) - size.gap,
        boxes=boxes,
        paths=paths,
        labels=tuple(labels) if size is ROOMY else (),
        dense=size is DENSE,
    )


def _graph(design: Design) -> tuple[dict[str, list[str]], dict[str, str]]:
    """What every node reads, and what it gives, by keys: in:, row: and out: with a number."""
    report = design.report
    maker = {value: f"in:{i}" for i, value in enumerate(report["inputs"])}
    reads: dict[str, list[str]] = {key: [] for key in maker.values()}
    carried = {f"in:{i}": shape(kind) for i, kind in enumerate(report["inputs"].values())}
    for i, row in enumerate(design.rows):
        reads[f"row:{i}"] = [maker[value] for value in row["reads"]]
        maker |= {row["name"]: f"row:{i}", row["gives"]: f"row:{i}"}
        carried[f"row:{i}"] = shape(row["output"])
    for i, value in enumerate(report["outputs"]):
        reads[f"out:{i}"] = [maker[value]]
    return reads, carried


def _corner(key: str, placed: Placed, size: Size) -> tuple[float, float]:
    x = 1 + placed.margins * size.track + placed.lane[key] * (size.width + size.between)
    return x, 1 + placed.row[key] * (size.height + size.gap)


def _box(design: Design, key: str, corner: tuple[float, float], size: Size) -> Box:
    kind, _, number = key.partition(":")
    if kind != "row":
        lines, note = _end(design, inward=kind == "in", number=int(number))
        return Box(*corner, size.width, size.height, lines[: 1 if size is DENSE else None], note, "", 0, slowest=False)
    row = design.rows[int(number)]
    busy = min(1.0, row["cycles"] / design.interval)
    lines = _lines(row, size)
    note = (
        f"{row['shown']}: {row['engine']} ({unrolling(row)}), {row['cycles']:,} cycles, {percent(busy)} of the interval"
    )
    slowest = row["cycles"] == design.interval
    return Box(*corner, size.width, size.height, lines, note, f"#layer-{number}", busy * size.width, slowest)


def _lines(row: Mapping[str, Any], size: Size) -> tuple[str, ...]:
    name = middle(row["shown"], size.letters - (8 if size is DENSE else 2))
    if size is DENSE:
        return name, f"{row['cycles']:,}"
    used = " · ".join(
        f"{row['resources'][k]:,} {KINDS[k]}" for k in ("lut", "dsp", "bram18", "uram") if row["resources"][k]
    )
    how = " · ".join(filter(None, (row["engine"], unrolling(row))))
    return name, middle(how, size.letters + 4), middle(f"{row['cycles']:,} cycles · {used}", size.letters + 4)


def _end(design: Design, *, inward: bool, number: int) -> tuple[tuple[str, ...], str]:
    side = "inputs" if inward else "outputs"
    value = list(design.report[side])[number]
    known = [p["onnx"] for p in (design.report["ports"] or {}).get(side, []) if p["value"] == value]
    names = one_line(", ".join(known) or value)
    streams = [p for p in design.ports[side] if p["layer"] == value]
    beats = [f"{p['lanes']} codes a beat, {p['frame_beats']:,} beats a frame" for p in streams]
    return (f"{side[:-1]} {middle(names, 26)}", *beats), f"{side[:-1]} {names}"


def _path(edge: Edge, placed: Placed, at: Mapping[str, tuple[float, float]], size: Size) -> str:
    (x0, y0), (x1, y1) = at[edge.source], at[edge.sink]
    if edge.margin != DIRECT:
        track = 1 + (placed.margins - 1 - edge.margin) * size.track + 4
        top, bottom, r = y0 + size.height / 2 + 3, y1 + size.height / 2 - 3, min(CORNER, size.height / 2 - 4)
        around = f"H{track + r:g}q{-r:g} 0 {-r:g} {r:g}V{bottom - r:g}q0 {r:g} {r:g} {r:g}"
        return f"M{x0:g} {top:g}{around}H{x1 - 2:g}"
    half = size.width / 2
    start, end, y0, y1 = x0 + half, x1 + half, y0 + size.height, y1 - 2
    run = 1 + placed.margins * size.track + edge.lane * (size.width + size.between) + half
    bend = min(size.gap, y1 - y0)
    if start == end == run:
        return f"M{start:g} {y0:g}V{y1:g}"
    if run == start:
        return f"M{start:g} {y0:g}V{y1 - bend:g}C{start:g} {y1 - bend / 3:g} {end:g} {y1 - bend:g} {end:g} {y1:g}"
    return f"M{start:g} {y0:g}C{start:g} {y0 + bend:g} {run:g} {y0 + bend / 3:g} {run:g} {y0 + bend:g}V{y1:g}"
