"""The trained network in integers, as the graph that the importer makes of the exported file."""

from dataclasses import dataclass, replace

import numpy as np

from tomato.core.formats import Array, Codes, Tensor
from tomato.core.ir import Builder, Graph
from tomato.core.treatment import Treatment
from tomato.ops.keep_largest import KeepLargest
from tomato.ops.pool import MaxPool
from tomato.ops.quantise import Bias, Dequantise, Quantise
from tomato.ops.real import Affine, Clip
from tomato.ops.recurrent import Recurrent
from tomato.ops.weighted import Weighted
from tomato.passes.groups import Group
from tomato.train.layers import FrozenLayer
from tomato.train.module import Network, is_line
from tomato.train.recurrent import RecurrentLayer

BYTE, WORD = 8, 16
"""Bits of the types of codes in files."""
NONE = Tensor(np.zeros(1))


@dataclass(frozen=True, slots=True)
class Coded:
    """Codes of a value in the frozen graph: their name and what they mean, float32 scale."""

    value: str
    scale: float
    zero: int
    kind: Codes


def freeze(network: Network) -> Graph:
    """The graph with a Quantise where the network codes values, and integer weights and biases in its layers.

    The Quantise of a value is called `<value>_codes`, or `<input>_codes`. Codes are unsigned where all have 8 bits or
    more, as runtimes compute them rightly on every processor; of fewer bits they lie around 0, which takes narrower
    multipliers in hardware.
    """
    return _Freezer(network).frozen()


class _Freezer:
    def __init__(self, network: Network) -> None:
        self.network = network
        self.signed = any(q.codes.bits < BYTE for q in network.points.values())
        self.build = Builder(network.graph.inputs)
        self.coded: dict[str, Coded] = {}
        self.real: dict[str, str] = {}

    def frozen(self) -> Graph:
        graph = self.network.graph
        for name, _ in graph.inputs:
            self.give(name, name, (-np.inf, np.inf), ())
        for group in self.network.groups:
            self.visit(group)
        outputs = tuple(self.reals(o) for o in graph.outputs)
        return replace(graph, nodes=tuple(self.build.nodes), outputs=outputs).prune()

    def visit(self, group: Group) -> None:
        """The nodes of one group."""
        op, head, args = group.head.op, group.head, group.head.args
        moved = args[op.conditions :]
        if op.treatment is Treatment.MOVES and all(a in self.coded for a in moved):
            first = self.coded[moved[0]]
            wide = isinstance(op, MaxPool) and first.kind.bits == WORD  # ONNX has it for codes of 8 bits
            if wide or op.elementwise or isinstance(op, KeepLargest):  # and runtimes have these for reals
                name = self.build.add(op, [self.reals(a) for a in args], head.name, head.origin)
                limits = first.kind.lo, first.kind.hi
                name = self.build.add(_quantise(first, limits), [name], f"{head.name}_codes", head.origin)
                self.coded[group.output] = replace(first, value=name)
                return
            bordered = op if op.border is None else op.with_border(_code(first, float(op.border)))
            name = self.build.add(bordered, [self.coded[a].value for a in args], head.name, head.origin)
            self.coded[group.output] = replace(first, value=name)
            return
        given = [self.reals(a) for a in args]
        if isinstance(op, Weighted):
            step = self.coded[args[0]].scale
            value = self.layer(group, self.network.layer(head.name).freeze(step), given)
        elif is_line(group):
            value = self.line(group, given[0])
        else:
            if isinstance(op, Recurrent):
                layer = self.network.layer(head.name)
                assert isinstance(layer, RecurrentLayer)
                op = layer.operator()
            value = self.line(group, self.build.add(op, given, head.name, head.origin))
        self.give(group.output, value, (group.ramp.lo, group.ramp.hi), group.origin)

    def layer(self, group: Group, layer: FrozenLayer, given: list[str]) -> str:
        head, op = group.head, group.head.op
        assert isinstance(op, Weighted)
        whole = replace(op, weight=Tensor(layer.codes.astype(np.float64)))
        name = self.build.add(whole, given, head.name, head.origin)
        name = self.build.add(Affine(_numbers(layer.scale), NONE), [name], f"{head.name}_scale", head.origin)
        bias = Bias(_numbers(layer.bias * layer.step.astype(np.float64)), Tensor(layer.bias), _numbers(layer.step))
        return self.build.add(bias, [name], f"{head.name}_bias", head.origin)

    def line(self, group: Group, value: str) -> str:
        """The line behind something without weights, where there is one."""
        scale, offset = (np.asarray(v, np.float32) for v in (group.ramp.scale, group.ramp.offset))
        if np.all(scale == 1) and not offset.any():
            return value
        line = Affine(_numbers(scale), _numbers(offset))
        return self.build.add(line, [value], f"{group.output}_line", group.origin)

    def give(self, name: str, value: str, limits: tuple[float, float], origin: tuple[str, ...]) -> None:
        """Code a value, its limits as those of the codes; without codes it stays real, within them."""
        quantiser = self.network.quantiser(name)
        lo, hi = limits
        if quantiser is None:
            self.real[name] = value if limits == (-np.inf, np.inf) else self.build.add(
                Clip(lo, hi), [value], f"{name}_limits", origin)  # fmt: skip
            return
        kind = Codes.of(BYTE if quantiser.codes.bits <= BYTE else WORD, signed=self.signed)
        down = (quantiser.codes.hi + 1) // 2 if self.signed else 0
        codes = Codes(quantiser.codes.lo - down, quantiser.codes.hi - down)
        coded = Coded("", float(np.float32(quantiser.scale.item())), quantiser.zero - down, kind)
        if lo == 0 and coded.zero == kind.lo:
            value = self.build.add(Clip(0.0, np.inf), [value], f"{name}_relu", origin)
        ends = [min(max(_code(coded, end), codes.lo), codes.hi) for end in limits]
        if kind.bits == WORD and ends != [kind.lo, kind.hi]:  # runtimes clip codes of 8 bits, and reals
            least, most = ((end - coded.zero) * coded.scale for end in ends)
            value, ends = self.build.add(Clip(least, most), [value], f"{name}_limits", origin), [kind.lo, kind.hi]
        made = self.build.add(_quantise(coded, (ends[0], ends[1])), [value], f"{name}_codes", origin)
        self.coded[name] = replace(coded, value=made)

    def reals(self, name: str) -> str:
        """The real value of this name, its codes dequantised if it has codes."""
        if name not in self.coded:
            return self.real[name]
        coded = self.coded[name]
        op = Dequantise(Tensor(np.array([coded.scale])), Tensor(np.array([coded.zero])), coded.kind)
        return self.build.add(op, [coded.value], f"{name}_real")


def _quantise(coded: Coded, limits: tuple[int, int]) -> Quantise:
    scale, zero = Tensor(np.array([coded.scale])), Tensor(np.array([coded.zero]))
    return Quantise(scale, zero, *limits, kind=coded.kind)


def _code(coded: Coded, real: float) -> int:
    """The code of a real number, limits of the type for infinities."""
    if np.isinf(real):
        return coded.kind.hi if real > 0 else coded.kind.lo
    return int(np.clip(np.rint(real / coded.scale) + coded.zero, coded.kind.lo, coded.kind.hi))


def _numbers(values: Array) -> Tensor:
    """Constants per channel; one where all channels agree."""
    flat = np.asarray(values, dtype=np.float64).reshape(-1)
    return Tensor(flat[:1] if np.all(flat == flat[0]) else flat)
