"""Choose engine and unrolling for every node: the fastest that fits, or the smallest that is fast enough.

For a fixed interval every node offers a short list of Pareto-optimal choices; picking one per node
under several resource limits is a multiple-choice knapsack, solved exactly as a MILP. The smallest
feasible interval is found by bisection over the intervals at which any choice changes.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

import numpy as np

from tomato.core.errors import TomatoError
from tomato.core.forms import forms_of
from tomato.core.ir import Graph
from tomato.engines import CATALOGUE
from tomato.engines.base import AnyUnit, Site
from tomato.hardware.memory import Ram
from tomato.ops.conv2d import Conv2d
from tomato.ops.dense import Dense
from tomato.ops.gated_conv2d import GatedConv2d
from tomato.ops.threshold import Threshold
from tomato.passes.gate_convolutions import ungated
from tomato.schedule import sharing
from tomato.schedule.offers import Kept, Offer, Offers, Option, cycles_of, fast_enough, fetching, intervals, total
from tomato.schedule.plan import NO_WISHES, Wishes
from tomato.schedule.rates import rates_of
from tomato.schedule.solver import silent
from tomato.schedule.units import sites
from tomato.targets import Resources, Target

Found = TypeVar("Found")
STORED = 0.9
"""Part of a chip's memory that weights can fill: words and blocks do not fit each other exactly."""
ULTRA_WORDS = 512
"""Weights of fewer words go to UltraRAM on a chip of one region only.

There they leave block RAM to others, however little of an UltraRAM they fill: ResNet-20 on the KV260 takes 18,432
cycles a frame instead of 22,464. On a chip of several, every option is a variable per region for floorplan.py, so
weights of SHORT_WORDS are thought of only where block RAM is what is missing: DeiT-tiny on the U250 takes 61,464
cycles a frame instead of 88,256.
"""
SHORT_WORDS = 128
CLOSE = 0.001
"""How near the interval that the memory beside the chip allows is looked for, as a share of it."""
GAP, PROBE = 0.01, 0.25
"""How far above the least price a choice may be: one that is kept, and one that only shows that there is any."""
BRANCHES = {GAP: 400, PROBE: 40}
"""Nodes of the solver's tree after which a search ends. A count and not a time, so that results repeat."""
LEAST_BITS = 2
"""The narrowest weights that post-training quantisation makes."""


class DoesNotFitError(TomatoError):
    """Not even the smallest design has room on the chip."""


class OutOfReachError(TomatoError):
    """The network fits, but no plan that was found has the rate: `interval` are the cycles a frame of the fastest."""

    def __init__(self, fps: float, target: Target, clock_mhz: float, interval: int, *, where: str) -> None:
        self.interval = interval
        super().__init__(
            f"{fps:g} frames/s is out of reach on {target.name} at {clock_mhz:g} MHz: "
            f"the fastest that fits makes {clock_mhz * 1e6 / interval:,.0f} frames/s ({interval:,} cycles a frame)",
            where=where,
            hint="ask for less, raise --clock, or choose a larger board",
        )


