"""The number that tells accelerators apart: in registers, in what a board says, in what the host expects."""

import hashlib

import numpy as np

from tomato.backend import verilog
from tomato.hardware.netlist import Netlist
from tomato.targets import Target


def number(netlist: Netlist, target: Target) -> int:
    """32 bits of the chip, every module, and every memory, those that a loader fills included."""
    state = hashlib.sha256(target.part.encode("utf-8", "surrogatepass"))
    for name, text in verilog.rtl(netlist, "").items():
        state.update(f"{name} {len(text)}\n{text}".encode())
    for part in netlist.instances:
        for name, memory in part.memories.items():
            state.update(f"{part.name} {name} {memory.bits}\n".encode() + np.asarray(memory.fields, np.int64).tobytes())
    return int.from_bytes(state.digest()[:4], "big")
