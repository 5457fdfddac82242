"""The host's end of the serial line to a board: packets, answers, and what to do when bytes got lost.

Stands alone: needs nothing but Python. The other end is hw/rtl/shell/tom_serial.sv.
"""

import os
import struct
import time
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

MAGIC = b"Tm"
FRAME, INFO, RESET, WEIGHTS, ERROR = b"FIRWE"
HEADER = struct.Struct("<BBI")
"""Kind, tag, length of the payload."""
CHECK = struct.Struct("<I")
WORDS = struct.Struct("<12I")
VERSION = 1
ERRORS = {
    1: "a packet arrived with a wrong checksum",
    2: "a packet arrived that the board does not know, or with another length",
    3: "a byte of a packet got lost",
    4: "a byte arrived damaged: is the rate of the line right?",
    5: "the board still computes the frame before",
}
BUSY = 5
TRIES = 5
SECONDS = 2.0
"""Waited for an answer, beside the time that its bytes and those of the question take."""
PAUSE = 0.05
"""Waited while the board is busy, in seconds."""


class LinkError(Exception):
    """The board does not answer as it should; the text says what to check."""


class Line(Protocol):
    """What carries bytes."""

    bits_a_second: int

    def write(self, data: bytes) -> None:
        """Send all of them."""
        ...

    def read(self, count: int, seconds: float) -> bytes:
        """Up to `count` bytes, fewer where no more come within some seconds."""
        ...

    def drop(self) -> None:
        """Forget what came and was not read."""
        ...


@dataclass(frozen=True, slots=True)
class Info:
    """What the board says of itself. Cycles are from the first beat into the accelerator to the last one out."""

    version: int
    build: int
    state: int
    frames: int
    cycles_last: int
    cycles_least: int
    cycles_most: int
    wrong_checksums: int
    wrong_lengths: int
    pauses: int
    wrong_bytes: int
    refused: int

    @property
    def busy(self) -> bool:
        """A frame is being computed."""
        return bool(self.state & 1)

    @property
    def torn(self) -> bool:
        """An output ended a frame where none ends, since the reset."""
        return bool(self.state & 4)


def packet(kind: int, tag: int, payload: bytes = b"") -> bytes:
    """The bytes of a packet."""
    body = HEADER.pack(kind, tag, len(payload)) + payload
    return MAGIC + body + CHECK.pack(zlib.crc32(body))


