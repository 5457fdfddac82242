"""tom_slice_stream against the meaning of a slice."""

from pathlib import Path

import numpy as np
import pytest

import tomato
from tests.hw.rtl.harness import check_engine
from tests.hw.stream_cases import CASES
from tests.networks.cases import make_site
from tests.unit.frontend.tiny import Tiny, op, randoms
from tomato.build.simulation import describe, simulate
from tomato.core.formats import Codes
from tomato.core.ir import TensorType
from tomato.engines import CATALOGUE
from tomato.ops.move import Slice

FMT = Codes(-16, 15)


@pytest.mark.rtl
@pytest.mark.parametrize("name", CASES["slice_stream"])
def test_rtl_matches_golden(name: str) -> None:
    case = CASES["slice_stream"][name]
    check_engine("slice_stream", case.op, case.args, case.knobs)


@pytest.mark.parametrize(
    ("begin", "end", "lanes"),
    [(0, 12, [1, 2, 3, 4, 6, 12]), (4, 12, [1, 2, 4]), (0, 6, [1, 2, 3, 6]), (4, 10, [1, 2])],
)
def test_choices_divide_the_borders(begin: int, end: int, lanes: list[int]) -> None:
    site = make_site(Slice((0, 0, begin), (1, 1, end)), [TensorType((1, 1, 12), FMT)])
    assert list(CATALOGUE["slice_stream"].choices(site)) == [{"lanes": n} for n in lanes]


@pytest.mark.rtl
def test_what_a_slice_drops_does_not_wait_for_what_passes(tmp_path: Path) -> None:
    """A third of the channels comes at twice the lanes that its reader has: in a burst, then none for long."""
    nodes = [
        op("MatMul", "x", "w", to="packed"),
        op("Split", "packed", to=("a", "b"), axis=2, split=[64, 128]),
        op("Sigmoid", "a", to="y"),
        op("MatMul", "b", "v", to="z"),
    ]
    net = Tiny(nodes, {"x": (1, 8, 4)}, {"w": randoms(4, 192), "v": randoms(128, 2)}, outputs=("y", "z"), opset=11)
    x = np.random.default_rng(0).normal(size=(16, 8, 4)).astype(np.float32)
    compiled = tomato.compile(net.save(tmp_path), "zcu104", calibration=x, fps=250e6 / (8 * 96))
    lanes = {layer["name"]: layer["unrolling"].get("lanes") for layer in compiled.report["layers"]}
    assert (lanes["a_0"], lanes["y"]) == (2, 1)
    found = simulate(compiled.write(tmp_path / "split"), frames=4)
    assert found["bit_exact"], describe(found)
    assert found["interval_cycles"] == found["interval_cycles_predicted"] == 8 * 96


@pytest.mark.rtl
def test_a_crop_waits_for_the_lanes_behind_it_in_a_queue_of_its_own(tmp_path: Path) -> None:
    """Half of the rows come at once, at twice the lanes that their readers have."""
    bounds = {"b0": 0, "e0": 4, "b1": 4, "e1": 8, "axis": 2}
    nodes = [
        op("Conv", "x", "w", to="c", pads=[1, 1, 1, 1]),
        op("Slice", "c", "b0", "e0", "axis", to="top"),
        op("Slice", "c", "b1", "e1", "axis", to="bottom"),
        op("Conv", "top", "v", to="t", pads=[1, 1, 1, 1]),
        op("Add", "t", "bottom", to="y"),
    ]
    constants = {"w": randoms(8, 4, 3, 3), "v": randoms(8, 8, 3, 3)} | {n: np.array([i]) for n, i in bounds.items()}
    net = Tiny(nodes, {"x": (1, 4, 8, 16)}, constants)
    x = np.random.default_rng(0).normal(size=(16, 4, 8, 16)).astype(np.float32)
    compiled = tomato.compile(net.save(tmp_path), "zcu104", calibration=x, fps=250e6 / 128)
    assert {name for name in compiled.report["fifos"] if name.endswith(".wide")} == {"t.0.wide", "y.1.wide"}
    found = simulate(compiled.write(tmp_path / "halves"), frames=4)
    assert found["bit_exact"], describe(found)
    assert found["interval_cycles"] == found["interval_cycles_predicted"] == 128


@pytest.mark.rtl
def test_one_token_of_many_waits_for_the_lanes_behind_it(tmp_path: Path) -> None:
    """Its beats come at once, then none for a frame: at twice the lanes of its reader."""
    bounds = {"b0": 0, "e0": 1, "b1": 1, "e1": 17, "axis": 1}
    nodes = [
        op("MatMul", "x", "w", to="t"),
        op("Slice", "t", "b0", "e0", "axis", to="first"),
        op("Slice", "t", "b1", "e1", "axis", to="others"),
        op("MatMul", "first", "v", to="y"),
        op("Sigmoid", "others", to="z"),
    ]
    constants = {"w": randoms(8, 16), "v": randoms(16, 8)} | {n: np.array([i]) for n, i in bounds.items()}
    net = Tiny(nodes, {"x": (1, 17, 8)}, constants, outputs=("y", "z"))
    x = np.random.default_rng(0).normal(size=(16, 17, 8)).astype(np.float32)
    compiled = tomato.compile(net.save(tmp_path), "zcu104", calibration=x, fps=250e6 / 136)
    assert "y.0.wide" in compiled.report["fifos"]
    found = simulate(compiled.write(tmp_path / "tokens"), frames=4)
    assert found["bit_exact"], describe(found)
    assert found["interval_cycles"] == found["interval_cycles_predicted"] == 136
