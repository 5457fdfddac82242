"""Bars: cycles, resources and noise, layer by layer."""

from collections.abc import Mapping
from typing import Any

from tomato.build.page.design import Design
from tomato.build.page.figures import (
    MUTED,
    NAMED,
    PLAIN,
    SLOWEST,
    Figure,
    axes,
    bars,
    colours,
    height,
    layout,
    line,
    remark,
    text,
)  # fmt: skip
from tomato.build.page.limits import pace
from tomato.build.page.words import decibels, percent
from tomato.build.rows import KINDS, unrolling

BETWEEN = "between the layers"


def cycles(design: Design) -> Figure:
    """Cycles that every layer needs for a frame."""
    rows, n = design.rows, len(design.rows)
    shown = [row["shown"] for row in rows]
    hover = [
        f"<b>{text(row['shown'])}</b><br>{row['cycles']:,} cycles, {percent(row['cycles'] / design.interval)} of the "
        f"interval<br>{text(_how(row))}"
        for row in rows
    ]
    average, told = design.average, f"interval {design.interval:,}"
    if average is not None:
        told = f"guaranteed interval {design.interval:,}, average {average:,.0f}"
    across: dict[str, Any] = {"x": design.interval, "y": 1, "yref": "paper", "yanchor": "bottom", "xanchor": "right"}
    up: dict[str, Any] = {"y": design.interval, "x": 1, "xref": "paper", "xanchor": "right", "yanchor": "bottom"}
    return Figure(
        "cycles",
        "Cycles a frame, layer by layer",
        f"{pace(design)} Predicted.",
        [bars(shown, [row["cycles"] for row in rows], hover, marker={"color": colours(design, rows)})],
        layout(
            **axes(shown, "cycles a frame"),
            shapes=[line(design.interval, n, SLOWEST), *([line(average, n, MUTED)] if average is not None else [])],
            annotations=[remark(told, **(across if n <= NAMED else up))],
        ),
        height(n),
    )


def resources(design: Design) -> Figure:
    """What every layer takes, one kind at a time."""
    report, rows = design.report, design.rows
    around = report["shell"]
    beside = {BETWEEN: report["between_layers"]}
    beside |= {f"{around['kind']} shell": around["resources"]} if around["kind"] != "none" else {}
    shown = [*(row["shown"] for row in rows), *beside]
    colour = [*colours(design, rows), *[MUTED] * len(beside)]
    data = []
    for i, kind in enumerate(design.kinds):
        counts = [*(row["resources"][kind] for row in rows), *(taken[kind] for taken in beside.values())]
        whole, most = sum(counts), report["budget"][kind]
        hover = [
            f"<b>{text(name)}</b><br>{n:,} {KINDS[kind]}: {percent(n / max(whole, 1))} of the design, "
            f"{percent(n / max(most, 1))} of what a design may use"
            for name, n in zip(shown, counts, strict=True)
        ]
        data.append(bars(shown, counts, hover, name=KINDS[kind], visible=not i, marker={"color": colour}))
    return Figure(
        "resources",
        "Resources, layer by layer",
        f"Estimates of a model, not place and route ({report['resource_model'].removeprefix('resource model: ')}). "
        "Requantisation is counted with the layer in front of it.",
        data,
        layout(**axes(shown, "")),
        height(len(shown)),
        tuple(KINDS[kind] for kind in design.kinds),
    )


def noise(design: Design) -> Figure | None:
    """Signal to quantisation noise behind every layer, where `tomato evaluate` compared it."""
    found = [row for row in (design.evaluation or {}).get("layers", []) if row["sqnr_db"] is not None]
    if not found:
        return None
    assert design.evaluation is not None
    shown = [row["onnx"] for row in found]
    hover = [f"<b>{text(row['onnx'])}</b><br>{decibels(row['sqnr_db'])}" for row in found]
    frames = design.evaluation["layer_frames"]
    return Figure(
        "noise",
        "Noise of quantisation, layer by layer",
        f"Signal to quantisation noise behind every layer, measured on {frames} frames: 6 dB are one bit.",
        [bars(shown, [row["sqnr_db"] for row in found], hover, marker={"color": PLAIN})],
        layout(**axes(shown, "dB")),
        height(len(shown)),
    )


def _how(row: Mapping[str, Any]) -> str:
    return " · ".join(filter(None, (row["engine"], unrolling(row))))
