"""How many lines a function of wide codes takes, and when they are near enough."""

from tomato.core.formats import Codes
from tomato.ops.piecewise import Fitted, Function, fit

SEGMENTS = (64, 128, 256, 512, 1024)
"""Numbers of segments that are tried: 64 are one LUT a bit, 1,024 fit two or three block RAMs."""
CLOSE = 0.75
"""Output steps: lines this near take no more segments. A table's rounding alone is half a step off."""
FAR = 1 << 13
"""Lines that are off by more than CLOSE, and by more than the range of results divided by this, are none."""


def lines(function: Function, inputs: Codes, outputs: Codes, *, clipped: bool = False) -> Fitted | None:
    """The fewest lines that come close to a function, or else the nearest; None if those are too far off.

    clipped: most inputs may lie at both ends. Raises ValueError where lines cannot be sought, see `fit`.
    """
    best: Fitted | None = None
    for segments in SEGMENTS:
        found = fit(function, inputs, outputs, segments, clipped=clipped)
        if best is None or found.error < best.error:
            best = found
        if best.error <= CLOSE:
            return best
    assert best is not None
    return best if best.error <= (outputs.hi - outputs.lo) / FAR else None
