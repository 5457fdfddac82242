"""Resize and Upsample, nearest neighbour, linear and cubic: repeated pixels, or each axis by itself."""

from math import ceil, floor

import numpy as np

from tomato.core.formats import Array, Tensor
from tomato.frontend import layout, limits
from tomato.frontend.model import OnnxNode, RefusedError
from tomato.frontend.walk import Rule, View, Walk
from tomato.ops.dense import Dense
from tomato.ops.move import Upsample

NEAREST = ("round_prefer_floor", "round_prefer_ceil", "floor", "ceil")
MOST_UNITS = 64
"""Weights that are all multiples of one of up to this are integers."""
EXACT = 1e-5
"""Scales are float32: a factor this close to a whole number is one."""


def from_resize(walk: Walk, node: OnnxNode) -> None:
    """Resize (every operator set) and Upsample (7 to 9)."""
    view = walk.view(node.inputs[0])
    if (mode := node.text("mode", "nearest")) not in ("nearest", "linear", "cubic"):
        raise RefusedError(f"expected a mode of nearest, linear, cubic, not {mode!r}", "use one of them")
    if node.text("keep_aspect_ratio_policy", "stretch") != "stretch":
        raise RefusedError("expected keep_aspect_ratio_policy 'stretch'", "give the exact sizes")
    scales = _scales(walk, node, view.shape)
    whole = [round(s) for s in scales]
    exact = not any(abs(s - w) > EXACT or w < 1 for s, w in zip(scales, whole, strict=True))
    sizes = [size * w for size, w in zip(view.shape, whole, strict=True)] if exact else _sizes(walk, node)
    if reason := limits.too_large(sizes):
        raise RefusedError(f"it needs {reason}", "enlarge by less")
    if len(whole) < 3 or any(s != 1 for s in scales[:2]):
        raise RefusedError("expected a resize of height and width only", "keep the channels")
    repeats = exact and all(_repeats(walk, node, size, s) for size, s in zip(view.shape, whole, strict=True))
    if mode != "nearest" or not repeats:
        _along_axes(walk, node, view, scales, sizes)
        return
    (value, count), rank = walk.pictures(node.inputs[0]), len(whole)
    factor = (whole[2], whole[3]) if rank == 4 else (1, whole[2])
    value = walk.emit(Upsample(factor), [value]) if factor != (1, 1) else value
    walk.put_image(node.outputs[0], value, rank, count)


def _sizes(walk: Walk, node: OnnxNode) -> list[int]:
    """Those of a result that is no whole multiple."""
    sizes = walk.model.shapes.get(node.outputs[0], ())
    if not sizes or min(sizes) < 1:
        raise RefusedError("expected a result of at least one pixel", "enlarge it, or give its sizes")
    return list(sizes)


def _along_axes(walk: Walk, node: OnnxNode, view: View, scales: list[float], sizes: list[int]) -> None:
    """One axis after the other, streamed as channels: places are picked, or weighted sums of two or four."""
    mode = node.text("mode", "nearest")
    if mode != "nearest" and node.flag("antialias", 0) and any(s < 1 for s in scales):
        raise RefusedError("expected no antialias", "use a pooling layer")
    for axis, (scale, out) in enumerate(zip(scales, sizes, strict=True)):
        size = view.shape[axis]
        if scale == 1 and out == size:
            continue
        if _transformation(walk, node) == "align_corners" and abs(size * scale - out) > EXACT * out:
            raise RefusedError(
                f"expected a whole number of pixels, not {size * scale:g}: runtimes differ in align_corners of others",
                "give its sizes",
            )
        at = [_source(_transformation(walk, node), i, size, scale, out) for i in range(out)]
        value = walk.streamed(view, axis)
        if mode == "linear":
            value = _weighted(walk, value, _linear(size, at))
        elif mode == "cubic":
            value = _weighted(walk, value, _cubic(node, size, at))
        else:
            nearest = _rounding(walk, node)
            value = walk.pick(value, np.array([_nearest(x, nearest, size) for x in at]))
        shape = (*view.shape[:axis], out, *view.shape[axis + 1 :])
        view = View(value, layout.order(shape, axis))
    walk.put(node.outputs[0], view.value, view.order)


def _linear(size: int, at: list[float]) -> Array:
    """What each place (columns) takes of each pixel (rows): of two, by how near they are."""
    places = np.clip(at, 0.0, size - 1.0)
    low = np.minimum(np.floor(places).astype(int), max(0, size - 2))
    matrix = np.zeros((size, len(at)))
    matrix[low, np.arange(len(at))] = 1.0 - (places - low)
    matrix[np.minimum(low + 1, size - 1), np.arange(len(at))] += places - low
    return matrix


