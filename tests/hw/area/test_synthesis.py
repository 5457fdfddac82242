"""Yosys still makes of the hardware what is stored: the smallest point of every engine, synthesised again."""

from dataclasses import asdict
from pathlib import Path

import pytest

from tomato.engines import CATALOGUE
from tools.calibrate.point import Point
from tools.calibrate.run import load, selected, synthesise

FLOW = "xcup"


def smallest(engine: str) -> Point:
    """By what is stored."""
    stored = load(engine)
    return min((p for p in selected(FLOW) if p.group == engine), key=lambda p: int(stored[p.name][FLOW]["lut"]))


@pytest.mark.area
@pytest.mark.parametrize("engine", sorted(CATALOGUE))
def test_synthesis_gives_what_is_stored(engine: str, tmp_path: Path) -> None:
    point = smallest(engine)
    stored = load(engine)[point.name][FLOW]
    found = asdict(synthesise(point, FLOW, tmp_path))
    del found["path"]  # what signals are called is no part of a circuit
    assert {kind: stored[kind] for kind in found} == found
