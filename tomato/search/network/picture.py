"""A search as a picture: all networks and the front, and how the best came about."""

import io
from collections.abc import Sequence
from itertools import accumulate
from typing import Any

from tomato.search.network.candidates import Candidate

NAMES = {"fps": "frames/s", "area": "shares of the chip, added up", "memory": "bits of block memory",
         "latency": "cycles of latency", "weights": "weights"}  # fmt: skip

WIDE = 4.0
"""From this factor between the ends on, an axis is logarithmic."""


def picture(
    found: Sequence[Candidate], members: Sequence[Candidate], values: Sequence[float], objective: str, title: str,
    trained: Sequence[tuple[float, float]] = (),
) -> str | None:  # fmt: skip
    """SVG: accuracy against an objective, and the best accuracy so far; None where Matplotlib is not installed.

    values: of the objective, for every network that was found. members: the front. trained: the objective and accuracy
    of networks that were trained on.
    """
    try:
        from matplotlib import rc_context
        from matplotlib.figure import Figure
        from matplotlib.ticker import EngFormatter, NullFormatter
    except ImportError:
        return None
    tried = [(v, 100.0 * c.accuracy, c) for c, v in zip(found, values, strict=True) if c.accuracy is not None]
    best = {c.genes for c in members}
    with rc_context({"svg.hashsalt": "tomato", "svg.fonttype": "none", "text.parse_math": False}):
        figure = Figure(figsize=(11, 4.5), layout="constrained")
        left, right = figure.subplots(1, 2)
        _points(left, [(v, a) for v, a, _ in tried], color="tab:gray", s=8, label="with shared weights")
        line = sorted((v, a) for v, a, c in tried if c.genes in best)
        if line:
            left.plot(*zip(*line, strict=True), color="tab:red", marker="o", markersize=3, label="front")
        _points(left, [(v, 100.0 * a) for v, a in trained], color="tab:blue", marker="*", s=60, label="trained on")
        left.set_xlabel(NAMES[objective])
        left.set_ylabel("% right")
        sizes = [v for v, _, _ in tried]
        if sizes and 0 < WIDE * min(sizes) < max(sizes):
            left.set_xscale("log")
        left.xaxis.set_major_formatter(EngFormatter(sep=" "))
        left.xaxis.set_minor_formatter(NullFormatter())
        left.legend()
        right.step(range(1, len(tried) + 1), list(accumulate((a for _, a, _ in tried), max)), color="tab:red")
        _points(right, [(i, a) for i, (_, a, _) in enumerate(tried, start=1)], color="tab:gray", s=6)
        right.set_xlabel("networks that fit, in order")
        for axes in (left, right):
            axes.grid(visible=True, alpha=0.3)
        figure.suptitle(title)
        text = io.StringIO()
        figure.savefig(text, format="svg", metadata={"Date": None})
    return text.getvalue()


def _points(axes: Any, points: Sequence[tuple[float, float]], **style: Any) -> None:
    if points:
        axes.scatter(*zip(*points, strict=True), **style)
