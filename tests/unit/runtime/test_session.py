"""Sessions: the outputs of the model by name, whatever the device; and what they say when something is wrong."""

import json
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.digits import compiled, frames
from tests.unit.runtime import board
from tomato.accelerator import Accelerator
from tomato.core.interpret import Player
from tomato.runtime import HostError, Session, mapped
from tomato.runtime.codec import Codec
from tomato.runtime.device import Bytes, Registers


@pytest.fixture(scope="module")
def build(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = compiled().write(tmp_path_factory.mktemp("session") / "digits")
    (folder / "host" / "digits.bit").touch()
    (folder / "host" / "digits.xclbin").touch()
    return folder


def registers(folder: Path) -> Registers:
    return Registers.of(json.loads((folder / "host" / "registers.json").read_text()))


class Golden:
    """The golden model, between bytes; `restarts` are the sequences that were begun."""

    def __init__(self, folder: Path, accelerator: Accelerator) -> None:
        described = json.loads((folder / "host" / "host.json").read_text())
        orders = np.load(folder / "host" / "orders.npz")
        self.ins, self.outs = ([Codec.of(p, orders) for p in described[side]] for side in ("inputs", "outputs"))
        self.values = {c.pointer: p.value for c, p in zip(self.ins, accelerator.inputs, strict=True)}
        self.results = {c.pointer: p.value for c, p in zip(self.outs, accelerator.outputs, strict=True)}
        self.player, self.restarts = Player(accelerator.graph), 0

    def __call__(self, given: Mapping[str, Bytes]) -> Mapping[str, Bytes]:
        run = self.player.play({self.values[c.pointer]: c.packing.unpack(given[c.pointer]) for c in self.ins})
        return {c.pointer: c.packing.pack(run[self.results[c.pointer]]) for c in self.outs}

    def restart(self) -> None:
        self.player.restart()
        self.restarts += 1


@pytest.fixture
def chip(build: Path, monkeypatch: pytest.MonkeyPatch) -> board.Chip:
    module, chip = board.pynq(registers(build), Golden(build, compiled()))
    monkeypatch.setitem(sys.modules, "pynq", module)
    monkeypatch.setattr(mapped, "WAIT", 0.01)
    monkeypatch.setattr(mapped, "FRAME_WAIT", 0.0)
    return chip


def test_a_zynq_board_gives_what_the_model_gives(build: Path, chip: board.Chip) -> None:
    x = frames()[0][:5]
    with Session(build, "pynq") as session:
        assert (session.inputs, session.outputs) == (("image",), ("scores",))
        for given in (x, [x], {"image": x}):
            assert np.array_equal(session.run(given)["scores"], compiled().golden(x))
        assert np.array_equal(session.run(x, codes=True)["scores"], compiled().golden(x, codes=True))
        futures = [session.run_async(x[: n + 1]) for n in range(5)]
        for n, future in enumerate(futures):
            assert np.array_equal(future.result()["scores"], compiled().golden(x[: n + 1]))
        assert session.counters()["build"] == registers(build).build
    assert not chip.memory.buffers


def test_an_alveo_card_gives_what_the_model_gives(build: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pyxrt", board.pyxrt(registers(build), Golden(build, compiled())))
    x = frames()[0][:4]
    with Session(build, "xrt") as session:
        assert np.array_equal(session.run(x)["scores"], compiled().golden(x))
        assert np.array_equal(session.run(x[:1])["scores"], compiled().golden(x[:1]))


def break_build(chip: board.Chip) -> None:
    chip.words[chip.registers.offsets["build"]] = 1


def break_end(chip: board.Chip) -> None:
    chip.stuck = True


def break_memory(chip: board.Chip) -> None:
    chip.error = 1 << 9


def break_input(chip: board.Chip) -> None:
    chip.error = 1 << 2


def break_buffer(chip: board.Chip) -> None:
    chip.flips = 3


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        (break_build, "the chip says build 00000001, but this folder is build"),
        (break_end, "did not end within 0 s; its counters: status 2, build"),
        (break_memory, "memory answered with an error: out_classify_Gemm_q"),
        (break_input, "beats of an input were lost on the way .* shifted\n  hint: load the bitstream again"),
        (break_buffer, "memory holds"),
    ],
)
def test_what_is_wrong_is_told(wrong: Callable[[board.Chip], None], said: str, build: Path, chip: board.Chip) -> None:
    wrong(chip)
    with pytest.raises(HostError, match=said), Session(build, "pynq") as session:
        session.run(frames()[0][:2])


def test_another_overlay_is_refused(build: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    module, _ = board.pynq(registers(build), Golden(build, compiled()), name="other")
    monkeypatch.setitem(sys.modules, "pynq", module)
    with pytest.raises(HostError, match="the overlay has no digits_top: it has accelerator"):
        Session(build, "pynq")


@pytest.mark.parametrize(
    ("x", "said"),
    [
        (np.zeros((2, 8, 8)), r"takes \(frames, 1, 8, 8\), not \(2, 8, 8\)"),
        (np.full((1, 1, 8, 8), np.nan), "not finite"),
        (np.zeros((0, 1, 8, 8)), "no frames"),
        ({"picture": np.zeros((1, 1, 8, 8))}, "given are picture, but the inputs are image"),
        ([np.zeros((1, 1, 8, 8))] * 2, "2 arrays given"),
        (np.array([[[["a"] * 8] * 8]]), "takes numbers"),
    ],
)
def test_wrong_frames_are_refused(x: Any, said: str, build: Path, chip: board.Chip) -> None:
    with Session(build, "pynq") as session, pytest.raises(HostError, match=said):
        session.run(x)


@pytest.mark.parametrize(
    ("device", "said"),
    [("usb", "there is no device 'usb'"), ("pynq", "PYNQ is not installed"), ("xrt", "pyxrt is not there")],
)
def test_a_device_that_is_not_there(device: str, said: str, build: Path) -> None:
    with pytest.raises(HostError, match=said):
        Session(build, device)


def test_a_folder_that_is_none(tmp_path: Path) -> None:
    with pytest.raises(HostError, match="give the folder that tomato compile wrote"):
        Session(tmp_path, "sim")


def test_the_folder_host_alone_is_enough(build: Path, tmp_path: Path) -> None:
    """A copy of it, and a Python that knows neither tomato nor anything but NumPy."""
    alone = tmp_path / "host"
    alone.mkdir()
    for path in (build / "host").rglob("*"):
        if path.is_file():
            (alone / path.relative_to(build / "host")).parent.mkdir(parents=True, exist_ok=True)
            (alone / path.relative_to(build / "host")).write_bytes(path.read_bytes())
    np.save(tmp_path / "x.npy", frames()[0][:2])
    code = (
        "import sys; sys.path.insert(0, '.'); import tomato_host, tomato_host.__main__ as m\n"
        "wrong = [n for n in sys.modules if n.split('.')[0] in ('tomato', 'onnx', 'click', 'scipy')]\n"
        "assert not wrong, wrong\n"
        f"sys.exit(m.main(['.', '--input', {str(tmp_path / 'x.npy')!r}]))"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=alone, capture_output=True, text=True, check=False)
    assert done.returncode == 1, done.stderr
    assert done.stderr.startswith("error: PYNQ is not installed\n  hint: run this on the board"), done.stderr
