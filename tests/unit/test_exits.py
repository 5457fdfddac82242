"""Early exits, from the outputs of a model to a plan: margins, shares, what is refused, what a plan keeps."""

from dataclasses import replace
from functools import cache
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

import numpy as np
import pytest

from tests.networks.heads import CLASSES, frames, three_heads, two_heads
from tomato import frontend
from tomato.accelerator import Accelerator, load
from tomato.build.page.design import read
from tomato.build.page.tables import comparison
from tomato.build.page.tiles import tiles
from tomato.cli.options import read_exits
from tomato.compiler import compile_model
from tomato.core.errors import TomatoError
from tomato.core.formats import Array
from tomato.core.interpret import interpret
from tomato.exits import ordered
from tomato.ops.exits import Exit, Leave, Sure, margins
from tomato.schedule.early import Level, overtaken
from tomato.schedule.plan import Early
from tomato.schedule.timing import SLACK

BOARD = "pynq-z2"
MARGIN = 0.36
CALIBRATION = frames(128)


@cache
def model() -> Path:
    return two_heads(Path(mkdtemp()), skip=True)


@cache
def nested() -> Path:
    return three_heads(Path(mkdtemp()))


@cache
def compiled(margin: float | None = MARGIN, share: float | None = None) -> Accelerator:
    early = {"early": Early(margin, share)}
    return compile_model(model(), BOARD, calibration=CALIBRATION, early=early, fps=100_000, shell="none")


@cache
def heads() -> tuple[Array, Array]:
    """Codes of both heads of the same network, of which none is an exit, on the calibration frames."""
    accelerator = compiled()
    values: dict[str, Array] = {}
    interpret(accelerator.graph, accelerator.encode(CALIBRATION), watch=values.__setitem__)
    (end,) = (node for node in accelerator.graph if isinstance(node.op, Exit))
    return values[end.args[1]].reshape(-1, CLASSES), values[end.args[2]].reshape(-1, CLASSES)


def margin_of(accelerator: Accelerator) -> int:
    return next(node.op.margin for node in accelerator.graph if isinstance(node.op, Sure))


def test_a_frame_gets_the_scores_of_the_head_where_it_left() -> None:
    early, late = heads()
    accelerator = compiled()
    step = accelerator.graph.encodings[accelerator.graph.outputs[0]].scale
    margin = margin_of(accelerator)
    assert (margin - 1) * step < MARGIN <= margin * step
    sure = margins(early)[:, 0] >= margin
    assert 0.2 < sure.mean() < 0.8
    assert np.array_equal(accelerator.golden(CALIBRATION, codes=True), np.where(sure[:, None], early, late))
    assert accelerator.plan.exits["early"].share == pytest.approx(1 - sure.mean())
    assert [port.name for port in accelerator.outputs] == ["late"]


def test_every_way_into_the_region_has_its_gate() -> None:
    ways = [node.args[1] for node in compiled().graph if isinstance(node.op, Leave)]
    assert sorted(ways) == ["c0_q", "x"]


def test_exits_behind_exits() -> None:
    early = {"second": Early(0.04, 0.5), "first": Early(0.36, 0.6)}
    graph = compile_model(nested(), BOARD, early=early, fps=100_000, shell="none").graph
    shares = [node.op.share for node in graph if isinstance(node.op, Leave)]
    assert shares == [0.6, 0.5, 0.5]
    assert [node.name for node in graph if isinstance(node.op, Exit)] == ["second_q_exit", "first_q_exit"]


