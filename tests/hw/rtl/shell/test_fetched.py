"""Weights from memory beside the chip, behind the AXI shell: every scenario of this folder, and a session."""

from functools import partial
from pathlib import Path
from typing import Any

import axi_run
import numpy as np
import pytest

from tests.fetched import fetched, frames
from tests.hw.rtl.shell.test_axi import FRAMES, played
from tomato.accelerator import Accelerator
from tomato.runtime import Session

pytestmark = pytest.mark.rtl
SHAPE: dict[str, Any] = {"many": 20, "some": 4, "shifts": [1]}
Pair = tuple[Accelerator, Path]


@pytest.fixture(scope="module")
def two(tmp_path_factory: pytest.TempPathFactory) -> Pair:
    folder = tmp_path_factory.mktemp("fetched")
    made = fetched(folder)
    return made, made.write(folder / "two")


def test_every_scenario(two: Pair) -> None:
    played(*two, (frames(FRAMES, seed=1),), **SHAPE)
    played(*two, (frames(FRAMES, seed=1),), scenarios="fetched_scenarios", **SHAPE)


def test_a_session(two: Pair, monkeypatch: pytest.MonkeyPatch) -> None:
    accelerator, folder = two
    monkeypatch.setattr(axi_run, "build", partial(axi_run.build, checked=True))
    x = frames(3, seed=2)
    with Session(folder, "sim") as session:
        assert np.array_equal(session.run(x)["y"], accelerator.golden(x))
        assert session.counters()["status"] == 2


WRONG = {
    "a reset while bursts are on their way": ("tom_axi_control.sv", "fetch_idle_i && !go_q", "1'b1", "from_elsewhere"),
    "an error that nobody sees": (
        "two_axi.sv", "weights1_rvalid && m_axi_weights1_rresp", "weights0_rvalid && m_axi_weights0_rresp", "errors_of",
    ),
}  # fmt: skip


@pytest.mark.parametrize("wrong", WRONG)
def test_one_wrong_thing_is_found(two: Pair, wrong: str, tmp_path: Path) -> None:
    name, right, broken, scenario = WRONG[wrong]
    folder = two[0].write(tmp_path / "two")
    path = folder / "board" / "rtl" / name
    assert path.read_text().count(right) == 1
    path.write_text(path.read_text().replace(right, broken))
    with pytest.raises(AssertionError, match=scenario):
        played(two[0], folder, (frames(FRAMES, seed=1),), scenario, scenarios="fetched_scenarios", **SHAPE)
