"""A Zynq board that runs PYNQ (2.7 or newer)."""

from pathlib import Path
from typing import Any

import numpy as np

from .device import Bytes, Registers
from .errors import HostError
from .mapped import Buffer, Mapped


class PynqBuffer:
    """A buffer of pynq.allocate."""

    def __init__(self, array: Any) -> None:
        self.array = array
        self.address: int = array.device_address
        self.data: Bytes = array

    def to_device(self) -> None:
        """Flush the processor's caches."""
        self.array.sync_to_device()

    def from_device(self) -> None:
        """Invalidate the processor's caches."""
        self.array.sync_from_device()

    def free(self) -> None:
        """Give it back."""
        self.array.freebuffer()


class Pynq(Mapped):
    """The accelerator in the overlay that `bitstream` holds. Raises HostError."""

    def __init__(self, registers: Registers, folder: Path, bitstream: Path) -> None:
        super().__init__(registers, folder)
        try:
            import pynq
        except ImportError as reason:
            raise HostError("PYNQ is not installed", hint="run this on the board, in PYNQ's environment") from reason
        self.pynq = pynq
        self.overlay = pynq.Overlay(str(bitstream))
        known = self.overlay.ip_dict
        ours = [n for n, ip in known.items() if ip["type"].split(":")[2:3] == [registers.top]]
        if len(ours) != 1:
            raise HostError(f"the overlay has no {registers.top}: it has {', '.join(sorted(known)) or 'nothing'}")
        self.mmio = pynq.MMIO(known[ours[0]]["phys_addr"], known[ours[0]]["addr_range"])

    def read(self, offset: int) -> int:
        """As `Mapped.read`."""
        return int(self.mmio.read(offset))

    def write(self, offset: int, value: int) -> None:
        """As `Mapped.write`."""
        self.mmio.write(offset, value)

    def allocate(self, size: int, pointer: str) -> Buffer:
        """As `Mapped.allocate`."""
        return PynqBuffer(self.pynq.allocate((size,), dtype=np.uint8))

    def close(self) -> None:
        """Give the buffers and the overlay back."""
        super().close()
        self.overlay.free()
