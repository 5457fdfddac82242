"""How large a network is, in the five ways that people count."""

from dataclasses import dataclass

import numpy as np

from tomato.core.forms import forms_of
from tomato.core.formats import Array, Tensor
from tomato.core.ir import Graph
from tomato.ops.weighted import Weighted

FLOAT = 32


@dataclass(frozen=True, slots=True)
class Sizes:
    """Of all weights: their number, those that are not 0, and bits.

    dense_bits: of all weights in the narrowest form that the compiler stores. stored_bits: what the memories of the
    hardware hold, lanes that nothing uses included; dense_bits where no design is known. entropy_bits: each layer's
    weights times the entropy of its codes, which ideal Huffman codes approach. macs: of one frame.
    """

    weights: int
    nonzeros: int
    dense_bits: int
    stored_bits: int
    entropy_bits: float
    macs: int


def sizes(graph: Graph, stored_bits: int | None = None) -> Sizes:
    """The sizes of a graph: whole numbers as they are, real weights as float32."""
    layers = [(n, n.op) for n in graph if isinstance(n.op, Weighted)]
    dense = sum(_dense(op.weight.values) for _, op in layers)
    return Sizes(
        sum(op.weight.values.size for _, op in layers),
        sum(int(np.count_nonzero(op.weight.values)) for _, op in layers),
        dense,
        dense if stored_bits is None else stored_bits,
        sum(_entropy(op.weight.values) for _, op in layers),
        sum(n.op.macs(graph.args_of(n)) for n, _ in layers),
    )


def _whole(values: Array) -> bool:
    return bool(np.all(values == np.rint(values)))


def _dense(values: Array) -> int:
    if not _whole(values):
        return FLOAT * values.size
    forms = forms_of(Tensor(np.rint(values).astype(np.int64)))
    return min(form.bits for form in forms) * values.size


def _entropy(values: Array) -> float:
    """Weights times the entropy of their distribution; real ones 32 bits each, and where they are."""
    real = not _whole(values)
    shown = (values != 0) if real else values
    counts = np.unique(shown, return_counts=True)[1] / values.size
    bits = float(values.size * -(counts * np.log2(counts)).sum())
    return bits + FLOAT * float(np.count_nonzero(values)) if real else bits
