"""Small networks whose layers share an engine, or are never idle beside their memory: predicted, and simulated.

Writes the rows of the tables of docs/sharing.md and docs/memory.md: `python -m tools.bench.turns [NAME ...]`.
"""

import argparse
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import click
import numpy as np

from examples.networks.builder import Activation, Builder
from examples.networks.resnet import _basic, _bottleneck, _stages
from tomato import targets
from tomato.accelerator import Accelerator
from tomato.build.simulation import simulate
from tomato.compiler import compile_model
from tomato.core.ir import Graph
from tomato.engines import CATALOGUE
from tomato.engines.base import Site
from tomato.engines.fetched_fold import FetchedFold
from tomato.engines.parts.members import Members
from tomato.engines.parts.shared import Group
from tomato.engines.parts.shared_unit import KINDS
from tomato.passes.narrow_sums import narrow_sums
from tomato.schedule.plan import Choice, Plan
from tomato.schedule.play import play, shares
from tomato.schedule.route import routes
from tomato.schedule.sharing import sharable
from tomato.schedule.streams import edges, interval_cycles
from tomato.schedule.timing import fifo_depths
from tomato.schedule.units import bind, sites
from tomato.targets import Target

ModelProto = Any
FRAMES = 8
QUICK = 0.9
"""Layers that do not share take at most so much of the cycles of those that do."""
FOLD: Mapping[str, int] = {"group": 0, "lanes_in": 4, "lanes_out": 4, "cell": 0, "pack": 1, "weight_ram": 1}
FETCHED: Mapping[str, int] = {
    "group": 0, "lanes_in": 8, "lanes_out": 8, "codes": 2, "tile": 8, "cell": 0, "pack": 1,
}  # fmt: skip
ALONE: Mapping[str, int] = {"cell": 0, "pack": 0, "tile": 1}


def residual(size: int) -> ModelProto:
    """Three residual blocks of 16, 32 and 64 channels."""
    net = Builder("residual", size, 0)
    x = _stages(net, net.conv(net.image, "stem", 16, 3), _basic, (1, 1, 1), 16)
    return net.model(net.dense(net.global_average_pool(x), "classify", 10))


def bottlenecks(size: int) -> ModelProto:
    """Six blocks of ResNet-50's kind, of 32 to 256 channels."""
    net = Builder("bottlenecks", size, 0)
    x = _stages(net, net.conv(net.image, "stem", 16, 3), _bottleneck, (1, 2, 2, 1), 32)
    return net.model(net.dense(net.global_average_pool(x), "classify", 10))


def chain(size: int) -> ModelProto:
    """Two convolutions of 16 channels, one behind the other: each waits for the other, and its memory."""
    net = Builder("chain", size, 0)
    x = net.conv(net.conv(net.image, "first", 16, 3), "second", 16, 3)
    return net.model(net.dense(net.global_average_pool(x), "classify", 10))


def inverted(size: int) -> ModelProto:
    """Five blocks of MobileNet-V2's kind, whose depthwise layers have engines of their own."""
    net = Builder("inverted", size, 0)
    x = net.conv(net.image, "stem", 16, 3, activation=Activation.RELU6)
    for block, (stride, channels) in enumerate([(1, 16), (2, 24), (1, 24), (2, 32), (1, 32)]):
        y = net.conv(x, f"expand{block}", x.channels * 3, 1, activation=Activation.RELU6)
        y = net.conv(
            y, f"depthwise{block}", y.channels, 3, stride=stride, groups=y.channels, activation=Activation.RELU6
        )
        y = net.conv(y, f"project{block}", channels, 1, activation=Activation.NONE)
        x = net.add(y, x, f"add{block}", Activation.NONE) if (stride, x.channels) == (1, channels) else y
    return net.model(net.dense(net.global_average_pool(x), "classify", 10))


def dense(size: int) -> ModelProto:
    """Three fully connected layers: 1,024, 1,024 and 10 results."""
    net = Builder("dense", size, 0)
    x = net.dense(net.image, "first", 1024, activation=Activation.RELU)
    x = net.dense(x, "second", 1024, activation=Activation.RELU)
    return net.model(net.dense(x, "classify", 10))


@dataclass(frozen=True)
class Case:
    """A network on pictures of a size; who shares an engine of which knobs, or the knobs of each layer that is fetched.

    slower: how many times slower the memory is than the board's.
    """

    build: Callable[[int], ModelProto]
    size: int
    board: str = "kv260"
    engine: str = ""
    knobs: Mapping[str, int] = field(default_factory=dict)
    fetched: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    slower: int = 1


def fold(build: Callable[[int], ModelProto], size: int, **knobs: int) -> Case:
    """Layers share an engine that has all weights."""
    return Case(build, size, engine="shared_fold", knobs={**FOLD, **knobs})


def fetch(build: Callable[[int], ModelProto], size: int, slower: int = 1, **knobs: int) -> Case:
    """Layers share an engine that fetches weights."""
    return Case(build, size, engine="shared_fetched", knobs={**FETCHED, **knobs}, slower=slower)


def lanes(lanes_in: int, lanes_out: int) -> Mapping[str, int]:
    """The knobs of a layer that is fetched."""
    return {"lanes_in": lanes_in, "lanes_out": lanes_out, **ALONE}


