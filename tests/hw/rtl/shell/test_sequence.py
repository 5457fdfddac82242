"""States that last from frame to frame, behind the AXI shell: a run begins a new sequence where it is asked to."""

import json
from functools import partial
from pathlib import Path
from typing import Any

import axi_run
import numpy as np
import pytest

import tomato
from tests.hw.rtl.shell.test_axi import FRAMES, played
from tests.networks.sequences import Model, frames, one_layer
from tomato.accelerator import Accelerator
from tomato.board import REGISTERS
from tomato.runtime import Session

pytestmark = pytest.mark.rtl
SHAPE: dict[str, Any] = {"many": 2, "some": 2, "shifts": [1]}


@pytest.fixture(scope="module")
def recurrent(tmp_path_factory: pytest.TempPathFactory) -> tuple[Accelerator, Path]:
    folder = tmp_path_factory.mktemp("sequence")
    model = one_layer(folder / "gru.onnx")
    made: Accelerator = tomato.compile(model, "kv260", calibration=frames(64), states={"h": "hn"})
    return made, made.write(folder / "gru")


def test_a_recurrent_network(recurrent: tuple[Accelerator, Path]) -> None:
    played(*recurrent, (frames(FRAMES, seed=1),), "sequence|one_frame|no_frames", **SHAPE)


def test_without_a_reset_results_differ(recurrent: tuple[Accelerator, Path]) -> None:
    """The bit that asks for it is written to nowhere."""
    accelerator, folder = recurrent
    path = folder / REGISTERS
    known = path.read_text()
    described = json.loads(known)
    (bit,) = (f for r in described["registers"] for f in r["fields"] if f["name"] == "restart")
    bit["bit"] = 32
    path.write_text(json.dumps(described))
    try:
        with pytest.raises(AssertionError, match=r"a_run_begins_a_new_sequence: .* bytes differ"):
            played(accelerator, folder, (frames(FRAMES, seed=1),), "a_run_begins", **SHAPE)
    finally:
        path.write_text(known)


def test_a_session_goes_on_where_it_was(recurrent: tuple[Accelerator, Path], monkeypatch: pytest.MonkeyPatch) -> None:
    """Every run is a simulation of its own, of the shell that is built already."""
    accelerator, folder = recurrent
    monkeypatch.setattr(axi_run, "build", partial(axi_run.build, checked=True))
    x = frames(9, seed=2)
    golden, late = accelerator.golden(x), accelerator.golden(x[4:])
    assert not np.array_equal(late, golden[4:])
    with Session(folder, "sim") as session:
        assert np.array_equal(session.run(x[:4])["y"], golden[:4])
        assert np.array_equal(session.run(x[4:])["y"], golden[4:])
        assert session.counters()["frames_done"] == 4 + 5
        session.restart()
        assert np.array_equal(session.run(x[4:])["y"], late)


def test_what_comes_in_behind_the_last_result(tmp_path: Path) -> None:
    """Two of 24 rows make the results; the reset waits for the others, too, or the next run would begin with them."""
    m = Model()
    sides = [m.constant([n], np.int64) for n in (0, 2, 2)]
    m.node("Relu", [m.node("Slice", [m.input("x", 1, 3, 24, 8), *sides], "top")], "y")
    m.output("y", 1, 3, 2, 8)
    x = np.random.default_rng(0).normal(size=(FRAMES, 3, 24, 8)).astype(np.float32)
    made: Accelerator = tomato.compile(m.made(tmp_path / "top.onnx"), "kv260", calibration=x)
    played(made, made.write(tmp_path / "top"), (x,), "sequence", **SHAPE)
