"""Which queues are in memory beside the chip: those that a plan names, and long ones where a network does not fit."""

from collections.abc import Mapping

from tomato.core.errors import TomatoError
from tomato.core.ir import Graph
from tomato.hardware.parts import Spill
from tomato.schedule.plan import Plan, Wishes
from tomato.schedule.route import routes
from tomato.schedule.streams import edges, fetch_cycles, interval_cycles
from tomato.schedule.timing import spillable
from tomato.schedule.units import Units
from tomato.targets import Target

LEAST_BITS = 1 << 18
"""Queues of fewer bits stay on the chip, as weights do: what moves them takes as much."""


def spill_cycles(spills: Mapping[str, Spill], target: Target) -> int:
    """Cycles a frame in which the memory beside the chip takes and gives what is in queues there."""
    return target.fetch_cycles(2 * sum(spill.frame_bytes for spill in spills.values()))


def spilled(
    graph: Graph, units: Units, plan: Plan, target: Target, wishes: Wishes, *, allowed: bool
) -> tuple[str, ...]:
    """The queues of a plan that are in memory beside the chip: longest first, as long as it has time for them.

    allowed: others than those that a plan file names may be. Raises TomatoError where one of those cannot be.
    """
    if not wishes.spilled and not (allowed and target.off_chip and not wishes.layers):
        return ()
    where = f"{wishes.file}: spilled"
    if target.off_chip is None:
        raise TomatoError(f"{target.name} has no memory beside the chip that queues could be in", where=where)
    links = edges(graph, units)
    interval = interval_cycles(units, links)
    whole = routes(links, target, plan.regions, plan.fifos, tuple(plan.fifos)).spilled
    able = spillable(units, graph, routes(links, target, plan.regions, plan.fifos), interval, whole)
    for name in wishes.spilled:
        if name not in whole:
            raise TomatoError(
                f"{name} is no FIFO in front of an input", where=where, hint="[fifos] lists those there are"
            )
        if name not in able:
            raise TomatoError(
                f"FIFO {name} cannot be in memory: what comes is taken before a burst of it can be written and read",
                where=where, hint="leave it on the chip",
            )  # fmt: skip
    found = {name: whole[name] for name in wishes.spilled}
    room = interval - fetch_cycles(units)
    if spill_cycles(found, target) > room:
        raise TomatoError(
            f"the memory beside the chip takes {spill_cycles(found, target):,} cycles a frame for these FIFOs, and has "
            f"{room:,}", where=where, hint="leave some on the chip, or choose a lower rate with --fps",
        )  # fmt: skip
    if wishes.spilled:
        return wishes.spilled
    for name in sorted(able, key=lambda name: (-whole[name].width * whole[name].depth, name)):
        more = {**found, name: whole[name]}
        if whole[name].width * whole[name].depth >= LEAST_BITS and spill_cycles(more, target) <= room:
            found = more
    return tuple(name for name in plan.fifos if name in found)
