"""A network becomes one on codes: a real one quantised by us, or one that comes quantised exactly as it is."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Self

from tomato.core.errors import TomatoError
from tomato.core.formats import Array
from tomato.core.interface import Port, graph_values
from tomato.core.interpret import Watch, in_batches
from tomato.core.ir import Graph
from tomato.core.progress import Progress, silent
from tomato.frontend import Network
from tomato.ops.gated_conv2d import GatedConv2d
from tomato.passes import CLEAN, QUANTISED, run
from tomato.passes.gate_convolutions import computed_whole, gate_convolutions
from tomato.quantise.absorb import ORDINARY, Allowed, Proof, SeveralWaysError, UnquantisedError, absorb
from tomato.quantise.calibrate import Method, Ranges, calibrate, synthetic_ranges
from tomato.quantise.post_training import quantise
from tomato.quantise.precision import Precision
from tomato.quantise.weights.moments import Collector

NO_CALIBRATION = (
    "NO CALIBRATION DATA: ranges come from random noise, so accuracy means nothing; speed and size are real. "
    "Give --calibrate DATA"
)

UNUSED = "gates suppress channels, but all are computed: what leaves them out is no better on this board"


@dataclass(frozen=True, slots=True)
class Integers(Network):
    """A network on codes. `proofs` say how its requantisations compare with the runtime's of a model that came so.

    gated: another graph with the same outputs, that leaves out what gates suppress; None where nothing is.
    """

    proofs: tuple[Proof, ...] = ()
    gated: Graph | None = None

    @property
    def graphs(self) -> tuple[Graph, ...]:
        """All that compute it, the one that computes everything first."""
        return (self.graph,) if self.gated is None else (self.graph, self.gated)

    def built(self, graph: Graph, notes: tuple[str, ...] = ()) -> Self:
        """The same where that one of its graphs is built, perhaps with its channels in another order."""
        gated = any(isinstance(node.op, GatedConv2d) for node in graph)
        unused = (UNUSED,) if self.gated and not gated else ()
        return replace(self, graph=graph, gated=None, notes=(*unused, *notes, *self.notes))


def on_codes(network: Network, graph: Graph, inputs: tuple[Port, ...], outputs: tuple[Port, ...],
             notes: tuple[str, ...], proofs: tuple[Proof, ...] = ()) -> Integers:  # fmt: skip
    """The network with another graph and ports; its own notes come last."""
    told = (*notes, *computed_whole(graph), *network.notes)
    return Integers(
        graph, inputs, outputs, told, network.said, network.reading, network.ends, proofs, without_suppressed(graph)
    )


def without_suppressed(graph: Graph) -> Graph | None:
    """The graph that leaves out what gates suppress; None where nothing is."""
    gated = gate_convolutions(graph)
    return None if gated is graph else gated


def from_real(
    network: Network, frames: tuple[Array, ...] | None, ranges: Method, bits: Precision, *, compensate: bool,
    alike: bool = False, progress: Progress = silent,
) -> Integers:  # fmt: skip
    """A real network, quantised by us. alike: codes of all its outputs mean the same."""
    real = run(network.graph, CLEAN)
    ends = bits.with_ends(real)
    inputs = Collector(real, lambda node: compensate and ends.of(node).corrects)
    measured = _measure(real, network.inputs, frames, ranges, bits, inputs, progress)
    graph, remarks = quantise(real, measured, bits, moments=inputs.moments, alike=alike)
    values = dict(zip(network.graph.outputs, graph.outputs, strict=True))
    outputs = tuple(replace(p, value=values[p.value]) for p in network.outputs)
    notes = (*([NO_CALIBRATION] if frames is None else []), *map(str, remarks))
    return on_codes(network, graph, network.inputs, outputs, notes)


def from_quantised(network: Network, model: Path, allowed: Allowed = ORDINARY) -> Integers:
    """A network that comes quantised, exactly as it is but for what `allowed` says.

    Raises UnquantisedError where it leaves a value open of which codes are needed, SeveralWaysError where an input
    has several quantisations, see `complete.py`.
    """
    try:
        found = absorb(run(network.graph, QUANTISED), network.said, allowed)
    except (SeveralWaysError, UnquantisedError) as reason:
        reason.where = f"{model}: {reason.where}"
        raise
    except TomatoError as reason:
        raise TomatoError(reason.what, where=f"{model}: {reason.where}", hint=reason.hint) from reason
    values = dict(zip(network.graph.outputs, found.outputs, strict=True))
    inputs = tuple(replace(p, chain=found.before[p.value]) for p in network.inputs)
    outputs = tuple(replace(p, value=values[p.value].value, chain=values[p.value].chain) for p in network.outputs)
    return on_codes(network, found.graph, inputs, outputs, found.notes, found.proofs)


def _measure(
    real: Graph, inputs: Sequence[Port], frames: tuple[Array, ...] | None, method: Method, precision: Precision,
    watch: Watch, progress: Progress,
) -> Ranges:  # fmt: skip
    """Ranges of the activations, on the user's frames or else on noise, which `watch` does not see."""
    if frames is None:
        return synthetic_ranges(real)
    return calibrate(
        real, in_batches(graph_values(real, inputs, frames)), method, precision=precision, watch=watch,
        progress=lambda done, total: progress("Calibration", done, total),
    )  # fmt: skip
