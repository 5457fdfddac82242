"""Sharing a goal out among layers so that it costs least."""

from collections.abc import Sequence
from itertools import pairwise

import numpy as np

from tomato.core.formats import Array

Offer = tuple[Array, Array]
"""What one layer can give, and what each of these amounts costs. To give nothing costs nothing."""


def spread(offers: Sequence[Offer], goal: float) -> list[float] | None:
    """How much each gives so that together they give `goal` at the least cost; None if all they have is not enough.

    Costs count as convex: what lies above a straight line between two offers is not used, and one layer at most gives
    an amount between two of its offers (Shoham and Gersho 1988).
    """
    slopes = []
    for i, (amounts, costs) in enumerate(offers):
        points = hull(amounts, costs)
        slopes += [((d - c) / (b - a), i, b - a) for (a, c), (b, d) in pairwise(points)]
    given = [0.0] * len(offers)
    missing = goal
    for _, i, amount in sorted(slopes):
        if missing <= 0.0:
            break
        given[i] += min(amount, missing)
        missing -= amount
    return given if missing <= 1e-9 * max(1.0, goal) else None


def hull(amounts: Array, costs: Array) -> list[tuple[float, float]]:
    """The lower convex hull of the offers and of nothing for nothing, amounts ascending (Andrew 1979)."""
    points = sorted({(0.0, 0.0), *zip(map(float, amounts), map(float, costs), strict=True)})
    found: list[tuple[float, float]] = []
    for x, y in points:
        while len(found) > 1 and _above(found[-2], found[-1], (x, y)):
            found.pop()
        if not found or x > found[-1][0]:
            found.append((x, y))
    return found


def _above(a: tuple[float, float], b: tuple[float, float], c: tuple[float, float]) -> bool:
    """Whether b lies on or above the line from a to c."""
    return (b[1] - a[1]) * (c[0] - a[0]) >= (c[1] - a[1]) * (b[0] - a[0])


def least_cost(offers: Offer, amount: float) -> int:
    """The cheapest offer of an amount or more; the first of equals."""
    amounts, costs = offers
    return int(np.argmin(np.where(amounts >= amount * (1.0 - 1e-12), costs, np.inf)))
