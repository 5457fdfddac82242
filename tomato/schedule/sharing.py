"""Layers that take turns on one engine: which can, how they are offered, and what a plan says of them."""

from collections.abc import Mapping
from typing import Any, Literal

from tomato.core.errors import TomatoError
from tomato.core.ir import Graph
from tomato.engines.base import Site, spelled
from tomato.engines.parts import dot
from tomato.engines.parts.members import Members
from tomato.engines.parts.shared import GROUP, Group, groups
from tomato.engines.parts.shared_fetched import fetched_groups
from tomato.engines.parts.shared_unit import KINDS, FetchedMember, Member, units_of
from tomato.ops.narrowed import Narrowed
from tomato.passes.narrow_sums import narrow_sums, narrowable
from tomato.schedule.offers import Offer, Option
from tomato.schedule.plan import Choice, Wishes
from tomato.schedule.rates import rates_of
from tomato.targets import Resources, Target

Share = Literal["auto", "never"]
"""Whether layers share engines: "auto" where a network does not fit otherwise, or is smaller at the rate asked for."""
Places = Mapping[str, Site[Any]]
"""What engines see of every node, by its name."""


def sharable(graph: Graph, target: Target) -> list[list[str]]:
    """Layers that could share an engine, by how wide weights are: two or more, those with the fewest products first.

    None on a chip of several regions, and where frames leave early.
    """
    if target.slrs > 1 or rates_of(graph).shares:
        return []
    pairs = narrowable(graph)
    narrow = narrow_sums(graph, pairs.keys())
    alike: dict[int, list[tuple[int, str]]] = {}
    for name, site in _sites(narrow, target).items():
        if not Member.refuses(site):
            alike.setdefault(_key(site), []).append((site.op.macs(site.args), name))
    return [[name for _, name in sorted(found)] for found in alike.values() if len(found) > 1]


def _sites(graph: Graph, target: Target) -> dict[str, Site[Narrowed]]:
    """Those of sums that are narrowed."""
    nodes = (node for node in graph if isinstance(node.op, Narrowed))
    return {node.name: Site(node, graph.args_of(node), target) for node in nodes}


def _key(site: Site[Narrowed]) -> int:
    """Only layers that have this alike share an engine: bits of a weight."""
    return dot.weight_bits(site.op.summed.weight, 0)


def asked(graph: Graph, target: Target, wishes: Wishes) -> Graph:
    """The graph in which layers that share an engine by a plan file are one operator each. Raises TomatoError."""
    wanted = [name for name, choice in wishes.layers.items() if choice.engine in KINDS]
    already = {node.name for node in graph if isinstance(node.op, Narrowed)}
    names = {name for name in wanted if name not in already}
    pairs = narrowable(graph)
    if unknown := sorted(names - pairs.keys()):
        raise TomatoError(
            f"{unknown[0]} cannot share an engine: it is no requantisation of a convolution or matrix product that "
            "nothing else reads", where=f"{wishes.file}: [layers.{unknown[0]}]",
        )  # fmt: skip
    narrow = narrow_sums(graph, names)
    for name, site in _sites(narrow, target).items():
        if name in wanted and (reason := KINDS[wishes.layers[name].engine][0].refuses(site)):
            raise TomatoError(f"it cannot share an engine: {reason}", where=f"{wishes.file}: [layers.{name}]")
    return narrow


def offers(places: Places, wishes: Wishes, *, fetch: bool = False) -> dict[str, Offer]:
    """The options of sums that are narrowed: those of an engine with its first layer, and none of their own for others.

    fetch: their weights may be in memory beside the chip, which one engine alone can read: all have that one, and
    weights as wide as the widest.
    Raises TomatoError when a plan asks for an engine that cannot be.
    """
    found: dict[str, Offer] = {}
    together = _groups(places, wishes, fetch=fetch)
    for number, names in together.items():
        members = Members(tuple(places[name] for name in names))
        if names[0] in wishes.layers:
            some = _wished(members, number, wishes)
        else:
            some = [
                *groups(members, number),
                *(fetched_groups(members, number) if fetch else ()),
            ]
        if not some:
            raise TomatoError(f"no engine suits {', '.join(names)} together")
        found[names[0]] = Offer(map(_option, some))
        for unit in units_of(some[0])[1:]:
            found[unit.site.node.name] = Offer([Option(unit, 1, Resources())])
    return found


