"""Layers become a network on codes, in the form in which a trained one is exported, with weights that are drawn.

What a network costs depends on shapes and formats, not on what its weights are, but for a little: how wide a sum can
get, and how many words of zeros there are. So the weights, and the steps of codes, depend on a layer's shape and format
alone, and layers of two networks that are equal are equal operators.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np

from tomato.core.formats import Array, Codes, Tensor
from tomato.core.ir import Builder, Graph, Node, Shape
from tomato.core.treatment import Treatment
from tomato.ops.quantise import Bias, Dequantise, Quantise
from tomato.ops.real import Affine, Clip
from tomato.ops.weighted import Weighted
from tomato.passes import CLEAN, run
from tomato.passes.groups import Group, partition
from tomato.quantise.precision import LayerFormat
from tomato.quantise.weights.kinds import KINDS
from tomato.search.network import build
from tomato.search.network.layers import IMAGE, Layer

REACH = 3.3
"""The greatest value that codes stand for: about that of 1 in 1,000 of a normal distribution."""
FRAME = 1.7
"""Likewise of the network's input, whose least value is its negative."""
BYTE, WORD = 8, 16
NONE = Tensor(np.zeros(1))


@dataclass(frozen=True, slots=True)
class Coded:
    """Codes of a value: their name, what they mean, their limits and their type in a file."""

    value: str
    scale: float
    zero: int
    lo: int
    hi: int
    kind: Codes


def coded(layers: Sequence[Layer], frame: Shape) -> Graph:
    """The network with a Quantise behind every layer and integers for weights, as `train.freeze` makes it.

    frame: (height, width, channels) of the input. Scores stay real.
    """
    return _Coding(run(build.graph(layers, frame), CLEAN), layers).result()


class _Coding:
    def __init__(self, real: Graph, layers: Sequence[Layer]) -> None:
        self.real, self.groups = real, partition(real)
        bits = build.precision(layers).with_ends(real)
        self.forms = {group.head.name: bits.of(group.head) for group in self.groups}
        self.input_bits = bits.named(IMAGE).activation_bits
        widths = [self.input_bits, *(form.activation_bits for form in self.forms.values())]
        self.signed = any(width < BYTE for width in widths)
        self.build = Builder(real.inputs)
        self.values: dict[str, Coded] = {}
        self.outputs: dict[str, str] = {}

    def result(self) -> Graph:
        self.values[IMAGE] = self.give(IMAGE, IMAGE, self.input_bits, -FRAME, FRAME, relu=False)
        for group in self.groups:
            self.visit(group)
        outputs = tuple(self.outputs[name] for name in self.real.outputs)
        return replace(self.real, nodes=tuple(self.build.nodes), outputs=outputs).prune()

    def visit(self, group: Group) -> None:
        """The nodes of one group, and the codes of its result."""
        head = group.head
        if head.op.treatment is Treatment.MOVES:
            given = self.values[head.args[0]]
            name = self.build.add(head.op, [given.value], head.name, head.origin)
            self.values[group.output] = replace(given, value=name)
            return
        form, relu = self.forms[head.name], group.ramp.lo == 0
        if isinstance(head.op, Weighted):
            value = self.layer(head, form)
        else:
            value = self.build.add(head.op, [self.decoded(a) for a in head.args], head.name, head.origin)
            if np.any(group.ramp.scale != 1):
                scale = Tensor(np.asarray(group.ramp.scale, np.float32).astype(np.float64))
                value = self.build.add(Affine(scale, NONE), [value], f"{group.output}_line", head.origin)
        if group.output in self.real.outputs:
            self.outputs[group.output] = value
            return
        least = 0.0 if relu else -REACH
        self.values[group.output] = self.give(group.output, value, form.activation_bits, least, REACH, relu=relu)

    def layer(self, head: Node, form: LayerFormat) -> str:
        """A product with integers, their scale, and a bias in steps of the sum."""
        assert isinstance(head.op, Weighted)
        codes, scale = _integers(head.op.weight.shape, form.kind, form.weight_bits)
        step = (np.float32(self.values[head.args[0]].scale) * scale).astype(np.float64)
        bias = np.rint(build.drawn_of(head.op.weight.shape)[1] / step).astype(np.int64)
        whole = replace(head.op, weight=codes)
        name = self.build.add(whole, [self.decoded(head.args[0])], head.name, head.origin)
        name = self.build.add(Affine(Tensor(scale.astype(np.float64)), NONE), [name], f"{head.name}_scale", head.origin)
        made = Bias(Tensor(bias * step), Tensor(bias), Tensor(step))
        return self.build.add(made, [name], f"{head.name}_bias", head.origin)

    def give(self, name: str, value: str, bits: int, least: float, most: float, *, relu: bool) -> Coded:
        """Code a real value that lies between `least` and `most`."""
        kind = Codes.of(BYTE if bits <= BYTE else WORD, signed=self.signed)
        codes = Codes.of(bits, signed=self.signed)
        scale = float(np.float32(2 * REACH / ((1 << bits) - 1)))  # one step for all of a width: sums need no factors
        if value == IMAGE:
            scale = float(np.float32((most - least) / ((1 << bits) - 1)))
        zero = codes.lo if least == 0 else codes.lo + (1 << (bits - 1))
        if relu:
            value = self.build.add(Clip(0.0, np.inf), [value], f"{name}_relu", (f"{name}_relu",))
        made = Quantise(Tensor(np.array([scale])), Tensor(np.array([zero])), codes.lo, codes.hi, kind=kind)
        return Coded(
            self.build.add(made, [value], f"{name}_codes", (f"{name}_codes",)), scale, zero, codes.lo, codes.hi, kind
        )

    def decoded(self, name: str) -> str:
        """The real value of codes."""
        given = self.values[name]
        op = Dequantise(Tensor(np.array([given.scale])), Tensor(np.array([given.zero])), given.kind)
        return self.build.add(op, [given.value], f"{name}_real", (f"{given.value}_real",))


@lru_cache(maxsize=4096)
def _integers(shape: tuple[int, ...], kind: str, bits: int) -> tuple[Tensor, Array]:
    """Drawn weights of a shape in a format: their integers, as reals, and a scale per channel, float32."""
    weight, _ = build.drawn_of(shape)
    flat = weight.reshape(-1, shape[-1])
    alphabet = KINDS[kind].choose(flat, bits)
    scale = np.where(alphabet.scale > 0, alphabet.scale, 1.0).astype(np.float32)
    return Tensor(alphabet.nearest(flat / scale).astype(np.float64).reshape(shape)), scale
