"""What a search tried, as data and as a picture."""

import io
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Point:
    """A precision, how many frames are right with it (per cent, see `Subject.right`), and the design it leads to."""

    precision: str
    right: float
    drop: float
    fps: float
    weight_bits: int
    resources: Mapping[str, int]


def document(points: Sequence[Point], chosen: Point, about: Mapping[str, Any]) -> str:
    """JSON: all points, and which one was chosen."""
    data = {**about, "chosen": points.index(chosen), "points": [asdict(p) for p in points]}
    return json.dumps(data, indent=1) + "\n"


def picture(points: Sequence[Point], chosen: Point, about: Mapping[str, Any]) -> str | None:
    """SVG: accuracy against frames/s, and against bits of weights; None where Matplotlib is not installed."""
    try:
        from matplotlib import rc_context
        from matplotlib.figure import Figure
    except ImportError:
        return None
    with rc_context({"svg.hashsalt": "tomato", "svg.fonttype": "none"}):
        figure = Figure(figsize=(9, 4), layout="constrained")
        left, right = figure.subplots(1, 2, sharey=True)
        for axes, key, label in ((left, "fps", "frames/s"), (right, "weight_bits", "bits of weights")):
            axes.scatter([getattr(p, key) for p in points], [p.right for p in points], color="tab:gray")
            axes.scatter([getattr(chosen, key)], [chosen.right], color="tab:red", label="chosen")
            axes.annotate("w8a8", (getattr(points[0], key), points[0].right), (4, 4), textcoords="offset points")
            axes.axhline(about["float"] - about["max_drop"], linestyle=":", color="tab:gray", label="limit")
            axes.set_xlabel(label)
            axes.grid(visible=True, alpha=0.3)
        left.set_ylabel(f"% of {about['frames']} frames {about['measure']}")
        left.legend()
        figure.suptitle(f"{about['model']} on {about['target']}")
        text = io.StringIO()
        figure.savefig(text, format="svg", metadata={"Date": None})
    return text.getvalue()
