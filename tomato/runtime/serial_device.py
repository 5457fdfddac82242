"""A board on a serial line, behind the serial shell: a frame at a time, sent again where bytes get lost."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from .device import Bytes, weights
from .errors import HostError
from .serial_link import Info, Line, Link, LinkError, Tty


class Serial:
    """The board at `port`, such as /dev/ttyUSB0; `described` is serial.json. Raises HostError.

    A new sequence begins with a reset, which sets the counters back, and with the weights that are sent again.
    """

    def __init__(
        self, described: Mapping[str, Any], folder: Path, port: str, line: Callable[[str, int], Line] = Tty
    ) -> None:
        if "refused" in described:
            raise HostError(f"this build has no serial shell: {described['refused']}", hint=described["hint"])
        if not port:
            raise HostError("a serial device needs its port", hint="give serial:/dev/ttyUSB0, or whatever it is")
        self.described = described
        self.line = _told(lambda: line(port, described["baud"]))
        self.link = Link(self.line, described["frame_bytes"], described["answer_bytes"])
        found = self._info()
        if found.build != described["build"]:
            raise HostError(
                f"the board says build {found.build:08x}, but this folder is build {described['build']:08x}",
                hint="load the bitstream that was made from this folder",
            )
        self._weights, self._new = weights(folder), True
        self._reset()

    def exchange(self, frames: int, given: Mapping[str, Bytes], *, restart: bool) -> Mapping[str, Bytes]:
        """As `Device.exchange`."""
        if restart and not self._new:
            self._reset()
        self._new = False
        names = [f"in_{p['name']}" for p in self.described["inputs"]]
        rows = []
        for i in range(frames):
            frame = b"".join(given[name][i].tobytes() for name in names)
            rows.append(np.frombuffer(self._exchanged(frame), np.uint8))
        answers, results, at = np.stack(rows), {}, 0
        for p in self.described["outputs"]:
            results[f"out_{p['name']}"] = np.ascontiguousarray(answers[:, at : at + p["bytes"]])
            at += p["bytes"]
        return results

    def counters(self) -> Mapping[str, int]:
        """As `Device.counters`."""
        found = self._info()
        return {name: int(getattr(found, name)) for name in found.__slots__}

    def close(self) -> None:
        """Give the port back."""
        close = getattr(self.line, "close", None)
        if close is not None:
            close()

    def _reset(self) -> None:
        """Reset the accelerator, and send what weights it needs then."""
        self._new = True
        _told(self.link.reset)
        if self._weights is not None:
            size, data = self.described["part_bytes"], self._weights.tobytes()
            _told(lambda: self.link.load([data[i : i + size] for i in range(0, len(data), size)]))

    def _exchanged(self, frame: bytes) -> bytes:
        return _told(lambda: self.link.exchange(frame))

    def _info(self) -> Info:
        return _told(self.link.info)


T = TypeVar("T")


def _told(ask: Callable[[], T]) -> T:
    """What the link answers; its errors as HostError."""
    try:
        return ask()
    except LinkError as reason:
        raise HostError(str(reason), hint="is it the right port, and no other program on it?") from reason
