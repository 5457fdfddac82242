"""Networks whose channels are in another order, in RTL: what the model computes, as fast as it is said."""

from pathlib import Path

import numpy as np
import pytest

import tomato
from tests.networks.model import write
from tests.networks.pruned import pruned
from tomato.build.simulation import describe, simulate
from tomato.engines.sparse_fold import SparseFold
from tomato.schedule.units import bind

FRAMES = 4


@pytest.mark.rtl
@pytest.mark.slow
@pytest.mark.parametrize(("left", "seed", "board"), [(0.1, 1, "pynq-z2"), (0.1, 1, "ulx3s")])
def test_reordered_networks_are_bit_exact(left: float, seed: int, board: str, tmp_path: Path) -> None:
    graph, net = pruned(left=left, seed=seed)
    model = tmp_path / "model.onnx"
    model.write_bytes(bytes(write(graph).model.SerializeToString()))
    frames = net.data(32)["x"].transpose(0, 3, 1, 2).astype(np.float32)
    made = tomato.compile(model, board, calibration=frames)
    units = bind(made.graph, made.plan.layers, made.target)
    lists = [n for n, u in units.items() if isinstance(u, SparseFold) and u.knobs["lists"] > 1]
    assert set(lists) & set(made.plan.reordered)
    assert made.graph.orders
    folder = made.write(tmp_path / "build")
    for stall in (0.0, 0.4):
        result = simulate(folder, frames=FRAMES, checked=True, stall=stall, seed=seed)
        assert result["bit_exact"], "\n".join(describe(result))
        if not stall:
            predicted = result["interval_cycles_predicted"]
            assert abs(result["interval_cycles"] - predicted) <= max(2, predicted * 0.01), describe(result)
