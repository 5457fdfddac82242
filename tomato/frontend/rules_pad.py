"""Pad: a border of one number, or of the frame's own pixels."""

from collections.abc import Callable

from tomato.core.ir import Op
from tomato.frontend.model import OnnxNode, RefusedError, one
from tomato.frontend.rules_move import Cut, Sides, cut, surround
from tomato.frontend.walk import Rule, View, Walk
from tomato.ops.edge_pad import EdgePad
from tomato.ops.move import Pad

MODES = {"constant": "a number", "edge": "the pixels at the edge", "reflect": "the pixels mirrored at the edge"}
"""What a border is made of, by ONNX's name."""


def from_pad(walk: Walk, node: OnnxNode) -> None:
    """Pad of height and width, by mode constant, edge and reflect; negative amounts cut first."""
    if (mode := node.text("mode", "constant")) not in MODES:
        raise RefusedError(f"expected a border of mode {', '.join(MODES)}, not {mode!r}", "use one of these modes")
    view = walk.view(node.inputs[0])
    rank = len(view.shape)
    given = walk.model.integers(node, 1, "pads")
    assert given is not None
    axes = tuple(a % rank for a in walk.model.integers(node, 3, "axes") or range(rank))
    half = len(axes)
    if len(given) != 2 * half:
        raise RefusedError(f"expected two amounts for each of {half} axes, not {len(given)}", "export the model again")
    amounts = {a: (given[i], given[half + i]) for i, a in enumerate(axes) if given[i] or given[half + i]}
    border = _border(walk, node, mode)
    cuts = {a: Cut(max(0, -lo), view.shape[a] - max(0, -hi)) for a, (lo, hi) in amounts.items()}
    view = cut(walk, node.inputs[0], cuts, "_cut")
    grown = {a: (max(0, lo), max(0, hi)) for a, (lo, hi) in amounts.items() if max(lo, hi) > 0}
    if mode == "reflect":
        _refuse_far(view, grown)
    result = surround(walk, view, grown, border) if grown else view
    walk.put(node.outputs[0], result.value, result.order)


def _border(walk: Walk, node: OnnxNode, mode: str) -> Callable[[Sides], Op]:
    """The operator of a border of so many pixels on each side."""
    if mode != "constant":
        return lambda sides: EdgePad(sides, mirrored=mode == "reflect")
    value = one(walk.weight(node, 2, "border"), "border") if node.has(2) else node.real("value", 0.0)
    return lambda sides: Pad(sides, value)


def _refuse_far(view: View, grown: dict[int, tuple[int, int]]) -> None:
    """A mirror at the edge shows what lies behind it once, as PyTorch has it; runtimes differ in what comes then."""
    for axis, sides in grown.items():
        if max(sides) >= view.shape[axis]:
            raise RefusedError(
                f"expected at most {view.shape[axis] - 1} mirrored elements of axis {axis}, not {max(sides)}",
                "pad less, or in several steps",
            )


RULES: dict[str, Rule] = {"Pad": from_pad}

ATTRIBUTES = {"Pad": "mode pads value"}
"""The attributes that each rule reads, or may leave alone."""
