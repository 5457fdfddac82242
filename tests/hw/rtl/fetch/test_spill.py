"""Queues in memory beside the chip: the hardware alone, and in networks that have no room for them."""

import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

import tomato
from tests.hw.rtl.harness import Port, run
from tomato.accelerator import Accelerator
from tomato.backend import library
from tomato.build.simulation import simulate
from tomato.core.assets import asset
from tomato.core.errors import TomatoError
from tomato.hardware.parts import Spill
from tomato.runtime import Session
from tomato.targets import OffChip, load

pytestmark = pytest.mark.rtl
CASE = Path(__file__).with_name("tom_spill_case.sv")
BOARD = replace(load("zcu104"), off_chip=OffChip("DDR", 1, 128, 256, 4000, 80))


def played(
    width: int, beats: int, depth: int, wrong: tuple[str, str] = ("", ""), folder: Path = Path(), **memory: int
) -> int:
    """Three frames through a queue of `depth` beats; cycles a frame. wrong: an expression, and what it becomes."""
    spill = Spill.of(width, depth, beats, BOARD)
    sources = dict(library.sources(library.RTL, ["tom_spill"]))
    if wrong[0]:
        text = sources["tom_spill"].read_text()
        assert text.count(wrong[0]) == 1
        sources["tom_spill"] = folder / "tom_spill.sv"
        sources["tom_spill"].write_text(text.replace(*wrong))
    rng = np.random.default_rng(width)
    data = [int.from_bytes(rng.bytes(-(-width // 8)), "little") & (1 << width) - 1 for _ in range(3 * beats)]
    params = {**spill.params, "Latency": 60, **memory}
    files = [*sources.values(), asset("sim", "tom_store.sv"), CASE]
    port = Port(width, data)
    return int(run("tom_spill_case", params, [port], [port], frames=3, sources=files).interval)


@pytest.mark.parametrize(
    ("width", "beats", "depth"),
    [(8, 320, 2000), (64, 100, 40), (24, 35, 500), (128, 7, 64), (200, 50, 90), (400, 33, 100)],
    ids=["narrow", "half", "odd", "whole", "straddling", "wide"],
)
def test_what_comes_goes_in_order(width: int, beats: int, depth: int) -> None:
    """At a beat a cycle where the memory has time to write and to read it, and two cycles more a burst."""
    spill = Spill.of(width, depth, beats, BOARD)
    words, bursts = spill.packing.words, -(-spill.packing.words // 16)
    measured = played(width, beats, depth)
    assert measured <= max(beats, 2 * words, words + 3 * bursts) * 1.2 + 4


def test_a_slow_memory_slows_it_down() -> None:
    measured = played(128, 64, 64, PerMille=500)
    assert measured == pytest.approx(2 * 64 / 0.5, rel=0.1)


@pytest.mark.parametrize(
    "wrong",
    [
        ("assign axi_wlast_o   = w_left_q == 9'd1", "assign axi_wlast_o   = w_left_q == 9'd2"),
        ("there_q <= there_q + CountBits'(written)", "there_q <= there_q + CountBits'(begins)"),
        ("32'(room_q) >= 32'(next_read)", "1'b1"),
        ("32'(write_left_q) <= MaxBeats ? WordBits'(Words)", "32'(write_left_q) < MaxBeats ? WordBits'(Words)"),
    ],
    ids=["ends", "reads too early", "no room", "frames"],
)
def test_one_wrong_thing_is_found(wrong: tuple[str, str], tmp_path: Path) -> None:
    with pytest.raises(Exception, match=r"."):  # beats that differ, or an assertion that ends the simulation
        played(64, 512, 1500, wrong, tmp_path)


def gated(path: Path, size: int = 24, channels: int = 8) -> Path:
    """Squeeze and excitation: what a whole frame gives scales that frame, which has to wait for it."""
    rng = np.random.default_rng(0)
    weights = {
        "w0": (channels, 2, 3, 3),
        "w1": (4, channels, 1, 1),
        "w2": (channels, 4, 1, 1),
        "w3": (4, channels, 3, 3),
    }
    nodes = [
        helper.make_node("Conv", ["x", "w0"], ["a"], "stem", pads=[1] * 4),
        helper.make_node("Relu", ["a"], ["b"], "relu"),
        helper.make_node("GlobalAveragePool", ["b"], ["p"], "pool"),
        helper.make_node("Conv", ["p", "w1"], ["q"], "squeeze"),
        helper.make_node("Conv", ["q", "w2"], ["s"], "excite"),
        helper.make_node("Sigmoid", ["s"], ["g"], "gate"),
        helper.make_node("Mul", ["b", "g"], ["m"], "scale"),
        helper.make_node("Conv", ["m", "w3"], ["y"], "last", pads=[1] * 4, strides=[2, 2]),
    ]
    values = [numpy_helper.from_array((rng.standard_normal(s) * 0.3).astype(np.float32), n) for n, s in weights.items()]
    x, y = [1, 2, size, size], [1, 4, size // 2, size // 2]
    graph = helper.make_graph(
        nodes, "gated", [helper.make_tensor_value_info("x", TensorProto.FLOAT, x)],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, y)], values,
    )  # fmt: skip
    made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)])
    made.ir_version = 8
    onnx.save(made, path)
    return path


def planned(folder: Path, spilled: str, shell: str = "none") -> Accelerator:
    """The network with these queues in memory, as a plan file asks for it."""
    (folder / "plan.toml").write_text(f'spilled = ["{spilled}"]\n')
    path = gated(folder / "gated.onnx")
    return tomato.compile(path, "zcu104", fps=10_000, plan=folder / "plan.toml", shell=shell)


def test_a_frame_waits_in_memory(tmp_path: Path) -> None:
    made = planned(tmp_path, "scale.0")
    (queue,) = made.report["queues"]
    assert queue["bytes"] >= 24 * 24 * 8
    folder = made.write(tmp_path / "build")
    assert 'spilled = ["scale.0"]' in (folder / "plan.toml").read_text()
    assert "m_axi_queue0" in (folder / "README.md").read_text()
    summary = simulate(folder, frames=4, checked=True)
    assert summary["bit_exact"]
    assert summary["interval_cycles"] == made.report["interval_cycles"]
    assert simulate(folder, frames=4, stall=0.4, checked=True)["bit_exact"]
    assert tomato.load(folder).plan == made.plan


def test_through_the_shell(tmp_path: Path) -> None:
    made = planned(tmp_path, "scale.0", "axi")
    folder = made.write(tmp_path / "build")
    x = np.random.default_rng(1).standard_normal((2, 2, 24, 24)).astype(np.float32)
    with Session(folder, "sim") as session:
        np.testing.assert_array_equal(session.run({"x": x})["y"], made.golden(x))


@pytest.mark.parametrize(
    ("name", "said"),
    [("last.0", "cannot be in memory"), ("relu.0", "is no FIFO in front of an input")],
)
def test_what_cannot_be_in_memory_is_told(name: str, said: str, tmp_path: Path) -> None:
    with pytest.raises(TomatoError, match=re.escape(said)):
        planned(tmp_path, name)


def test_long_queues_go_there_where_memory_is_asked_for(tmp_path: Path) -> None:
    path = gated(tmp_path / "gated.onnx", size=64)
    near = tomato.compile(path, "zcu104", fps=1000, weights="chip")
    far = tomato.compile(path, "zcu104", fps=1000, weights="memory")
    assert not near.plan.spilled
    assert far.plan.spilled == ("scale.0",)
    assert far.report["resources"]["bram18"] < near.report["resources"]["bram18"]