def options(
    graph: Graph,
    target: Target,
    wishes: Wishes = NO_WISHES,
    *,
    model: str = "",
    ultra_words: int = ULTRA_WORDS,
    fetch: bool = False,
    lean: bool = False,
    kept: Kept | None = None,
) -> dict[str, Offer]:
    """Every sensible option of every node, fastest first; constants of `ultra_words` or more may be in UltraRAM.

    fetch: weights may be in memory beside the chip, too. lean: with engines for networks that do not fit otherwise, see
    `leans`. kept: offers of other networks, which equal layers need not make anew, and are added to.
    Raises TomatoError when a node has no engine, or a plan asks for what no engine offers.
    """
    places, rates = sites(graph, target), rates_of(graph).planned
    if unknown := sorted(set(wishes.layers) - {n.name for n in graph}):
        raise TomatoError(
            f"the plan names a layer that the model does not have: {unknown[0]}",
            where=wishes.file,
            hint=f"the layers are {', '.join(places)}",
        )
    found: dict[str, Offer] = {}
    refused: list[str] = []
    shared = sharing.offers(places, wishes, fetch=fetch)
    fetch = fetch and not shared  # one reads the memory
    for name, place in places.items():
        if name in shared:
            found[name] = shared[name]
            continue
        around = target.name, target.clock_mhz, ultra_words, fetch, lean, wishes.double_clock
        key = (place.op, place.args, place.out, rates[name], *around)
        if kept is not None and name not in wishes.layers and key in kept.offers:
            found[name] = kept.offers[key]
            continue
        known = {s: e for s, e in CATALOGUE.items() if isinstance(place.op, e.ops) and not e.mixes}
        engines = {s: e for s, e in known.items() if wishes.double_clock or not e.doubles}
        reasons = {s: e.refuses(place) for s, e in engines.items()}
        usable = [e for s, e in engines.items() if not reasons[s] and fetch >= e.fetches and lean >= e.lean]
        if not usable:
            why = "; ".join(f"{s}: {r}" for s, r in reasons.items()) or "no engine implements it"
            refused.append(f"{place.node.label} ({place.op.name}): {why}")
        elif name in wishes.layers:
            found[name] = Offer([Option.of(_wished(graph, place, wishes), rates[name])])
        else:
            units = _worth_columns([unit for engine in usable for unit in engine.units(place)])
            found[name] = Offer(
                Option.of(unit, rates[name])
                for unit in units
                if _worth_ultra(unit, target, ultra_words) and _in_time(unit, target)
            )
            if kept is not None:
                kept.offers[key] = found[name]
    if refused:
        raise TomatoError(
            "no engine can do these layers:\n  " + "\n  ".join(refused),
            where=model or graph.name,
            hint="tomato inspect lists what is supported",
        )
    return found


def leans(graph: Graph, target: Target) -> bool:
    """Whether some node could have an engine that is offered only where a network does not fit otherwise."""
    every = [engine for engine in CATALOGUE.values() if engine.lean]
    return any(
        isinstance(place.op, e.ops) and not e.refuses(place) for place in sites(graph, target).values() for e in every
    )


def check_complete(graph: Graph, target: Target, wishes: Wishes) -> None:
    """Raise TomatoError unless a plan file says of every node how it is built, and all of that can be."""
    if missing := [name for name in sites(graph, target) if name not in wishes.layers]:
        raise TomatoError(f"the plan lacks the layer {missing[0]}", where=wishes.file, hint="compile again")
    options(graph, target, wishes)


def _wished(graph: Graph, place: Site[Any], wishes: Wishes) -> AnyUnit:
    """The unit that a plan file spells out. Raises TomatoError when the engine does not offer it."""
    choice = wishes.layers[place.node.name]
    where = f"{wishes.file}: [layers.{place.node.name}]"
    engine = CATALOGUE.get(choice.engine)
    if engine is None or not isinstance(place.op, engine.ops):
        suits = (s for s, e in CATALOGUE.items() if isinstance(place.op, e.ops) and not e.refuses(place))
        known = ", ".join(s for s in suits if not (CATALOGUE[s].fetches or CATALOGUE[s].mixes or CATALOGUE[s].doubles))
        what, hint = f"engine {choice.engine!r} does not implement {place.op.name}", f"choose from {known}"
        if engine is not None and GatedConv2d in engine.ops and isinstance(place.op, Conv2d | Dense):
            what += f": {ungated(graph, place.node)}"
            hint += ", or let a gate keep the k largest (TopK)"
        raise TomatoError(what, where=where, hint=hint)
    if engine.doubles and not wishes.double_clock:
        raise TomatoError(
            f"engine {choice.engine} has a second clock, of twice the rate", where=where,
            hint="compile with --double-clock, or say double_clock = true in front of the layers",
        )  # fmt: skip
    if reason := engine.refuses(place):
        raise TomatoError(f"engine {choice.engine} cannot do this layer: {reason}", where=where)
    example = next(iter(engine.choices(place)))
    if set(choice.knobs) != set(example):
        raise TomatoError(
            f"the knobs are {', '.join(choice.knobs) or 'missing'}",
            where=where,
            hint=f"{choice.engine} has exactly {', '.join(example)}",
        )
    if reason := engine.refuses_knobs(place, choice.knobs):
        raise TomatoError(f"engine {choice.engine} cannot be built like this: {reason}", where=where)
    return engine(place, choice.knobs)