def _cubic(node: OnnxNode, size: int, at: list[float]) -> Array:
    """The same, of four by a cubic with parameter a: Keys, 1981. The frame goes on as its edge, or ends there."""
    a, excluded = node.real("cubic_coeff_a", -0.75), node.flag("exclude_outside", 0)
    matrix = np.zeros((size, len(at)))
    for column, place in enumerate(at):
        first = floor(place) - 1
        for pixel in range(first, first + 4):
            x = abs(place - pixel)
            near, far = ((a + 2) * x - (a + 3)) * x * x + 1, (((x - 5) * x + 8) * x - 4) * a
            if not excluded or 0 <= pixel < size:
                matrix[min(max(pixel, 0), size - 1), column] += near if x <= 1 else far
    return matrix / matrix.sum(axis=0) if excluded else matrix


def _weighted(walk: Walk, value: str, matrix: Array) -> str:
    """Sums of the channels of a value: a product, by integers where these do."""
    for unit in range(1, MOST_UNITS + 1):
        if np.all(np.abs(matrix * unit - np.rint(matrix * unit)) < EXACT):
            value = walk.emit(Dense(Tensor(np.rint(matrix * unit))), [value], "_between")
            return walk.scaled(value, np.full(1, 1.0 / unit))
    return walk.emit(Dense(Tensor(matrix)), [value], "_between")


def _scales(walk: Walk, node: OnnxNode, shape: tuple[int, ...]) -> list[float]:
    """Output over input size, per axis."""
    late = node.op_type == "Resize" and walk.model.opset >= 11
    axes = [a % len(shape) for a in node.integers("axes") or range(len(shape))]
    where = 2 if late else 1
    if late and node.has(3):
        sizes = walk.weight(node, 3, "sizes").reshape(-1)
        factors = [float(size) / shape[a] for a, size in zip(axes, sizes, strict=False)]
    elif node.has(where):
        factors = [float(s) for s in walk.weight(node, where, "scales").reshape(-1)]
    else:
        factors = list(node.reals("scales") or (1.0,) * len(axes))
    if len(factors) != len(axes) or len(set(axes)) != len(axes):
        raise RefusedError(f"expected one factor for each of {len(axes)} axes, not {len(factors)}", "give one per axis")
    scales = [1.0] * len(shape)
    for axis, factor in zip(axes, factors, strict=True):
        scales[axis] = factor
    return scales


def _repeats(walk: Walk, node: OnnxNode, size: int, factor: int) -> bool:
    """Whether output pixel i is input pixel i // factor, for every i."""
    mode, nearest, out = _transformation(walk, node), _rounding(walk, node), size * factor
    return factor == 1 or all(
        _nearest(_source(mode, i, size, factor, out), nearest, size) == i // factor for i in range(out)
    )


def _transformation(walk: Walk, node: OnnxNode) -> str:
    """How places of the result become places of the input."""
    return node.text("coordinate_transformation_mode", "half_pixel") if _late(walk, node) else "asymmetric"


def _rounding(walk: Walk, node: OnnxNode) -> str:
    """How places become pixels."""
    return node.choice("nearest_mode", NEAREST) if _late(walk, node) else "floor"


def _late(walk: Walk, node: OnnxNode) -> bool:
    return node.op_type == "Resize" and walk.model.opset >= 11


def _source(mode: str, i: int, size: int, factor: float, out: int) -> float:
    """Where place i of `out` lies in an axis of `size` pixels, `factor` times as many behind it."""
    match mode:
        case "asymmetric":
            return i / factor
        case "align_corners":
            return i * (size - 1) / max(1, out - 1)
        case "tf_half_pixel_for_nn":
            return (i + 0.5) / factor
        case "pytorch_half_pixel" if out == 1:
            return 0.0
        case "half_pixel" | "pytorch_half_pixel":
            return (i + 0.5) / factor - 0.5
        case "half_pixel_symmetric":
            middle = out / (factor * size)  # the result may be cut short
            return size / 2 * (1 - middle) + (i + 0.5) / factor - 0.5
        case _:
            raise RefusedError(f"the coordinate transformation {mode!r} is not supported", "use 'asymmetric'")


def _nearest(x: float, mode: str, size: int) -> int:
    match mode:
        case "floor":
            found = floor(x)
        case "ceil":
            found = ceil(x)
        case "round_prefer_floor":
            found = ceil(x - 0.5)
        case _:
            found = floor(x + 0.5)
    return min(max(found, 0), size - 1)


RULES: dict[str, Rule] = {"Resize": from_resize, "Upsample": from_resize}

ATTRIBUTES = {
    "Resize": "antialias axes coordinate_transformation_mode cubic_coeff_a exclude_outside extrapolation_value "
    "keep_aspect_ratio_policy mode nearest_mode",
    "Upsample": "mode scales",
}
"""The attributes that each rule reads, or may leave alone (they are of other modes)."""
