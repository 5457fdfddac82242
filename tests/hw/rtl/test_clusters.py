"""Networks over several boards, all of them and the links in one simulation: bit-exact, at the predicted interval."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
import pytest
from click.testing import CliRunner

from examples.networks.builder import Builder
from tests.digits import CALIBRATION, MODEL
from tomato import compile_on_boards
from tomato.build.simulation import simulate
from tomato.cli import main
from tomato.cluster import design
from tomato.cluster.boards import joined
from tomato.targets import Link

pytestmark = pytest.mark.rtl
BOARDS = """boards = ["pynq-z2", "ulx3s", "pynq-z2"]
[link]
kind = "serial"
gbits_per_s = {}
latency_ns = 600
"""
SMALL = """title = "A small chip of two regions"
family = "ultrascale_plus"
part = "none"
clock_mhz = 100.0
slrs = 2
budget = { lut = 60000, ff = 240000, dsp = 480, bram18 = 64, uram = 0 }
shell = { lut = 0, ff = 0, dsp = 0, bram18 = 0, uram = 0 }
slr = [
  { lut = 30000, ff = 120000, dsp = 240, bram18 = 32, uram = 0 },
  { lut = 30000, ff = 120000, dsp = 240, bram18 = 32, uram = 0 },
]
link = { kind = "any", gbits_per_s = 38, latency_ns = 100 }
"""


def compiled(folder: Path, gbits_per_s: float, fps: float) -> design.Clustered:
    (folder / "three.toml").write_text(BOARDS.format(gbits_per_s))
    with np.load(CALIBRATION) as stored:
        return compile_on_boards(MODEL, str(folder / "three.toml"), calibration=stored["x"], fps=fps)


def test_three_boards_with_stalls_of_links(tmp_path: Path) -> None:
    made = compiled(tmp_path, 3.2, 20_000)
    folder = made.write(tmp_path / "build")
    summary = simulate(folder, frames=6, checked=True)
    assert summary["bit_exact"]
    assert summary["interval_cycles"] == made.report["interval_cycles"]
    assert summary["latency_cycles"] == pytest.approx(made.report["latency_cycles"], rel=0.03)
    assert simulate(folder, frames=6, stall=0.3, checked=True)["bit_exact"]
    loaded = design.load(folder)
    same = {"model": "model.onnx", "notes": []}
    assert loaded.report == made.report | same
    assert [b.plan.layers for b in loaded.boards] == [b.plan.layers for b in made.boards]


def test_a_link_that_limits(tmp_path: Path) -> None:
    """Far slower than the boards the link is what sets the interval, but for what headers take on average."""
    made = compiled(tmp_path, 3.2, 20_000)
    slow = Link("slow", 0.05, 600), made.cluster.links[1]
    cluster = replace(made.cluster, links=slow)
    boards = joined(made.graph, cluster, made.cuts, [b.plan for b in made.boards])
    limited = replace(made, cluster=cluster, boards=tuple(boards))
    assert limited.report["limit"].startswith("the link behind board 0")
    summary = simulate(limited.write(tmp_path / "build"), frames=6)
    assert summary["bit_exact"]
    assert summary["interval_cycles"] == pytest.approx(limited.interval, rel=0.02)
    assert summary["interval_cycles"] <= limited.interval


def test_two_boards_from_the_command_line(tmp_path: Path) -> None:
    folder = tmp_path / "two"
    rate = ["--calibrate", str(CALIBRATION), "--fps", "100000", "-o", str(folder)]
    done = CliRunner().invoke(main, ["compile", str(MODEL), "--target", "zcu102,zcu102", *rate])
    assert done.exit_code == 0, done.output
    assert "1_zcu102" in done.output
    played = CliRunner().invoke(main, ["simulate", str(folder), "--frames", "1", "--stall", "0.2"])
    assert played.exit_code == 0, played.output
    assert "bit-exact: 1 frames" in played.output


def test_a_layer_in_parts(tmp_path: Path) -> None:
    """A matrix product larger than a region, divided by columns: the frames of the whole one, at its interval."""
    (tmp_path / "small.toml").write_text(SMALL)
    (tmp_path / "two.toml").write_text('boards = ["small.toml", "small.toml"]')
    net = Builder("parts", 8, 0)
    x = net.conv(net.image, "stem", 16, 1)
    for i, channels in enumerate((16, 64, 64, 8)):
        x = net.conv(x, f"l{i}", channels, 1)
    onnx.save(net.model(x), tmp_path / "parts.onnx")
    made = compile_on_boards(tmp_path / "parts.onnx", str(tmp_path / "two.toml"))
    assert any(note.startswith("layers that are larger than a region") for note in made.report["notes"])
    folder = made.write(tmp_path / "build")
    summary = simulate(folder, frames=4, stall=0.2, checked=True)
    assert summary["bit_exact"]
    assert simulate(folder, frames=4, checked=True)["interval_cycles"] == made.interval
    assert design.load(folder).report == made.report | {"model": "model.onnx", "notes": []}
