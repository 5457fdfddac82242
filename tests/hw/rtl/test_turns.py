"""The FIFOs in front of a join that takes turns: branches as slow as the join reach the predicted interval.

While a branch waits for its turn its results must find room, or the engine behind them stands still.
"""

from pathlib import Path

import numpy as np
import pytest

from tests.hw.rtl.test_networks import FRAMES, Case, with_fifos
from tests.networks.cases import random_codes
from tests.networks.codenets import concatenated
from tests.unit.schedule.test_timing import TARGET, units_of
from tomato.build.simulation import describe, simulate
from tomato.schedule import Choice, Plan


@pytest.mark.rtl
@pytest.mark.parametrize("channels", [(128, 128), (96, 96, 96)], ids=str)
def test_parts_that_wait_for_their_turn_do_not_slow_the_others(channels: tuple[int, ...], tmp_path: Path) -> None:
    graph = concatenated(*channels)
    units = units_of(graph, graph.types["cat"].pixels * sum(channels))
    plan = Plan(TARGET.name, TARGET.clock_mhz, {name: Choice(unit.stem, unit.knobs) for name, unit in units.items()})
    x = graph.types["x"]
    codes = {"x": random_codes(np.random.default_rng(0), (FRAMES, *x.shape), x.codes)}
    Case(graph, with_fifos(graph, plan, TARGET), TARGET, codes).write(tmp_path, backends=["verilog"])
    played = simulate(tmp_path, frames=FRAMES)
    assert played["bit_exact"], describe(played)
    assert played["interval_cycles"] == played["interval_cycles_predicted"]
