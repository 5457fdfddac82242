"""Points of tom_recurrent_loop."""

from collections.abc import Iterator

import numpy as np

from tomato.core.formats import Tensor
from tomato.core.forms import Cell
from tomato.core.ir import Encoding, TensorType
from tomato.ops.real import Expression
from tomato.ops.recurrent import Gru, Lstm, Recurrent, Rnn
from tomato.quantise.lower_recurrent import on_codes
from tomato.quantise.precision import LayerFormat
from tools.calibrate.point import ECP5, FIT, LUT, XCUP, Point, at, codes

GATE: Expression = ("sigmoid", "x")
BENT: Expression = ("tanh", "x")
KINDS: dict[str, type[Recurrent]] = {"plain": Rnn, "before": Gru, "after": Gru, "lstm": Lstm, "cells": Lstm}
FUNCTIONS = {Rnn: (BENT,), Gru: (GATE, BENT), Lstm: (GATE, BENT, BENT)}
X = codes(16, signed=True)


def layer(kind: str, hidden: int, form: str, *, begin: bool) -> Recurrent:
    """A layer on codes, with any weights."""
    made, rng = KINDS[kind], np.random.default_rng(hidden)
    weight = Tensor(rng.normal(0, 1 / np.sqrt(hidden), (hidden, hidden * made.gates)))
    op = made(weight, Tensor(rng.uniform(-0.9, 0.9, (made.states, hidden)) * begin), FUNCTIONS[made])
    if kind == "after":
        op = Gru(op.weight, op.begin, op.functions, inner=Tensor(rng.normal(0, 0.5, hidden)))
    if kind == "cells":
        op = Lstm(op.weight, op.begin, op.functions, cells=True)
    return on_codes(op, Encoding(2.0**-11), X, LayerFormat.parse(form), 16)


def points() -> Iterator[Point]:
    """Kinds, units, forms, lanes, units of a beat, turns, frames, pack, and whether other states than 0 come first."""
    for kind, hidden, form, lanes, units, turns, frames, pack, begin, judges in (
        ("plain", 16, "w8a8", 4, 1, 2, 1, 1, False, FIT),
        ("lstm", 16, "w8a8", 4, 1, 1, 1, 1, False, FIT),
        ("after", 16, "w8a8", 4, 1, 1, 1, 1, False, FIT),
        ("before", 16, "w8a8", 4, 1, 2, 1, 1, False, FIT),
        ("after", 24, "w4a8", 4, 2, 2, 1, 2, True, XCUP),
        ("plain", 24, "w8a16", 2, 1, 4, 1, 1, True, XCUP),
        ("before", 12, "w8a8", 3, 1, 1, 1, 1, True, ECP5),
        ("plain", 20, "w8a8", 4, 2, 1, 1, 1, False, ECP5),
        ("lstm", 12, "w8a8", 2, 1, 1, 1, 1, False, ECP5),
        ("lstm", 16, "w8a8", 4, 2, 1, 6, 1, False, FIT),
        ("cells", 12, "w8a8", 4, 2, 1, 1, 1, False, FIT),
        ("before", 16, "w8a8", 4, 1, 2, 3, 1, False, FIT),
        ("after", 24, "w4a8", 8, 2, 3, 4, 2, True, XCUP),
        ("plain", 20, "w8a8", 4, 2, 2, 3, 1, False, ECP5),
    ):
        op = layer(kind, hidden, form, begin=begin)
        x = TensorType((1, 8, hidden * op.gates), X)
        knobs = {
            "lanes_in": lanes,
            "units": units,
            "turns": turns,
            "frames": frames,
            "cell": Cell.FIXED,
            "pack": pack,
            "weight_ram": LUT,
        }
        name = f"{kind}{hidden}_{form}_{lanes}x{units}x{turns}_pack{pack}_ram0" + "_begins" * begin
        name += f"_frames{frames}" * (frames > 1)
        yield at("recurrent_loop", name, op, (x,), knobs, judges)
