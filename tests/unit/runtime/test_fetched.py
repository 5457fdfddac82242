"""Weights that an accelerator fetches from memory: the host puts them there once, and says what is wrong with them."""

import json
import shutil
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import pytest

from tests.fetched import fetched, frames
from tests.unit.runtime import board
from tests.unit.runtime.test_session import Golden
from tomato.accelerator import Accelerator
from tomato.runtime import HostError, Session
from tomato.runtime.device import Bytes, Registers

Pair = tuple[Accelerator, Path]


@pytest.fixture(scope="module")
def two(tmp_path_factory: pytest.TempPathFactory) -> Pair:
    folder = tmp_path_factory.mktemp("fetched")
    made = fetched(folder)
    build = made.write(folder / "two")
    for kind in ("bit", "xclbin"):
        (build / "host" / f"two.{kind}").touch()
    return made, build


@pytest.fixture
def host(two: Pair, tmp_path: Path) -> Path:
    """The folder that goes to the board."""
    return Path(shutil.copytree(two[1] / "host", tmp_path / "host"))


def registers(host: Path) -> Registers:
    return Registers.of(json.loads((host / "registers.json").read_text()))


class Fetching(Golden):
    """Answers rightly where the weights lie at the addresses, as they are in the files."""

    def __init__(self, two: Pair) -> None:
        super().__init__(two[1], two[0])
        self.files = [(two[1] / "mem" / f"weights{i}.bin").read_bytes() for i in range(2)]
        self.seen: Callable[[str, int], bytes] = lambda pointer, size: b""

    def __call__(self, given: Mapping[str, Bytes]) -> Mapping[str, Bytes]:
        right = [self.seen(f"weights{i}", len(file)) == file for i, file in enumerate(self.files)]
        return {name: data if all(right) else data * 0 for name, data in super().__call__(given).items()}


@pytest.fixture
def chip(two: Pair, host: Path, monkeypatch: pytest.MonkeyPatch) -> board.Chip:
    answer = Fetching(two)
    module, chip = board.pynq(registers(host), answer)

    def seen(pointer: str, size: int) -> bytes:
        at = chip.registers.offsets[pointer]
        return bytes(chip.memory.buffers[chip.words[at] | chip.words[at + 4] << 32][:size])

    answer.seen = seen
    monkeypatch.setitem(sys.modules, "pynq", module)
    return chip


def test_a_zynq_board_finds_them_in_memory(two: Pair, host: Path, chip: board.Chip) -> None:
    x = frames(5)
    with Session(host, "pynq") as session:
        kept = set(chip.memory.buffers)
        for count in (2, 5, 3):
            assert np.array_equal(session.run(x[:count])["y"], two[0].golden(x[:count]))
        assert len(kept) == 2
        assert kept < set(chip.memory.buffers), "they are copied once"
    assert not chip.memory.buffers


def test_a_card_finds_them_in_memory(two: Pair, host: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    answer = Fetching(two)
    module = board.pyxrt(registers(host), answer)
    answer.seen = lambda pointer, size: bytes(module.kept[pointer].card[:size])
    monkeypatch.setitem(sys.modules, "pyxrt", module)
    with Session(host, "xrt") as session:
        assert np.array_equal(session.run(frames(4))["y"], two[0].golden(frames(4)))


def test_the_run_behind_an_error_begins_anew(two: Pair, host: Path, chip: board.Chip) -> None:
    """Weights that came with it may wait in the accelerator until its reset."""
    x = frames(2)
    with Session(host, "pynq") as session:
        chip.error = 1 << chip.registers.fields["status"]["error_fetch"]
        with pytest.raises(HostError, match="memory answered with an error: fetch"):
            session.run(x)
        chip.error = 0
        answer = chip.answer
        assert isinstance(answer, Fetching)
        assert answer.restarts == 0
        for _ in range(2):
            assert np.array_equal(session.run(x)["y"], two[0].golden(x))
        assert answer.restarts == 1


def lose(host: Path, chip: board.Chip) -> None:
    (host / "weights1.bin").unlink()


def cut(host: Path, chip: board.Chip) -> None:
    path = host / "weights1.bin"
    path.write_bytes(path.read_bytes()[:-1])


def shift(host: Path, chip: board.Chip) -> None:
    chip.memory.next = 0x1010


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        (
            lose,
            (
                "error: cannot read HOST/weights1.bin, the weights for m_axi_weights1: No such file or directory\n"
                "  hint: copy all files of host/, or compile again"
            ),
        ),
        (
            cut,
            (
                "error: HOST/weights1.bin has 559 bytes, but m_axi_weights1 reads 560\n"
                "  hint: copy it again from the folder that this was compiled to, or compile again"
            ),
        ),
        (
            shift,
            (
                "error: the buffer for m_axi_weights0 lies at 0x1010, not at a multiple of 4,096 bytes\n"
                "  hint: its allocator must align buffers to pages: update PYNQ or XRT"
            ),
        ),
    ],
)
def test_what_is_wrong_is_told(
    wrong: Callable[[Path, board.Chip], None], said: str, host: Path, chip: board.Chip
) -> None:
    wrong(host, chip)
    with pytest.raises(HostError) as error:
        Session(host, "pynq")
    assert str(error.value).replace(str(host), "HOST") == said
