"""Transposed convolution: a convolution whose channels become the pixels between those of its input."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from tomato.core.formats import Array, Tensor
from tomato.core.ir import Shape
from tomato.frontend.model import OnnxNode, RefusedError
from tomato.frontend.walk import Rule, Walk
from tomato.ops.conv2d import Conv2d
from tomato.ops.move import Concat, DepthToSpace, Pad, Reshape, Slice, Transpose
from tomato.ops.window import Window


@dataclass(frozen=True, slots=True)
class Axis:
    """One axis of a node: sizes in front and behind, its kernel, and how many pixels are left out before the result."""

    size: int
    out: int
    kernel: int
    stride: int
    dilation: int
    begin: int


@dataclass(frozen=True, slots=True)
class Phases:
    """One axis of a transposed convolution.

    The result is `out` of the `pixels` times `stride` places, from place `cut` on. The places `phase` behind a
    multiple of the stride are a convolution of stride 1 of the input with a border of `pads` (a negative one is left
    out), by the taps `picked[phase]` of the kernel, -1 for none.
    """

    stride: int
    cut: int
    out: int
    pixels: int
    pads: tuple[int, int]
    picked: Array

    @property
    def taps(self) -> int:
        """Length of the kernel of every phase."""
        return int(self.picked.shape[1])


def phases(axis: Axis) -> Phases:
    """The phases of an axis, with the cut that makes the least work."""
    return min((_phases(axis, cut) for cut in range(axis.stride)), key=lambda found: found.taps * found.pixels)


def _phases(axis: Axis, cut: int) -> Phases:
    """Tap k adds input i to place i * stride + k * dilation - begin of the result."""
    reach = {}
    for phase in range(axis.stride):
        for k in range(axis.kernel):
            offset, rest = divmod(phase + axis.begin - cut - k * axis.dilation, axis.stride)
            if rest == 0:
                reach[phase, offset] = k
    offsets = [offset for _, offset in reach]
    first, last = min(offsets), max(offsets)
    picked = np.full((axis.stride, last - first + 1), -1)
    for (phase, offset), k in reach.items():
        picked[phase, offset - first] = k
    pixels = -(-(axis.out + cut) // axis.stride)
    return Phases(axis.stride, cut, axis.out, pixels, (-first, pixels - axis.size + last), picked)


def from_conv_transpose(walk: Walk, node: OnnxNode) -> None:
    """ConvTranspose, 1-D or 2-D, in groups or not."""
    weight, steps = walk.factors(node, 1, 1, "weight")
    if weight.ndim not in (3, 4):
        raise RefusedError(f"expected a 1-D or 2-D convolution, not {weight.ndim - 2}-D", "only those are supported")
    rank, groups = weight.ndim, node.integer("group", 1)
    value = walk.image(node.inputs[0])
    shape = walk.build.types[value].shape
    if weight.shape[0] != shape[2] or groups < 1 or shape[2] % groups:
        raise RefusedError(f"expected a weight for {shape[2]} channels in {groups} groups", "check the exported model")
    axes = _axes(node, weight.shape[2:], shape)
    rows, columns = (phases(a) for a in axes)
    weight = weight.reshape(groups, -1, weight.shape[1], axes[0].kernel, axes[1].kernel).transpose(3, 4, 1, 0, 2)
    bias = walk.weight(node, 2, "bias") if node.has(2) else None

    def finished(value: str) -> str:
        """A convolution's result, of one phase or of all, with its steps and bias."""
        count = walk.build.types[value].channels // (groups * weight.shape[-1])
        value = walk.scaled(value, np.tile(steps, groups * count) if steps.size > 1 else steps)
        if bias is None:
            return value
        kind, parts = walk.bias(value, node.inputs[2], bias)
        tensors = (Tensor(np.tile(p, count) if p.size > 1 else p) for p in parts)
        return walk.emit(kind(*tensors), [value], "_bias")

    value = _phased(walk, _bordered(walk, value, rows, columns), weight, rows, columns, finished)
    walk.put_image(node.outputs[0], _spread(walk, value, rows, columns), rank)


