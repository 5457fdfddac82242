"""Runs in the simulator: what a module's output is in every cycle, for an input that changes with each.

The job comes as a JSON file named by TOM_JOB: hexadecimal inputs, and the file that takes the outputs. Inputs change at
the falling edge, and outputs are read right in front of the rising one.
"""

import json
import os
from pathlib import Path
from typing import Any

import cocotb
from cocotb.clock import Clock
from cocotb.triggers import FallingEdge, Timer

PERIOD = 10


@cocotb.test()
async def play(dut: Any) -> None:
    """Play the job."""
    job = json.loads(Path(os.environ["TOM_JOB"]).read_text())
    Clock(dut.clk, PERIOD, unit="ns").start()
    seen = []
    for word in job["inputs"]:
        await FallingEdge(dut.clk)
        dut.word_in.value = int(word, 16)
        await Timer(PERIOD // 2 - 1, "ns")
        seen.append(f"{int(dut.word_out.value):x}")
    Path(job["outputs"]).write_text(json.dumps(seen))
