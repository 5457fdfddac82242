"""Weights in UltraRAM, which no bitstream can fill: loaded through a stream before the first frame."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import tomato
from tests.hw.rtl.harness import check_engine
from tests.hw.rtl.test_networks import FRAMES, Case, with_fifos
from tests.networks.codenets import Codenet
from tests.networks.generator import thinned
from tests.networks.nets import Net
from tomato import targets
from tomato.backend.project import BACKENDS
from tomato.build.simulation import csim, simulate
from tomato.core.formats import Codes, Tensor
from tomato.core.ir import TensorType
from tomato.hardware.memory import Ram
from tomato.ops.dense import Dense
from tomato.ops.move import Pad
from tomato.ops.window import Window
from tomato.passes import CLEAN, run
from tomato.quantise.calibrate import calibrate
from tomato.quantise.post_training import quantise
from tomato.quantise.precision import Precision
from tomato.schedule import Plan, options
from tomato.schedule.plan import Choice

DIGITS = Path(__file__).parents[3] / "examples" / "digits"


@pytest.mark.rtl
def test_a_chain_of_loaded_memories_is_bit_exact(tmp_path: Path) -> None:
    frames = np.load(DIGITS / "digits_calibration.npz")["x"][:8]
    acc = tomato.compile(DIGITS / "digits.onnx", "u250", calibration=frames, fps=20_000)
    weighted = [n for n, c in acc.plan.layers.items() if "weight_ram" in c.knobs]
    layers = {
        n: Choice(c.engine, {**c.knobs, "weight_ram": Ram.ULTRA}) if n in weighted[1:] else c
        for n, c in acc.plan.layers.items()
    }
    loaded = replace(acc, plan=replace(acc.plan, layers=layers))
    assert loaded.report["resources"]["uram"] > 0
    folder = loaded.write(tmp_path / "loaded", backends=BACKENDS)
    assert (folder / "mem" / "loader.hex").exists()
    assert not (folder / "mem" / f"{weighted[1]}.mem").exists()
    assert csim(folder, frames=2)["bit_exact"]
    for stall in (0.0, 0.4):
        summary = simulate(folder, frames=2, stall=stall)
        assert summary["bit_exact"], summary


@pytest.mark.rtl
def test_words_of_several_beats() -> None:
    weight = np.random.default_rng(0).integers(-127, 127, (14, 12), endpoint=True)
    knobs = {"lanes_in": 7, "lanes_out": 6, "cell": 0, "pack": 1, "weight_ram": Ram.ULTRA}
    check_engine("dense_fold", Dense(Tensor(weight)), [TensorType((2, 3, 14), Codes(-128, 127))], knobs)


@pytest.mark.rtl
def test_memories_beside_loaded_weights_come_with_the_bitstream(tmp_path: Path) -> None:
    """Lists of reads, in a chain of several parts: only what is UltraRAM is loaded."""
    net = Net(5, 4, 8)
    real = net.graph(net.dense(net.relu(net.conv("x", 10, Window((3, 3)))), 6))
    clean = run(thinned(real, 2), CLEAN)
    graph, _ = quantise(clean, calibrate(clean, [net.data(16)]), Precision())
    target, layers = targets.load("u250"), {}
    for name, offers in options(graph, target).items():
        some = next((o.choice for o in offers if o.choice.engine == "sparse_fold"), next(iter(offers)).choice)
        ultra = {"weight_ram": Ram.ULTRA} if "weight_ram" in some.knobs else {}
        layers[name] = Choice(some.engine, {**some.knobs, **ultra})
    assert [c.engine for c in layers.values()].count("sparse_fold") == 2
    codes = {"x": graph.encodings["x"].encode(net.data(FRAMES)["x"], graph.types["x"].codes)}
    plan = with_fifos(graph, Plan("u250", target.clock_mhz, layers), target)
    Case(graph, plan, target, codes).write(tmp_path)
    assert len(list((tmp_path / "mem").glob("*_memfile0.mem"))) == 2
    assert csim(tmp_path, frames=FRAMES)["bit_exact"]
    summary = simulate(tmp_path, frames=FRAMES)
    assert summary["bit_exact"], summary
    assert summary["interval_cycles"] == summary["interval_cycles_predicted"]


@pytest.mark.rtl
def test_an_input_that_is_ready_only_where_there_is_a_beat_waits_for_the_weights(tmp_path: Path) -> None:
    """A border in front of a frame: the bench waits for nothing but beats."""
    net = Codenet(3, 2, 4)
    graph = net.graph(net.dense(net.build.add(Pad((1, 0, 0, 0), 1), ["x"], "pad"), 4, "head"))
    target, layers = targets.load("u250"), {}
    for name, offers in options(graph, target).items():
        some = next(o.choice for o in offers if o.choice.engine != "columns_window")
        ultra = {"weight_ram": Ram.ULTRA} if "weight_ram" in some.knobs else {}
        layers[name] = Choice(some.engine, {**some.knobs, **ultra})
    plan = with_fifos(graph, Plan("u250", target.clock_mhz, layers), target)
    frames = np.random.default_rng(0).integers(-128, 128, (FRAMES, 3, 2, 4))
    Case(graph, plan, target, {"x": frames}).write(tmp_path)
    assert simulate(tmp_path, frames=FRAMES)["bit_exact"]
