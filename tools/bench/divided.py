"""A small network of layers whose engines a plan asks for: they are offered only where a chip is short of something."""

from collections.abc import Mapping

from tomato.core.ir import Graph
from tomato.engines import CATALOGUE
from tomato.schedule.plan import Choice
from tomato.schedule.scheduler import weight
from tomato.schedule.units import sites
from tomato.targets import Target
from tools.bench.joins import Network

FPS = 3_000


def divided() -> Graph:
    """A convolution, and one with a filter for each channel."""
    net = Network(20, 2)
    result = net.depthwise(net.conv("x", 8, "conv"), "depthwise")
    graph = Graph("divided", (("x", net.build.types["x"]),), tuple(net.build.nodes), (result,))
    graph.verify()
    return graph


def choices(graph: Graph, target: Target, fps: float) -> Mapping[str, Choice]:
    """Of every layer that one of these engines can do, the cheapest that is as fast as is asked."""
    cycles = target.clock_mhz * 1e6 / fps
    found = dict[str, Choice]()
    for name, site in sites(graph, target).items():
        for stem, engine in CATALOGUE.items():
            if (engine.mixes or engine.lean) and isinstance(site.op, engine.ops) and not engine.refuses(site):
                units = [unit for unit in engine.units(site) if unit.cycles <= cycles]
                best = min(units, key=lambda unit: weight(unit.cost, target.usable))
                found[name] = Choice(stem, best.knobs)
    return found
