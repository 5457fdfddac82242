"""A model that comes quantised, but not everywhere: what it leaves open is quantised by calibration, and said."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from typing import TypeVar

import numpy as np

from tomato import frontend
from tomato.core.errors import TomatoError
from tomato.core.formats import Array
from tomato.core.interface import Reading, graph_values
from tomato.core.interpret import Player, in_batches
from tomato.core.ir import Graph
from tomato.frontend import HostChoice, Network
from tomato.frontend.read import Source
from tomato.host.ends import around
from tomato.host.runtime import answer, runner
from tomato.host.samples import calibration_frames
from tomato.ops.quantise import Quantise
from tomato.passes import QUANTISED, run
from tomato.quantise.absorb import SeveralWaysError, UnquantisedError

T = TypeVar("T")
LEAVES = "THE MODEL LEAVES"
MOST = 256
"""Values and weights that are quantised for a model."""
BITS = 8
CALIBRATE = "give --calibrate DATA: what the model leaves open is quantised to the range that it has there"


def settle(
    model: Source, reading: Reading, host: HostChoice, calibration: Array | Sequence[Array] | None
) -> tuple[Network, tuple[Array, ...] | None]:
    """What the chip computes of a model, and calibration frames as it takes them."""
    given = None if calibration is None else calibration_frames(frontend.takes(model, reading), calibration)
    network = frontend.settle(model, make_static(model, reading, given), host)
    host_part = around(model, network)
    return network, host_part.enter(given) if host_part and given is not None else given


def make_static(model: Source, reading: Reading, frames: Sequence[Array] | None) -> Reading:
    """The reading with constant scales for values that the model quantises dynamically."""
    names = frontend.dynamic(model, reading)
    if not names:
        return reading
    if frames is None:
        raise TomatoError(
            f"its scales depend on the data: DynamicQuantizeLinear of {', '.join(names[:3])}"
            + (f" and {len(names) - 3} more" if len(names) > 3 else ""),
            where=str(model),
            hint="give --calibrate DATA: the scales become constant, the weights stay as they are",
        )
    inputs, probe = frontend.probe(model, reading, names)
    session = runner(probe)
    ranges: dict[str, tuple[float, float, int]] = {}
    for i in range(len(frames[0])):
        feed = {name: f[i : i + 1] for name, f in zip(inputs, frames, strict=True)}
        for name, value in zip(names, answer(session, names, feed), strict=True):
            lo, hi, _ = ranges.get(name, (0.0, 0.0, BITS))
            ranges[name] = (min(lo, float(np.min(value))), max(hi, float(np.max(value))), BITS)
    return replace(reading, ranges=dict(reading.ranges) | ranges)


def complete(
    model: Source, settled: Network, frames: Sequence[Array] | None, bits: int, choice: HostChoice,
    attempt: Callable[[Network], T],
) -> tuple[Network, tuple[Array, ...] | None, T]:  # fmt: skip
    """What an attempt makes of the model with every value quantised of which it needs codes, that model, its frames.

    An input with several quantisations is taken apart by the host. TomatoError where it is open what codes should be:
    without calibration frames.
    """
    while True:
        try:
            return settled, None if frames is None else tuple(frames), attempt(settled)
        except SeveralWaysError as reason:
            cut = _apart(model, settled, reason, choice)
            ends = around(model, cut)
            frames, settled = None if frames is None or ends is None else ends.enter(frames), cut
        except UnquantisedError as reason:
            if frames is None or settled.ends is not None:
                hint = CALIBRATE if frames is None else reason.hint
                raise TomatoError(reason.what, where=reason.where, hint=hint) from reason
            ranges = _range(model, settled, frames, reason, bits)
            known = dict(settled.reading.ranges)
            if ranges.keys() <= known.keys() or len(known) >= MOST:
                raise TomatoError(reason.what, where=reason.where, hint=reason.hint) from reason
            settled = frontend.settle(model, replace(settled.reading, ranges=known | ranges), choice)


def _apart(model: Source, settled: Network, reason: SeveralWaysError, choice: HostChoice) -> Network:
    """The model without what lies between an input and its quantisations: each of those gets a port of its own."""
    graph = settled.graph
    reached, labels = {reason.input}, set[str]()
    for node in graph:
        if reached.intersection(node.args) and not isinstance(node.op, Quantise):
            reached.add(node.name)
            labels.update(node.origin)
    if settled.ends is None and labels and choice != "none":
        cut = frontend.settle(model, settled.reading, choice, labels)
        if cut.ends is not None:
            return cut
    raise TomatoError(reason.what, where=reason.where, hint=reason.hint) from reason


def _range(
    model: Source, settled: Network, frames: Sequence[Array], reason: UnquantisedError, bits: int
) -> dict[str, tuple[float, float, int]]:
    """The range, by its ONNX name, of what is to be quantised."""
    graph = run(settled.graph, QUANTISED)
    label = _origin(graph, settled, reason.value)
    name = frontend.onnx_name(model, settled.reading, label, weights=reason.weights)
    if reason.weights:
        if not frontend.is_stored(model, settled.reading, name):
            raise TomatoError(
                reason.what, where=reason.where, hint="simplify the model first: they are computed"
            ) from reason
        return {name: (0.0, 0.0, BITS)}
    lo, hi = _measured(graph, settled, frames, reason.value)
    return {name: (lo, hi, bits)}


def _origin(graph: Graph, network: Network, value: str) -> str:
    """The label of the ONNX node behind a graph value, or the ONNX name of an input."""
    port = next((p for p in network.inputs if p.value == value), None)
    return port.name if port else graph.producers[value].origin[-1]


def _measured(graph: Graph, network: Network, frames: Sequence[Array], value: str) -> tuple[float, float]:
    """The least and the greatest value on the frames."""
    ends: list[float] = []
    whole = graph_values(graph, network.inputs, frames)
    player = Player(graph, partial(_watch, ends, value))
    for batch in in_batches(whole):
        if value in batch:
            _watch(ends, value, value, batch[value])
        player.play(batch)
    return min(ends), max(ends)


def _watch(ends: list[float], wanted: str, name: str, values: Array) -> None:
    if name == wanted:
        ends += [float(values.min()), float(values.max())]


def notes(reading: Reading) -> tuple[str, ...]:
    """What was quantised that the model leaves open, in words."""
    values = [
        f"{name} ({bits} bits, {lo:.4g} to {hi:.4g})" if hi > lo else f"{name} (weights, {bits} bits)"
        for name, (lo, hi, bits) in reading.ranges.items()
    ]
    if not values:
        return ()
    return (f"{LEAVES} {len(values)} VALUES UNQUANTISED; quantised by calibration: {', '.join(values)}",)
