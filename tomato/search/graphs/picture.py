"""A search on a graph as a picture."""

import io
from collections.abc import Mapping, Sequence

BYTE = 8.0
Point = tuple[float, float]
"""Bits of a network, and the share that it has right."""


def picture(
    title: str, found: Sequence[Point], members: Sequence[Point], others: Mapping[str, Point], shown: str
) -> str | None:
    """SVG: accuracy against size, both of nodes that `shown` names; None where Matplotlib is not installed.

    found: all networks, members: those of the front, others: networks to compare with.
    """
    try:
        from matplotlib import rc_context
        from matplotlib.figure import Figure
        from matplotlib.ticker import EngFormatter, NullFormatter
    except ImportError:
        return None
    with rc_context({"svg.hashsalt": "tomato", "svg.fonttype": "none", "text.parse_math": False}):
        figure = Figure(figsize=(6.5, 4.5), layout="constrained")
        axes = figure.subplots()
        axes.scatter(*_scaled(found), color="tab:gray", s=12, label="found")
        axes.plot(*_scaled(sorted(members)), color="tab:red", marker="o", markersize=3, label="front")
        for (name, point), marker in zip(others.items(), "*sD^v", strict=False):
            axes.scatter(*_scaled([point]), color="tab:blue", marker=marker, s=50, label=name)
        axes.set_xscale("log")
        axes.set_xlabel("size of weights and biases")
        axes.set_ylabel(f"% right of the {shown} nodes")
        axes.xaxis.set_major_formatter(EngFormatter(unit="B"))
        axes.xaxis.set_minor_formatter(NullFormatter())
        axes.grid(visible=True, alpha=0.3)
        axes.legend()
        figure.suptitle(title)
        text = io.StringIO()
        figure.savefig(text, format="svg", metadata={"Date": None})
    return text.getvalue()


def _scaled(points: Sequence[Point]) -> tuple[list[float], list[float]]:
    return [bits / BYTE for bits, _ in points], [100.0 * right for _, right in points]
