"""A session over a serial line gives what the model gives, and says what is wrong with the board."""

import json
from pathlib import Path

import numpy as np
import pytest

from tests.digits import compiled, frames
from tests.unit.runtime.test_serial_link import Board
from tests.unit.runtime.test_session import Golden
from tomato.accelerator import Accelerator
from tomato.runtime import HostError, Session, serial_device
from tomato.runtime.serial_link import FRAME, HEADER, INFO, RESET, WORDS, packet


@pytest.fixture(scope="module")
def build(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return compiled("ulx3s").write(tmp_path_factory.mktemp("serial") / "digits")


class Chip(Board):
    """The golden model behind a line; `build` is what it says that it was made from."""

    def __init__(self, folder: Path, made: Accelerator, build: int) -> None:
        super().__init__()
        self.golden, self.build = Golden(folder, made), build

    def write(self, data: bytes) -> None:
        kind, tag, _ = HEADER.unpack_from(data, 2)
        if kind == FRAME:
            given = np.frombuffer(data[2 + HEADER.size : -4], np.uint8)[None]
            (name,) = self.golden.values
            (result,) = self.golden({name: given}).values()
            self.buffer += packet(FRAME, tag, result.tobytes())
        elif kind == INFO:
            self.buffer += packet(INFO, tag, WORDS.pack(1, self.build, *range(10)))
        else:
            if kind == RESET:
                self.golden.restart()
            super().write(data)


@pytest.fixture
def chip(build: Path, monkeypatch: pytest.MonkeyPatch) -> Chip:
    chip = Chip(build, compiled("ulx3s"), json.loads((build / "board" / "serial.json").read_text())["build"])
    monkeypatch.setattr(serial_device.Serial.__init__, "__defaults__", (lambda port, baud: chip,))
    return chip


def test_a_board_on_a_line_gives_what_the_model_gives(build: Path, chip: Chip) -> None:
    x = frames()[0][:3]
    with Session(build, "serial:/dev/ttyUSB0") as session:
        assert np.array_equal(session.run(x)["scores"], compiled("ulx3s").golden(x))
        assert session.counters()["build"] == chip.build
    assert chip.resets == 1


def test_another_bitstream_is_told(build: Path, chip: Chip) -> None:
    chip.build += 1
    with pytest.raises(HostError, match="but this folder is build"):
        Session(build, "serial:/dev/ttyUSB0")


def test_a_port_that_is_none(build: Path) -> None:
    with pytest.raises(HostError, match="a serial device needs its port"):
        Session(build, "serial:")
    with pytest.raises(HostError, match=r"(cannot open /dev/no-such-port|knows no serial line)"):
        Session(build, "serial:/dev/no-such-port")
