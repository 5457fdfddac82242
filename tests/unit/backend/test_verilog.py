"""The top module as text, and what stands beside it."""

import json
import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from tests.networks.codenets import residual
from tomato.backend import project, verilog
from tomato.build.report import report
from tomato.build.simulation import unpack
from tomato.core.interpret import interpret
from tomato.hardware.netlist import uniform_memory
from tomato.lower import lower
from tomato.schedule import schedule
from tomato.targets import load

TARGET, GRAPH = load("u250"), residual(size=4, channels=2)
PLAN = schedule(GRAPH, TARGET, fps=1e6)
LOWERED = lower(GRAPH, PLAN, TARGET)
FRAMES = 3


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("residual")
    facts = report(GRAPH, PLAN, TARGET, LOWERED, model="residual.onnx", notes=["a note"])
    project.write(path, LOWERED.netlist, facts, PLAN.to_toml())
    x = {"x": np.random.default_rng(0).integers(-128, 127, (FRAMES, 4, 4, 2), endpoint=True)}
    project.write_vectors(path, LOWERED.netlist, x | interpret(GRAPH, x))
    return path


def test_top_is_this_text(golden: Callable[[str], None]) -> None:
    golden(verilog.top(LOWERED.netlist, "a title"))


def test_the_same_netlist_prints_the_same_text() -> None:
    again = lower(GRAPH, schedule(GRAPH, TARGET, fps=1e6), TARGET).netlist
    assert verilog.rtl(again, "t") == verilog.rtl(LOWERED.netlist, "t")
    assert verilog.memories(again) == verilog.memories(LOWERED.netlist)


def test_every_module_and_memory_that_is_used_is_there(folder: Path) -> None:
    text = (folder / "rtl" / "net.sv").read_text()
    for module in re.findall(r"^ *(tom_\w+) #\(", text, re.MULTILINE):
        assert (folder / "rtl" / f"{module}.sv").is_file()
    for file in re.findall(r'"(mem/[^"]+)"', text):
        assert (folder / file).is_file()
    design = json.loads((folder / "sim" / "design.json").read_text())
    assert {p.name for p in (folder / "rtl").glob("*.sv")} == set(design["sources"])
    for included in re.findall(r'`include "([^"]+)"', "".join(p.read_text() for p in (folder / "rtl").iterdir())):
        assert (folder / "rtl" / included).is_file()
    assert "a note" in (folder / "README.md").read_text()


def test_vectors_hold_the_golden_codes(folder: Path) -> None:
    port = LOWERED.netlist.outputs[0]
    words = [int(line, 16) for line in (folder / "sim" / "vectors" / f"out_{port.value}.hex").read_text().split()]
    x = np.random.default_rng(0).integers(-128, 127, (FRAMES, 4, 4, 2), endpoint=True)
    np.testing.assert_array_equal(unpack(words, port), interpret(GRAPH, {"x": x})[port.value])


@pytest.mark.parametrize(
    ("value", "text"),
    [(5, "5"), (-7, "-7"), (1 << 31, "32'h80000000"), ((1 << 40) + 1, "41'h10000000001"), ("mem/a", '"mem/a"')],
)
def test_parameters_as_literals(value: int | str, text: str) -> None:
    assert verilog.literal(value) == text


def test_memories_as_hexadecimal_words() -> None:
    words = np.array([[1, -1, 2], [-4, 3, 0]])
    assert verilog.hexadecimal(uniform_memory(words, 3)) == "0b9\n01c\n"


def test_ports_are_whole_bytes() -> None:
    assert verilog.padded(9) == 16
    assert verilog.padded(8) == 8
