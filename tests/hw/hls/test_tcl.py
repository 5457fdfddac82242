"""The scripts for AMD's tools, run in a Tcl interpreter that records what the tools would be told.

Accepted is what UG902 (2020.1) and UG1399 (2020.2 to 2025.2) document; neither tool is installed here.
"""

import importlib.util
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from tests.hw.hls.harness import one_engine
from tests.networks.cases import CASES
from tomato import targets
from tomato.backend import hls, vendor
from tomato.backend.vendor import TOOLS, Tool
from tomato.core.assets import asset

FLAGS = {
    "open_project": {"-reset"},
    "set_top": set[str](),
    "add_files": {"-tb"},
    "open_solution": {"-reset"},
    "set_part": set[str](),
    "create_clock": set[str](),
    "csim_design": {"-O"},
    "csynth_design": set[str](),
    "cosim_design": {"-O"},
    "export_design": set[str](),
    "config_compile": set[str](),
}
"""Commands of the tools, and their options without a value."""
OPTIONS = {
    "add_files": {"-cflags"},
    "create_clock": {"-period", "-name"},
    "csim_design": {"-argv"},
    "cosim_design": {"-argv", "-rtl"},
    "export_design": {"-format", "-rtl"},
    "config_compile": {"-pipeline_style"},
}
"""Options with a value. Vitis HLS's open_solution has one more, -flow_target."""
SETUP = {
    "Vitis HLS": ["open_project", "set_top", "add_files", "add_files", "open_solution", "set_part", "config_compile",
                  "create_clock"],
    "Vivado HLS": ["open_project", "set_top", "add_files", "add_files", "open_solution", "set_part", "create_clock"],
}  # fmt: skip
TKINTER = """
import os, sys, tkinter
tcl = tkinter.Tcl()
def leave(code="0"):
    tcl.eval("flush stdout; flush stderr")
    os._exit(int(code))
tcl.createcommand("exit", leave)
tcl.eval("source {" + sys.argv[1] + "}")
"""
"""tclsh in Python, which brings no exit of its own."""
KV260, PYNQ = targets.load("kv260"), targets.load("pynq-z2")
HOSTILE = replace(KV260, name="hostile", part="x[exec touch pwned]; exec touch pwned; $env(HOME) }{ #")

needs_tcl = pytest.mark.skipif(
    not (importlib.util.find_spec("_tkinter") or shutil.which("tclsh")), reason="needs tclsh, or Python's tkinter"
)
both = pytest.mark.parametrize("tool", TOOLS, ids=[tool.project for tool in TOOLS])


def build(folder: Path, target: targets.Target) -> Path:
    """An HLS project of one engine for a target, with vectors; returns its hls/."""
    netlist = one_engine("requant_stream", *CASES["requant"], {"lanes": 2, "constant_ram": 0})
    report = {
        "target": target.name,
        "vendor": target.vendor,
        "part": target.part,
        "clock_mhz": target.clock_mhz,
        "interval_cycles": 90,
    }
    texts = {**hls.files(netlist, "a test"), **vendor.files(netlist, report, "a test")}
    for name, text in texts.items():
        (folder / "hls" / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / "hls" / name).write_text(text)
    shutil.copytree(asset("sim", "hls"), folder / "hls" / "csim")
    (folder / "sim" / "vectors").mkdir(parents=True)
    return folder / "hls"


def interpret(script: str, cwd: Path, known: set[str], **env: str) -> subprocess.CompletedProcess[str]:
    """Run a script where the commands in `known` print themselves as a JSON list, and no others exist."""
    recorder = cwd / "recorder.tcl"
    prints = 'set quoted {}; foreach w [list %s {*}$args] { lappend quoted \\"$w\\" }; puts "\\[[join $quoted ,]\\]"'
    procs = [f"proc {name} args {{ {prints % name} }}" for name in sorted(known)]
    recorder.write_text("\n".join([*procs, f"source {script}"]) + "\n")
    command = [sys.executable, "-c", TKINTER] if importlib.util.find_spec("_tkinter") else ["tclsh"]
    return subprocess.run(
        [*command, str(recorder)], cwd=cwd, env=os.environ | env, capture_output=True, text=True, check=False
    )


def commands(tool: Tool, cwd: Path, **env: str) -> list[list[str]]:
    """What the tool is told."""
    result = interpret(tool.script, cwd, set(FLAGS), **env)
    assert result.returncode == 0, result.stderr
    return [json.loads(line) for line in result.stdout.splitlines()]


def parsed(tool: Tool, command: list[str]) -> tuple[Mapping[str, str], list[str]]:
    """Options and arguments of a command. Fails on an option that the tool does not document."""
    name, *words = command
    valued = OPTIONS.get(name, set()) | (
        {"-flow_target"} if (name, tool.name) == ("open_solution", "Vitis HLS") else set()
    )
    options: dict[str, str] = {}
    rest: list[str] = []
    while words:
        word = words.pop(0)
        if word.startswith("-"):
            assert word in FLAGS[name] | valued, f"{tool.name} has no {name} {word}"
            options[word] = words.pop(0) if word in valued else ""
        else:
            rest.append(word)
    return options, rest


def refusal(tool: Tool, cwd: Path, **env: str) -> str:
    result = interpret(tool.script, cwd, set(FLAGS), **env)
    assert result.returncode == 1
    assert result.stdout == "", "nothing is done before settings are checked"
    return result.stderr.replace(str(cwd.parent), "DIR")