def _worth_columns(units: Sequence[AnyUnit]) -> list[AnyUnit]:
    """Those that have one pixel at a time, and those with several that are faster than all of these."""
    alone = min((unit.cycles for unit in units if unit.columns == 1), default=0)
    return [unit for unit in units if unit.columns == 1 or not alone or unit.cycles < alone]


def _worth_ultra(unit: AnyUnit, target: Target, least: int) -> bool:
    """Whether the constants of a unit may be where they are: UltraRAM is for many words, see ULTRA_WORDS."""
    stores = [store for store in unit.stores.values() if store.kind == Ram.ULTRA]
    if not stores:
        return True
    return bool(target.usable.uram) and (target.slrs == 1 or all(s.words >= least for s in stores))


def _in_time(unit: AnyUnit, target: Target) -> bool:
    """Whether what has the second clock may reach it: by the data sheet, or, in LUTs, up to what the family says."""
    return not unit.doubles or unit.fast or 2 * target.clock_mhz <= (target.fast_luts_mhz or 0)


def weight(cost: Resources, budget: Resources) -> float:
    """Share of the budget, summed over the kinds of resources: what a choice costs in the currency of the chip."""
    return sum(n / max(most, 1) for n, most in zip(cost, budget, strict=True) if n)


def select(offers: Offers, interval: int, budget: Resources, gap: float = GAP) -> dict[str, Option] | None:
    """The cheapest option of every node at `interval` cycles that fit the budget together, or None.

    gap: how far above the least price they may be.
    """
    lists = fast_enough(offers, interval)
    if not all(lists.values()):
        return None
    cheapest = {n: min(c, key=lambda o: weight(o.cost, budget)) for n, c in lists.items()}
    if total(cheapest).fits(budget) and fetching(cheapest) <= interval:
        return cheapest
    return _knapsack(lists, interval, budget, gap)


def _knapsack(
    lists: Mapping[str, Sequence[Option]], interval: int, budget: Resources, gap: float
) -> dict[str, Option] | None:
    """One option per node under every limit, that of the memory beside the chip too, at the least weight: a MILP."""
    from scipy.optimize import Bounds, LinearConstraint, milp  # deferred: importing SciPy takes a while

    flat = [(name, option) for name, candidates in lists.items() for option in candidates]
    rows = {name: i for i, name in enumerate(lists)}
    one = np.zeros((len(rows), len(flat)))
    one[[rows[name] for name, _ in flat], range(len(flat))] = 1
    use = np.array([(*option.cost, option.fetching) for _, option in flat], dtype=float).T
    limits = np.array((*budget, interval))
    if not use[-1].any():  # no row where nothing is fetched: the solver's choice among equals depends on it
        use, limits = use[:-1], limits[:-1]
    with silent():
        result = milp(
            np.array([weight(option.cost, budget) for _, option in flat]),
            integrality=np.ones(len(flat)),
            bounds=Bounds(0, 1),
            constraints=[LinearConstraint(one, 1, 1), LinearConstraint(use, -np.inf, limits)],
            options={"mip_rel_gap": gap, "node_limit": BRANCHES[gap]},
        )
    if result.x is None:
        return None
    return {name: option for (name, option), x in zip(flat, result.x, strict=True) if x > 0.5}


