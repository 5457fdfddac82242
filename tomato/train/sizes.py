"""How large a network is: its weights in five measures, and the work that they make."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Self

import numpy as np

from tomato.accelerator import Accelerator
from tomato.core.errors import TomatoError
from tomato.core.formats import Array, Tensor
from tomato.core.ir import Graph
from tomato.engines.parts import cells
from tomato.engines.parts.weighted import WEIGHTS
from tomato.ops.quantise import Dequantise, Quantise
from tomato.ops.recurrent import Recurrent
from tomato.ops.weighted import Weighted
from tomato.quantise.lower_recurrent import coded
from tomato.train.open_channels import gated_work

FLOAT_BITS = 32
"""Of a weight that has no code."""


@dataclass(frozen=True, slots=True)
class Size:
    """Of a layer with n weights, z of them not zero, or of several layers.

    dense_bits: n times the bits of a weight in the narrowest form that the compiler stores these integers in
    (see `tomato.core.forms`; the table of a codebook is not counted); 32 n of reals.

    stored_bits: words times bits of the memories that the layer's unit has for its weights, lanes without a weight
    included; without an accelerator the dense bits.

    entropy_bits: n H(p), with p the shares of the different integers in the layer and H(p) = -sum(p log2 p): the least
    that any code for single weights takes on average, and what ratios with Huffman codes mean in papers. Of reals
    32 z + n H(z / n, 1 - z / n): those that are left, and the mask that says where they are.

    macs: multiply-accumulates of a frame, and effective_macs those by weights that are not zero, of channels that gates
    leave.
    """

    weights: int = 0
    nonzeros: int = 0
    dense_bits: int = 0
    stored_bits: int = 0
    entropy_bits: float = 0.0
    macs: int = 0
    effective_macs: int = 0

    def __add__(self, other: Self) -> Self:
        mine, theirs = asdict(self), asdict(other)
        return type(self)(**{name: mine[name] + theirs[name] for name in mine})


@dataclass(frozen=True, slots=True)
class Sizes:
    """Of all layers with weights, by name, in the order of the graph. `target`: the board whose memories count."""

    layers: Mapping[str, Size]
    target: str | None = None

    @property
    def total(self) -> Size:
        """Of all layers together."""
        return sum(self.layers.values(), start=Size())

    def ratios(self, reference: int | None = None) -> dict[str, float | None]:
        """How many times smaller than `reference` weights in float32 (unless given: as many as there are).

        By dense, stored and entropy bits; None where they are 0.
        """
        total = self.total
        full = FLOAT_BITS * (total.weights if reference is None else reference)
        bits = {"dense": total.dense_bits, "stored": total.stored_bits, "entropy": total.entropy_bits}
        return {name: round(full / n, 3) if n else None for name, n in bits.items()}

    def data(self, reference: int | None = None) -> dict[str, Any]:
        """All of it as plain data: the total's fields, `layers`, `target`, `reference` and `ratios` to it."""
        total = self.total
        return {
            **_rounded(total),
            "target": self.target,
            "reference": total.weights if reference is None else reference,
            "ratios": self.ratios(reference),
            "layers": [{"name": name, **_rounded(size)} for name, size in self.layers.items()],
        }


def sizes(graph: Graph, accelerator: Accelerator | None = None) -> Sizes:
    """Sizes of a real graph, of one with integer weights (frozen, or imported quantised), or of one on codes.

    accelerator: what the compiler made of it, for the bits that its memories store. Raises TomatoError if it lacks a
    layer of the graph.
    """
    quantised = any(isinstance(node.op, Quantise | Dequantise) for node in graph)
    types, gated, layers = graph.types, gated_work(graph), dict[str, Size]()
    for node in graph:
        op = node.op
        if isinstance(op, Weighted | Recurrent):
            macs = op.macs([types[a] for a in node.args])
            stored = None if accelerator is None else _stored(accelerator, node.name)
            weight = Tensor(coded(op)) if isinstance(op, Recurrent) and op.steps is not None else op.weight
            left = gated.get(node.name, 1.0)
            layers[node.name] = _size(weight, macs, left, stored, quantised=quantised)
    return Sizes(layers, accelerator.target.name if accelerator else None)


def entropy(symbols: Array) -> float:
    """Bits per symbol: -sum(p log2 p) over the shares p of the different ones."""
    share = np.unique(symbols, return_counts=True)[1] / symbols.size
    return float(-(share * np.log2(share)).sum()) + 0.0


def _size(weight: Tensor, macs: int, left: float, stored: int | None, *, quantised: bool) -> Size:
    """left: the share of the multiply-accumulates that is done."""
    values, count = weight.values, weight.values.size
    nonzeros = int(np.count_nonzero(values))
    if weight.is_codes or (quantised and bool(np.all(values == np.rint(values)))):
        dense, least = count * _bits(Tensor(values.astype(np.int64))), count * entropy(values)
    else:
        dense, least = count * FLOAT_BITS, nonzeros * FLOAT_BITS + count * entropy(values != 0)
    effective = round(left * (macs * nonzeros // count))  # every weight meets as many inputs
    return Size(count, nonzeros, dense, dense if stored is None else stored, least, macs, effective)


def _bits(codes: Tensor) -> int:
    """Of a weight in the narrowest form that the compiler offers to an engine."""
    return min(cells.form(codes, knobs).bits for knobs in cells.offers(codes, [1]))


def _stored(accelerator: Accelerator, name: str) -> int:
    """Bits in the memories of a layer's unit."""
    units = accelerator.lowered.units
    if name not in units:
        raise TomatoError(
            f"the accelerator has no layer {name}", where=str(accelerator.model),
            hint="compile the network whose sizes are asked for",
        )  # fmt: skip
    stores = units[name].stores
    return sum(s.words * s.bits for key, s in stores.items() if WEIGHTS not in stores or key == WEIGHTS)


def _rounded(size: Size) -> dict[str, Any]:
    return asdict(size) | {"entropy_bits": round(size.entropy_bits, 3)}
