"""Where an accelerator may be. Every device takes and gives frames as bytes, by pointers of registers.json."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from .errors import HostError

Bytes = NDArray[np.uint8]
PAGE = 4096
"""Bursts never cross a multiple of so many bytes."""


class Device(Protocol):
    """An accelerator that is ready for frames."""

    def exchange(self, frames: int, given: Mapping[str, Bytes], *, restart: bool) -> Mapping[str, Bytes]:
        """Bytes of the outputs, (frames, frame_bytes) each, for those of all inputs. Raises HostError.

        restart: these frames begin a new sequence; else they follow those of the exchange before.
        """

    def counters(self) -> Mapping[str, int]:
        """What the hardware counts, by names of registers.json; empty where it cannot be asked."""

    def close(self) -> None:
        """Give it back."""


@dataclass(frozen=True)
class Registers:
    """registers.json: where every register lies, and the masters of memory."""

    top: str
    build: int
    offsets: Mapping[str, int]
    bits: Mapping[str, int]
    fields: Mapping[str, Mapping[str, int]]
    counted: tuple[str, ...]
    masters: tuple[Mapping[str, Any], ...]

    @classmethod
    def of(cls, described: Mapping[str, Any]) -> "Registers":
        """From the contents of the file."""
        known: Sequence[Mapping[str, Any]] = described["registers"]
        return cls(
            described["top"],
            described["build"],
            {r["name"]: r["offset"] for r in known},
            {r["name"]: r["bits"] for r in known},
            {r["name"]: {f["name"]: f["bit"] for f in r["fields"]} for r in known},
            tuple(r["name"] for r in known if r["access"] == "ro"),
            tuple(described["masters"]),
        )

    def run_of(self, frames: int, *, restart: bool) -> int:
        """The register `frames` for a run, with whether it begins a new sequence. Raises HostError."""
        bit = self.fields["frames"]["restart"]
        if frames >> bit:
            raise HostError(
                f"{frames:,} frames are more than a run takes", hint=f"run at most {(1 << bit) - 1:,} at once"
            )
        return frames | restart << bit

    def check_frames(self, status: int) -> None:
        """Raise HostError if the register `status` says that an input's frames do not end where they should."""
        if status >> self.fields["status"]["frame_error"] & 1:
            raise HostError(
                "beats of an input were lost on the way to the accelerator: this frame and all later ones are shifted",
                hint="load the bitstream again; what drives its input must send whole frames, tlast at their end",
            )

    def streams(self, direction: str) -> tuple[Mapping[str, Any], ...]:
        """Masters of inputs ("read") or outputs ("write")."""
        return tuple(m for m in self.masters if m["direction"] == direction and m["port"])

    @property
    def stored(self) -> tuple[Mapping[str, Any], ...]:
        """Masters of what is in memory from the first run on: weights, which are copied there, and room for queues."""
        return tuple(m for m in self.masters if m["file"] or m["fetched"])


def contents(folder: Path, master: Mapping[str, Any]) -> Bytes:
    """What a master finds in memory: weights, or nothing yet where a queue has room.

    Raises HostError where the file in `folder` is not what it was.
    """
    path, size = folder / master["file"], master["frame_bytes"]
    if not master["file"]:
        return np.zeros(size, np.uint8)
    try:
        found = np.fromfile(path, np.uint8)
    except OSError as reason:
        raise HostError(
            f"cannot read {path}, the weights for {master['name']}: {reason.strerror}",
            hint="copy all files of host/, or compile again",
        ) from reason
    if found.size != size:
        raise HostError(
            f"{path} has {found.size:,} bytes, but {master['name']} reads {size:,}",
            hint="copy it again from the folder that this was compiled to, or compile again",
        )
    return found


def check_address(master: Mapping[str, Any], address: int) -> None:
    """Raise HostError if the bursts of a master that fetches weights would cross borders of 4 KB."""
    if master["fetched"] and address % PAGE:
        raise HostError(
            f"the buffer for {master['name']} lies at {address:#x}, not at a multiple of {PAGE:,} bytes",
            hint="its allocator must align buffers to pages: update PYNQ or XRT",
        )


def weights(folder: Path) -> Bytes | None:
    """What the loader takes, as it lies in memory: None where the bitstream holds all weights."""
    path = folder / "loader.bin"
    return np.frombuffer(path.read_bytes(), np.uint8) if path.exists() else None
