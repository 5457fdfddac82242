"""Cases of tom_recurrent_loop: every kind of unit, of weight and of memory, and shapes where nothing divides."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from tests.networks.recurrent import coded, real, row
from tomato.core.formats import Codes
from tomato.core.forms import Cell
from tomato.core.ir import TensorType
from tomato.engines.base import Knobs
from tomato.hardware.memory import Ram
from tomato.ops.recurrent import Gru, Lstm, Recurrent, Rnn

S16, U16, U8 = Codes.of(16, signed=True), Codes.of(16, signed=False), Codes.of(8, signed=False)


@dataclass(frozen=True, slots=True)
class Case:
    """A layer on codes, its argument and the knobs of its engine."""

    op: Recurrent
    args: tuple[TensorType, ...]
    knobs: Knobs


def case(
    op: Recurrent, steps: int, codes: Codes, form: str, shape: tuple[int, int, int], *,
    cell: Cell = Cell.FIXED, pack: int = 0, ram: Ram = Ram.LUT,
    frames: int = 1,
) -> Case:  # fmt: skip
    """Lanes, units and turns; a form of weights, and what multiplies by it."""
    lanes, units, turns = shape
    knobs = {"lanes_in": lanes, "units": units, "turns": turns, "frames": frames}
    knobs |= {"cell": cell, "pack": pack, "weight_ram": ram}
    return Case(coded(op, form, codes), (row(op, steps, codes),), knobs)


def layer(kind: type[Recurrent], hidden: int, **more: bool) -> Recurrent:
    """A layer on reals."""
    return real(kind, hidden, np.random.default_rng(hidden), **more)


CASES: Mapping[str, Case] = {
    "lstm_begins": case(layer(Lstm, 7, begin=True), 4, S16, "w8a8", (2, 1, 3), pack=1, ram=Ram.BLOCK),
    "lstm_lasts": case(
        layer(Lstm, 7, begin=True, lasting=True), 2, U16, "w1a8", (1, 1, 7), cell=Cell.BINARY, ram=Ram.ULTRA
    ),
    "lstm_cells": case(layer(Lstm, 5, begin=True, cells=True), 3, S16, "w8a8", (2, 2, 2), pack=1),
    "gru_resets_behind": case(layer(Gru, 5, begin=True, after=True), 3, S16, "w4a4", (2, 2, 3), pack=2),
    "gru_resets_in_front": case(layer(Gru, 6, begin=True), 3, U8, "ternarya6", (6, 2, 1), cell=Cell.TERNARY),
    "plain_one_step": case(layer(Rnn, 9), 1, S16, "w8a16", (9, 9, 1), pack=1),
    "plain_powers": case(layer(Rnn, 4, begin=True), 5, S16, "shift4a5", (4, 1, 1), cell=Cell.SHIFT),
}

IN_TURNS: Mapping[str, Case] = {
    "lstm": case(layer(Lstm, 7, begin=True), 4, S16, "w8a8", (2, 1, 3), pack=1, frames=3),
    "cells": case(layer(Lstm, 6, begin=True, cells=True), 3, S16, "w8a8", (3, 1, 2), pack=1, frames=4),
    "gru_behind": case(layer(Gru, 4, begin=True, after=True), 3, S16, "w4a4", (4, 2, 1), pack=1, frames=5),
    "gru_in_front": case(layer(Gru, 6, begin=True), 3, U8, "w8a8", (6, 2, 1), frames=8),
    "plain": case(layer(Rnn, 4), 2, S16, "w8a8", (4, 4, 1), pack=1, frames=22),
}
"""Frames take turns: as many as a frame has passes, fewer, more; with pauses and without."""
