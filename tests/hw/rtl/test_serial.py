"""A network behind the serial line, in simulation: the host's own code talks to the shell, over a bad line too."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import toolchain

import tomato
from tests.models import model_path
from tomato import board
from tomato.accelerator import Accelerator
from tomato.core.assets import asset
from tomato.core.formats import Array
from tomato.hardware.netlist import to_beats

ROOT = Path(__file__).parents[3]
BIT_CLOCKS = 8
TIMEOUT = 2_000
"""Cycles without a byte after which the shell gives a packet up: some 25 bytes."""


def shell(folder: Path) -> dict[str, Any]:
    """What a build folder says of its serial shell."""
    found: dict[str, Any] = json.loads((folder / board.FOLDER / "serial.json").read_text())
    return found


def converse(folder: Path, steps: Sequence[Any], faults: Mapping[str, Any] | None = None) -> list[Any]:
    """What the host gets when it talks to the shell of a build folder."""
    made, work = shell(folder), folder / "serial"
    sources = [folder / name for name in made["sources"] if not name.endswith(f"{made['top']}.sv")]
    parameters = {"BitClocks": str(BIT_CLOCKS), "Timeout": str(TIMEOUT), "BlinkBits": "8"}
    build = toolchain.Build(made["serial"], sources, [folder / "rtl"], work, parameters, checked=True)
    if not (work / "built").exists():
        toolchain.build(build)
        (work / "built").touch()
    job = {
        "bit_clocks": BIT_CLOCKS, "faults": faults or {}, "steps": steps, "result": str(work / "result.json"),
        **{key: made[key] for key in ("frame_bytes", "answer_bytes")},
    }  # fmt: skip
    (work / "job.json").write_text(json.dumps(job))
    with toolchain.importable(asset("sim")), toolchain.importable(ROOT):
        toolchain.play(build, "tests.hw.rtl.serial_bench", folder, {"TOM_JOB": str(work / "job.json")}, logs=work)
    results: list[Any] = json.loads((work / "result.json").read_text())
    return results


def frames(acc: Accelerator, *x: Array) -> tuple[list[str], list[str]]:
    """The bytes of every frame, and of what it must give, as hexadecimal."""
    codes = acc.encode(*acc.enter(*acc.suited(*x)))
    values, netlist = codes | acc.run(codes), acc.lowered.netlist
    sides = []
    for ports in (netlist.inputs, netlist.outputs):
        parts = []
        for port in ports:
            size, beats = -(-port.width // 8), to_beats(values[port.value], port.lanes, port.bits)
            data = [beat.to_bytes(size, "little") for beat in beats]
            step = port.frame_beats
            parts.append([b"".join(data[i : i + step]) for i in range(0, len(data), step)])
        sides.append([b"".join(frame).hex() for frame in zip(*parts, strict=True)])
    return sides[0], sides[1]


@pytest.mark.models
@pytest.mark.rtl
def test_digits_arrive_whatever_the_line_does_to_their_packets(tmp_path: Path) -> None:
    x = np.load(model_path("mnist_t10k_2000.npz"))["x"][:3, None].astype(np.float32)
    acc = tomato.compile(model_path("mnist8_qdq.onnx"), "ulx3s", fps=4_000)
    folder = acc.write(tmp_path / "mnist8")
    given, expected = frames(acc, x)
    steps = [["info"], *(["frame", frame] for frame in given), ["info"]]
    faults = {"2": ["lose", 400], "4": ["garbage", "00546d5446ff"], "5": ["flip", 500]}
    before, *answers, after = converse(folder, steps, faults)
    assert answers == expected
    assert before["build"] == shell(folder)["build"]
    assert before["frames"] == 0
    assert (after["frames"], after["torn"]) == (3, False)
    assert after["retries"] == 3
    assert after["pauses"] + after["wrong_checksums"] + after["wrong_lengths"] == 3
    latency = acc.report["latency_cycles"]
    assert abs(after["cycles_most"] - latency) < 0.1 * latency
