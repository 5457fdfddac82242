"""What the accelerator and its runtime answer travels to any machine."""

import shutil
from pathlib import Path

import numpy as np

import tomato
from tests.unit.host.test_ends import sentence, words
from tomato.measure.answers import Both, Part
from tomato.work.calls import dumped, loaded


def test_no_file_is_needed(tmp_path: Path) -> None:
    """Neither for the chip, nor for the host's part, nor for the model in its runtime."""
    place = tmp_path / "gone"
    place.mkdir()
    made = tomato.compile(sentence(place), "ulx3s", calibration=words(64))
    wanted = Both.of(made).answers((words(),))
    travelled = dumped(Both.of(made))
    shutil.rmtree(place)
    found = loaded(travelled).part(Part(0, (words(),)))
    assert found.plain is wanted.plain is None
    for name in ("chip", "exact", "results", "whole"):
        for ours, theirs in zip(getattr(found, name), getattr(wanted, name), strict=True):
            assert np.array_equal(ours, theirs)


def test_a_part_is_named_by_its_frames() -> None:
    assert str(Part(64, (np.zeros((32, 3)),))) == "64 to 95"
