"""The regions of the chip, and the layers in each."""

from dataclasses import dataclass

from tomato.build.page.design import Design
from tomato.build.page.limits import fullest
from tomato.build.page.words import percent, plural
from tomato.build.rows import KINDS


@dataclass(frozen=True, slots=True)
class Segment:
    """A layer's part of a region's bar, in percent of the bar."""

    x: float
    width: float
    note: str
    slowest: bool


@dataclass(frozen=True, slots=True)
class Region:
    """A region, or the whole of a chip that is one die: how full it is, in words, and its layers."""

    name: str
    told: str
    over: bool
    segments: tuple[Segment, ...]


def regions(design: Design) -> tuple[Region, ...]:
    """From the top of the chip to its bottom: region 0 is the lowest."""
    found = design.report["regions"]
    if found is None:
        return (_region(design, "The chip, one die", fullest(design)[1], list(range(len(design.rows)))),)
    made = []
    for i in reversed(range(design.report["chip_regions"])):
        inside = [k for k, row in enumerate(design.rows) if row["region"] == i]
        made.append(_region(design, f"Region {i}", found[i] if i < len(found) else 0.0, inside))
    return tuple(made)


def _region(design: Design, name: str, fill: float, inside: list[int]) -> Region:
    kind = fullest(design)[0]
    rows = [design.rows[i] for i in inside]
    taken = [row["resources"][kind] for row in rows]
    whole, at, segments = max(sum(taken), 1), 0.0, []
    for row, n in zip(rows, taken, strict=True):
        width = 100 * min(fill, 1.0) * n / whole
        if width:
            note = f"{row['shown']}: {n:,} {KINDS[kind]}"
            segments.append(Segment(round(at, 3), round(width, 3), note, row["name"] in design.marked))
        at += width
    told = f"{percent(fill)} of its room, {plural(len(inside), 'layer')}" if inside else "free"
    return Region(name, told, fill > 1, tuple(segments))
