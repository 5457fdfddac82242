"""A float network on calibration frames, and how near its quantised versions come."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from glob import escape
from typing import Self

import numpy as np

from tomato.core.formats import Array
from tomato.core.interpret import Player, in_batches
from tomato.core.ir import Graph, Node
from tomato.core.progress import Progress, silent
from tomato.host.data import classes
from tomato.ops.weighted import Weighted
from tomato.passes.groups import partition
from tomato.quantise.calibrate import Method, Ranges, calibrate
from tomato.quantise.post_training import quantise
from tomato.quantise.precision import LayerFormat, Precision
from tomato.quantise.weights.moments import Collector, Moments
from tomato.search.candidates import WIDTHS

Frames = Mapping[str, Array]


@dataclass(frozen=True, slots=True, eq=False)
class Subject:
    """A real network, the frames that it is judged on, and all that quantising it needs, measured once.

    measured: ranges by the width of activations. moments: of all layers, none where errors are not to be compensated.
    outputs: the real ones. labels: classes of the frames, where they are known.
    """

    real: Graph
    frames: Frames
    labels: Array | None
    measured: Mapping[int, Ranges]
    moments: Mapping[str, Moments]
    outputs: tuple[Array, ...]

    @classmethod
    def study(
        cls, real: Graph, frames: Frames, labels: Array | None, method: Method, *, compensate: bool,
        progress: Progress = silent,
    ) -> Self:  # fmt: skip
        """Measure ranges at every width, moments, and the real outputs."""
        batches = list(in_batches(frames))
        collector = Collector(real, lambda _: compensate)
        measured = {}
        for i, width in enumerate(WIDTHS):
            progress("Search: ranges", i, len(WIDTHS))
            bits = Precision(activation_bits=width)
            measured[width] = calibrate(real, batches, method, precision=bits, watch=None if i else collector)
        player = Player(real)
        found = [player.play({n: x.astype(np.float64) for n, x in batch.items()}) for batch in batches]
        outputs = tuple(np.concatenate([f[name] for f in found]) for name in real.outputs)
        return cls(real, frames, labels, measured, collector.moments, outputs)

    @property
    def layers(self) -> tuple[Node, ...]:
        """The nodes that have weights."""
        return tuple(node for node in self.real if isinstance(node.op, Weighted))

    @property
    def count(self) -> int:
        """Frames."""
        return len(self.outputs[0])

    @property
    def accuracy(self) -> float:
        """Per cent of frames that the float network gets right: all, unless there are labels."""
        return self.right(self.outputs)

    def quantised(self, bits: Precision, *, compensate: bool = True) -> Graph:
        """The integer network, as the compiler would make it."""
        heads = {g.output: bits.of(g.head).activation_bits for g in partition(self.real)}
        ranges = {name: self.measured[heads.get(name, WIDTHS[0])][name] for name in self.measured[WIDTHS[0]]}
        used = corrected(self.real, bits, self.moments) if compensate else {}
        return quantise(self.real, ranges, bits, moments=used)[0]

    def run(self, graph: Graph, count: int) -> tuple[Array, ...]:
        """Outputs of an integer network on the first frames, as reals."""
        types, codings, player = graph.types, graph.encodings, Player(graph)
        found = [
            player.play({n: codings[n].encode(x, types[n].codes) for n, x in batch.items()})
            for batch in in_batches({n: x[:count].astype(np.float64) for n, x in self.frames.items()})
        ]
        return tuple(codings[name].decode(np.concatenate([f[name] for f in found])) for name in graph.outputs)

    def loss(self, got: Sequence[Array]) -> float:
        """How far outputs are from the real ones, smoothly: the mean over the outputs of `distance`."""
        return float(np.mean([distance(real[: len(g)], g) for real, g in zip(self.outputs, got, strict=True)]))

    def right(self, got: Sequence[Array]) -> float:
        """Per cent of frames whose class is the label's, or without labels the float network's.

        Where the first output names no class: 100 less the root of noise over signal, in per cent.
        """
        ours, theirs = classes(got[0]), classes(self.outputs[0])
        if ours is None or theirs is None:
            return 100.0 * (1.0 - float(np.sqrt(noise(self.outputs[0], got[0]))))
        return 100.0 * float(np.mean(ours == (theirs if self.labels is None else self.labels)))


def corrected(graph: Graph, bits: Precision, moments: Mapping[str, Moments]) -> dict[str, Moments]:
    """Those of the layers whose rounding needs care."""
    ends = bits.with_ends(graph)
    return {n.name: moments[n.name] for n in graph if n.name in moments and ends.of(n).corrects}


def distance(real: Array, got: Array) -> float:
    """Divergence (Kullback and Leibler, in nats) of class probabilities; of other outputs noise over signal.

    Errors too small to change an answer count as well, so that few frames say much.
    """
    if classes(real) is None:
        return noise(real, got)
    p, q = (_log_softmax(x.reshape(len(x), -1)) for x in (real, got))
    return float((np.exp(p) * (p - q)).sum(axis=1).mean())


def noise(real: Array, got: Array) -> float:
    """Squared error over the variance of the real values."""
    return float(np.square(real - got).mean() / max(float(real.var()), 1e-300))


def precision_of(formats: Mapping[str, LayerFormat]) -> Precision:
    """Formats by the name of a layer or an input; what is not named has 8 bits."""
    return Precision(overrides={escape(name): form for name, form in formats.items() if form != LayerFormat()})


def _log_softmax(x: Array) -> Array:
    shifted = x - x.max(axis=1, keepdims=True)
    return np.asarray(shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True)))