def fastest(
    offers: Offers,
    target: Target,
    budget: Resources,
    *,
    at_least: int = 0,
    model: str = "",
    way_out: str = "",
) -> tuple[int, dict[str, Option]]:
    """The smallest interval (but not below `at_least`) whose cheapest design fits, and that design.

    Raises DoesNotFitError when not even the slowest fits, saying what is missing.
    """
    steps = intervals(offers, at_least)
    some = smallest(steps, lambda interval: select(offers, interval, budget, PROBE))
    if some is None:
        raise DoesNotFitError(_does_not_fit(offers, target, budget), where=model, hint=way_out)
    interval = cycles_of(some)
    if fetching(some):
        some = _between(offers, steps, some, budget)
        interval = max(at_least, cycles_of(some))
    return interval, select(offers, interval, budget) or some


def _between(offers: Offers, steps: Sequence[int], some: dict[str, Option], budget: Resources) -> dict[str, Option]:
    """The smallest interval behind the last step that is too few: where memory limits, each cycle counts."""
    low, high = max((s for s in steps if s < cycles_of(some)), default=steps[0] - 1), cycles_of(some)
    while high - low > max(1, high * CLOSE):
        middle = (low + high) // 2
        if found := select(offers, middle, budget, PROBE):
            some, high = found, min(middle, cycles_of(found))
        else:
            low = middle
    return some


def smallest(steps: Sequence[int], solve: Callable[[int], Found | None]) -> Found | None:
    """What `solve` finds at the smallest step at which it finds something, by bisection; None if at no step.

    Strides from the first step on double until something is found: what is near it is found soon.
    """
    low, high, stride = 0, 0, 1
    while (found := solve(steps[high])) is None:
        if high == len(steps) - 1:
            return None
        low, high, stride = high + 1, min(high + stride, len(steps) - 1), 2 * stride
    while low < high:
        middle = (low + high) // 2
        faster = solve(steps[middle])
        if faster is None:
            low = middle + 1
        else:
            found, high = faster, middle
    return found


def _does_not_fit(offers: Offers, target: Target, budget: Resources) -> str:
    """What the smallest design lacks, resource by resource."""
    small = {n: min(c, key=lambda o: weight(o.cost, budget)) for n, c in offers.items()}
    need = total(small)
    lacks = need.shortfall(budget) or {"lut": 0}
    parts = [f"{need.of(k):,} {k} of {budget.of(k):,} ({n:,} too many)" for k, n in lacks.items()]
    largest = max(small, key=lambda n: weight(small[n].cost, budget))
    return (
        f"the network does not fit {target.name}, even at its slowest: it takes {'; '.join(parts)}. "
        f"The largest layer is {largest} with {small[largest].cost}"
    )


def way_out(graph: Graph, target: Target, *, given: bool = False) -> str:
    """What would make a network fit that does not: weights narrow enough for the memory of the chip, or another one.

    given: the formats are the model's own, so that no option of the compiler narrows its weights.
    """
    weights = [weight for node in graph for weight in node.op.weights.values()]
    count = sum(w.values.size for w in weights)
    bits = sum(w.values.size * min(f.bits for f in forms_of(w)) for w in weights)
    memory = target.memory_bits(target.usable)
    if given and bits <= memory * STORED:
        stored = any(isinstance(node.op, Threshold) for node in graph)
        more = "allow requantisations that are off by one (--allow-error 0.01)" if stored else "quantise to fewer bits"
        return f"choose a larger board than {target.name} (tomato targets), or {more}"
    if bits <= memory * STORED:
        return f"choose a larger board than {target.name} (tomato targets), or narrower weights (--precision w4a8)"
    need = f"its weights take {bits / 1e6:,.1f} Mbit, the memories that a design may use {memory / 1e6:,.1f} Mbit"
    most = int(memory * STORED // count)
    if most < LEAST_BITS or given:
        return f"{need}: choose a larger board (tomato targets) or a smaller network"
    return f"{need}: weights of {most} bits would fit (--precision w{most}a8), or a larger board (tomato targets)"