@pytest.mark.parametrize("loss", [0.0, 10.0])
@pytest.mark.parametrize("labelled", [False, True])
def test_the_smallest_margin_that_loses_no_more(labelled: bool, loss: float) -> None:
    early, late = heads()
    labels = np.random.default_rng(3).integers(0, CLASSES, len(early))
    labels[::2] = late.argmax(axis=1)[::2]
    right = labels if labelled else late.argmax(axis=1)
    made = compile_model(
        model(), BOARD, calibration=CALIBRATION, labels=labels if labelled else None, early={"early": None},
        early_loss=loss, fps=100_000, shell="none",
    )  # fmt: skip
    best = np.mean(late.argmax(axis=1) == right)

    def accuracy(margin: int) -> float:
        sure = margins(early)[:, 0] >= margin
        return float(np.mean(np.where(sure, early.argmax(axis=1), late.argmax(axis=1)) == right))

    suits = [m for m in [0, *np.unique(margins(early)), margins(early).max() + 1] if accuracy(m) >= best - loss / 100]
    chosen = margin_of(made)
    assert accuracy(chosen) >= best - loss / 100
    assert accuracy(chosen) == accuracy(suits[0])
    assert np.sum(margins(early) >= chosen) == np.sum(margins(early) >= suits[0])
    told = "accuracy" if labelled else "get the last head's class"
    assert told in " ".join(made.notes)


def test_a_plan_keeps_its_exits(tmp_path: Path) -> None:
    made = compiled()
    folder = made.write(tmp_path / "build")
    assert load(folder).plan == made.plan
    again = compile_model(model(), BOARD, calibration=CALIBRATION, plan=folder / "plan.toml", shell="none")
    assert again.plan == made.plan
    assert again.graph == made.graph


def test_results_that_leave_as_they_come_are_the_same(tmp_path: Path) -> None:
    """The golden model, whose frames have their numbers behind the scores; the plan keeps the order."""
    early = {"early": Early(MARGIN)}
    made = compile_model(
        model(), BOARD, calibration=CALIBRATION, early=early, early_order="arrival", fps=100_000, shell="none"
    )
    for codes in (True, False):
        assert np.array_equal(made.golden(CALIBRATION, codes=codes), compiled().golden(CALIBRATION, codes=codes))
    (values,) = made.run(made.encode(CALIBRATION)).values()
    assert values.reshape(len(CALIBRATION), -1)[:, CLASSES].tolist() == list(range(len(CALIBRATION)))
    assert made.report["ports"]["outputs"][0]["number"] == 16
    folder = made.write(tmp_path / "build")
    assert load(folder).plan == made.plan
    assert 'exit_order = "arrival"' in (folder / "plan.toml").read_text()
    assert "then its frame's number of 16 bits" in (folder / "README.md").read_text()
    again = compile_model(model(), BOARD, calibration=CALIBRATION, plan=folder / "plan.toml", shell="none")
    assert again.plan == made.plan


def test_the_page_and_the_folder_tell_average_and_guaranteed(tmp_path: Path) -> None:
    made = compiled(MARGIN, 0.125)
    folder, facts = made.write(tmp_path / "build"), made.report
    average, sure = f"{facts['fps']:,.0f}", f"{facts['guaranteed_fps']:,.0f}"
    rate, latency = tiles(read(folder))[:2]
    assert rate.value == average
    assert f"guaranteed, if no frame leaves early: {sure}, {facts['interval_cycles']:,} cycles" in rate.told
    assert f"{facts['exits'][0]['latency_cycles']:,} to early" in latency.told
    (row,) = comparison([read(folder)])
    assert row[1] == f"{average} ({sure} guaranteed)"
    readme = (folder / "README.md").read_text()
    assert f"{average} frames/s on average" in readme
    assert f"{sure} frames/s guaranteed, if no frame leaves early" in readme


def test_less_waits_where_results_leave_as_they_come() -> None:
    """An early result waits for no late one, so that nothing has to hold it."""
    made = compile_model(model(), BOARD, early={"early": Early(1.0, 0.3)}, early_order="arrival", shell="none")
    (end,) = (node.name for node in made.graph if isinstance(node.op, Exit))
    assert max(made.plan.fifos[f"{end}.{i}"] for i in (0, 1)) <= 2 * (CLASSES + 1) + SLACK


@pytest.mark.parametrize(
    ("asked", "early", "why"),
    [
        ("arrival", None, "--exit-order arrival: no frame leaves early"),
        ("any", {"early": 1.0}, "--exit-order any: there is no such order"),
    ],
)
def test_orders_that_are_refused(asked: Any, early: dict[str, float] | None, why: str) -> None:
    with pytest.raises(TomatoError, match=why):
        compile_model(model(), BOARD, early=early, early_order=asked)


