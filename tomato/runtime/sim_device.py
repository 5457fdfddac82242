"""The accelerator in Verilator, behind its shell, with memory and a processor of cocotbext-axi around it."""

import importlib
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from .device import Bytes, Registers, contents
from .errors import HostError

BASE, STEP = 1 << 32, 1 << 28
"""Where the buffers lie: above 4 GiB, as they may on a board."""


class Simulated:
    """What `tomato simulate` does for beats, for frames in memory. Raises HostError.

    Every exchange is a simulation of its own. `lasting`, of a design whose states last from frame to frame: it plays
    all frames since the beginning of the sequence once more in front of the new ones, in a run of their own.
    """

    def __init__(self, registers: Registers, folder: Path, *, lasting: bool) -> None:
        self.registers, self.host, self.folder, self.lasting = registers, folder, folder.parent, lasting
        self.past: dict[str, Bytes] = {}
        if not (self.folder / "sim" / "axi_run.py").exists():
            raise HostError("only a whole build folder can be simulated", hint="give the folder that compile wrote")
        self.last: dict[str, int] = {}

    def exchange(self, frames: int, given: Mapping[str, Bytes], *, restart: bool) -> Mapping[str, Bytes]:
        """As `Device.exchange`."""
        runner = self._runner()
        if restart or not self.lasting:
            self.past = {}
        played = len(next(iter(self.past.values()), ()))
        every = {name: np.concatenate([self.past[name], data]) if played else data for name, data in given.items()}
        with tempfile.TemporaryDirectory(prefix="tomato-") as temporary:
            where = Path(temporary)
            address = {m["pointer"]: BASE + i * STEP for i, m in enumerate(self.registers.masters)}
            content = every | {m["pointer"]: contents(self.host, m) for m in self.registers.stored}
            for name, data in content.items():
                (where / name).write_bytes(data.tobytes())
            behind = {m["pointer"]: played * m["frame_bytes"] for m in self.registers.streams("read")}
            pointers = {name: at + behind.get(name, 0) for name, at in address.items()}
            results = [
                {
                    "file": str(where / m["pointer"]),
                    "address": address[m["pointer"]],
                    "bytes": frames * m["frame_bytes"],
                }
                for m in self.registers.streams("write")
            ]
            job = {
                "buffers": [{"address": address[n], "file": str(where / n)} for n in content],
                "runs": [
                    *([{"frames": played, "pointers": address, "results": [], "restart": True}] if played else []),
                    {"frames": frames, "pointers": pointers, "results": results, "restart": restart},
                ],
                "stall": 0.0,
                "seed": 1,
                "patience": 1 << 30,
            }
            try:
                done = runner.play(self.folder, job, where)
            except runner.toolchain.ToolError as reason:
                raise HostError(str(reason)) from reason
            self.last = done["counters"]
            self.registers.check_frames(self.last["status"])
            self.past = every if self.lasting else {}
            return {
                m["pointer"]: np.fromfile(where / m["pointer"], np.uint8).reshape(frames, -1)
                for m in self.registers.streams("write")
            }

    def counters(self) -> Mapping[str, int]:
        """Of the last exchange; frames and runs that were played once more count in `frames_done` and `runs_done`."""
        return self.last

    def close(self) -> None:
        """Nothing to give back."""

    def _runner(self) -> Any:
        """The folder's own axi_run.py, which is its simulator's."""
        place = str(self.folder / "sim")
        sys.path.insert(0, place)
        try:
            return importlib.import_module("axi_run")
        except ImportError as reason:
            raise HostError(f"the simulator is not there ({reason})", hint="pip install 'tomato[sim]'") from reason
        finally:
            sys.path.remove(place)
