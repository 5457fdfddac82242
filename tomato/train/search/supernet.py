"""One network whose weights all networks of a space share (Cai et al., Once for All, 2020)."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import fields
from typing import NamedTuple

import numpy as np
import torch
from torch import nn
from torch.nn import functional

from tomato.core.formats import Array
from tomato.core.ir import Shape
from tomato.quantise.precision import END_BITS, LayerFormat
from tomato.search.network.build import weight_shape
from tomato.search.network.layers import IMAGE, Layer
from tomato.search.network.space import Choices, Genes, Space
from tomato.train.layers import VARIANCE_FLOOR
from tomato.train.search import rounding

Statistics = dict[str, tuple[torch.Tensor, torch.Tensor]]
"""Mean and variance of every channel behind a layer's weights, by its name."""


class Part(NamedTuple):
    """Of one layer: weights (channels out, channels in of a group, height, width), and what normalisation ends with."""

    weight: torch.Tensor
    gain: torch.Tensor
    shift: torch.Tensor


Parts = dict[str, Part]
"""Of a network, by the name of a layer."""


class Supernet(nn.Module):
    """Weights for the widest layer of every name, and batch normalisation behind each.

    A network takes the first channels and the middle of the kernels. Weights are (channels out, channels in of a group,
    height, width). frame: (height, width, channels) of the input, which comes as (batch, channels, height, width).
    """

    def __init__(self, space: Space, frame: Shape, classes: int, seed: int = 0) -> None:
        super().__init__()
        self.space, self.frame, self.classes = space, frame, classes
        self.weights, self.gains, self.shifts = (nn.ParameterDict() for _ in range(3))
        for name, shape in sorted(widest(space, frame, classes).items()):
            rng = np.random.default_rng([seed, *name.encode()])
            drawn = rng.normal(0.0, np.sqrt(2.0 / np.prod(shape[1:])), shape).astype(np.float32)
            self.weights[name] = nn.Parameter(torch.from_numpy(drawn))
            self.gains[name] = nn.Parameter(torch.ones(shape[0]))
            self.shifts[name] = nn.Parameter(torch.zeros(shape[0]))

    def layers(self, genes: Genes) -> tuple[Layer, ...]:
        """The layers of a network."""
        return self.space.layers(genes, self.frame, self.classes)

    def forward(
        self, x: torch.Tensor, layers: Sequence[Layer], known: Statistics | None = None, seen: Statistics | None = None
    ) -> torch.Tensor:
        """Scores (batch, classes) of a network.

        known: what normalises; unless given, the batch does, and `seen` gets its statistics.
        """
        return play(x, layers, self.parts(layers), known, seen)

    def parts(self, layers: Sequence[Layer]) -> Parts:
        """What a network takes of the shared weights: views, which gradients reach."""
        found: Parts = {}
        widths = {IMAGE: self.frame[2], **{layer.name: layer.shape[2] for layer in layers}}
        for layer in layers:
            if layer.weighted:
                out, weight = layer.shape[2], self.taken(layer, widths[layer.args[0]])
                found[layer.name] = Part(weight, self.gains[layer.name][:out], self.shifts[layer.name][:out])
        return found

    def taken(self, layer: Layer, channels: int) -> torch.Tensor:
        """The weights of a layer whose input has so many channels."""
        whole = self.weights[layer.name]
        out, per_group = layer.shape[2], 1 if layer.work == "depthwise" else channels
        margin = (whole.shape[2] - layer.kernel) // 2
        return whole[:out, :per_group, margin : margin + layer.kernel, margin : margin + layer.kernel]

    @torch.no_grad()
    def statistics(self, layers: Sequence[Layer], x: torch.Tensor) -> Statistics:
        """Those of a network on some frames: shared ones would be of no network at all (Yu et al., 2019)."""
        seen: Statistics = {}
        self(x, layers, seen=seen)
        return seen

    @torch.no_grad()
    def scores(self, layers: Sequence[Layer], batches: Iterable[torch.Tensor], known: Statistics) -> torch.Tensor:
        """Of frames, a batch at a time."""
        return torch.cat([self(x, layers, known) for x in batches])

    @torch.no_grad()
    def folded(self, layers: Sequence[Layer], known: Statistics) -> Mapping[str, tuple[Array, Array]]:
        """Weights and biases of a network, normalisation in them, as `build.Weights` gives them, by layer."""
        found: Mapping[str, tuple[Array, Array]] = folded(layers, self.parts(layers), known)
        return found


