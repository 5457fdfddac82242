"""A network on a graph as a flat list of layers: training, the compiler's graph and counts all follow from it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal

from tomato.quantise.precision import LayerFormat

Operator = Literal["linear", "gcn", "sage", "gat"]
"""What a block does with the features h of the nodes. d is the number of a node's neighbours, W and V are learned.

linear: h W. gcn: the sum over neighbours and the node itself of h W / sqrt((d + 1)(d' + 1)) (Kipf and Welling, 2017).
sage: the mean of h W over neighbours, and h V of the node itself (Hamilton et al., GraphSAGE, 2017). gat: the mean over
neighbours and the node itself of h W, each channel times its attention clip(h W V, 0, 1); the mean stands for the
softmax of Velickovic et al. (2018), whose divisor depends on the frame, and attention is that of the source alone, for
every channel (as gates are in Bresson and Laurent, 2017).
"""
Activation = Literal["none", "relu", "hardtanh", "tanh"]
Matrix = Literal["gcn", "mean", "self_mean"]
"""How neighbours are weighted: 1 / sqrt((d + 1)(d' + 1)), 1 / d, or 1 / (d + 1) with the node among them."""
Work = Literal["dense", "gather", "add", "multiply", "tanh"]
GATHERS: Final[dict[Operator, Matrix]] = {"gcn": "gcn", "sage": "mean", "gat": "self_mean"}
FEATURES: Final = "x"
"""The network's input."""
SCORES: Final = "scores"
ENDS: Final[dict[str, tuple[float, float]]] = {"relu": (0.0, float("inf")), "hardtanh": (-1.0, 1.0), "gate": (0.0, 1.0)}
"""Between which limits results are clipped."""
FLOAT_BITS: Final = 32


@dataclass(frozen=True, slots=True)
class Forms:
    """Formats of a block's components: an empty one is not quantised.

    map: of the weights W and of h W, such as "w4a8". second: likewise of the weights beside them (of the node itself,
    of the attention, of the skip), and what they give. edges: bits of the weights of neighbours. result: bits of what
    the block gives.
    """

    map: str
    second: str
    edges: int
    result: int


@dataclass(frozen=True, slots=True)
class Block:
    """One step of message passing.

    hops: how often neighbours are gathered. skip: whether h V is added to the result.
    """

    operator: Operator
    hops: int
    width: int
    activation: Activation
    skip: bool
    forms: Forms

    def __str__(self) -> str:
        inner = f"^{self.hops}" if self.hops > 1 and self.operator != "linear" else ""
        forms = f"{self.forms.map}/{self.forms.second}/e{self.forms.edges}/a{self.forms.result}"
        tail = "" if self.activation == "none" else f" {self.activation}"
        return f"{self.operator}{inner}-{self.width}{'+skip' if self.skip else ''}{tail}:{forms}"


@dataclass(frozen=True, slots=True)
class Layer:
    """One layer: its work on `args`, `width` channels for each node.

    ends: the activation or gate that clips the result, see `ENDS`. form: of weights and result.
    """

    name: str
    work: Work
    args: tuple[str, ...]
    width: int
    ends: str = ""
    matrix: Matrix | None = None
    form: str = ""


def layers(blocks: Sequence[Block]) -> tuple[Layer, ...]:
    """All layers in order; the last block gives the scores."""
    found: list[Layer] = []
    last = FEATURES
    for i, block in enumerate(blocks):
        name = f"block{i}" if i + 1 < len(blocks) else SCORES
        last = _block(found, name, block, last)
    return tuple(found)


def _block(found: list[Layer], name: str, block: Block, given: str) -> str:
    """The layers of one block; the name of its value."""
    width, forms, pending = block.width, block.forms, [block.activation]

    def add(suffix: str, work: Work, *args: str, form: str, ends: str = "", matrix: Matrix | None = None) -> str:
        found.append(Layer(f"{name}{suffix}", work, args, width, ends, matrix, form))
        return found[-1].name

    second = block.skip or block.operator == "sage"
    clipped = block.activation if block.activation in ENDS else ""
    gathered = _edges(forms)

    def ends(*, last: bool) -> str:
        return clipped if last else ""

    matrix = GATHERS.get(block.operator)
    value = add("_map", "dense", given, form=forms.map, ends=ends(last=matrix is None and not second))
    if block.operator == "gat":
        gate = add("_gate", "dense", value, form=forms.second, ends="gate")
        value = add("_gated", "multiply", value, gate, form=forms.map)
    for hop in range(block.hops if matrix else 0):
        at_end = hop + 1 == block.hops and not second
        value = add(f"_hop{hop}", "gather", value, form=gathered, ends=ends(last=at_end), matrix=matrix)
    if second:
        own = add("_own", "dense", given, form=forms.second)
        value = add("_sum", "add", value, own, form=gathered, ends=clipped)
    return add("_tanh", "tanh", value, form=gathered) if "tanh" in pending else value


def _edges(forms: Forms) -> str:
    """Of a gather: the bits of its edges, and of its result."""
    return f"w{forms.edges}a{forms.result}" if forms.map else ""


@dataclass(frozen=True, slots=True)
class Counts:
    """How large a network is.

    bits: of its weights, and of 32-bit biases. bit_operations: multiply-accumulates of one frame, each times the bits
    of both factors.
    """

    weights: int
    bits: int
    macs: int
    bit_operations: int


def counts(found: Sequence[Layer], features: int, nodes: int, edges: dict[Matrix, int], entered: int = 8) -> Counts:
    """Of one frame. edges: nonzero weights of neighbours of each matrix. entered: bits of the features.

    What is not quantised has 32 bits.
    """
    widths, bits = {FEATURES: features}, {FEATURES: entered if found[0].form else FLOAT_BITS}
    weights = size = macs = operations = 0
    for layer in found:
        form = LayerFormat.parse(layer.form) if layer.form else None
        of_weight, of_value = (form.weight_bits, form.activation_bits) if form else (FLOAT_BITS, FLOAT_BITS)
        given = layer.args[0]
        if layer.work == "dense":
            each = widths[given] * layer.width
            weights += each
            size += each * of_weight + layer.width * FLOAT_BITS
            work = each * nodes
        else:
            work = edges[layer.matrix] * layer.width if layer.matrix else 0
        macs += work
        operations += work * of_weight * bits[given]
        widths[layer.name], bits[layer.name] = layer.width, of_value
    return Counts(weights, size, macs, operations)
