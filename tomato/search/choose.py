"""The cheapest formats whose losses together stay within a bound: a MILP."""

from dataclasses import replace

import numpy as np

from tomato.quantise.precision import LayerFormat
from tomato.search.candidates import KNOWN, WIDTHS
from tomato.search.price import Prices
from tomato.search.sensitivity import Sensitivity

SECONDS = 20
"""Limit of a solution's time; what is found by then is used."""
TIE = 1e-5
"""Price of all the loss that is allowed: of formats that cost the same, the best is taken."""


def choose(known: Sensitivity, prices: Prices, bound: float) -> dict[str, LayerFormat]:
    """Formats of layers and inputs at the least price, losses adding up to at most `bound`.

    A variable for each layer's weights and inputs together, because multipliers cost about the product of both
    widths, and one for each stream's width; a layer's choice and its stream's must agree.
    """
    from scipy.optimize import Bounds, LinearConstraint, milp  # deferred: importing SciPy takes a while

    stream_of = {reader: i for i, path in enumerate(known.streams) for reader in path.readers}
    pairs = [key for key in prices.layers if key[0] in stream_of or key[2] == KNOWN.activation_bits]
    widths = [(i, bits) for i in range(len(known.streams)) for bits in WIDTHS]
    columns: list[object] = [*pairs, *widths]
    cost = [prices.layers[key] for key in pairs] + [prices.streams[key] for key in widths]
    loss = [known.weights[key[:2]] for key in pairs] + [known.activations[key] for key in widths]
    one: dict[object, list[float]] = {}  # rows whose chosen columns add up to 1
    same: dict[object, list[float]] = {}  # and to 0
    for column, (name, _, bits) in enumerate(pairs):
        one.setdefault(name, [0.0] * len(columns))[column] = 1.0
        if name in stream_of:
            same.setdefault((name, bits), [0.0] * len(columns))[column] = 1.0
    for column, (i, bits) in enumerate(widths, start=len(pairs)):
        one.setdefault(i, [0.0] * len(columns))[column] = 1.0
        for reader in known.streams[i].readers:
            same[reader, bits][column] = -1.0
    allowed = np.array(loss) <= bound
    parts = np.where(allowed, loss, 0.0)[np.newaxis] / max(bound, min(x for x in [*loss, 1.0] if x > 0.0))
    constraints = [LinearConstraint(np.array(list(one.values())), 1, 1), LinearConstraint(parts, 0, 1)]
    if same:
        constraints.append(LinearConstraint(np.array(list(same.values())), 0, 0))
    result = milp(
        np.array(cost) + TIE * parts[0],
        integrality=np.ones(len(columns)),
        bounds=Bounds(0, allowed.astype(float)),
        constraints=constraints,
        options={"mip_rel_gap": TIE, "time_limit": SECONDS},
    )
    if result.x is None:
        return {}
    taken = [key for key, x in zip(columns, result.x, strict=True) if x > 0.5]
    form = {key[0]: key[1] for key in pairs if key in taken}
    width = {name: bits for i, bits in widths if (i, bits) in taken for name in known.streams[i].sources}
    found = {name: form.get(name, KNOWN) for name in (*width, *form)}
    return {n: replace(f, activation_bits=width.get(n, KNOWN.activation_bits)) for n, f in found.items()}
