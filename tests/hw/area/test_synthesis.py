"""Yosys still makes of the hardware what is stored: the smallest point of every engine, synthesised again."""

from dataclasses import asdict
from pathlib import Path

import pytest

from tomato.engines import CATALOGUE
from tools.calibrate.point import Point
from tools.calibrate.points import points
from tools.calibrate.run import load, synthesise

FLOW = "xcup"


def smallest(engine: str) -> Point:
    """Of those that were synthesised in FLOW: some judge another family alone."""
    stored = load(engine)
    measured = (p for p in points() if p.group == engine and FLOW in stored[p.name])
    return min(measured, key=lambda p: int(stored[p.name][FLOW]["lut"]))


@pytest.mark.area
@pytest.mark.parametrize("engine", sorted(CATALOGUE))
def test_synthesis_gives_what_is_stored(engine: str, tmp_path: Path) -> None:
    point = smallest(engine)
    stored = load(engine)[point.name][FLOW]
    found = asdict(synthesise(point, FLOW, tmp_path))
    del found["path"]  # what signals are called is no part of a circuit
    assert {kind: stored[kind] for kind in found} == found
