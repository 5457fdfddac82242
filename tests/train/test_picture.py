"""The picture of a training run."""

import sys
from collections.abc import Sequence
from typing import Any
from xml.etree import ElementTree as ET

import pytest

from tomato.train.picture import picture

pytest.importorskip("matplotlib")


def step(name: str, accuracy: float, entropy: float, stored: int, fps: float | None = None) -> dict[str, Any]:
    return {
        "step": name, "accuracy": accuracy, "sizes": {"entropy_bits": entropy, "stored_bits": stored}, "fps": fps,
    }  # fmt: skip


RUN = [
    step("float", 0.914, 13.8e6, 13_800_000),
    step("prune & share", 0.913, 1.3e6, 13_800_000),
    step("w4a8 $5$", 0.910, 2.6e5, 1_500_000, 31_000.0),
    step("fine-tune", 0.910, 2.6e5, 1_500_000, 31_000.0),
]


def texts(steps: Sequence[dict[str, Any]], *words: str) -> list[str]:
    """What is written in the picture."""
    svg = picture(steps, *words)
    assert svg is not None
    return [t.text or "" for t in ET.fromstring(svg).iter("{http://www.w3.org/2000/svg}text")]


def test_every_step_is_labelled_where_it_is_drawn() -> None:
    found = texts(RUN, "lenet on kv260", "of 500 frames right")
    assert {
        "lenet on kv260",
        "% of 500 frames right",
        "frames/s",
        "entropy bits",
        "stored bits",
        "accuracy after float",
    } <= set(found)
    for name, times in {"float": 1, "prune & share": 1, "w4a8 $5$": 2, "fine-tune": 2}.items():
        assert found.count(name) == times


def test_without_a_target_there_is_one_panel() -> None:
    found = texts([{**s, "fps": None} for s in RUN])
    assert "frames/s" not in found
    assert found.count("fine-tune") == 1


def test_the_same_steps_give_the_same_bytes() -> None:
    first = picture(RUN)
    assert first == picture(RUN)
    assert first is not None
    assert "<dc:date>" not in first


def test_one_step_of_no_entropy() -> None:
    assert "zeros" in texts([step("zeros", 1.0, 0.0, 64, 5.0)])


def test_labels_do_not_cover_each_other(monkeypatch: pytest.MonkeyPatch) -> None:
    """Twelve steps in the same place."""
    from matplotlib.figure import Figure
    from matplotlib.text import Annotation, Text

    boxes = []
    save = Figure.savefig

    def watched(figure: Any, *args: Any, **options: Any) -> None:
        save(figure, *args, **options)
        render = figure.canvas.get_renderer()
        figure.draw_without_rendering()
        for axes in figure.axes:
            for text in axes.findobj(Annotation):
                text.update_positions(render)
                boxes.append(Text.get_window_extent(text, render))

    monkeypatch.setattr(Figure, "savefig", watched)
    picture([step(f"step {i}", 0.9, 1e5, 200_000) for i in range(12)])
    assert len(boxes) == 12
    assert not any(a.count_overlaps(boxes[:i]) for i, a in enumerate(boxes))


def test_without_matplotlib(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    assert picture(RUN) is None