CASES: Mapping[str, Case] = {
    "residual": fold(residual, 16),
    "inverted": fold(inverted, 16),
    "bottlenecks": fold(bottlenecks, 8, lanes_in=2, lanes_out=2),
    "residual-memory": fetch(residual, 16),
    "residual-wide": fetch(residual, 16, lanes_in=16, lanes_out=16, codes=4, tile=4),
    "residual-slow": fetch(residual, 16, slower=8),
    "inverted-memory": fetch(inverted, 16),
    "bottlenecks-memory": fetch(bottlenecks, 16),
    "chain-memory": fetch(chain, 16),
    "dense-84": Case(dense, 8, "u250", fetched={"first": lanes(11, 5), "second": lanes(24, 6)}),
    "dense-74": Case(dense, 8, "u250", fetched={"first": lanes(8, 5), "second": lanes(64, 2)}),
}


def made(case: Case, path: Path) -> Accelerator:
    """The network, quantised, with the smallest engines that are fast enough beside those that the case names.

    path: where its model is written.
    """
    target = targets.load(case.board)
    assert target.off_chip
    slow = replace(target.off_chip, mbytes_per_s=target.off_chip.mbytes_per_s // case.slower)
    target = replace(target, off_chip=slow)
    frames = np.random.default_rng(1).standard_normal((4, 3, case.size, case.size)).astype(np.float32)
    path.write_bytes(case.build(case.size).SerializeToString())
    plain = compile_model(path, case.board, calibration=frames, weights="chip")
    graph, layers, slowest = (_shared if case.engine else _alone)(plain.graph, target, case)
    places = sites(graph, target)
    layers |= {name: _small(place, slowest) for name, place in places.items() if name not in layers}
    plan = Plan(target.name, target.clock_mhz, {name: layers[name] for name in places})
    units = bind(graph, plan.layers, target)
    links = edges(graph, units)
    fifos = fifo_depths(units, graph, routes(links, target), interval_cycles(units, links))
    return replace(plain, graph=graph, plan=replace(plan, fifos=fifos), target=target)


def _shared(graph: Graph, target: Target, case: Case) -> tuple[Graph, dict[str, Choice], int]:
    """All layers that can share one engine, and its cycles."""
    names = set(max(sharable(graph, target), key=len))
    graph = narrow_sums(graph, names)
    members = Members(tuple(place for name, place in sites(graph, target).items() if name in names))
    group: type[Group] = KINDS[case.engine][1]
    cycles = int(group(members, case.knobs).cycles * QUICK)
    return graph, dict.fromkeys(names, Choice(case.engine, case.knobs)), cycles


def _alone(graph: Graph, target: Target, case: Case) -> tuple[Graph, dict[str, Choice], int]:
    """Layers that are fetched by engines of their own, and the cycles of the slowest."""
    places = sites(graph, target)
    cycles = max(FetchedFold(places[name], knobs).cycles for name, knobs in case.fetched.items())
    return graph, {name: Choice(FetchedFold.stem, knobs) for name, knobs in case.fetched.items()}, cycles


def _small(place: Site[Any], cycles: int) -> Choice:
    """The engine that takes the least, of those that take no more cycles."""
    engines = [e for e in CATALOGUE.values() if isinstance(place.op, e.ops) and not (e.mixes or e.fetches or e.lean)]
    units = [unit for engine in engines if not engine.refuses(place) for unit in engine.units(place)]
    quick = [unit for unit in units if unit.cycles <= cycles] or [min(units, key=lambda unit: unit.cycles)]
    chosen = min(quick, key=lambda unit: (unit.cost.lut + 50 * unit.cost.dsp + 100 * unit.cost.bram18, unit.cycles))
    return Choice(chosen.stem, chosen.knobs)


def row(name: str, frames: int, folder: Path) -> str:
    """A row of the table: closed form, predicted for frames without end, for these frames, and measured."""
    accelerator = made(CASES[name], folder / "model.onnx")
    accelerator.write(folder / name)
    lowered, report = accelerator.lowered, accelerator.report
    ran = simulate(folder / name, frames=frames)
    assert ran["bit_exact"], name
    closed = interval_cycles(lowered.units, lowered.routes.links)
    known: tuple[float | None, int] = report["interval_cycles"], report["latency_cycles"]
    if shares(lowered.units):
        played = play(lowered.units, accelerator.graph, lowered.routes, frames)
        known = played.interval, played.latency
    pairs = zip(known, (ran["interval_cycles"], ran["latency_cycles"]), strict=True)
    cells = [f"{p:,.0f} | {m:,.0f} | {p / m - 1:+.1%}" for p, m in pairs if p]
    busy = report["memory"]["busy"] if report["memory"] else 0
    return f"| {name} | {busy:.0%} | {closed:,} | {report['interval_cycles']:,} | {' | '.join(cells)} |"


def main(arguments: Sequence[str] | None = None) -> None:
    """Command line."""
    parser = argparse.ArgumentParser(prog="python -m tools.bench.turns", description=__doc__)
    parser.add_argument("names", nargs="*", choices=[*CASES, []], help="default: all")
    parser.add_argument("--frames", type=int, default=FRAMES, help=f"frames to play (default: {FRAMES})")
    asked = parser.parse_args(arguments)
    for name in asked.names or CASES:
        with tempfile.TemporaryDirectory(prefix="tomato-turns-") as folder:
            click.echo(row(name, asked.frames, Path(folder)))


if __name__ == "__main__":
    main()
