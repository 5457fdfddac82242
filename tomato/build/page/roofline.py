"""The roofline: how near a design is to what its board and its ports allow."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import log10
from types import MappingProxyType
from typing import Any

from tomato.build.page.design import Design
from tomato.build.page.figures import PAPER, SERIES, Figure, axis, layout, remark, text
from tomato.build.page.words import count, percent

SPAN = 30
"""The figure shows intensities from this much below to this much above the design's own."""
LOGARITHMIC: Mapping[str, Any] = MappingProxyType({"type": "log", "exponentformat": "SI", "dtick": 1})


@dataclass(frozen=True, slots=True)
class Roof:
    """Of one design, in multiply-accumulates (MAC) a second.

    intensity: MACs for a byte that enters or leaves. attained: at the predicted rate. board: every DSP block and LUT
    that a design may use multiplies. structure: the fastest unrolling of
    the slowest layer. bandwidth: bytes a second through ports that never wait. fetched, memory: MACs for a byte of
    weights from memory beside the chip, and bytes a second that it gives; 0 where all weights are on the chip.
    """

    intensity: float
    attained: float
    board: float
    structure: float
    bandwidth: float
    fetched: float = 0.0
    memory: float = 0.0

    @property
    def ridge(self) -> float:
        """Where the ports stop to be the limit."""
        return self.board / self.bandwidth


def roof(design: Design) -> Roof | None:
    """The roof over a design; None where nothing is multiplied."""
    report, ports = design.report, [*design.ports["inputs"], *design.ports["outputs"]]
    macs = report["macs"]
    if not macs:
        return None
    moved = sum(p["frame_beats"] * p["width"] / 8 for p in ports)
    beats, beside = max(p["frame_beats"] for p in ports), report.get("memory")
    return Roof(
        intensity=macs / moved,
        attained=macs * design.hertz / design.interval,
        board=macs * design.hertz / max(1, report["bound"]["multipliers"]),
        structure=macs * design.hertz / report["bound"]["structure"],
        bandwidth=moved * design.hertz / beats,
        fetched=macs / beside["bytes_per_frame"] if beside else 0.0,
        memory=beside["bytes_per_cycle"] * design.hertz if beside else 0.0,
    )


def roofline(designs: Sequence[Design]) -> Figure | None:
    """The designs under their roofs; the first one's is told in words."""
    found = [(design, r) for design in designs if (r := roof(design))]
    if not found or found[0][0] is not designs[0]:
        return None
    lo = min(min(r.intensity, r.ridge, r.fetched or r.ridge) for _, r in found) / SPAN
    hi = max(max(r.intensity, r.ridge) for _, r in found) * SPAN
    data = [trace for i, (design, r) in enumerate(found) for trace in _traces(design, r, i, (lo, hi))]
    first = found[0][1]
    low = lo * min(r.bandwidth for _, r in found)
    top = max(max(r.board, r.structure) for _, r in found) * 3
    remarks = [
        _remark("every multiplier of the board", hi, first.board, xanchor="right"),
        _remark("fastest unrolling of the slowest layer", hi, first.structure, xanchor="right"),
        _remark(count(first.attained, "MAC/s"), first.intensity * 1.15, first.attained, xanchor="left", yanchor="top"),
    ]
    return Figure(
        "roofline",
        "Roofline",
        _caption(found[0][0], first),
        data,
        layout(
            xaxis=axis("MACs for a byte through the ports", range=[log10(lo), log10(hi)], **LOGARITHMIC),
            yaxis=axis("MACs a second", range=[log10(low), log10(top)], **LOGARITHMIC),
            annotations=remarks,
            showlegend=len(found) > 1,
            legend={"orientation": "h", "y": 1.02, "yanchor": "bottom", "x": 0},
        ),
        430,
    )


def _traces(design: Design, r: Roof, index: int, span: tuple[float, float]) -> list[dict[str, Any]]:
    lo, hi = span
    colour, title = SERIES[index % len(SERIES)], text(design.label)

    def drawn(mode: str, points: Sequence[tuple[float, float]], told: str, **style: Any) -> dict[str, Any]:
        x, y = ([point[axis] for point in points] for axis in (0, 1))
        return {
            "type": "scatter", "mode": mode, "x": x, "y": y, "name": title, "showlegend": mode == "markers",
            "hovertext": f"<b>{title}</b><br>{told}", "hoverinfo": "text", **style,
        }  # fmt: skip

    roof = [(lo, lo * r.bandwidth), (r.ridge, r.board), (hi, r.board)]
    told = f"ports: {count(r.bandwidth, 'B/s')}; every multiplier of the board: {count(r.board, 'MAC/s')}"
    traces = [drawn("lines", roof, told, line={"color": colour, "width": 2})]
    if not index:
        level = [(r.structure / r.bandwidth, r.structure), (hi, r.structure)]
        told = f"fastest unrolling of the slowest layer: {count(r.structure, 'MAC/s')}"
        traces.append(drawn("lines", level, told, line={"color": colour, "width": 1.2, "dash": "dash"}))
    told = f"{count(r.attained, 'MAC/s')}, {percent(r.attained / r.board)} of the board's<br>"
    told += f"{count(r.intensity, 'MAC')} a byte"
    if r.memory:
        slope = [(lo, lo * r.memory), (r.board / r.memory, r.board)]
        more = f"memory beside the chip: {count(r.memory, 'B/s')}, {count(r.fetched, 'MAC')} a byte of weights"
        traces.append(drawn("lines", slope, more, line={"color": colour, "width": 1.6, "dash": "dot"}))
        small = {"size": 9, "color": colour, "symbol": "diamond", "line": {"color": PAPER, "width": 2}}
        traces.append(drawn("markers", [(r.fetched, r.attained)], more, marker=small) | {"showlegend": False})
    marker = {"size": 13, "color": colour, "line": {"color": PAPER, "width": 2}}
    return [*traces, drawn("markers", [(r.intensity, r.attained)], told, marker=marker)]


def _caption(design: Design, r: Roof) -> str:
    use = design.report["multiplier_use"]
    busy = f" Its own multipliers are busy in {percent(use)} of the cycles." if use else ""
    ports = r.intensity * r.bandwidth
    roofs = [(ports, "the ports"), (r.board, "the multipliers of the board"), (r.structure, "the fastest unrolling")]
    if r.memory:
        roofs.append((r.fetched * r.memory, "the memory beside the chip"))
    tight = min(roofs)
    where = "Weights stay on the chip, so that frames and results alone pass the ports."
    if r.memory:
        where = (
            f"A byte of weights from memory beside the chip is good for {count(r.fetched, 'MAC')}: the dotted slope."
        )
    return (
        f"Predicted: {count(r.attained, 'MAC/s')}, {percent(r.attained / r.board)} of what all multipliers that a "
        f"design may use of the board would do at this clock.{busy} The lowest roof over it is {tight[1]}: "
        f"{count(tight[0], 'MAC/s')}. {where}"
    )


def _remark(what: str, x: float, y: float, **more: Any) -> dict[str, Any]:
    return remark(what, x=log10(x), y=log10(y), **{"yanchor": "bottom", **more})
