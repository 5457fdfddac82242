"""Cost of the parts between the engines: forks, width converters, FIFOs."""

from collections import Counter

from tomato.engines.windowed import better_ram
from tomato.ir import Graph
from tomato.plumbing import Width, fifo_cost, fork_cost, register_cost, width_cost
from tomato.schedule.plan import Plan
from tomato.schedule.regions import crossings
from tomato.schedule.streams import OUTPUT, Edge, edges
from tomato.targets import Resources, Target


def fifo_ram(width: int, depth: int) -> int:
    """The memory kind of a FIFO: LUTRAM while it is cheaper than block RAM."""
    return better_ram(width, depth, lut_depth=32)


def edge_cost(edge: Edge, plan: Plan, target: Target) -> Resources:
    """What the width converter, the FIFO and the registers between regions of an edge take."""
    bits = edge.from_type.codes.bits
    a, b = edge.from_type.channels, edge.to_type.channels
    cost = Resources()
    if Width(a, edge.from_lanes, b, edge.to_lanes).needed:
        cost += width_cost(a, edge.from_lanes, b, edge.to_lanes, bits)
    if depth := plan.fifos.get(edge.name):
        width = bits * edge.to_lanes
        cost += fifo_cost(width, depth, fifo_ram(width, depth), target)
    hops = crossings([edge], plan.regions).get(edge.name, 0)
    cost += register_cost(edge.from_lanes * bits) * hops
    if edge.consumer == OUTPUT:
        cost += register_cost(edge.to_lanes * bits)
    return cost


def plumbing_cost(graph: Graph, plan: Plan, target: Target) -> Resources:
    """What all parts between the engines take."""
    links = edges(graph, plan.layers)
    cost = sum((edge_cost(e, plan, target) for e in links), start=Resources())
    readers = Counter(e.value for e in links)
    widths = {e.value: e.from_lanes * e.from_type.codes.bits for e in links}
    for value, count in readers.items():
        if count > 1:
            cost += fork_cost(count, widths[value])
    return cost
