"""Engines with inputs of different rates, and engines whose speed depends on the data."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pytest

from tests.networks.codenets import Codenet
from tomato.build.report import report
from tomato.core.formats import Array, Codes
from tomato.core.ir import Graph, Op, TensorType
from tomato.core.treatment import Treatment
from tomato.engines import CATALOGUE
from tomato.engines.base import Interval, Site, Timing
from tomato.engines.dense_fold import DenseFold
from tomato.engines.parts.lanes import LaneUnit
from tomato.lower import lower
from tomato.ops.pool import GlobalSum
from tomato.schedule import schedule
from tomato.schedule.route import routes
from tomato.schedule.streams import edges, interval_cycles
from tomato.schedule.timing import FRAMES, SLACK, fifo_depths, simulate_times
from tomato.schedule.units import bind
from tomato.targets import Resources, load

TARGET = load("u250")


@dataclass(frozen=True, slots=True)
class Scale(Op):
    """Every pixel of a, weighted by the one pixel of b: y[h, w, c] = a[h, w, c] * b[0, 0, c]."""

    treatment = Treatment.CODES

    def infer(self, args: Sequence[TensorType]) -> TensorType:
        a, b = args
        if b.shape != (1, 1, a.channels):
            raise ValueError(f"{b.shape} weighs no pixels of {a.shape}")
        ends = [x * y for x in (a.codes.lo, a.codes.hi) for y in (b.codes.lo, b.codes.hi)]
        return TensorType(a.shape, Codes(min(ends), max(ends)))

    def golden(self, args: Sequence[Array]) -> Array:
        a, b = args
        return a * b


class ScaleStream(LaneUnit[Scale]):
    """Keeps b, a pixel a frame, in a double buffer, while a streams past: inputs of different rates."""

    stem = "scale_stream"
    ops = (Scale,)

    @classmethod
    def refuses(cls, site: Site[Scale]) -> str:
        return ""

    @cached_property
    def timing(self) -> Timing:
        pixels = np.arange(self.out.pixels)
        whole = np.zeros_like(pixels)  # every pixel needs the one of b
        # It enters while the frame before is under way: at once behind the end of the frame before that.
        return Timing((pixels, whole), self.beats, 4, room=(None, np.array([-self.out.pixels - 1])))

    @property
    def formula(self) -> Resources:
        return Resources(lut=100 * self.count)

    @property
    def params(self) -> dict[str, int]:
        return {"Lanes": self.count}


def weighted() -> Graph:
    """A pixel that sums the frame weighs the frame: one input of the engine comes 12 times as often as the other."""
    net = Codenet(3, 4, 2)
    total = net.requant(net.build.add(GlobalSum(), ["x"], "total"), "total")
    return net.graph(net.build.add(Scale(), ["x", total], "weigh"))


@pytest.fixture
def catalogue(monkeypatch: pytest.MonkeyPatch) -> None:
    known = {**CATALOGUE, "scale_stream": ScaleStream}
    for module in ("tomato.schedule.scheduler", "tomato.schedule.units"):
        monkeypatch.setattr(f"{module}.CATALOGUE", known)


@pytest.mark.usefixtures("catalogue")
def test_each_input_of_an_engine_waits_by_its_own_rule() -> None:
    """The frame waits until its sum has come: all of it. The sum waits for nothing: its place is double."""
    graph = weighted()
    plan = schedule(graph, TARGET)
    units = bind(graph, plan.layers, TARGET)
    links = edges(graph, units)
    cycles = interval_cycles(units, links)
    ways = routes(links, TARGET)
    depths, times = fifo_depths(units, graph, ways, cycles), simulate_times(units, graph, ways, FRAMES, cycles)
    weigh, beats = units["weigh"], {edge.name: edge.to_beats for edge in links}
    frame = waiting(times.arrival["weigh.0"], times.start["weigh"])
    assert frame >= graph.types["x"].pixels
    assert frame * beats["weigh.0"] <= depths["weigh.0"] <= (frame + 1) * beats["weigh.0"] + SLACK
    over = times.start["weigh"].reshape(FRAMES, -1)[:, -1] + weigh.timing.pixel_cycles
    taken = np.maximum(times.arrival["weigh.1"], [0, 0, *over[: FRAMES - 2]])
    sums = waiting(times.arrival["weigh.1"], taken)
    assert sums * beats["weigh.1"] <= depths["weigh.1"] <= (sums + 1) * beats["weigh.1"] + SLACK
    assert depths["weigh.1"] < depths["weigh.0"]


@pytest.mark.usefixtures("catalogue")
def test_the_netlist_connects_both_inputs() -> None:
    graph = weighted()
    lowered = lower(graph, schedule(graph, TARGET), TARGET)
    (weigh,) = (i for i in lowered.netlist.instances if i.module == "tom_scale_stream")
    assert [s.shape for s in weigh.inputs] == [(3, 4, 2), (1, 1, 2)]


def waiting(arrived: Array, taken: Array) -> int:
    """The most that wait, arrivals of a cycle counted before departures, by plain counting."""
    most = 0
    for cycle in arrived.tolist():
        most = max(most, int((arrived <= cycle).sum() - (taken < cycle).sum()))
    return most


class Gated(DenseFold):
    """A dense layer that skips what is zero: half of its cycles on average, all of them at worst."""

    @property
    def interval(self) -> Interval:
        return Interval(self.cycles, self.cycles / 2)


def test_an_interval_is_guaranteed_and_expected(monkeypatch: pytest.MonkeyPatch) -> None:
    """The scheduler promises what is guaranteed; the report tells what is expected beside it."""
    net = Codenet(4, 4, 8)
    graph = net.graph(net.dense("x", 8, "head"))
    plan = schedule(graph, TARGET, fps=1e6)
    before = report(graph, plan, TARGET, lower(graph, plan, TARGET), model="m", notes=[])
    known = {**CATALOGUE, "dense_fold": Gated}
    for module in ("tomato.schedule.scheduler", "tomato.schedule.units"):
        monkeypatch.setattr(f"{module}.CATALOGUE", known)
    assert schedule(graph, TARGET, fps=1e6) == plan
    after = report(graph, plan, TARGET, lower(graph, plan, TARGET), model="m", notes=[])
    assert after["interval_cycles"] == before["interval_cycles"] == before["expected_interval_cycles"]
    slowest_other = max(layer["cycles"] for layer in after["layers"] if layer["name"] != "head")
    assert after["expected_interval_cycles"] == max(before["interval_cycles"] / 2, slowest_other)
    (head,) = (layer for layer in after["layers"] if layer["name"] == "head")
    assert head["expected_cycles"] == head["cycles"] / 2
