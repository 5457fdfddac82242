"""What a design is and how fast it will run, known before any simulation."""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import Any

from tomato.core.formats import Codes, Tensor
from tomato.core.interface import Ends
from tomato.core.ir import Graph
from tomato.engines.base import AnyUnit, spelled
from tomato.engines.parts import cells, dot
from tomato.engines.parts.shared import GROUP
from tomato.engines.parts.shared_unit import Member, units_of
from tomato.hardware.memory import Ram
from tomato.hardware.netlist import QUEUE
from tomato.hardware.parts import Fifo
from tomato.hardware.shell import MEMORY_LATENCY, MOST_BEATS
from tomato.lower import Lowered
from tomato.quantise.absorb import Proof
from tomato.schedule import early, play
from tomato.schedule.plan import Plan
from tomato.schedule.rates import Rates, rates_of
from tomato.schedule.regions import fills, rooms
from tomato.schedule.route import Routes
from tomato.schedule.streams import expected_cycles, interval_cycles, source_of
from tomato.schedule.timing import Times, latency_cycles, simulate_times
from tomato.schedule.units import Units, sites
from tomato.targets import Resources, Target

NOTHING = Resources()
LUTS_PER_PRODUCT = 70
"""About what an 8 x 8 bit multiplier takes in LUTs."""

CALIBRATION = Path(__file__).parents[1] / "targets" / "calibration" / "errors.json"
"""What `make calibrate` found: family, then engine or part."""


def report(
    graph: Graph, plan: Plan, target: Target, lowered: Lowered, *, model: str, notes: Iterable[str],
    proofs: Iterable[Proof] = (), ends: Ends | None = None, ports: Mapping[str, Any] | None = None,
    shell: str = "none", around: Resources = NOTHING,
) -> dict[str, Any]:  # fmt: skip
    """The contents of report.json: plain data, deterministic. shell: what stands around it, which takes `around`."""
    units = lowered.units
    rates = rates_of(graph)
    interval, latency, times = frame_cycles(graph, lowered, target)
    expected = interval if play.shares(units) else _expected(graph, lowered, rates)
    leaves = early.latencies(units, lowered.routes, times)
    hertz = plan.clock_mhz * 1e6
    layers = [_layer(unit, graph, plan, lowered, times, rates) for unit in units.values()]
    engines = set(units)
    between = _sum(cost for name, cost in lowered.costs.items() if name not in engines)
    total = _sum(lowered.costs.values())
    macs, multipliers = (sum(layer[k] for layer in layers) for k in ("macs", "multipliers"))
    regions = _regions(plan, lowered, target, around)
    double = _double_clock(units, target)
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
        "board": target.title,
        "clock_mhz": plan.clock_mhz,
        "interval_cycles": interval,
        "expected_interval_cycles": round(expected, 2) if rates.shares else expected,
        "latency_cycles": latency,
        "fps": round(hertz / (expected if rates.shares else interval), 2),
        "guaranteed_fps": round(hertz / interval, 2),
        "exit_order": plan.exit_order if plan.exits else None,
        "exits": [
            {"name": name, **asdict(door), "latency_cycles": cycles}
            for (name, door), cycles in zip(plan.exits.items(), leaves, strict=False)  # by name where a plan names them
        ],
        "latency_ms": round(latency / hertz * 1e3, 6),
        "macs": macs,
        "weight_bits": sum(layer["weight_bits"] for layer in layers),
        "resources": total.counts(),
        "budget": target.usable.counts(),
        "chip": target.budget.counts(),
        "resource_model": model_error(target.family, (layer["engine"] for layer in layers)),
        "regions": regions,
        "chip_regions": target.slrs,
        "bound": _bound(graph, units, target),
        "multipliers": multipliers,
        "multiplier_use": round(macs / (multipliers * interval), 4) if multipliers else None,
        "double_clock": double,
        "memory": memory(lowered, target, interval),
        "queues": list(queues(lowered, target)),
        "weight_memory_use": _weight_memory_use(units.values(), layers, target),
        "bottleneck": max(layers, key=lambda layer: layer["expected_cycles" if rates.shares else "cycles"])["name"],
        "inputs": {name: str(kind) for name, kind in graph.inputs},
        "outputs": {name: source_of(graph, name) for name in graph.outputs},
        "layers": layers,
        "shared": _shared(units),
        "between_layers": between.counts(),
        "shell": {"kind": shell, "resources": around.counts()},
        "fifos": dict(plan.fifos),
        "fifo_bytes": fifo_bytes(lowered.routes),
        "exactness": [asdict(proof) for proof in proofs],
        "host": asdict(ends) | {"chip_share": round(ends.share, 4)} if ends else None,
        "ports": ports,
        "notes": [*notes, *full, *([_double_clock_note(double)] if double else [])],
    }


