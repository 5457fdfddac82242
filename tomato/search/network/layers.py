"""An architecture as a flat list of layers: the one description that graphs, shared weights and counts follow from."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal

from tomato.core.ir import Shape
from tomato.quantise.precision import END_BITS, LayerFormat

Kind = Literal["conv", "separable", "inverted", "residual"]
"""Blocks: a convolution; depthwise and pointwise (Howard et al., MobileNets, 2017); expansion, depthwise and projection
with a shortcut (Sandler et al., MobileNetV2, 2018); two convolutions with a shortcut (He et al., 2016)."""
Down = Literal["none", "stride", "max"]
"""How a stage halves the picture: not at all, by the stride of its first window, or by max pooling in front."""
Work = Literal["shrink", "conv", "depthwise", "max", "add", "average", "dense"]
WEIGHTED: Final = ("conv", "depthwise", "dense")
IMAGE: Final = "x"
"""The network's input."""
HEAD: Final = "scores"
MEAN: Final = "w8a8"
"""The format of the mean over the picture, whose channels differ by less than they are: few codes, and cheap."""


@dataclass(frozen=True, slots=True)
class Stage:
    """`depth` blocks of one kind, `width` channels each; the first one halves the picture if `down` says so.

    expand: how many times as wide an inverted residual is inside. form: weights and activations, such as "w4a4".
    """

    kind: Kind
    kernel: int
    width: int
    depth: int
    down: Down
    expand: int
    form: str


@dataclass(frozen=True, slots=True)
class Architecture:
    """Stages one behind the other, the first being the stem, then the mean over the picture and a score for each class.

    Frames are shrunk by an average over `shrink` x `shrink` pixels first.
    """

    shrink: int
    stages: tuple[Stage, ...]

    def __str__(self) -> str:
        return " ".join([*([f"1/{self.shrink}"] if self.shrink > 1 else []), *map(_text, self.stages)])


@dataclass(frozen=True, slots=True)
class Layer:
    """One layer: its work on `args`, with a bias (batch normalisation) behind weights, and a ReLU if there is one.

    shape: of its result, (height, width, channels). name: also where layers of all architectures share weights.
    """

    name: str
    work: Work
    args: tuple[str, ...]
    shape: Shape
    kernel: int = 1
    stride: int = 1
    relu: bool = False
    form: str = ""

    @property
    def weighted(self) -> bool:
        """Whether it has weights."""
        return self.work in WEIGHTED


def layers(found: Architecture, frame: Shape, classes: int) -> tuple[Layer, ...]:
    """All layers in order. frame: (height, width, channels) of the input.

    Raises ValueError where the picture gets too small.
    """
    walk = _Walk(frame)
    if found.shrink > 1:
        walk.add("shrink", "shrink", kernel=found.shrink, stride=found.shrink, form=found.stages[0].form)
    for i, stage in enumerate(found.stages):
        for j in range(stage.depth):
            walk.block(f"stage{i}_{j}", stage, down="none" if j else stage.down)
    walk.add("average", "average", form=MEAN)
    walk.add(HEAD, "dense", width=classes, form=found.stages[-1].form)
    return tuple(walk.found)


class _Walk:
    """Appends layers; `last` is the newest value."""

    def __init__(self, frame: Shape) -> None:
        self.found: list[Layer] = []
        self.shapes = {IMAGE: frame}
        self.last = IMAGE

    def add(
        self, name: str, work: Work, *args: str, width: int = 0, kernel: int = 1, stride: int = 1, relu: bool = False,
        form: str = "",
    ) -> str:  # fmt: skip
        """A layer on the last value, or on others; `width` 0 keeps the channels."""
        given = args or (self.last,)
        height, columns, channels = self.shapes[given[0]]
        if work in ("average", "dense"):
            height = columns = stride = 1
        if work == "shrink" and (height % stride or columns % stride):
            raise ValueError(f"a picture of {height}x{columns} is not cut into squares of {stride}x{stride}")
        if work == "max" and min(height, columns) < stride:
            raise ValueError(f"a picture of {height}x{columns} cannot be halved")
        shape = (height // stride, columns // stride, channels)
        if work not in ("shrink", "max"):
            shape = (-(-height // stride), -(-columns // stride), width or channels)
        self.shapes[name] = shape
        self.found.append(Layer(name, work, given, shape, kernel, stride, relu, form))
        self.last = name
        return name

    def block(self, name: str, stage: Stage, down: Down) -> None:
        """One block of a stage; `down` as in `Stage`."""
        if down == "max":
            self.add(f"{name}_max", "max", kernel=2, stride=2)
        step, kernel, form, width = 2 if down == "stride" else 1, stage.kernel, stage.form, stage.width
        start, channels = self.last, self.shapes[self.last][2]
        match stage.kind:
            case "conv":
                self.add(f"{name}_conv", "conv", width=width, kernel=kernel, stride=step, relu=True, form=form)
            case "separable":
                self.add(f"{name}_depth", "depthwise", kernel=kernel, stride=step, relu=True, form=form)
                self.add(f"{name}_point", "conv", width=width, relu=True, form=form)
            case "inverted":
                self.add(f"{name}_expand", "conv", width=channels * stage.expand, relu=True, form=form)
                self.add(f"{name}_inner", "depthwise", kernel=kernel, stride=step, relu=True, form=form)
                inner = self.add(f"{name}_project", "conv", width=width, form=form)
                if step == 1 and channels == width:
                    self.add(f"{name}_sum", "add", inner, start, form=form)
            case "residual":
                self.add(f"{name}_first", "conv", width=width, kernel=kernel, stride=step, relu=True, form=form)
                inner = self.add(f"{name}_second", "conv", width=width, kernel=kernel, form=form)
                skip = start
                if step > 1 or channels != width:
                    skip = self.add(f"{name}_skip", "conv", start, width=width, stride=step, form=form)
                self.add(f"{name}_sum", "add", inner, skip, relu=True, form=form)


@dataclass(frozen=True, slots=True)
class Counts:
    """What other searches minimise. bit_operations: multiply-accumulates, each times bits of weight and of input."""

    weights: int
    macs: int
    bit_operations: int


def counts(found: Sequence[Layer], frame: Shape) -> Counts:
    """Of one frame, without biases. Inputs have the bits of the layer that gives them, the frame 8."""
    shapes, bits = {IMAGE: frame}, {IMAGE: END_BITS}
    weights = macs = operations = 0
    for layer in found:
        form = LayerFormat.parse(layer.form) if layer.form else None
        given = shapes[layer.args[0]][2]
        shapes[layer.name], bits[layer.name] = layer.shape, form.activation_bits if form else bits[layer.args[0]]
        if form and layer.weighted:
            height, columns, out = layer.shape
            size = layer.kernel**2 * (1 if layer.work == "depthwise" else given) * out
            weights += size
            macs += size * height * columns
            operations += size * height * columns * form.weight_bits * bits[layer.args[0]]
    return Counts(weights, macs, operations)


def _text(stage: Stage) -> str:
    inner = f"e{stage.expand}" if stage.kind == "inverted" else ""
    down = {"none": "", "stride": "/2", "max": "/m"}[stage.down]
    return f"{stage.depth}x{stage.kind}{stage.kernel}-{stage.width}{inner}{down}:{stage.form}"
