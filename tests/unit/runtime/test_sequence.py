"""A session of a design whose states last: its runs are one sequence until it is told to begin a new one."""

import json
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

import tomato
from tests.digits import compiled
from tests.networks.sequences import frames, one_layer
from tests.unit.runtime import board
from tests.unit.runtime.test_serial_device import Chip
from tests.unit.runtime.test_session import Golden, registers
from tomato.accelerator import Accelerator
from tomato.runtime import HostError, Session, mapped, serial_device
from tomato.runtime.sim_device import Simulated

X = frames(12, seed=1)


def made(folder: Path, target: str) -> Accelerator:
    model = one_layer(folder / "gru.onnx")
    accelerator: Accelerator = tomato.compile(model, target, calibration=frames(64), states={"h": "hn"})
    accelerator.write(folder / "gru")
    return accelerator


@pytest.fixture(scope="module")
def kv260(tmp_path_factory: pytest.TempPathFactory) -> tuple[Accelerator, Path]:
    folder = tmp_path_factory.mktemp("sequence")
    accelerator = made(folder, "kv260")
    for name in ("gru.bit", "gru.xclbin"):
        (folder / "gru" / "host" / name).touch()
    return accelerator, folder / "gru"


@pytest.fixture(scope="module")
def ulx3s(tmp_path_factory: pytest.TempPathFactory) -> tuple[Accelerator, Path]:
    folder = tmp_path_factory.mktemp("serial")
    return made(folder, "ulx3s"), folder / "gru"


def check(session: Session, accelerator: Accelerator) -> None:
    """Three sequences: frames that follow each other in runs of any size, and in the future."""

    def ran(first: int, last: int) -> Any:
        return session.run(X[first:last])["y"]

    whole, late = accelerator.golden(X), accelerator.golden(X[5:])
    assert not np.array_equal(whole[5:], late)
    assert np.array_equal(np.concatenate([ran(0, 5), ran(5, 6), ran(6, 12)]), whole)
    session.restart()
    assert np.array_equal(np.concatenate([ran(5, 8), ran(8, 12)]), late)
    futures = []
    for sequence in range(3):
        session.restart()
        futures += [session.run_async(X[n : n + 4]) for n in (0, 4)]
        assert len(futures) == 2 * sequence + 2
    got = [future.result()["y"] for future in futures]
    for sequence in range(3):
        assert np.array_equal(np.concatenate(got[2 * sequence :][:2]), whole[:8])


def test_a_zynq_board(kv260: tuple[Accelerator, Path], monkeypatch: pytest.MonkeyPatch) -> None:
    accelerator, folder = kv260
    golden = Golden(folder, accelerator)
    golden(dict.fromkeys((c.pointer for c in golden.ins), golden.ins[0].encode(X)))  # what was there before
    module, _ = board.pynq(registers(folder), golden)
    monkeypatch.setitem(sys.modules, "pynq", module)
    with Session(folder, "pynq") as session:
        check(session, accelerator)
        assert golden.restarts == 5
        session.restart()
        session.restart()
        with pytest.raises(HostError):
            session.run(X[:, :, 1:])
        assert np.array_equal(session.run(X)["y"], accelerator.golden(X))
        with pytest.raises(HostError):
            session.run(X[:, :, 1:])
        session.run(X[:1])
        assert golden.restarts == 6


def test_an_alveo_card(kv260: tuple[Accelerator, Path], monkeypatch: pytest.MonkeyPatch) -> None:
    accelerator, folder = kv260
    golden = Golden(folder, accelerator)
    monkeypatch.setitem(sys.modules, "pyxrt", board.pyxrt(registers(folder), golden))
    with Session(folder, "xrt") as session:
        check(session, accelerator)
    assert golden.restarts == 5


