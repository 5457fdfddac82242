"""Early exits: outputs of a network become doors; what a frame needs to leave there, and how many do, is measured."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from math import ceil
from typing import TypeVar

import numpy as np

from tomato.core.errors import TomatoError
from tomato.core.formats import Array
from tomato.core.interface import Port
from tomato.core.interpret import Player, batch_size, in_batches
from tomato.core.ir import Graph
from tomato.core.progress import Progress, silent
from tomato.frontend import Network
from tomato.host.codes import encode
from tomato.host.data import classes_of
from tomato.ops.exits import NUMBER_BITS, margins
from tomato.passes.exit_early import Door, exit_early
from tomato.quantise.integers import Integers, without_suppressed
from tomato.schedule.plan import ORDERS, Early, Order, Wishes, check_early

NetworkT = TypeVar("NetworkT", bound=Network)
LOSS = 0.5
"""Percentage points of accuracy that exits whose margin is open may cost together."""
NEAR = 1e-6
"""Steps of a code by which a margin may be written too large."""
EARLY = "early exits"


def wanted(asked: Mapping[str, Early | float | None] | None, wishes: Wishes) -> dict[str, Early]:
    """The exits that the call asks for, or else the plan."""
    given = asked if asked else wishes.exits
    return {name: e if isinstance(e, Early) else Early(e) for name, e in given.items()}


def order_of(asked: Order | None, wishes: Wishes, doors: Mapping[str, Early]) -> Order:
    """The order of results that the call asks for, or else the plan. Raises TomatoError where frames have only one."""
    if asked is not None and asked not in ORDERS:
        raise TomatoError(f"--exit-order {asked}: there is no such order", hint=f"choose from {', '.join(ORDERS)}")
    order = asked or wishes.exit_order or ORDERS[0]
    if order != ORDERS[0] and not doors:
        raise TomatoError(f"--exit-order {order}: no frame leaves early", hint="name an output with --exit")
    return order


def ordered(network: NetworkT, asked: Mapping[str, Early]) -> NetworkT:
    """The network with the outputs that are asked for as exits first, by the work that they need; the last head last.

    Raises TomatoError for names that are no outputs, and for a network that has no exits like these.
    """
    names = [port.name for port in network.outputs]
    for name, early in asked.items():
        if name not in names:
            raise TomatoError(f"--exit {name}: the model has no such output", hint=f"it has {', '.join(names)}")
        check_early(early, f"--exit {name}")
    last = [port for port in network.outputs if port.name not in asked]
    if len(last) != 1:
        left = ", ".join(port.name for port in last) or "none"
        raise TomatoError(
            f"one output must be the last head, which is no exit; left are: {left}",
            hint="name every other output with --exit, in a model of as many outputs as heads",
        )
    if network.ends is not None:
        raise TomatoError(f"{EARLY} need the whole network on the chip, but {network.ends}", hint="see --host none")
    _check_shapes(network, last[0])
    work = {port.name: _work(network.graph, port.value) for port in network.outputs}
    heads = sorted((p for p in network.outputs if p.name in asked), key=lambda port: work[port.name])
    outputs = (*heads, *last)
    graph = replace(network.graph, outputs=tuple(port.value for port in outputs))
    return replace(network, graph=graph, outputs=outputs)


def _check_shapes(network: Network, last: Port) -> None:
    types = network.graph.types
    for port in network.outputs:
        kind = types[port.value]
        if kind.pixels != 1 or kind.channels < 2:
            raise TomatoError(f"output {port.name} has no scores of several classes, but {kind.shape}")
        same = port.shape == last.shape and port.host == last.host and port.order == last.order
        if not same or kind.shape != types[last.value].shape:
            raise TomatoError(
                f"outputs {port.name} and {last.name} differ in shape, or in what the host computes of them",
                hint="heads of early exits give the same scores in the same form",
            )


def _work(graph: Graph, value: str) -> tuple[int, int]:
    """Multiply-accumulates, and nodes, that a value needs."""
    needed = replace(graph, outputs=(value,)).prune()
    return sum(node.op.macs(graph.args_of(node)) for node in needed), len(needed.nodes)


@dataclass(frozen=True, slots=True, eq=False)
class Seen:
    """What the heads say of the calibration frames, codes in the order of the heads, and what is right."""

    heads: tuple[Array, ...]
    right: Array
    best: float
    labelled: bool


def leave_early(
    network: Integers, asked: Mapping[str, Early], frames: Sequence[Array] | None, labels: Array | None,
    loss: float = LOSS, order: Order = "frames", progress: Progress = silent,
) -> tuple[Integers, dict[str, Early]]:  # fmt: skip
    """The network on codes, `ordered`, with its exits; and these, in their order, with every margin and share.

    Margins that are open: the smallest with which accuracy is no more than `loss` points below the last head's; without
    labels the last head's classes count as right. Raises TomatoError where codes of the heads mean different scores,
    and where neither the caller nor calibration frames say a number.
    """
    step = _step(network)
    *early, last = network.outputs
    given = [asked[port.name] for port in early]
    wanted = [None if e.margin is None else max(0, ceil(e.margin / step - NEAR)) for e in given]
    if frames is None and (open_ := [p.name for p, e in zip(early, given, strict=True) if None in (e.margin, e.share)]):
        raise TomatoError(
            f"--exit {open_[0]}: its margin or the share of frames that go on is open",
            hint="give --calibrate DATA, or both: --exit NAME=MARGIN --exit-share NAME=SHARE",
        )
    notes: tuple[str, ...] = ()
    if frames is None:
        doors = [Door(s, e.share) for s, e in zip(wanted, given, strict=True) if s is not None and e.share]
    else:
        seen = _look(network, frames, labels, progress)
        steps = _choose(seen, wanted, loss)
        doors = [Door(s, e.share or m) for s, e, m in zip(steps, given, _shares(seen, steps), strict=True)]
        notes = (_said(seen, steps, early),)
    graph = exit_early(network.graph, doors, NUMBER_BITS if order == "arrival" else 0)
    settled = {p.name: Early(d.margin * step, d.share) for p, d in zip(early, doors, strict=True)}
    outputs = (replace(last, value=graph.outputs[0]),)
    gated = without_suppressed(graph)
    return replace(network, graph=graph, outputs=outputs, notes=(*notes, *network.notes), gated=gated), settled


def _step(network: Integers) -> float:
    """What a step of the codes is in the scores of all heads. Raises TomatoError where they are not alike."""
    first, *others = (_meaning(network, port) for port in network.outputs)
    lo, hi = first[0], first[-1]
    for port, other in zip(network.outputs[1:], others, strict=True):
        if not np.array_equal(first, other):
            raise TomatoError(
                f"codes of outputs {network.outputs[0].name} and {port.name} stand for different scores",
                hint="quantise all heads with one scale and zero point, or give the float model",
            )
    steps = hi - lo
    if np.any(steps != steps[0]) or steps[0] <= 0:
        raise TomatoError(f"scores of output {network.outputs[0].name} have a scale for every class, or a negative one")
    return float(steps[0])


def _meaning(network: Integers, port: Port) -> Array:
    """The scores that the codes 0 and 1 of a head stand for."""
    codes = np.broadcast_to(np.array([0, 1]).reshape(2, 1, 1, 1), (2, *network.graph.types[port.value].shape))
    found = port.run(codes) if network.quantised else network.graph.encodings[port.value].decode(codes)
    return np.asarray(found, dtype=np.float64).reshape(2, -1)


def _look(network: Integers, frames: Sequence[Array], labels: Array | None, progress: Progress) -> Seen:
    player, parts = Player(network.graph), list[dict[str, Array]]()
    codes = encode(network, frames)
    count = len(next(iter(codes.values())))
    for batch in in_batches(codes, batch_size(network.graph)):
        progress("Early exits", sum(len(next(iter(p.values()))) for p in parts), count)
        parts.append(player.play(batch))
    orders = [port.order.values.reshape(-1) for port in network.outputs]
    heads = tuple(
        np.concatenate([p[port.value] for p in parts]).reshape(count, -1)[:, order]
        for port, order in zip(network.outputs, orders, strict=True)
    )
    last = heads[-1].argmax(axis=1)
    right = last if labels is None else classes_of(labels, count)
    return Seen(heads, right, float(np.mean(last == right)), labels is not None)


def _choose(seen: Seen, steps: Sequence[int | None], loss: float) -> list[int]:
    """Margins of all exits, from the last to the first: each may cost an equal part of the loss."""
    result = seen.heads[-1].argmax(axis=1) == seen.right
    chosen: list[int] = []
    for place, (head, step) in enumerate(reversed(list(zip(seen.heads, steps, strict=False)))):
        ahead, good = margins(head)[:, 0], head.argmax(axis=1) == seen.right
        least = seen.best - loss / 100 * (place + 1) / len(steps)
        margin = _smallest(ahead, good, result, least) if step is None else step
        result = np.where(ahead >= margin, good, result)
        chosen.insert(0, margin)
    return chosen


def _smallest(ahead: Array, good: Array, later: Array, least: float) -> int:
    """The smallest margin at which at least that share of the frames is right."""
    order = np.argsort(ahead, kind="stable")
    better = np.concatenate([[0], np.cumsum(later[order].astype(int) - good[order])])  # the first n frames go on
    right = (int(good.sum()) + better) / len(ahead)
    values = ahead[order]
    for count in np.flatnonzero(right >= least - 1e-12):
        if count in (0, len(ahead)) or values[count] != values[count - 1]:
            return int(values[-1]) + 1 if count == len(ahead) else int(values[count]) if count else 0
    return int(values[-1]) + 1


def _shares(seen: Seen, steps: Sequence[int]) -> list[float]:
    """At each exit, the share of those that come so far which go on; at least one frame does."""
    come, found = np.ones(len(seen.right), dtype=bool), list[float]()
    for head, step in zip(seen.heads, steps, strict=False):
        on = come & (margins(head)[:, 0] < step)
        found.append(max(1, int(on.sum())) / max(1, int(come.sum())))
        come = on
    return found


def _said(seen: Seen, steps: Sequence[int], early: Sequence[Port]) -> str:
    """What leaves where on the calibration frames, and what that costs."""
    count, come = len(seen.right), np.ones(len(seen.right), dtype=bool)
    result, parts = seen.heads[-1], list[str]()
    for head, step, port in zip(seen.heads, steps, early, strict=False):
        leaves = come & (margins(head)[:, 0] >= step)
        result = np.where(leaves[:, None], head, result)
        come &= ~leaves
        parts.append(f"{leaves.mean():.1%} leave at {port.name}")
    share = float(np.mean(result.argmax(axis=1) == seen.right))
    against = f"accuracy {share:.2%}, of the last head {seen.best:.2%}"
    told = against if seen.labelled else f"{share:.2%} get the last head's class"
    return f"of {count} calibration frames {', '.join(parts)}; {told}"