@needs_tcl
@both
@pytest.mark.parametrize(
    ("steps", "run"),
    [
        (None, ["csim_design", "csynth_design"]),
        ("csynth", ["csynth_design"]),
        ("export csim cosim csynth", ["csim_design", "csynth_design", "cosim_design", "export_design"]),
    ],
)
def test_order(tool: Tool, steps: str | None, run: list[str], tmp_path: Path) -> None:
    told = commands(tool, build(tmp_path, KV260), **({"HLS_STEPS": steps} if steps else {}))
    assert [name for name, *_ in told] == SETUP[tool.name] + run


@needs_tcl
@both
def test_synthesis_alone_resets(tool: Tool, tmp_path: Path) -> None:
    """A later cosim must find what csynth left."""
    here = build(tmp_path, KV260)
    for steps, expected in (("csim csynth", ["open_project", "open_solution"]), ("cosim export", [])):
        assert [c[0] for c in commands(tool, here, HLS_STEPS=steps) if "-reset" in c] == expected


@needs_tcl
@both
@pytest.mark.parametrize("target", [KV260, PYNQ, HOSTILE], ids=lambda t: t.name)
def test_project(tool: Tool, target: targets.Target, tmp_path: Path) -> None:
    here = build(tmp_path, target)
    told = [
        (c[0], *parsed(tool, c)) for c in commands(tool, here, HLS_STEPS="csim csynth cosim export", HLS_FRAMES="7")
    ]
    by_name = {name: (options, rest) for name, options, rest in told}
    assert by_name["open_project"][1] == [tool.project]
    assert by_name["open_solution"][1] == ["solution1"]
    assert by_name["open_solution"][0].get("-flow_target") == ("vivado" if tool.name == "Vitis HLS" else None)
    assert by_name["set_part"][1] == [target.part]
    assert not list(tmp_path.rglob("pwned"))
    assert by_name["create_clock"][0]["-period"] == f"{target.clock_mhz:g}MHz"
    for step in ("csim_design", "cosim_design"):
        assert by_name[step][0]["-argv"] == f"7 {tmp_path}"
    assert by_name["export_design"][0]["-format"] == "ip_catalog"
    (top,) = by_name["set_top"][1]
    for suffix in ("cpp", "hpp"):
        assert re.search(rf"^void {top}\($", (here / f"{top}.{suffix}").read_text(), re.MULTILINE)


@pytest.mark.slow
@needs_tcl
@both
def test_sources_compile_with_the_flags(tool: Tool, tmp_path: Path) -> None:
    """Folders and macros suffice, and what csim/ has is not taken where the tool has its own.

    The stand-ins play the tool's headers; as they want C++14, so does this test.
    """
    here = build(tmp_path, KV260)
    own = tmp_path / "include"
    own.mkdir()
    for header in (here / "csim").glob("*.h"):
        header.rename(own / header.name)
        header.write_text("#error this hides the header of the tool\n")
    added = [parsed(tool, c) for c in commands(tool, here) if c[0] == "add_files"]
    assert [("-tb" in options, rest) for options, rest in added] == [
        (False, [f"{here}/engine.cpp"]),
        (True, [f"{here}/tb.cpp"]),
    ]
    for options, rest in added:
        flags = options["-cflags"].replace("-std=c++0x", "-std=c++14").split()
        subprocess.run(["g++", "-fsyntax-only", *flags, "-isystem", own, *rest], cwd=here, check=True)


@needs_tcl
@both
def test_failing_command_stops(tool: Tool, tmp_path: Path) -> None:
    result = interpret(tool.script, build(tmp_path, KV260), set(FLAGS) - {"csynth_design"})
    assert (result.returncode, result.stderr) == (1, 'error: invalid command name "csynth_design"\n')
    assert json.loads(result.stdout.splitlines()[-1])[0] == "csim_design"


@needs_tcl
@both
@pytest.mark.parametrize(
    ("env", "message"),
    [
        (
            {"HLS_STEPS": "csim synth"},
            "error: no step 'synth' in HLS_STEPS: choose from csim csynth cosim export\n",
        ),
        ({"HLS_FRAMES": "all"}, "error: HLS_FRAMES is 'all': it must be a number of frames\n"),
        ({"HLS_FRAMES": "0"}, "error: HLS_FRAMES is '0': it must be a number of frames\n"),
    ],
)
def test_wrong_setting(tool: Tool, env: dict[str, str], message: str, tmp_path: Path) -> None:
    assert refusal(tool, build(tmp_path, KV260), **env) == message


@needs_tcl
@both
def test_wrong_place(tool: Tool, tmp_path: Path) -> None:
    here = build(tmp_path / "a b", KV260)
    assert refusal(tool, here) == "error: there is a space in DIR/hls: move the build folder\n"
    (here / "engine.cpp").unlink()
    assert refusal(tool, here) == ("error: engine.cpp is not in DIR/hls: start the tool in the folder of this script\n")


@needs_tcl
@both
def test_no_vectors(tool: Tool, tmp_path: Path) -> None:
    here = build(tmp_path, KV260)
    (tmp_path / "sim" / "vectors").rmdir()
    assert commands(tool, here, HLS_STEPS="csynth export")
    assert refusal(tool, here, HLS_STEPS="cosim") == (
        "error: no vectors in DIR/sim/vectors: run tomato simulate, or leave csim and cosim out of HLS_STEPS\n"
    )


@pytest.mark.parametrize("name", targets.names())
def test_scripts_for_amd_alone(name: str, tmp_path: Path) -> None:
    target = targets.load(name)
    here = build(tmp_path, target)
    is_amd = target.family in ("series7", "ultrascale_plus")
    assert [path.name for path in sorted(here.glob("*.tcl"))] == (sorted(t.script for t in TOOLS) if is_amd else [])
    readme = (here / "README.md").read_text()
    assert (f"There are no scripts for {name}" in readme) == (not is_amd)
    assert all((tool.script in readme) == is_amd for tool in TOOLS)