def _shared(units: Units) -> list[dict[str, Any]]:
    """Engines that layers share: cycles a frame of all, in closed form, and of each layer's turns."""
    groups = {unit.group for unit in units.values() if isinstance(unit, Member)}
    return [
        {
            "group": group.knobs[GROUP],
            "cycles": group.cycles,
            "layers": [{"name": unit.site.node.name, "cycles": unit.cycles} for unit in units_of(group)],
        }
        for group in sorted(groups, key=lambda group: group.knobs[GROUP])
    ]


def _double_clock(units: Units, target: Target) -> dict[str, Any] | None:
    """The layers that multiply at twice the clock, that clock, and the one that the data sheet has; None if none do."""
    layers = [name for name, unit in units.items() if unit.doubles]
    return {"layers": layers, "mhz": 2 * target.clock_mhz, "reached_mhz": target.fast_mhz} if layers else None


def _double_clock_note(double: Mapping[str, Any]) -> str:
    """The same in words."""
    count, most = len(double["layers"]), double["reached_mhz"]
    known = f"DSP blocks and block RAMs reach {most:g} by the data sheet" if most else "no data sheet was asked"
    return f"{count} layers multiply at twice the clock, {double['mhz']:g} MHz: {known}; nothing was placed"


def memory(lowered: Lowered, target: Target, interval: int) -> dict[str, Any] | None:
    """What is read from memory beside the chip, and how that is simulated; None if nothing is."""
    reader, beside = lowered.reader, target.off_chip
    if reader is None:
        return None
    assert beside is not None
    served = {c.layer: lowered.units[c.layer].fetched_bytes for c in reader.clients}
    rate = beside.bytes_per_cycle(target.clock_mhz, reader.channels)
    every, pause = beside.refresh(target.clock_mhz)
    return {
        "kind": beside.kind,
        "channels": reader.channels,
        "data_bits": reader.data_bits,
        "channel_bytes": reader.beats * reader.data_bits // 8,
        "bytes_per_cycle": round(rate, 2),
        "bytes_per_frame": sum(served.values()),
        "busy": round(sum(served.values()) / rate / interval, 4),
        "filling_cycles": reader.filling(target),
        "layers": served,
        "regions": [asdict(client) for client in reader.clients],
        "simulated": {
            "data_bytes": reader.data_bits // 8,
            "words": reader.beats,
            "latency": MEMORY_LATENCY,
            "per_mille": beside.per_mille(target.clock_mhz),
            "refresh_every": every,
            "refresh_for": pause,
        },
    }


def queues(lowered: Lowered, target: Target) -> Iterator[dict[str, Any]]:
    """The queues in memory beside the chip, in the order of their ports, and how that is simulated."""
    found = lowered.routes.spilled
    for port, (name, part) in enumerate(found.items()):
        assert target.off_chip is not None
        yield {
            "name": name,
            "port": f"{QUEUE}{port}",
            "kind": target.off_chip.kind,
            "depth": part.depth,
            "data_bits": part.data_bits,
            "bytes": part.bytes,
            "bytes_per_frame": 2 * part.frame_bytes,
            "simulated": {
                "data_bytes": part.data_bits // 8,
                "words": part.slots * MOST_BEATS,
                "latency": MEMORY_LATENCY,
                "per_mille": int(1000 * target.off_chip.share(target.clock_mhz)),
            },
        }


