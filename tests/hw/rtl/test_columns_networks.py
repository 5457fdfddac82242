"""Networks whose layers have columns side by side: bit-exact in Verilog and C++, stalled or not, as fast as predicted.

TOMATO_FUZZ=N plays N random networks instead of a few, from seed TOMATO_FUZZ_FROM on; the test's id is the seed.
"""

import random
from dataclasses import replace
from pathlib import Path

import pytest

from tests.hw.rtl.test_networks import FIRST, NETWORKS, SLOWEST, Case, check, make, with_fifos
from tests.networks.cases import random_codes
from tests.networks.codenets import Codenet
from tomato import targets
from tomato.core.formats import Tensor
from tomato.ops.conv2d import Conv2d
from tomato.ops.window import Window
from tomato.schedule import options, schedule
from tomato.schedule.offers import Option
from tomato.schedule.plan import Plan
from tomato.schedule.units import bind

FEW = max(2, NETWORKS // 3)
U250 = targets.load("u250")


def start_of_mobilenet() -> Case:
    """A stem with a stride, one filter per channel, a matrix product; 64 results of 12 x 16 pixels in 96 cycles."""
    net = Codenet(24, 32, 3)
    same = (1, 1, 1, 1)
    stem = Conv2d(Tensor(net.rng.integers(-8, 8, (3, 3, 3, 4))), Window((3, 3), (2, 2), pads=(0, 0, 1, 1)))
    x = net.requant(net.build.add(stem, ["x"], "stem"), "stem_q")
    depthwise = Conv2d(Tensor(net.rng.integers(-8, 8, (3, 3, 1, 4))), Window((3, 3), pads=same), groups=4)
    x = net.requant(net.build.add(depthwise, [x], "depthwise"), "depthwise_q")
    graph = net.graph(net.dense(x, 6, "pointwise"))
    plan = schedule(graph, U250, clock_mhz=100, fps=100e6 / 96)
    return Case(graph, plan, U250, {"x": random_codes(net.rng, (4, 24, 32, 3), graph.types["x"].codes)})


@pytest.mark.rtl
def test_the_start_of_a_network_takes_half_the_cycles_of_its_pixels(tmp_path: Path) -> None:
    case = start_of_mobilenet()
    units = bind(case.graph, case.plan.layers, case.target)
    assert {unit.out.shape[1] for unit in units.values()} == {8}
    check(case, 1, tmp_path)


def wide(seed: int) -> Case | None:
    """A random network in which most layers that can have columns side by side; None where hardly any can."""
    case, draw = make(seed), random.Random(seed)
    layers, count = {}, 0
    for name, offers in options(case.graph, case.target).items():
        quick = [o for o in offers if o.cycles <= SLOWEST] or [min(offers, key=lambda o: o.cycles)]
        pixels = case.graph.types[name].pixels
        together: list[Option] = [o for o in offers if pixels > max(1, o.unit.out.pixels)]
        count += bool(together)
        layers[name] = draw.choice(together if together and draw.random() < 0.7 else quick).choice
    if count < 3:
        return None
    plan = Plan(case.target.name, case.target.clock_mhz, layers)
    return replace(case, plan=with_fifos(case.graph, plan, case.target))


@pytest.mark.rtl
@pytest.mark.parametrize("seed", range(FIRST, FIRST + FEW))
def test_columns_side_by_side_compute_what_they_did_apart(seed: int, tmp_path: Path) -> None:
    check(next(found for n in range(100) if (found := wide(1000 * n + seed))), seed, tmp_path)
