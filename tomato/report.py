"""What a design is and how fast it will run, known before any simulation."""

from collections.abc import Iterable, Mapping
from typing import Any

from tomato.engines import CATALOGUE
from tomato.formats import Codes
from tomato.ir import Graph, Node
from tomato.lower import Lowered
from tomato.schedule.plan import Plan
from tomato.schedule.streams import WIRING, edges, site
from tomato.schedule.timing import latency_cycles
from tomato.targets import Resources, Target


def interval_cycles(graph: Graph, plan: Plan) -> int:
    """Cycles per frame: of the slowest engine, or of the busiest stream."""
    engines = [
        CATALOGUE[plan.layers[n.name].engine].cycles(site(graph, n), plan.layers[n.name].knobs)
        for n in graph
        if not isinstance(n.op, WIRING)
    ]
    streams = [
        kind.pixels * -(-kind.channels // lanes)
        for e in edges(graph, plan.layers)
        for kind, lanes in ((e.from_type, e.from_lanes), (e.to_type, e.to_lanes))
    ]
    return max(engines + streams)


def report(
    graph: Graph, plan: Plan, target: Target, lowered: Lowered, *, model: str, notes: Iterable[str]
) -> dict[str, Any]:
    """The contents of report.json: plain data, deterministic."""
    interval, latency = interval_cycles(graph, plan), latency_cycles(graph, plan.layers)
    hertz = plan.clock_mhz * 1e6
    layers = [_layer(graph, n, plan, lowered) for n in graph if not isinstance(n.op, WIRING)]
    engines = {f"u_{layer['name']}" for layer in layers}
    between = _sum(cost for name, cost in lowered.costs.items() if name not in engines)
    total = _sum(lowered.costs.values())
    macs = sum(layer["macs"] for layer in layers)
    return {
        "model": model,
        "target": target.name,
        "part": target.part,
        "clock_mhz": plan.clock_mhz,
        "interval_cycles": interval,
        "latency_cycles": latency,
        "fps": round(hertz / interval, 2),
        "latency_ms": round(latency / hertz * 1e3, 6),
        "macs": macs,
        "weight_bits": sum(layer["weight_bits"] for layer in layers),
        "resources": total.counts(),
        "budget": target.usable.counts(),
        "chip": target.budget.counts(),
        "bottleneck": max(layers, key=lambda layer: layer["cycles"])["name"],
        "layers": layers,
        "between_layers": between.counts(),
        "fifos": dict(plan.fifos),
        "notes": list(notes),
    }


def _layer(graph: Graph, node: Node, plan: Plan, lowered: Lowered) -> dict[str, Any]:
    choice, place = plan.layers[node.name], site(graph, node)
    weights = node.op.constants[:1] if node.op.macs(place.args) else ()
    formats = [t.fmt for t in weights]
    return {
        "name": node.name,
        "onnx": node.origin,
        "op": node.op.name,
        "engine": choice.engine,
        "input": [str(a) for a in place.args],
        "output": str(node.type),
        "weight_format": str(_grid(formats[0])) if formats else None,
        "activation_format": str(_grid(place.args[0].fmt)),
        "weight_bits": sum(t.values.size * _grid(t.fmt).bits for t in weights),
        "macs": node.op.macs(place.args),
        "unrolling": dict(choice.knobs),
        "cycles": CATALOGUE[choice.engine].cycles(place, choice.knobs),
        "resources": lowered.costs[f"u_{node.name}"].counts(),
    }


def _grid(fmt: object) -> Codes:
    """The full format of a code's width: what a person calls s8, without the range reached in it."""
    assert isinstance(fmt, Codes)
    return Codes.of(fmt.bits, signed=fmt.signed)


def _sum(costs: Iterable[Resources]) -> Resources:
    return sum(costs, start=Resources())


def shares(resources: Mapping[str, int], budget: Mapping[str, int]) -> dict[str, float]:
    """Part of the budget that is used, by kind; kinds that the target lacks are left out."""
    return {kind: n / budget[kind] for kind, n in resources.items() if budget[kind]}