def test_a_board_on_a_line(ulx3s: tuple[Accelerator, Path], monkeypatch: pytest.MonkeyPatch) -> None:
    accelerator, folder = ulx3s
    described = json.loads((folder / "host" / "serial.json").read_text()) | {"part_bytes": 4}
    (folder / "host" / "serial.json").write_text(json.dumps(described))
    chip = Chip(folder, accelerator, described["build"])
    monkeypatch.setattr(serial_device.Serial.__init__, "__defaults__", (lambda port, baud: chip,))
    monkeypatch.setattr(serial_device, "weights", lambda folder: np.arange(8, dtype=np.uint8))
    with Session(folder, "serial:/dev/ttyUSB0") as session:
        check(session, accelerator)
    assert chip.resets == 5, "none for the first run, before which there was one"
    assert b"".join(chip.weights) == 5 * bytes(range(8)), "after every reset"


class Runner:
    """Stands for sim/axi_run.py: plays a job on the golden model."""

    toolchain = SimpleNamespace(ToolError=RuntimeError)

    def __init__(self, golden: Golden) -> None:
        self.golden, self.jobs = golden, list[Any]()

    def play(self, folder: Path, job: Any, where: Path) -> Any:
        self.jobs.append(job["runs"])
        self.golden.player.restart()
        memory = {b["address"]: np.fromfile(b["file"], np.uint8) for b in job["buffers"]}
        for run in job["runs"]:
            assert run["restart"] == (run is job["runs"][0]), "whatever is played first begins a sequence"
            given = {}
            for c in self.golden.ins:
                at = run["pointers"][c.pointer]
                base = max(a for a in memory if a <= at)
                size = c.packing.frame_bytes
                given[c.pointer] = memory[base][at - base :][: run["frames"] * size].reshape(-1, size)
            answers = self.golden(given)
            for out in run["results"]:
                answers[Path(out["file"]).name].tofile(out["file"])
        return {"counters": {"status": 2}}


def test_the_simulation(kv260: tuple[Accelerator, Path], monkeypatch: pytest.MonkeyPatch) -> None:
    accelerator, folder = kv260
    runner = Runner(Golden(folder, accelerator))
    monkeypatch.setattr(Simulated, "_runner", lambda self: runner)
    with Session(folder, "sim") as session:
        check(session, accelerator)
    assert [[run["frames"] for run in job] for job in runner.jobs] == [
        [5], [5, 1], [6, 6], [3], [3, 4], *3 * [[4], [4, 4]],
    ]  # fmt: skip


def test_after_an_error_of_the_device_a_sequence_begins(
    kv260: tuple[Accelerator, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    accelerator, folder = kv260
    golden = Golden(folder, accelerator)
    module, chip = board.pynq(registers(folder), golden)
    monkeypatch.setitem(sys.modules, "pynq", module)
    monkeypatch.setattr(mapped, "WAIT", 0.01)
    monkeypatch.setattr(mapped, "FRAME_WAIT", 0.0)
    with Session(folder, "pynq") as session:
        session.run(X[:4])
        chip.stuck = True
        with pytest.raises(HostError, match="did not end"):
            session.run(X[4:6])
        chip.stuck = False
        assert np.array_equal(session.run(X)["y"], accelerator.golden(X))
    assert golden.restarts == 2


def test_a_design_without_states_is_not_reset(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = compiled().write(tmp_path / "digits")
    (folder / "host" / "digits.bit").touch()
    golden = Golden(folder, compiled())
    module, _ = board.pynq(registers(folder), golden)
    monkeypatch.setitem(sys.modules, "pynq", module)
    x = np.zeros((2, 1, 8, 8), np.float32)
    with Session(folder, "pynq") as session:
        session.run(x)
        session.restart()
        assert np.array_equal(session.run(x)["scores"], compiled().golden(x))
    assert golden.restarts == 0


def test_more_frames_than_a_run_takes(kv260: tuple[Accelerator, Path]) -> None:
    known = registers(kv260[1])
    assert known.run_of(3, restart=True) == 1 << 31 | 3
    assert known.run_of((1 << 31) - 1, restart=False) == (1 << 31) - 1
    with pytest.raises(HostError, match="2,147,483,648 frames are more than a run takes"):
        known.run_of(1 << 31, restart=False)