def fifo_bytes(ways: Routes) -> int:
    """Bytes that all queues between layers hold on the chip: beats times their bits, not the blocks that these take.

    Neither line buffers, which are parts of engines, nor queues in memory beside the chip.
    """
    bits = sum(part.bits for parts in ways.parts.values() for part in parts if isinstance(part, Fifo))
    return -(-bits // 8)


def frame_cycles(graph: Graph, lowered: Lowered, target: Target) -> tuple[int, int, Times]:
    """Cycles a frame, those through the network, and all times of its first frame: played where layers share an engine.

    Elsewhere cycles a frame are never exceeded, and the frame is one that never waits for another.
    """
    units, ways, reader = lowered.units, lowered.routes, lowered.reader
    if play.shares(units):
        with suppress(play.StuckError):  # the closed form is known
            steady = play.steady(units, graph, ways)
            return steady.interval, steady.latency, steady.times
    times = simulate_times(units, graph, ways, 1, None)
    paused = reader.paused(units, target) if reader else 0
    return max(interval_cycles(units, ways.links), paused), latency_cycles(times, graph), times


def _expected(graph: Graph, lowered: Lowered, rates: Rates) -> float:
    """Cycles per frame on average: of engines and streams, and of frames that wait in front of exits."""
    steady = expected_cycles(lowered.units, lowered.routes.links, rates)
    if not rates.shares:
        return steady
    levels = early.levels(graph, lowered.units, lowered.routes, rates)
    found = early.average(levels, early.drawn(rates.shares), ordered=early.ordered(graph))
    return max(steady, found or 0)


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


def _layer(unit: AnyUnit, graph: Graph, plan: Plan, lowered: Lowered, times: Times, rates: Rates) -> dict[str, Any]:
    """A layer; `begins` and `ends` are cycles from the first input beat of the frame that has these times."""
    node, knobs, kinds = unit.site.node, unit.knobs, graph.types
    return {
        "name": node.name,
        "reads": [source_of(graph, value) for value in node.args],
        "onnx": list(node.origin),
        "op": node.op.name,
        "engine": unit.stem,
        "input": [str(kinds[value]) for value in node.args],
        "output": str(kinds[node.name]),
        "columns": unit.columns,
        "weight_format": unit.weight_format,
        "activation_format": str(unit.args[0].codes.full),
        "weight_bits": unit.weight_bits,
        "macs": node.op.macs(unit.args),
        "multipliers": unit.multipliers,
        "region": plan.regions.get(node.name, 0),
        "unrolling": {knob: spelled(knob, value) for knob, value in knobs.items()},
        "cycles": unit.interval.guaranteed,
        "expected_cycles": unit.interval.expected * rates.taken[node.name],
        "begins": int(times.start[node.name][0]),
        "ends": int(times.ready[node.name][-1]),
        "resources": lowered.costs[node.name].counts(),
    }


def _regions(plan: Plan, lowered: Lowered, target: Target, around: Resources) -> list[float] | None:
    """How full each super logic region is; None where the chip is one die."""
    if target.slrs == 1:
        return None
    beside = lowered.routes.costs(list(plan.layers), target)
    beside[next(iter(beside))] += around
    costs = {name: lowered.costs[name] + cost for name, cost in beside.items()}
    placed = {name: plan.regions.get(name, 0) for name in costs}
    return [round(f, 3) for f in fills(placed, costs, rooms(target))]


def _bound(graph: Graph, units: Units, target: Target) -> dict[str, int]:
    """Intervals that no design can beat, in cycles.

    multipliers: if every DSP block and every LUT that a design may use multiplied in every cycle, each
    layer packing as many products into a block as its widths allow. structure: the fastest choice of the
    slowest layer, whatever it costs.
    """
    busy, structure = 0.0, 1
    for name, site in sites(graph, target).items():
        unit = units[name]
        others = list(unit.units(site)) or [unit]
        structure = max(structure, min(other.cycles for other in others))
        densest = max((other.knobs.get("pack", 0) for other in others), default=0)
        weights = unit.op.weights.values()
        x = site.args[0].codes
        luts = min([LUTS_PER_PRODUCT, *(min(cells.least_luts(w, x), _product(w, x)) for w in weights)])
        busy += site.op.macs(site.args) / (target.usable.dsp * max(densest, 1) + target.usable.lut / luts)
    return {"multipliers": int(busy), "structure": structure}


def _product(weight: Tensor, x: Codes) -> float:
    """About what a multiplier takes in LUTs: in proportion to the bits of both factors."""
    return LUTS_PER_PRODUCT * dot.weight_bits(weight, 0) * x.bits / 64


def _weight_memory_use(units: Iterable[AnyUnit], layers: Sequence[Mapping[str, Any]], target: Target) -> float | None:
    """Weight bits over the bits of the block RAM and UltraRAM of the layers that keep weights there."""
    stored, room = 0, 0
    for unit, layer in zip(units, layers, strict=True):
        if unit.multipliers and any(store.kind != Ram.LUT for store in unit.stores.values()):
            stored += layer["weight_bits"]
            room += target.memory_bits(Resources(**layer["resources"]))
    return round(stored / room, 3) if room else None


def _sum(costs: Iterable[Resources]) -> Resources:
    return sum(costs, start=Resources())


def shares(resources: Mapping[str, int], budget: Mapping[str, int]) -> dict[str, float]:
    """Part of the budget that is used, by kind; kinds that the target lacks are left out."""
    return {kind: n / budget[kind] for kind, n in resources.items() if budget[kind]}
