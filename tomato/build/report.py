"""What a design is and how fast it will run, known before any simulation."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from tomato.core.formats import Codes
from tomato.core.forms import Cell
from tomato.core.interface import Ends
from tomato.core.ir import Graph, Node
from tomato.engines import CATALOGUE
from tomato.engines.base import spelled
from tomato.engines.parts import cells, dot
from tomato.lower import Lowered
from tomato.quantise.absorb import Proof
from tomato.schedule.plan import Plan
from tomato.schedule.plumb import plumbing_costs
from tomato.schedule.regions import crossings, fills, rooms
from tomato.schedule.scheduler import BRAM18_BITS, URAM_BITS
from tomato.schedule.streams import WIRING, edges, site
from tomato.schedule.timing import latency_cycles
from tomato.targets import Resources, Target

LUTS_PER_PRODUCT = 70
"""About what an 8 x 8 bit multiplier takes in LUTs."""

CALIBRATION = Path(__file__).parents[1] / "engines" / "calibration.json"
"""What `make calibrate` found: family, then engine or part."""


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
    graph: Graph, plan: Plan, target: Target, lowered: Lowered, *, model: str, notes: Iterable[str],
    proofs: Iterable[Proof] = (), ends: Ends | None = None, ports: Mapping[str, Any] | None = None,
) -> dict[str, Any]:  # fmt: skip
    """The contents of report.json: plain data, deterministic."""
    links = edges(graph, plan.layers)
    interval = interval_cycles(graph, plan)
    latency = latency_cycles(graph, plan.layers, crossings(links, plan.regions))
    hertz = plan.clock_mhz * 1e6
    layers = [_layer(graph, n, plan, lowered) for n in graph if not isinstance(n.op, WIRING)]
    engines = {f"u_{layer['name']}" for layer in layers}
    between = _sum(cost for name, cost in lowered.costs.items() if name not in engines)
    total = _sum(lowered.costs.values())
    macs, multipliers = (sum(layer[k] for layer in layers) for k in ("macs", "multipliers"))
    regions = _regions(graph, plan, lowered, target)
    full = [
        f"super logic region {i} is at {share:.0%} of what a design may use of it: routing will be tight"
        for i, share in enumerate(regions or [])
        if share > 1
    ]
    return {
        "model": model,
        "target": target.name,
        "vendor": target.vendor,
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
        "resource_model": model_error(target.family, (layer["engine"] for layer in layers)),
        "regions": regions,
        "bound": _bound(graph, plan, target),
        "multipliers": multipliers,
        "multiplier_use": round(macs / (multipliers * interval), 4) if multipliers else None,
        "weight_memory_use": _weight_memory_use(layers),
        "bottleneck": max(layers, key=lambda layer: layer["cycles"])["name"],
        "layers": layers,
        "between_layers": between.counts(),
        "fifos": dict(plan.fifos),
        "exactness": [asdict(proof) for proof in proofs],
        "host": asdict(ends) | {"chip_share": round(ends.share, 4)} if ends else None,
        "ports": ports,
        "notes": [*notes, *full],
    }


def model_errors(family: str) -> dict[str, Any]:
    """The error of the resource model of each engine and part (tools/calibrate/); empty if nothing was synthesised."""
    judged: dict[str, Any] = json.loads(CALIBRATION.read_text()).get(family, {})
    return judged


def model_error(family: str, engines: Iterable[str]) -> str:
    """How far the LUT counts of these engines may be off, in words."""
    known = model_errors(family)
    used = set(engines)
    if not used or used - known.keys():
        return f"resource model: not compared with synthesis for {family}"
    worst = max(known[stem]["lut_error_max"] for stem in used)
    return f"resource model: LUT within {worst:.0%} of Yosys on held-out points"


def _layer(graph: Graph, node: Node, plan: Plan, lowered: Lowered) -> dict[str, Any]:
    choice, place = plan.layers[node.name], site(graph, node)
    weights = node.op.constants[:1] if node.op.macs(place.args) else ()
    cell = spelled("cell", choice.knobs.get("cell", Cell.FIXED))
    stored = [dot.field_bits(t, choice.knobs) for t in weights]
    formats = [str(_grid(t.fmt)) if cell == Cell.FIXED.label else f"{cell}{bits}"
               for t, bits in zip(weights, stored, strict=True)]  # fmt: skip
    return {
        "name": node.name,
        "onnx": list(node.origin),
        "op": node.op.name,
        "engine": choice.engine,
        "input": [str(a) for a in place.args],
        "output": str(node.type),
        "weight_format": formats[0] if formats else None,
        "activation_format": str(_grid(place.args[0].fmt)),
        "weight_bits": sum(t.values.size * bits for t, bits in zip(weights, stored, strict=True)),
        "macs": node.op.macs(place.args),
        "multipliers": CATALOGUE[choice.engine].multipliers(place, choice.knobs),
        "region": plan.regions.get(node.name, 0),
        "unrolling": {knob: spelled(knob, value) for knob, value in choice.knobs.items()},
        "cycles": CATALOGUE[choice.engine].cycles(place, choice.knobs),
        "resources": lowered.costs[f"u_{node.name}"].counts(),
    }


def _regions(graph: Graph, plan: Plan, lowered: Lowered, target: Target) -> list[float] | None:
    """How full each super logic region is; None where the chip is one die."""
    if target.slrs == 1:
        return None
    beside = plumbing_costs(graph, plan, target)
    costs = {name: lowered.costs[f"u_{name}"] + cost for name, cost in beside.items()}
    placed = {name: plan.regions.get(name, 0) for name in costs}
    return [round(f, 3) for f in fills(placed, costs, rooms(target))]


def _bound(graph: Graph, plan: Plan, target: Target) -> dict[str, int]:
    """Intervals that no design can beat, in cycles.

    multipliers: if every DSP block and every LUT that a design may use multiplied in every cycle, each
    layer packing as many products into a block as its widths allow. structure: the fastest choice of the
    slowest layer, whatever it costs.
    """
    busy, structure = 0.0, 1
    for node in graph:
        if isinstance(node.op, WIRING):
            continue
        engine, place = CATALOGUE[plan.layers[node.name].engine], site(graph, node)
        choices = list(engine.choices(place))
        structure = max(structure, min(engine.cycles(place, k) for k in choices))
        densest = max((k.get("pack", 0) for k in choices), default=0)
        luts = min([LUTS_PER_PRODUCT, *(cells.least_luts(w, place.args[0].codes) for w in node.op.constants[:1])])
        busy += node.op.macs(place.args) / (target.usable.dsp * max(densest, 1) + target.usable.lut / luts)
    return {"multipliers": int(busy), "structure": structure}


def _weight_memory_use(layers: Sequence[Mapping[str, Any]]) -> float | None:
    """Weight bits over the bits of the block RAM and UltraRAM of the layers that keep weights there."""
    stored, room = 0, 0
    for layer in layers:
        if layer["unrolling"].get("weight_ram"):
            stored += layer["weight_bits"]
            room += layer["resources"]["bram18"] * BRAM18_BITS + layer["resources"]["uram"] * URAM_BITS
    return round(stored / room, 3) if room else None


def _grid(fmt: object) -> Codes:
    """The full format of a code's width: what a person calls s8, without the range reached in it."""
    assert isinstance(fmt, Codes)
    return Codes.of(fmt.bits, signed=fmt.signed)


def _sum(costs: Iterable[Resources]) -> Resources:
    return sum(costs, start=Resources())


def shares(resources: Mapping[str, int], budget: Mapping[str, int]) -> dict[str, float]:
    """Part of the budget that is used, by kind; kinds that the target lacks are left out."""
    return {kind: n / budget[kind] for kind, n in resources.items() if budget[kind]}
