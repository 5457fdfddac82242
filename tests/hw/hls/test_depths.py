"""Streams are deep enough: with one thread per engine and no more room than declared, networks run to their end.

C simulation cannot show that, as its streams have no bound. Here the emitted calls become threads, and the streams
block when they are full.
"""

import os
import re
import subprocess
from pathlib import Path

import numpy as np
import pytest

import tomato
from tests import digits
from tests.hw.rtl.test_networks import FRAMES, make
from tests.models import model_path
from tomato.core.assets import asset

pytestmark = pytest.mark.rtl
BOUNDED = Path(__file__).parent / "bounded"
STREAM = re.compile(r'(\w+)\("\1"\);(.*\n)#pragma HLS STREAM variable = \1 depth = (\d+)')
CALL = re.compile(r"^  (tom_\w+<[^;]*>\([^;]*\));", re.MULTILINE)
STUCK = 3


def threads(code: str, *, depth: int | None) -> str:
    """The accelerator with a thread for each call; its streams hold what they declare, or `depth`."""
    bounded = STREAM.sub(lambda m: f'{m[1]}("{m[1]}", {depth or m[3]});{m[2]}', code)
    called = CALL.sub(r"  workers.emplace_back([&] { \1; });", re.sub(r"^  TOM_PROBE.*\n", "", bounded, flags=re.M))
    started = called.replace("#pragma HLS DATAFLOW\n", "  std::vector<std::thread> workers;\n")
    ended = re.sub(r"^\}\n", "  for (std::thread &worker : workers) worker.join();\n}\n", started, count=1, flags=re.M)
    return f"#include <thread>\n#include <vector>\n{ended}"


def play(folder: Path, top: str, frames: int, *, depth: int | None = None) -> subprocess.CompletedProcess[str]:
    """Build the folder's C++ with bounded streams and run its testbench."""
    hls = folder / "hls"
    code = (hls / f"{top}.cpp").read_text()
    assert len(STREAM.findall(code)) == code.count("#pragma HLS STREAM")
    (hls / "threads.cpp").write_text(threads(code, depth=depth))
    command = [
        os.environ.get("CXX", "g++"), "-std=c++14", "-O1", "-DNDEBUG", "-Wno-unknown-pragmas", "-pthread", "-Iinclude",
        f"-I{BOUNDED}", f"-I{asset('sim', 'hls')}", "threads.cpp", "tb.cpp", "-o", "threads",
    ]  # fmt: skip
    built = subprocess.run(command, cwd=hls, capture_output=True, text=True, check=False)
    assert built.returncode == 0, built.stderr[-4000:]
    return subprocess.run(["./threads", str(frames), ".."], cwd=hls, capture_output=True, text=True, check=False)


@pytest.mark.models
def test_a_residual_network_runs_and_would_not_with_less_room(tmp_path: Path) -> None:
    x = np.random.default_rng(0).integers(0, 256, (4, 3, 32, 32)).astype(np.float32)
    compiled = tomato.compile(model_path("resnet8_float.onnx"), "kv260", calibration=x, fps=8000)
    folder = compiled.write(tmp_path / "resnet8", backends=("hls",))
    result = play(folder, "resnet8_float", 2)
    assert result.returncode == 0, result.stderr
    starved = play(folder, "resnet8_float", 2, depth=2)
    assert starved.returncode == STUCK, "a test that cannot fail"
    assert "stuck: stream s_" in starved.stderr


def test_the_example_runs(tmp_path: Path) -> None:
    folder = digits.compiled().write(tmp_path / "digits", backends=("hls",))
    result = play(folder, "digits", 2)
    assert result.returncode == 0, result.stderr


@pytest.mark.parametrize("seed", [2, 5, 9, 11])
def test_random_networks_run(seed: int, tmp_path: Path) -> None:
    case = make(seed)
    case.write(tmp_path, backends=("hls",))
    result = play(tmp_path, case.graph.name, FRAMES)
    assert result.returncode == 0, result.stderr