def play(
    x: torch.Tensor, layers: Sequence[Layer], parts: Parts, known: Statistics | None = None,
    seen: Statistics | None = None, times: int = 1,
) -> torch.Tensor:  # fmt: skip
    """Scores (batch, classes) of a network with these parts; `known` and `seen` as of a `Supernet`.

    times: so many networks of the same layers beside each other, whose channels follow one another everywhere.
    """
    values = {IMAGE: x.contiguous(memory_format=torch.channels_last)}
    last = layers[-1].name
    first = next(layer.name for layer in layers if layer.weighted)
    for layer in layers:
        given = [values[a] for a in layer.args]
        form = LayerFormat.parse(layer.form) if layer.form else None
        if layer.weighted:
            assert form is not None, "layers with weights have a format"
            wide = form.corrects and layer.name in (first, last)
            bits = LayerFormat(END_BITS, form.activation_bits) if wide else form
            part = parts[layer.name]
            value = _normalised(layer, _product(layer, given[0], part.weight, bits, times), part, known, seen)
        else:
            value = _plain(layer, given)
        value = value.relu() if layer.relu else value
        if form is not None and layer.name != last:
            value = rounding.activations(value, form.activation_bits, positive=layer.relu)
        values[layer.name] = value
    return values[last].flatten(1)


def _product(layer: Layer, x: torch.Tensor, whole: torch.Tensor, form: LayerFormat, times: int) -> torch.Tensor:
    weight = rounding.weights(whole, form)
    groups = x.shape[1] if layer.work == "depthwise" else times
    return functional.conv2d(x, weight, stride=layer.stride, padding=layer.kernel // 2, groups=groups)


def _normalised(
    layer: Layer, x: torch.Tensor, part: Part, known: Statistics | None, seen: Statistics | None
) -> torch.Tensor:
    if layer.work == "dense":
        return x * part.gain[:, None, None] + part.shift[:, None, None]
    if known is not None:
        mean, variance = known[layer.name]
        return functional.batch_norm(x, mean, variance, part.gain, part.shift, training=False, eps=VARIANCE_FLOOR)
    if seen is not None:
        variance, mean = torch.var_mean(x, (0, 2, 3), correction=0)
        seen[layer.name] = mean, variance
    return functional.batch_norm(x, None, None, part.gain, part.shift, training=True, eps=VARIANCE_FLOOR)


@torch.no_grad()
def folded(layers: Sequence[Layer], parts: Parts, known: Statistics) -> Mapping[str, tuple[Array, Array]]:
    """Weights and biases of a network with these parts, normalisation in them, as `build.Weights` gives them."""
    found: dict[str, tuple[Array, Array]] = {}
    for layer in layers:
        if not layer.weighted:
            continue
        weight, gain, shift = (v.double() for v in parts[layer.name])
        if layer.name in known:
            mean, variance = (v.double() for v in known[layer.name])
            gain = gain / (variance + VARIANCE_FLOOR).sqrt()
            shift = shift - mean * gain
        arranged = (weight * gain[:, None, None, None]).permute(2, 3, 1, 0)
        channels = arranged.shape[2]
        found[layer.name] = arranged.numpy().reshape(weight_shape(layer, channels)), shift.numpy()
    return found


def _plain(layer: Layer, args: Sequence[torch.Tensor]) -> torch.Tensor:
    """A layer without weights."""
    if layer.work == "add":
        return args[0] + args[1]
    if layer.work == "max":
        return functional.max_pool2d(args[0], layer.kernel, layer.stride)
    if layer.work == "shrink":
        return functional.avg_pool2d(args[0], layer.kernel, layer.stride)
    return args[0].mean((2, 3), keepdim=True)


def widest(space: Space, frame: Shape, classes: int) -> dict[str, tuple[int, int, int, int]]:
    """The shape that a layer's weights have at most, by its name: (out, in of a group, height, width)."""
    found: dict[str, tuple[int, int, int, int]] = {}
    for genes in _extremes(space):
        try:
            every = space.layers(genes, frame, classes)
        except ValueError:  # the picture gets too small: others of the same names do not
            continue
        widths = {IMAGE: frame[2], **{layer.name: layer.shape[2] for layer in every}}
        for layer in every:
            if layer.weighted:
                channels = 1 if layer.work == "depthwise" else widths[layer.args[0]]
                shape = (layer.shape[2], channels, layer.kernel, layer.kernel)
                known = found.get(layer.name, shape)
                found[layer.name] = tuple(map(max, shape, known))  # type: ignore[assignment]
    return found


def _extremes(space: Space) -> Iterable[Genes]:
    """Networks that have all layers there are, each as wide and deep as it gets in some."""
    names = [f.name for f in fields(Choices)]
    sizes = "kernels", "widths", "depths", "expands"
    largest = [0] + [c.index(max(c)) if n in sizes else 0 for stage in space.stages
                     for n, c in zip(names, stage.lists, strict=True)]  # fmt: skip
    for i, stage in enumerate(space.stages):
        at = 1 + i * len(names)
        for kind in range(len(stage.kinds)):
            for down in range(len(stage.downs)):
                for width in {stage.widths.index(min(stage.widths)), stage.widths.index(max(stage.widths))}:
                    genes = list(largest)
                    genes[at + names.index("kinds")], genes[at + names.index("downs")] = kind, down
                    genes[at + names.index("widths")] = width
                    yield tuple(genes)
