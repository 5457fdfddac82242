"""An Alveo card, or a Zynq UltraScale+ board under Linux, with XRT and its Python module pyxrt.

pyxrt starts kernels but reads no registers: there are no counters here.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from .device import Bytes, Registers, check_address, contents
from .errors import HostError

WAIT, FRAME_WAIT = 10_000, 100
"""Milliseconds in which a run must end, and those for each of its frames."""


class Xrt:
    """The kernel in `bitstream`, an .xclbin, on card number `card`. Raises HostError."""

    def __init__(self, registers: Registers, folder: Path, bitstream: Path, card: int = 0) -> None:
        try:
            import pyxrt
        except ImportError as reason:
            raise HostError(
                "XRT's Python module pyxrt is not there", hint="source /opt/xilinx/xrt/setup.sh, then start Python"
            ) from reason
        self.registers, self.pyxrt = registers, pyxrt
        binary = pyxrt.xclbin(str(bitstream))
        known = [kernel.get_name() for kernel in binary.get_kernels()]
        if registers.top not in known:
            raise HostError(f"{bitstream} has no kernel {registers.top}, but {', '.join(known) or 'none'}")
        self.device = pyxrt.device(card)
        self.context = pyxrt.hw_context(self.device, self.device.register_xclbin(binary))
        self.kernel = pyxrt.kernel(self.context, registers.top)
        self.buffers: dict[str, Any] = {}
        for master in registers.stored:
            data = contents(folder, master)
            check_address(master, self._buffer(master["pointer"], data.size).address())
            self._send(master["pointer"], data)

    def exchange(self, frames: int, given: Mapping[str, Bytes], *, restart: bool) -> Mapping[str, Bytes]:
        """As `Device.exchange`."""
        argument = self.registers.run_of(frames, restart=restart)
        for pointer, data in given.items():
            self._send(pointer, data.reshape(-1))
        for m in self.registers.streams("write"):
            self._buffer(m["pointer"], frames * m["frame_bytes"])
        signed = argument - (argument >> 31 << 32)  # pyxrt passes a C int, and drops what is none
        run = self.kernel(*(self.buffers[m["pointer"]] for m in self.registers.masters), signed)
        state = run.wait(WAIT + frames * FRAME_WAIT)
        if state != self.pyxrt.ert_cmd_state.ERT_CMD_STATE_COMPLETED:
            raise HostError(f"the kernel did not end: {state}", hint="xrt-smi examine says how the card is")
        return {m["pointer"]: self._receive(m, frames) for m in self.registers.streams("write")}

    def counters(self) -> Mapping[str, int]:
        """None."""
        return {}

    def close(self) -> None:
        """XRT frees buffers with their last references."""
        self.buffers.clear()

    def _send(self, pointer: str, data: Bytes) -> None:
        buffer = self._buffer(pointer, data.size)
        buffer.write(np.ascontiguousarray(data), 0)
        buffer.sync(self.pyxrt.xclBOSyncDirection.XCL_BO_SYNC_BO_TO_DEVICE, data.size, 0)

    def _receive(self, master: Mapping[str, Any], frames: int) -> Bytes:
        buffer, size = self.buffers[master["pointer"]], frames * master["frame_bytes"]
        buffer.sync(self.pyxrt.xclBOSyncDirection.XCL_BO_SYNC_BO_FROM_DEVICE, size, 0)
        return np.asarray(buffer.read(size, 0)).view(np.uint8).reshape(frames, -1)

    def _buffer(self, pointer: str, size: int) -> Any:
        known = self.buffers.get(pointer)
        if known is None or known.size() < size:
            index = [m["pointer"] for m in self.registers.masters].index(pointer)
            group = self.kernel.group_id(index)
            self.buffers[pointer] = self.pyxrt.bo(self.context, size, self.pyxrt.bo.normal, group)
        return self.buffers[pointer]
