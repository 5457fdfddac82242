"""The number that tells accelerators apart: in registers, in what a board says, in what the host expects."""

import hashlib

from tomato.backend import verilog
from tomato.hardware.memory import LOAD_BITS
from tomato.hardware.netlist import Netlist, load_beats
from tomato.targets import Target


def number(netlist: Netlist, target: Target) -> int:
    """32 bits of the chip, every module, and every memory, those that a loader fills included."""
    state = hashlib.sha256(target.part.encode("utf-8", "surrogatepass"))
    for name, text in (*verilog.rtl(netlist, "").items(), *verilog.memories(netlist).items()):
        state.update(f"{name} {len(text)}\n{text}".encode())
    for beat in load_beats(netlist.loaded, LOAD_BITS) if netlist.loaded else ():
        state.update(f"{beat:x}\n".encode())
    return int.from_bytes(state.digest()[:4], "big")
