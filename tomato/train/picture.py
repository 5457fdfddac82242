"""A run as a picture: accuracy against size, and against frames/s where there is a target."""

import io
from collections.abc import Mapping
from typing import Any


def picture(about: Mapping[str, Any]) -> str | None:
    """SVG; None where Matplotlib is not installed."""
    try:
        from matplotlib import rc_context
        from matplotlib.figure import Figure
    except ImportError:
        return None
    rows = about["rows"]
    with rc_context({"svg.hashsalt": "tomato", "svg.fonttype": "none"}):
        speeds = any(r["fps"] for r in rows)
        figure = Figure(figsize=(9 if speeds else 5.5, 4), layout="constrained")
        axes = figure.subplots(1, 2 if speeds else 1, sharey=True, squeeze=False)[0]
        right = [100.0 * r["right"] for r in rows]
        for key, label, marker in (("entropy_bits", "entropy", "o"), ("stored_bits", "stored in hardware", "s")):
            axes[0].plot([r["sizes"][key] for r in rows], right, marker=marker, label=label)
        for row, y in zip(rows, right, strict=True):
            axes[0].annotate(row["step"], (row["sizes"]["entropy_bits"], y), (4, 4), textcoords="offset points")
        axes[0].set_xscale("log")
        axes[0].set_xlabel("bits of weights")
        axes[0].set_ylabel(f"% of {about['frames']} frames {about['measure']}")
        axes[0].legend()
        if speeds:
            known = [(r["fps"], y, r["step"]) for r, y in zip(rows, right, strict=True) if r["fps"]]
            axes[1].plot([k[0] for k in known], [k[1] for k in known], marker="o", color="tab:green")
            for fps, y, step in known:
                axes[1].annotate(step, (fps, y), (4, 4), textcoords="offset points")
            axes[1].set_xlabel(f"frames/s on {about['target']}")
        for one in axes:
            one.grid(visible=True, alpha=0.3)
        figure.suptitle(about["model"])
        text = io.StringIO()
        figure.savefig(text, format="svg", metadata={"Date": None})
    return text.getvalue()