class Link:
    """A conversation with a board over a line.

    frame_bytes, answer_bytes: of the inputs and the outputs of a frame. Every question is asked up to `tries` times;
    `wait` passes the time while the board is busy.
    """

    def __init__(
        self, line: Line, frame_bytes: int, answer_bytes: int, *, tries: int = TRIES, seconds: float = SECONDS,
        wait: Callable[[float], None] = time.sleep,
    ) -> None:  # fmt: skip
        self.line, self.frame_bytes, self.answer_bytes = line, frame_bytes, answer_bytes
        self.tries, self.seconds, self.wait = tries, seconds, wait
        self.retries = 0
        self._tag = 0

    def exchange(self, frame: bytes) -> bytes:
        """The outputs of a frame, computed once however often it must be sent. Raises LinkError."""
        if len(frame) != self.frame_bytes:
            raise ValueError(f"a frame has {self.frame_bytes} bytes, not {len(frame)}")
        return self._ask(FRAME, frame, self.answer_bytes)

    def info(self) -> Info:
        """What the board says of itself. Raises LinkError, also where it speaks another version."""
        found = Info(*WORDS.unpack(self._ask(INFO, b"", WORDS.size)))
        if found.version != VERSION:
            raise LinkError(f"the board speaks version {found.version} of the protocol, this is version {VERSION}")
        return found

    def reset(self) -> None:
        """Reset the accelerator and the counters: the next frame begins a sequence. Raises LinkError."""
        self._ask(RESET, b"", 0)

    def load(self, parts: Sequence[bytes]) -> None:
        """Send the loader's beats, in parts as long as the board wants them, after a reset. Raises LinkError."""
        for part in parts:
            self._ask(WEIGHTS, part, 0)

    def _ask(self, kind: int, payload: bytes, expected: int) -> bytes:
        self._tag = (self._tag + 1) % 256
        question, why = packet(kind, self._tag, payload), ""
        duration = 10 * (len(question) + expected) / self.line.bits_a_second
        for attempt in range(self.tries):
            self.retries += attempt > 0
            self.line.drop()
            self.line.write(question)
            answer, why = self._answer(kind, expected, self.seconds + 2 * duration)
            if answer is not None:
                return answer
        raise LinkError(f"no right answer to {self.tries} packets: {why}")

    def _answer(self, kind: int, expected: int, seconds: float) -> tuple[bytes | None, str]:
        """The payload of the answer to the last packet; None, and what happened instead."""
        while (found := self._receive(seconds, max(expected, 1))) is not None:
            got, tag, payload = found
            if got == ERROR and len(payload) == 1:
                if payload[0] == BUSY:
                    self.wait(PAUSE)
                return None, ERRORS.get(payload[0], f"error {payload[0]}")
            if (got, tag, len(payload)) == (kind, self._tag, expected):
                return payload, ""
        return None, "nothing came back: is the board loaded with this design, and the line the right one?"

    def _receive(self, seconds: float, longest: int) -> tuple[int, int, bytes] | None:
        """The next packet whose checksum is right; None if there is none in time."""
        data = b""
        while more := self.line.read(max(1, len(MAGIC) + HEADER.size - len(data)), seconds):
            data += more
            while (start := data.find(MAGIC)) >= 0:
                data = data[start:]
                data += self._rest(data, len(MAGIC) + HEADER.size, seconds)
                if len(data) < len(MAGIC) + HEADER.size:
                    return None
                kind, tag, length = HEADER.unpack_from(data, len(MAGIC))
                end = len(MAGIC) + HEADER.size + length
                if length <= longest:
                    data += self._rest(data, end + CHECK.size, seconds)
                    body = data[len(MAGIC) : end]
                    if len(data) >= end + CHECK.size and data[end : end + CHECK.size] == CHECK.pack(zlib.crc32(body)):
                        return kind, tag, body[HEADER.size :]
                data = data[len(MAGIC) :]
            data = data[-1:]
        return None

    def _rest(self, data: bytes, wanted: int, seconds: float) -> bytes:
        missing = wanted - len(data)
        return self.line.read(missing, seconds) if missing > 0 else b""


class Tty:
    """A serial port of a system with termios: a path such as /dev/ttyUSB0."""

    def __init__(self, path: str, bits_a_second: int) -> None:
        import termios
        import tty

        rate = getattr(termios, f"B{bits_a_second}", None)
        if rate is None:
            raise LinkError(f"this system knows no serial line of {bits_a_second} bits a second")
        self.bits_a_second = bits_a_second
        try:
            self._file = os.open(path, os.O_RDWR | os.O_NOCTTY)
            tty.setraw(self._file)
            settings = termios.tcgetattr(self._file)
        except (OSError, termios.error) as reason:
            raise LinkError(f"cannot open {path}: {reason}") from reason
        settings[2] = (settings[2] | termios.CLOCAL | termios.CREAD) & ~(termios.CSTOPB | termios.CRTSCTS)
        settings[4] = settings[5] = rate
        termios.tcsetattr(self._file, termios.TCSANOW, settings)

    def write(self, data: bytes) -> None:
        """Send all of them."""
        while data:
            data = data[os.write(self._file, data) :]

    def read(self, count: int, seconds: float) -> bytes:
        """Up to `count` bytes, fewer where no more come within some seconds."""
        import select

        found = b""
        while len(found) < count and select.select([self._file], [], [], seconds)[0]:
            more = os.read(self._file, count - len(found))
            if not more:
                break
            found += more
        return found

    def drop(self) -> None:
        """Forget what came and was not read."""
        import termios

        termios.tcflush(self._file, termios.TCIFLUSH)

    def close(self) -> None:
        """Give the port back."""
        os.close(self._file)
