"""A whole training run as a picture: accuracy against size, and against frames/s."""

import io
from collections.abc import Iterator, Mapping, Sequence
from itertools import product
from typing import Any

Points = Sequence[tuple[float, float]]
ENTROPY, STORED, RATE = "tab:red", "tab:blue", "tab:green"
ROOM = 2.0
"""Factor between the outermost points and the ends of a logarithmic axis."""
SIDE, GAPS = 8.0, (8.0, 20.0, 32.0, 44.0, 56.0)
"""How far beside, and above or below its point a label may be, in points."""


def picture(
    steps: Sequence[Mapping[str, Any]], title: str = "", measure: str = "of validation frames right"
) -> str | None:
    """SVG, the same for the same steps; None where Matplotlib is not installed.

    steps: in order, at least one, each with `step` (its name), `accuracy` on validation data (0 to 1), `sizes` (fields
    of `Size`, by name) and `fps` (frames/s, or None without a target). measure: what accuracy is the percentage of.
    """
    try:
        from matplotlib import rc_context
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure
    except ImportError:
        return None
    with rc_context({"svg.hashsalt": "tomato", "svg.fonttype": "none", "text.parse_math": False}):
        fast = [i for i, step in enumerate(steps) if step.get("fps")]
        figure = Figure(figsize=(13 if fast else 7.5, 5), layout="constrained")
        FigureCanvasAgg(figure)  # measures labels
        places = figure.subplots(1, 2 if fast else 1, sharey=True, squeeze=False)[0]
        names = [step["step"] for step in steps]
        right = [100.0 * step["accuracy"] for step in steps]
        least, stored = (_points(steps, key, right) for key in ("entropy_bits", "stored_bits"))
        _draw_sizes(places[0], least, stored)
        places[0].set_ylabel(f"% {measure}")
        rates = [(float(steps[i]["fps"]), right[i]) for i in fast]
        if fast:
            _draw_rates(places[1], rates)
        for axes in places:
            start = f"accuracy after {steps[0]['step']}"
            axes.axhline(right[0], linestyle=":", color="tab:gray", zorder=0, label=start)
            axes.grid(visible=True, alpha=0.3)
            axes.margins(y=0.15)
        figure.legend(*places[0].get_legend_handles_labels(), loc="outside lower center", ncols=3)
        if title:
            figure.suptitle(title)
        figure.draw_without_rendering()
        _label(places[0], least, names, stored)
        if fast:
            _label(places[1], rates, [names[i] for i in fast], [])
        text = io.StringIO()
        figure.savefig(text, format="svg", metadata={"Date": None})
    return text.getvalue()


def _points(steps: Sequence[Mapping[str, Any]], key: str, right: Sequence[float]) -> list[tuple[float, float]]:
    """A size of every step, at least 1 for the logarithm, and how many frames are right."""
    return [(max(1.0, float(step["sizes"][key])), y) for step, y in zip(steps, right, strict=True)]


def _draw_sizes(axes: Any, least: Points, stored: Points) -> None:
    """Both sizes of every step, joined by a line."""
    from matplotlib.ticker import EngFormatter, LogLocator, NullLocator

    axes.set_xscale("log")
    for ends in zip(least, stored, strict=True):
        axes.plot(*zip(*ends, strict=True), color="tab:gray", linewidth=0.8, zorder=1)
    axes.plot(*zip(*least, strict=True), color=ENTROPY, linewidth=0.8, alpha=0.5, zorder=1)
    axes.scatter(*zip(*stored, strict=True), facecolors="white", edgecolors=STORED, s=60, label="stored bits", zorder=2)
    axes.scatter(*zip(*least, strict=True), color=ENTROPY, label="entropy bits", zorder=3)
    bits = [x for x, _ in [*least, *stored]]
    axes.set_xlim(min(bits) / ROOM, max(bits) * ROOM)
    axes.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_major_formatter(EngFormatter("bit"))
    axes.set_xlabel("size of the weights")


def _draw_rates(axes: Any, rates: Points) -> None:
    from matplotlib.ticker import StrMethodFormatter

    axes.plot(*zip(*rates, strict=True), color=RATE, linewidth=0.8, alpha=0.5, zorder=1)
    axes.scatter(*zip(*rates, strict=True), color=RATE, zorder=3)
    axes.xaxis.set_major_formatter(StrMethodFormatter("{x:,.0f}"))
    axes.margins(x=0.15)
    axes.set_xlabel("frames/s")


def _label(axes: Any, points: Points, names: Sequence[str], others: Points) -> None:
    """A name beside every point, in the first place within the axes where it covers no point and no other name."""
    from matplotlib.text import Text
    from matplotlib.transforms import Bbox

    figure = axes.figure
    render, inside, unit = figure.canvas.get_renderer(), axes.get_window_extent(), figure.dpi / 72
    taken = [Bbox.from_bounds(x - 5, y - 5, 10, 10) for x, y in axes.transData.transform([*points, *others])]
    for point, name in zip(points, names, strict=True):
        text = axes.annotate(
            name, point, (0, 0), textcoords="offset points", fontsize=8, va="center",
            arrowprops={"arrowstyle": "-", "color": "tab:gray", "linewidth": 0.5, "alpha": 0.6},
        )  # fmt: skip
        text.set_in_layout(False)
        extent = Text.get_window_extent(text, render)
        x, y = axes.transData.transform(point)
        for dx, dy in _offsets():
            left = x + dx * unit - (extent.width if dx < 0 else 0.0)
            box = Bbox.from_bounds(left, y + dy * unit - extent.height / 2, extent.width, extent.height)
            if inside.containsx(box.x0) and inside.containsx(box.x1) and not box.count_overlaps(taken):
                break
        text.set(position=(dx, dy), ha="right" if dx < 0 else "left")
        taken.append(box)


def _offsets() -> Iterator[tuple[float, float]]:
    """In points, the nearest first: above and below, to the right and to the left."""
    return ((side * SIDE, sign * gap) for gap, sign, side in product(GAPS, (1, -1), (1, -1)))
