"""What all figures share. A figure is plotly's own plain data; colours are names of the page's style sheet.

The script of the page puts colours in, in light and in dark, and lets plotly draw.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from html import escape
from typing import Any

from tomato.build.page.design import Design
from tomato.build.page.words import middle

INK, MUTED, LINE, PAPER = "--ink", "--muted", "--line", "--paper"
PLAIN, SLOWEST, FAINT = "--plain", "--slowest", "--faint"
SERIES = ("--series-0", "--series-1", "--series-2", "--series-3", "--series-4")
NAMED = 40
"""Layers that are drawn with their names; more are numbered, and stand side by side."""
LETTERS = 32


@dataclass(frozen=True, slots=True)
class Figure:
    """A figure: its anchor, title, what it shows in a sentence, plotly's data and layout.

    choices: names of traces of which one is shown at a time. height: pixels.
    """

    key: str
    title: str
    caption: str
    data: Sequence[Mapping[str, Any]]
    layout: Mapping[str, Any]
    height: int
    choices: tuple[str, ...] = field(default=())


def text(name: str) -> str:
    """A name as plotly shows it, which reads tags, and formulas between dollars."""
    return escape(name, quote=False).replace("$", "&#36;")


def colours(design: Design, rows: Sequence[Mapping[str, Any]]) -> list[str]:
    """The colour of every layer."""
    return [SLOWEST if row["name"] in design.marked else PLAIN for row in rows]


def layout(**more: Any) -> dict[str, Any]:
    """The layout of every figure."""
    return {
        "paper_bgcolor": PAPER,
        "plot_bgcolor": PAPER,
        "font": {"color": INK, "size": 12.5},
        "margin": {"l": 8, "r": 12, "t": 28, "b": 44, "pad": 4},
        "hoverlabel": {"bgcolor": PAPER, "bordercolor": LINE, "font": {"color": INK}, "align": "left"},
        "showlegend": False,
        "bargap": 0.28,
        **more,
    }


def axis(title: str = "", **more: Any) -> dict[str, Any]:
    """An axis with faint lines."""
    return {
        "title": {"text": title, "font": {"color": MUTED, "size": 12}, "standoff": 8},
        "gridcolor": LINE,
        "zerolinecolor": LINE,
        "linecolor": LINE,
        "tickfont": {"color": MUTED},
        "automargin": True,
        **more,
    }


def names(shown: Sequence[str]) -> dict[str, Any]:
    """The axis of layers, the first on top."""
    ticks: dict[str, Any] = {"tickmode": "array", "tickvals": list(range(len(shown))),
             "ticktext": [text(middle(name, LETTERS)) for name in shown]}  # fmt: skip
    return axis(range=[len(shown) - 0.4, -0.6], showgrid=False, zeroline=False, **ticks) | {"tickfont": {"color": INK}}


def numbers(n: int) -> dict[str, Any]:
    """The axis of layers that are too many for names."""
    return axis("layer, by its number in the table", range=[0, n + 1], showgrid=False, zeroline=False)


def bars(shown: Sequence[str], values: Sequence[float], hover: Sequence[str], **more: Any) -> dict[str, Any]:
    """A bar for every layer: lying beside names, or standing over numbers."""
    if len(shown) <= NAMED:
        place = {"orientation": "h", "y": list(range(len(shown))), "x": list(values)}
    else:
        place = {"orientation": "v", "x": list(range(1, len(shown) + 1)), "y": list(values)}
    return {"type": "bar", "hovertext": list(hover), "hoverinfo": "text", **place, **more}


def axes(shown: Sequence[str], title: str, **more: Any) -> dict[str, Any]:
    """The axes of bars."""
    value = axis(title, rangemode="tozero", **more)
    if len(shown) <= NAMED:
        return {"xaxis": value, "yaxis": names(shown)}
    return {"xaxis": numbers(len(shown)), "yaxis": value}


def height(n: int) -> int:
    """Pixels for bars of so many layers."""
    return 90 + 24 * n if n <= NAMED else 340


def line(at: float, n: int, colour: str, dash: str = "dot") -> dict[str, Any]:
    """A line across the bars at a value."""
    along = ("x", "y") if n <= NAMED else ("y", "x")
    return {
        "type": "line", "layer": "above", "line": {"color": colour, "width": 1.2, "dash": dash},
        f"{along[0]}0": at, f"{along[0]}1": at, f"{along[1]}0": 0, f"{along[1]}1": 1, f"{along[1]}ref": "paper",
    }  # fmt: skip


def remark(what: str, *, colour: str = MUTED, **place: Any) -> dict[str, Any]:
    """A few words in a figure."""
    return {"text": what, "showarrow": False, "font": {"color": colour, "size": 11.5}, **place}