def test_too_many_frames_for_their_numbers_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """Almost no frame goes on, and takes long."""
    found = (Level(10, 100, 100, 10, 96), Level(40_000, 90_000))
    assert overtaken(found) >= 98 * 4_000
    monkeypatch.setattr("tomato.schedule.early.NUMBER_BITS", 3)
    with pytest.raises(TomatoError, match="numbers of 3 bits do not tell them"):
        compile_model(model(), BOARD, early={"early": Early(1.0, 0.1)}, early_order="arrival", shell="none")


def test_a_share_that_is_given_counts() -> None:
    assert compiled(MARGIN, 0.125).plan.exits["early"].share == 0.125
    assert compiled(MARGIN, 0.125).graph != compiled().graph


def test_the_region_gets_less_where_few_frames_go_on() -> None:
    """The same rate: what is behind the exit takes longer for a frame, and fewer resources."""
    few, many = compiled(MARGIN, 0.125), compiled(MARGIN, 1.0)
    assert max(a.report["expected_interval_cycles"] for a in (few, many)) <= 1000
    assert few.report["interval_cycles"] > 2 * many.report["interval_cycles"]
    costs = [a.report["resources"]["lut"] + 50 * a.report["resources"]["dsp"] for a in (few, many)]
    assert costs[0] < costs[1]


@pytest.mark.parametrize(
    ("early", "why"),
    [
        ({"earl": 1.0}, "the model has no such output"),
        ({"early": 1.0, "late": 1.0}, "one output must be the last head"),
        ({"early": -1.0}, "margin must be a number 0 or more"),
        ({"early": Early(1.0, 0.0)}, "share must be a number above 0"),
        ({"early": None}, "its margin or the share of frames that go on is open"),
        ({"early": 1.0}, "its margin or the share of frames that go on is open"),
    ],
)
def test_what_is_refused(early: dict[str, Early | float | None], why: str) -> None:
    with pytest.raises(TomatoError, match=why):
        compile_model(model(), BOARD, early=early)


def test_heads_of_other_shapes_are_refused() -> None:
    network = frontend.load(model())
    early, late = network.outputs
    other = replace(network, outputs=(replace(early, shape=(1, CLASSES)), late))
    with pytest.raises(TomatoError, match="outputs early and late differ in shape"):
        ordered(other, {"early": Early(1.0)})


def test_a_search_has_no_exits() -> None:
    with pytest.raises(TomatoError, match="--precision auto is for networks without early exits"):
        compile_model(model(), BOARD, calibration=CALIBRATION, early={"early": 1.0}, precision="auto")


def test_heads_of_unlike_scales_are_refused(tmp_path: Path) -> None:
    """A model that comes quantised, each output with a scale of its own."""
    quantization = pytest.importorskip("onnxruntime.quantization")

    class Reader(quantization.CalibrationDataReader):  # type: ignore[misc, name-defined]  # known at run time
        def __init__(self) -> None:
            self.feeds = iter([{"x": frame[None]} for frame in CALIBRATION[:16]])

        def get_next(self) -> dict[str, Array] | None:
            return next(self.feeds, None)

    path = tmp_path / "quantised.onnx"
    quantization.quantize_static(str(model()), str(path), Reader())
    with pytest.raises(TomatoError, match="codes of outputs early and late stand for different scores"):
        compile_model(path, BOARD, early={"early": Early(1.0, 0.5)})


def test_exits_on_the_command_line() -> None:
    assert read_exits(("early", "second=2.5"), ("early=0.3",)) == {"early": Early(None, 0.3), "second": Early(2.5)}


@pytest.mark.parametrize(
    ("exits", "shares", "why"),
    [
        (("early=much",), (), "--exit early=much: 'much' is not a number"),
        (("early", "early=1"), (), "--exit early=1: the output is named twice"),
        (("=1",), (), "--exit =1: expected OUTPUT=MARGIN"),
        (("early",), ("late=0.3",), "--exit-share late=0.3: there is no --exit late, or it has a share already"),
    ],
)
def test_what_the_command_line_refuses(exits: tuple[str, ...], shares: tuple[str, ...], why: str) -> None:
    with pytest.raises(TomatoError) as error:
        read_exits(exits, shares)
    assert error.value.what == why
