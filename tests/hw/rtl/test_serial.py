"""A network behind the serial line, in simulation: the host's own code talks to the shell, over a bad line too."""

import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import toolchain

import tomato
from tests.models import model_path
from tests.networks.codenets import S8, Codenet
from tomato import board, targets
from tomato.backend import project
from tomato.build.report import report
from tomato.core.assets import asset
from tomato.core.formats import Array
from tomato.core.interpret import interpret
from tomato.core.ir import Builder, Graph, TensorType
from tomato.hardware.netlist import Netlist, to_beats
from tomato.lower import lower
from tomato.ops.join import Add
from tomato.schedule import schedule

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


def frames(netlist: Netlist, values: Mapping[str, Array]) -> tuple[list[str], list[str]]:
    """The bytes of every frame, and of what it must give, as hexadecimal."""
    sides = []
    for ports in (netlist.inputs, netlist.outputs):
        parts = []
        for port in ports:
            size, step = -(-port.width // 8), port.frame_beats
            data = [beat.to_bytes(size, "little") for beat in to_beats(values[port.value], port.lanes, port.bits)]
            parts.append([b"".join(data[i : i + step]) for i in range(0, len(data), step)])
        sides.append([b"".join(frame).hex() for frame in zip(*parts, strict=True)])
    return sides[0], sides[1]


def two_by_two(folder: Path) -> tuple[list[str], list[str]]:
    """A build folder with two inputs and two outputs, whose beats have no lanes unused; frames and their answers."""
    net, kind = Codenet(4, 4, 3), TensorType((4, 4, 3), S8)
    net.build = Builder([("x", kind), ("y", kind)])
    joined = net.requant(net.build.add(Add(), ["x", "y"], "add"), "add_q")
    other = net.dense("x", 4, "d", 16)
    graph = Graph("net", (("x", kind), ("y", kind)), tuple(net.build.nodes), (joined, other))
    target = targets.load("ulx3s")
    plan = schedule(graph, target, fps=1_000_000)
    lowered = lower(graph, plan, target)
    facts = report(graph, plan, target, lowered, model="two", notes=[])
    project.write(folder, lowered.netlist, facts, plan.to_toml())
    board.write(folder, lowered, target, facts, "axi")
    rng = np.random.default_rng(0)
    x = {name: rng.integers(-128, 127, (3, 4, 4, 3), endpoint=True) for name in ("x", "y")}
    return frames(lowered.netlist, x | interpret(graph, x))


FAULTS: Mapping[str, Any] = {"1": ["flip", 30], "3": ["lose", 50], "heard": [90]}
"""A question damaged, one that lost a byte, and an answer damaged."""


@pytest.mark.rtl
def test_two_inputs_and_two_outputs_over_a_bad_line(tmp_path: Path) -> None:
    given, expected = two_by_two(tmp_path)
    *answers, info = converse(tmp_path, [["info"], *(["frame", f] for f in given), ["info"]], FAULTS)
    assert answers[1:] == expected
    assert info["frames"] == 3
    assert (info["wrong_checksums"], info["pauses"], info["retries"]) == (1, 1, 3)
    assert info["torn"] is False


@pytest.mark.rtl
def test_a_reset_begins_anew(tmp_path: Path) -> None:
    given, expected = two_by_two(tmp_path)
    steps = [["raw", "546d460105000000"], ["frame", given[0]], ["reset"], ["info"], ["frame", given[1]], ["info"]]
    first, zero, second, one = converse(tmp_path, steps)
    assert [first, second] == expected[:2]
    assert (zero["frames"], one["frames"], one["wrong_lengths"]) == (0, 1, 0)


MUTATIONS = {
    "checksums_ignored": ("tom_packet_rx.sv", r"== Residue \? '0 : ErrorCrc", "== Residue ? '0 : '0"),
    "computed_again": ("tom_serial.sv", r"assign play_o = asked_frame && !again", "assign play_o = asked_frame"),
    "no_timeout": ("tom_packet_rx.sv", r"time_q == TimeBits'\(Timeout\)", "1'b0"),
    "bytes_swapped": ("tom_store_out.sv", r"word_q\[7:0\]", "word_q[Width-1-:8]"),
    "answer_not_rewound": ("tom_serial.sv", r"assign rewind_o = answer_frame", "assign rewind_o = answer_new"),
}


@pytest.mark.rtl
@pytest.mark.parametrize("name", MUTATIONS)
def test_one_wrong_thing_is_found(name: str, tmp_path: Path) -> None:
    given, expected = two_by_two(tmp_path)
    file, old, new = MUTATIONS[name]
    path = tmp_path / "board" / "rtl" / file
    text, count = re.subn(old, new, path.read_text())
    assert count, f"{file} has no {old}"
    path.write_text(text)
    *answers, info = converse(
        tmp_path, [*(["frame", f] for f in given), ["info"]], {"0": ["flip", 30], "2": ["lose", 50], "heard": [40]}
    )
    right = answers == expected and isinstance(info, dict) and info["frames"] == 3 and info["pauses"] == 1
    assert not right


@pytest.mark.models
@pytest.mark.rtl
def test_digits_arrive_whatever_the_line_does_to_their_packets(tmp_path: Path) -> None:
    x = np.load(model_path("mnist_t10k_2000.npz"))["x"][:3, None].astype(np.float32)
    acc = tomato.compile(model_path("mnist8_qdq.onnx"), "ulx3s", fps=4_000)
    folder = acc.write(tmp_path / "mnist8")
    codes = acc.encode(*acc.enter(*acc.suited(x)))
    given, expected = frames(acc.lowered.netlist, codes | acc.run(codes))
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
