"""Cost of the parts between the engines: forks, width converters, FIFOs."""

from tomato.core.ir import Graph
from tomato.engines.parts.ring import better_ram
from tomato.hardware.plumbing import Width, fifo_cost, fork_cost, register_cost, width_cost
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
        cost += target.fitted("width", width_cost(a, edge.from_lanes, b, edge.to_lanes, bits, target))
    if depth := plan.fifos.get(edge.name):
        width = bits * edge.to_lanes
        cost += target.fitted("fifo", fifo_cost(width, depth, fifo_ram(width, depth), target))
    hops = crossings([edge], plan.regions).get(edge.name, 0)
    cost += target.fitted("register", register_cost(edge.from_lanes * bits)) * hops
    if edge.consumer == OUTPUT:
        cost += target.fitted("register", register_cost(edge.to_lanes * bits))
    return cost


def plumbing_costs(graph: Graph, plan: Plan, target: Target) -> dict[str, Resources]:
    """What the parts between the engines take, by the node that they stand beside, in its region.

    A stream's parts stand beside its consumer, or its producer if it leaves the chip; a fork beside the first consumer.
    """
    links = edges(graph, plan.layers)
    costs: dict[str, Resources] = dict.fromkeys(plan.layers, Resources())
    readers: dict[str, list[Edge]] = {}
    for edge in links:
        costs[_beside(edge, plan)] += edge_cost(edge, plan, target)
        readers.setdefault(edge.value, []).append(edge)
    for copies in readers.values():
        if len(copies) > 1:
            width = copies[0].from_lanes * copies[0].from_type.codes.bits
            costs[_beside(copies[0], plan)] += target.fitted("fork", fork_cost(len(copies), width, target))
    return costs


def plumbing_cost(graph: Graph, plan: Plan, target: Target) -> Resources:
    """What all parts between the engines take."""
    return sum(plumbing_costs(graph, plan, target).values(), start=Resources())


def _beside(edge: Edge, plan: Plan) -> str:
    """The node whose region holds what is on an edge. An input that is an output stands beside the first node."""
    return next(name for name in (edge.consumer, edge.value, *plan.layers) if name in plan.layers)
