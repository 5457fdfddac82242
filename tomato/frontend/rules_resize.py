"""Resize and Upsample: accepted whenever they repeat every pixel a whole number of times."""

from math import ceil, floor

from tomato.frontend import limits
from tomato.frontend.model import OnnxNode, RefusedError
from tomato.frontend.walk import Rule, Walk
from tomato.ops.move import Upsample

NEAREST = ("round_prefer_floor", "round_prefer_ceil", "floor", "ceil")
EXACT = 1e-5
"""Scales are float32: a factor this close to a whole number is one."""


def from_resize(walk: Walk, node: OnnxNode) -> None:
    """Resize (every operator set) and Upsample (7 to 9)."""
    view = walk.view(node.inputs[0])
    if (mode := node.text("mode", "nearest")) != "nearest":
        raise RefusedError(f"expected nearest neighbour, not {mode!r}", "resize with mode 'nearest' in the network")
    if node.text("keep_aspect_ratio_policy", "stretch") != "stretch":
        raise RefusedError("expected keep_aspect_ratio_policy 'stretch'", "give the exact sizes")
    scales = _scales(walk, node, view.shape)
    whole = [round(s) for s in scales]
    if any(abs(s - w) > EXACT or w < 1 for s, w in zip(scales, whole, strict=True)):
        shown = ", ".join(f"{s:g}" for s in scales)
        raise RefusedError(f"expected whole-number scales, not {shown}", "enlarge by 2, 3, ... or use a strided layer")
    if reason := limits.too_large([size * factor for size, factor in zip(view.shape, whole, strict=True)]):
        raise RefusedError(f"it needs {reason}", "enlarge by less")
    if len(whole) < 3 or any(w != 1 for w in whole[:2]):
        raise RefusedError("expected a resize of height and width only", "keep the channels")
    if not all(_repeats(walk, node, size, s) for size, s in zip(view.shape, whole, strict=True)):
        raise RefusedError(
            "expected a coordinate transformation that repeats every pixel equally often",
            "use coordinate_transformation_mode 'asymmetric' with nearest_mode 'floor'",
        )
    value, rank = walk.image(node.inputs[0]), len(whole)
    factor = (whole[2], whole[3]) if rank == 4 else (1, whole[2])
    value = walk.emit(Upsample(factor), [value]) if factor != (1, 1) else value
    walk.put_image(node.outputs[0], value, rank)


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
    late = node.op_type == "Resize" and walk.model.opset >= 11
    mode = node.text("coordinate_transformation_mode", "half_pixel") if late else "asymmetric"
    nearest = node.choice("nearest_mode", NEAREST) if late else "floor"
    return factor == 1 or all(
        _nearest(_source(mode, i, size, factor), nearest, size) == i // factor for i in range(size * factor)
    )


def _source(mode: str, i: int, size: int, factor: int) -> float:
    match mode:
        case "asymmetric":
            return i / factor
        case "align_corners":
            return i * (size - 1) / max(1, size * factor - 1)
        case "tf_half_pixel_for_nn":
            return (i + 0.5) / factor
        case "half_pixel" | "pytorch_half_pixel" | "half_pixel_symmetric":
            return (i + 0.5) / factor - 0.5
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
"""The attributes that each rule reads, or may leave alone (they are of other modes than nearest)."""
