"""The host's end of the serial line, against a board in Python: what is lost or damaged is asked for again."""

import struct
import zlib
from collections.abc import Callable

import pytest

from tomato.runtime.serial_link import ERROR, FRAME, INFO, Link, LinkError, Tty, packet

Damage = Callable[[int, bytes], bytes]


class Board:
    """Answers as the shell does. `hurt` and `spoilt` change what is sent to it and by it, by number."""

    bits_a_second = 1_000_000

    def __init__(self, hurt: Damage = lambda i, d: d, spoilt: Damage = lambda i, d: d) -> None:
        self.hurt, self.spoilt = hurt, spoilt
        self.asked = self.answered = self.computed = self.resets = 0
        self.last, self.buffer = b"", b""
        self.weights: list[bytes] = []
        self.version = 1

    def write(self, data: bytes) -> None:
        data, self.asked = self.hurt(self.asked, data), self.asked + 1
        if len(data) < 12 or data[:2] != b"Tm":
            return
        body, check = data[2:-4], data[-4:]
        kind, tag, length = struct.unpack_from("<BBI", body)
        if length != len(body) - 6:
            answer = packet(ERROR, tag, b"\x03")
        elif struct.pack("<I", zlib.crc32(body)) != check:
            answer = packet(ERROR, tag, b"\x01")
        elif kind == FRAME:
            self.computed += data != self.last
            self.last = data
            answer = packet(FRAME, tag, body[6:][::-1])
        elif kind == INFO:
            answer = packet(INFO, tag, struct.pack("<12I", self.version, 7, 4, *range(9)))
        else:
            self.resets += kind == ord("R")
            self.weights += [body[6:]] if kind == ord("W") else []
            answer = packet(kind, tag)
        self.buffer += self.spoilt(self.answered, answer)
        self.answered += 1

    def read(self, count: int, seconds: float) -> bytes:
        data, self.buffer = self.buffer[:count], self.buffer[count:]
        return data

    def drop(self) -> None:
        self.buffer = b""


def link(board: Board) -> Link:
    return Link(board, 4, 4, wait=lambda seconds: None)


def test_a_packet_as_it_is_documented() -> None:
    assert packet(ord("F"), 2, b"ab") == bytes.fromhex("546d 4602 02000000 6162") + struct.pack(
        "<I", zlib.crc32(bytes.fromhex("4602 02000000 6162"))
    )


def first(change: Callable[[bytes], bytes]) -> Damage:
    """Only the first packet is changed."""
    return lambda i, data: change(data) if i == 0 else data


CHANGES: dict[str, Callable[[bytes], bytes]] = {
    "a byte lost": lambda d: d[:9] + d[10:],
    "the first byte lost": lambda d: d[1:],
    "a bit turned": lambda d: d[:9] + bytes([d[9] ^ 1]) + d[10:],
    "all lost": lambda d: b"",
    "cut": lambda d: d[:-2],
    "garbage in front": lambda d: b"\x00T\xffTm" + d,
}


@pytest.mark.parametrize("change", CHANGES)
def test_a_damaged_question_is_asked_again(change: str) -> None:
    board = Board(hurt=first(CHANGES[change]))
    assert link(board).exchange(b"abcd") == b"dcba"
    assert board.computed == 1


@pytest.mark.parametrize("change", CHANGES)
def test_a_damaged_answer_is_asked_for_again_and_computed_once(change: str) -> None:
    board = Board(spoilt=first(CHANGES[change]))
    assert link(board).exchange(b"abcd") == b"dcba"
    assert board.computed == 1


def test_an_answer_of_before_is_not_taken_for_this_one() -> None:
    board = Board()
    talk = link(board)
    talk.exchange(b"abcd")
    board.spoilt = lambda i, data: packet(FRAME, 1, b"dcba") + data
    assert talk.exchange(b"efgh") == b"hgfe"


def test_frames_one_after_the_other() -> None:
    board = Board()
    talk = link(board)
    for i in range(600):
        frame = struct.pack("<I", i)
        assert talk.exchange(frame) == frame[::-1]
    assert (board.computed, talk.retries) == (600, 0)


def test_information_reset_and_weights() -> None:
    board = Board()
    talk = link(board)
    info = talk.info()
    assert (info.version, info.build, info.busy, info.torn, info.frames) == (1, 7, False, True, 0)
    talk.reset()
    talk.load([b"12", b"34"])
    assert (board.resets, board.weights) == (1, [b"12", b"34"])


def test_a_silent_board_is_given_up() -> None:
    with pytest.raises(LinkError, match="no right answer to 5 packets: nothing came back: is the board loaded"):
        link(Board(hurt=lambda i, data: b"")).exchange(b"abcd")


def test_another_version_is_refused() -> None:
    board = Board()
    board.version = 2
    with pytest.raises(LinkError, match="the board speaks version 2 of the protocol, this is version 1"):
        link(board).info()


def test_a_frame_of_another_size_is_a_mistake() -> None:
    with pytest.raises(ValueError, match="a frame has 4 bytes, not 3"):
        link(Board()).exchange(b"abc")


def test_a_port_that_is_not_there() -> None:
    with pytest.raises(LinkError, match="cannot open /dev/no-such-port"):
        Tty("/dev/no-such-port", 115_200)
