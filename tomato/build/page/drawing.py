"""The network as a drawing: boxes and paths with their coordinates, in pixels, for the template to print."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tomato.backend.quoting import one_line
from tomato.build.page.design import Design
from tomato.build.page.lanes import DIRECT, Edge, Placed, place
from tomato.build.page.words import middle, percent, plural, shape
from tomato.build.rows import KINDS, unrolling

MANY = 48
"""From here on layers stand closer, and their resources are told where one points."""
CORNER = 7
ASIDE = 0.36
"""How far from the middle of a box an edge to another lane begins or ends, in widths of the box."""


@dataclass(frozen=True, slots=True)
class Size:
    """Of a drawing: boxes and those of ends, gaps between rows and lanes, a track of the margin, letters on a line."""

    width: int
    height: int
    gap: int
    end: int
    letters: int
    between: int = 22
    track: int = 14


ROOMY = Size(width=288, height=66, gap=30, end=42, letters=33)
DENSE = Size(width=284, height=36, gap=9, end=22, letters=27)


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
    """The whole network. `dense`: with less about each layer, as there are many."""

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
        height=2 + rows * (size.height + size.gap) - size.gap - 2 * (size.height - size.end),
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
    for i, value in enumerate(report["outputs"].values()):
        reads[f"out:{i}"] = [maker[value]]
    return reads, carried


def _corner(key: str, placed: Placed, size: Size) -> tuple[float, float]:
    x = 1 + placed.margins * size.track + placed.lane[key] * (size.width + size.between)
    return x, 1 + placed.row[key] * (size.height + size.gap) - (size.height - size.end)


def _box(design: Design, key: str, corner: tuple[float, float], size: Size) -> Box:
    kind, _, number = key.partition(":")
    if kind != "row":
        lines, note = _end(design, size, inward=kind == "in", number=int(number))
        x, y = corner[0], corner[1] + (size.height - size.end if kind == "in" else 0)
        return Box(x, y, size.width, size.end, lines[: 1 if size is DENSE else None], note, "", 0, slowest=False)
    row = design.rows[int(number)]
    busy = min(1.0, row["cycles"] / design.interval)
    lines = _lines(row, size)
    used = ", ".join(f"{n:,} {KINDS[kind]}" for kind, n in row["resources"].items() if n)
    note = f"{row['shown']}: {row['engine']} ({unrolling(row)}), {row['cycles']:,} cycles, {percent(busy)} of the "
    note += f"interval; {used or 'no resources'}"
    slowest = row["name"] in design.marked
    return Box(*corner, size.width, size.height, lines, note, f"#layer-{number}", busy * size.width, slowest)


def _lines(row: Mapping[str, Any], size: Size) -> tuple[str, ...]:
    name = middle(row["shown"], size.letters)
    how = " · ".join(filter(None, (row["engine"], unrolling(row))))
    if size is DENSE:
        return name, f"{row['cycles']:,}", middle(how, 44)
    used = f"{row['cycles']:,} cycles"
    for kind in ("dsp", "lut", "bram18", "uram"):
        more = f"{used} · {row['resources'][kind]:,} {KINDS[kind]}"
        used = more if row["resources"][kind] and len(more) <= size.letters + 9 else used
    return name, middle(how, size.letters + 9), used


def _end(design: Design, size: Size, *, inward: bool, number: int) -> tuple[tuple[str, ...], str]:
    side = "inputs" if inward else "outputs"
    value = list(design.report[side])[number]
    known = [p["onnx"] for p in (design.report["ports"] or {}).get(side, []) if p["value"] == value]
    names = one_line(", ".join(known) or value)
    streams = [p for p in design.ports[side] if p["layer"] == value]
    beats = [f"{plural(p['lanes'], 'code')} a beat, {plural(p['frame_beats'], 'beat')} a frame" for p in streams]
    return (f"{side[:-1]} {middle(names, size.letters - 7)}", *beats), f"{side[:-1]} {names}"


def _path(edge: Edge, placed: Placed, at: Mapping[str, tuple[float, float]], size: Size) -> str:
    (x0, y0), (x1, y1) = at[edge.source], at[edge.sink]
    if edge.margin != DIRECT:
        track = 1 + (placed.margins - 1 - edge.margin) * size.track + 4
        top, bottom, r = y0 + size.height / 2 + 3, y1 + size.height / 2 - 3, min(CORNER, size.height / 2 - 4)
        around = f"H{track + r:g}q{-r:g} 0 {-r:g} {r:g}V{bottom - r:g}q0 {r:g} {r:g} {r:g}"
        return f"M{x0:g} {top:g}{around}H{x1 - 2:g}"
    over, under = placed.lane[edge.source], placed.lane[edge.sink]
    start, end, y0, y1 = x0 + size.width / 2, x1 + size.width / 2, y0 + size.height, y1 - 2
    if over == under:
        return f"M{start:g} {y0:g}V{y1:g}"
    early = edge.lane == under
    bend = y0 + size.gap / 2 if early else y1 - size.gap / 2
    start += size.width * ASIDE if early and under > over else 0
    end += size.width * ASIDE if not early and over > under else 0
    r = min(CORNER, size.gap / 2 - 1)
    side = r if end > start else -r
    return f"M{start:g} {y0:g}V{bend - r:g}q0 {r:g} {side:g} {r:g}H{end - side:g}q{side:g} 0 {side:g} {r:g}V{y1:g}"