def _option(group: Group) -> Option:
    """An engine, told with its first layer; what it fetches is that of all."""
    units = units_of(group)
    fetched = sum(unit.fetched_bytes for unit in units)
    return Option(units[0], group.cycles, units[0].cost, group.target.fetch_cycles(fetched))


def _groups(places: Places, wishes: Wishes, *, fetch: bool) -> dict[int, list[str]]:
    """Layers by the number of their group: what the plan says, else those whose weights are as wide; to fetch, all.

    Raises TomatoError when a plan builds one with another engine.
    """
    keys: dict[int, int] = {}
    found: dict[int, list[str]] = {}
    for name, site in places.items():
        if isinstance(site.op, Narrowed):
            choice = wishes.layers.get(name)
            if choice and choice.engine not in KINDS:
                raise TomatoError(
                    f"engine {choice.engine!r} does not implement {site.op.name}",
                    where=f"{wishes.file}: [layers.{name}]", hint=f"choose from {', '.join(KINDS)}",
                )  # fmt: skip
            key = 0 if fetch else _key(site)
            number = choice.knobs.get(GROUP, 0) if choice else keys.setdefault(key, len(keys))
            found.setdefault(number, []).append(name)
    return found


def _wished(members: Members, number: int, wishes: Wishes) -> list[Group]:
    """The engine that a plan file spells out. Raises TomatoError when it cannot be."""
    names = [site.node.name for site in members.sites]
    engine, knobs = wishes.layers[names[0]].engine, wishes.layers[names[0]].knobs
    where = f"{wishes.file}: [layers.{names[0]}]"
    if len(names) < 2:
        raise TomatoError(f"no other layer is in group {number}: two or more share an engine", where=where)
    if other := next((name for name in names if wishes.layers[name] != wishes.layers[names[0]]), ""):
        raise TomatoError(
            f"layers of group {number} have the same engine and knobs, but {other} has others", where=where
        )
    known = list((fetched_groups if engine == FetchedMember.stem else groups)(members, number))
    if wanted := [group for group in known if dict(group.knobs) == dict(knobs)]:
        return wanted
    values = {knob: sorted({group.knobs[knob] for group in known}) for knob in known[0].knobs}
    told = "; ".join(f"{knob}: {', '.join(str(spelled(knob, n)) for n in some)}" for knob, some in values.items())
    raise TomatoError("an engine that layers share cannot be built like this", where=where, hint=told)


def joined(chosen: Mapping[str, Option]) -> dict[str, Option]:
    """The chosen options, where all layers of a group have the engine that was chosen with the first."""
    found = dict(chosen)
    for option in chosen.values():
        if isinstance(option.unit, Member) and option.unit.leads:
            others = units_of(option.unit.group)[1:]
            found |= {unit.site.node.name: Option.of(unit) for unit in others}
    return found


def bound(places: Places, layers: Mapping[str, Choice]) -> dict[str, Member]:
    """The units of layers that share engines by a plan."""
    found: dict[int, list[str]] = {}
    for name in places:
        if layers[name].engine in KINDS:
            found.setdefault(layers[name].knobs[GROUP], []).append(name)
    made = (
        KINDS[layers[names[0]].engine][1](Members(tuple(places[n] for n in names)), layers[names[0]].knobs)
        for names in found.values()
    )
    return {unit.site.node.name: unit for group in made for unit in units_of(group)}
