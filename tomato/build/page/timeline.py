"""One frame on its way through the layers."""

from typing import Any

from tomato.backend.quoting import one_line
from tomato.build.page.design import Design
from tomato.build.page.figures import (
    FAINT,
    INK,
    LETTERS,
    MUTED,
    NAMED,
    SLOWEST,
    Figure,
    axis,
    colours,
    layout,
    names,
    remark,
    text,
)  # fmt: skip
from tomato.build.page.words import duration, middle

LINES = 12
"""Marks of further frames, at most: more would hide the bars."""


def timeline(design: Design) -> Figure:
    """When every layer works on a frame that never waits, and where simulation saw it."""
    rows = design.rows
    inputs = [(f"input {one_line(p['name'])}", 0, p["frame_beats"]) for p in design.ports["inputs"]]
    shown = [*(name for name, _, _ in inputs), *(row["shown"] for row in rows)]
    begins = [*(a for _, a, _ in inputs), *(row["begins"] for row in rows)]
    ends = [*(b for _, _, b in inputs), *(row["ends"] for row in rows)]
    latency = design.report["latency_cycles"]
    hover = [
        f"<b>{text(name)}</b><br>cycles {a:,} to {b:,}, {duration((b - a) / design.hertz)}"
        for name, a, b in zip(shown, begins, ends, strict=True)
    ]
    bars: dict[str, Any] = {
        "type": "bar", "orientation": "h", "y": list(range(len(shown))), "base": begins,
        "x": [max(b - a, 1) for a, b in zip(begins, ends, strict=True)], "hovertext": hover, "hoverinfo": "text",
        "marker": {"color": [*([MUTED] * len(inputs)), *colours(design, rows)]},
    }  # fmt: skip
    seen = _seen(design)
    data = [bars, *_marks(design, shown)]
    shapes = [_line(k * design.interval, FAINT, "dot") for k in range(1, min(latency // design.interval, LINES) + 1)]
    shapes += [_line(latency, INK, "solid"), *([_line(seen, SLOWEST, "dash")] if seen is not None else [])]
    label = f"latency {latency:,} predicted" + (f", {seen:,} measured" if seen is not None else "")
    many = len(shown) > NAMED
    layers = names(shown) | ({"showticklabels": False, "ticks": ""} if many else {})
    return Figure(
        "timeline",
        "One frame on its way",
        _caption(design),
        data,
        layout(
            xaxis=axis("cycles from the first beat", rangemode="tozero"),
            yaxis=layers,
            shapes=shapes,
            annotations=[remark(label, x=latency, y=1, yref="paper", yanchor="bottom", xanchor="right")],
            bargap=0.28 if not many else 0.1,
        ),
        90 + (22 * len(shown) if not many else max(320, 7 * len(shown))),
    )


def _caption(design: Design) -> str:
    latency = design.report["latency_cycles"]
    told = (
        f"Predicted: each layer from the beginning of its work on a frame to its last result; the frame leaves after "
        f"{latency:,} cycles, {duration(latency / design.hertz)}. "
    )
    if latency >= design.interval:
        told += f"Dotted: a new frame enters every {design.interval:,} cycles, while earlier ones are still inside."
        told += f" Where some leave early: every {design.average:,.0f} on average." if design.average else ""
    if design.measured and design.measured.get("layers"):
        told += " Diamonds: first and last result of each layer, measured in simulation."
    return told


def _marks(design: Design, shown: list[str]) -> list[dict[str, Any]]:
    """First and last result of the layers that a simulation watched."""
    found = (design.measured or {}).get("layers") or {}
    before = len(shown) - len(design.rows)
    points = [
        (i + before, row["shown"], cycle, which)
        for i, row in enumerate(design.rows)
        for which, cycle in zip(("first", "last"), found.get(row["gives"], ()), strict=False)
    ]
    if not points:
        return []
    return [{
        "type": "scatter", "mode": "markers", "y": [p[0] for p in points], "x": [p[2] for p in points],
        "hovertext": [f"<b>{text(middle(p[1], LETTERS))}</b><br>{p[3]} result in cycle {p[2]:,}, measured"
                      for p in points],
        "hoverinfo": "text",
        "marker": {"symbol": "diamond", "size": 6, "color": INK, "line": {"width": 1, "color": "--paper"}},
    }]  # fmt: skip


def _seen(design: Design) -> int | None:
    latency = (design.measured or {}).get("latency_cycles")
    return None if latency is None else int(latency)


def _line(at: float, colour: str, dash: str) -> dict[str, Any]:
    return {
        "type": "line", "layer": "below" if dash == "dot" else "above", "x0": at, "x1": at, "y0": 0, "y1": 1,
        "yref": "paper", "line": {"color": colour, "width": 1.2, "dash": dash},
    }  # fmt: skip