def _axes(node: OnnxNode, kernel: tuple[int, ...], shape: Shape) -> tuple[Axis, Axis]:
    """Height and width; a 1-D convolution is one of height 1."""
    rank = len(kernel)
    strides, dilations = node.integers("strides") or (1,) * rank, node.integers("dilations") or (1,) * rank
    more, asked = node.integers("output_padding") or (0,) * rank, node.integers("output_shape")
    pads, auto = node.integers("pads") or (0,) * (2 * rank), node.text("auto_pad", "NOTSET")
    if auto not in ("NOTSET", "VALID", "SAME_UPPER", "SAME_LOWER"):
        raise RefusedError(f"the padding {auto!r} is unknown", "use SAME_UPPER, SAME_LOWER, VALID or explicit pads")
    if asked is not None:
        asked = asked[-rank:]
    elif auto.startswith("SAME"):
        asked = tuple(size * s for size, s in zip(shape[2 - rank : 2], strides, strict=True))
    found = [Axis(1, 1, 1, 1, 1, 0)] * (2 - rank)
    for i, size in enumerate(shape[2 - rank : 2]):
        whole = (size - 1) * strides[i] + more[i] + (kernel[i] - 1) * dilations[i] + 1
        begin, end = (0, 0) if auto == "VALID" else (pads[i], pads[rank + i])
        if asked is not None:
            total = whole - asked[i]
            if total < 0:
                raise RefusedError(
                    f"expected a result no larger than the {whole} pixels that its kernel reaches, not {asked[i]}",
                    "give pads and output_padding",
                )
            begin = total // 2 if auto == "SAME_UPPER" else total - total // 2
            end = total - begin
        out = whole - begin - end
        if out < 1:
            raise RefusedError("expected a result of at least one pixel", "make its padding smaller")
        found.append(Axis(size, out, kernel[i], strides[i], dilations[i], begin))
    return found[0], found[1]


def _bordered(walk: Walk, value: str, rows: Phases, columns: Phases) -> str:
    """The input without what no result reads, and with those of its borders that no window has."""
    height, width, channels = walk.build.types[value].shape
    cut = [(max(0, -p.pads[0]), max(0, -p.pads[1])) for p in (rows, columns)]
    if any(map(any, cut)):
        if height <= sum(cut[0]) or width <= sum(cut[1]):
            raise RefusedError("expected a result that its input reaches", "make its padding smaller")
        end = (height - cut[0][1], width - cut[1][1], channels)
        value = walk.emit(Slice((cut[0][0], cut[1][0], 0), end), [value], "_read")
    far = [[max(0, side) if max(p.pads) >= p.taps else 0 for side in p.pads] for p in (rows, columns)]
    if any(map(any, far)):
        value = walk.emit(Pad((far[0][0], far[1][0], far[0][1], far[1][1])), [value], "_pad")
    return value


def _phased(
    walk: Walk, value: str, weight: Array, rows: Phases, columns: Phases, finished: Callable[[str], str]
) -> str:
    """The results of all phases as channels, (row, column, c); groups need a convolution for every phase.

    weight: (height, width, channels in of a group, groups, channels out of a group).
    """
    near = [(0, 0) if max(p.pads) >= p.taps else (max(0, p.pads[0]), max(0, p.pads[1])) for p in (rows, columns)]
    window = Window((rows.taps, columns.taps), pads=(near[0][0], near[1][0], near[0][1], near[1][1]))
    groups = weight.shape[3]
    whole = np.pad(weight, ((0, 1), (0, 1), (0, 0), (0, 0), (0, 0)))  # tap -1 of a kernel is 0
    kernels = [
        whole[r][:, c].reshape(rows.taps, columns.taps, weight.shape[2], -1)
        for r in rows.picked
        for c in columns.picked
    ]
    if groups == 1:
        return finished(walk.emit(Conv2d(Tensor(np.concatenate(kernels, axis=3)), window), [value]))
    parts = [finished(walk.emit(Conv2d(Tensor(k), window, groups), [value], f"_{i}")) for i, k in enumerate(kernels)]
    return walk.emit(Concat(), parts, "_phases") if len(parts) > 1 else parts[0]


def _spread(walk: Walk, value: str, rows: Phases, columns: Phases) -> str:
    """Channels (row, column, c) as pixels, and of these those that belong to the result."""
    height, width, channels = walk.build.types[value].shape
    r, c = rows.stride, columns.stride
    shape = (height * r, width * c, channels // (r * c))
    if r == c > 1:
        value = walk.emit(DepthToSpace(r), [value], "_spread")
    elif r == 1 < c:
        value = walk.emit(Reshape(shape), [value], "_spread")
    elif r > 1:
        view = (height, width, r, channels // r)
        value = walk.emit(Transpose(view, (0, 2, 1, 3), shape), [value], "_spread")
    begin, end = (rows.cut, columns.cut, 0), (rows.cut + rows.out, columns.cut + columns.out, shape[2])
    return value if (begin, end) == ((0, 0, 0), shape) else walk.emit(Slice(begin, end), [value], "_cut")


RULES: dict[str, Rule] = {"ConvTranspose": from_conv_transpose}

ATTRIBUTES = {
    "ConvTranspose": "auto_pad dilations group kernel_shape output_padding output_shape pads strides",
}
"""The attributes that the rule reads, or may leave alone."""
