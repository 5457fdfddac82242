"""Pad: a border of one number, of the pixels at the edge or mirrored there, or of those at the other end."""

from collections.abc import Callable

from tomato.core.ir import Op
from tomato.frontend import layout
from tomato.frontend.model import OnnxNode, RefusedError, one
from tomato.frontend.rules_move import Cut, Sides, cut, cut_view, surround
from tomato.frontend.walk import Rule, View, Walk
from tomato.ops.edge_pad import EdgePad
from tomato.ops.move import Concat, Pad

MODES = ("constant", "edge", "reflect", "wrap")


def from_pad(walk: Walk, node: OnnxNode) -> None:
    """Pad, of height and width but in mode wrap; negative amounts cut first."""
    if (mode := node.text("mode", "constant")) not in MODES:
        raise RefusedError(f"expected a border of mode {', '.join(MODES)}, not {mode!r}", "use one of these modes")
    view = walk.settle(node.inputs[0]) if mode == "wrap" else walk.view(node.inputs[0])
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
    if mode in ("reflect", "wrap"):
        _refuse_far(view, grown, mode)
    if mode == "wrap":
        view = _wrapped(walk, view, grown)
    elif grown:
        view = surround(walk, view, grown, border)
    walk.put(node.outputs[0], view.value, view.order)


def _border(walk: Walk, node: OnnxNode, mode: str) -> Callable[[Sides], Op]:
    """The operator of a border of so many pixels on each side."""
    if mode != "constant":
        return lambda sides: EdgePad(sides, mirrored=mode == "reflect")
    value = one(walk.weight(node, 2, "border"), "border") if node.has(2) else node.real("value", 0.0)
    return lambda sides: Pad(sides, value)


def _wrapped(walk: Walk, view: View, grown: dict[int, tuple[int, int]]) -> View:
    """One axis after the other: its end, all of it, its beginning, joined. A frame is kept until its end has come."""
    for axis, (before, behind) in grown.items():
        size = view.shape[axis]
        ends = [cut_view(walk, view, {axis: Cut(size - before, size)}, f"_end{axis}")] if before else []
        begins = [cut_view(walk, view, {axis: Cut(0, behind)}, f"_begin{axis}")] if behind else []
        parts = [walk.streamed(part, axis) for part in (*ends, view, *begins)]
        shape = (*view.shape[:axis], size + before + behind, *view.shape[axis + 1 :])
        view = View(walk.emit(Concat(), parts, f"_wrap{axis}"), layout.order(shape, axis))
    return view


def _refuse_far(view: View, grown: dict[int, tuple[int, int]], mode: str) -> None:
    """A mirror at the edge, or the other end, shows what is there once; runtimes differ in what comes then."""
    for axis, sides in grown.items():
        most = view.shape[axis] - (mode == "reflect")
        if max(sides) > most:
            raise RefusedError(
                f"expected a border of at most {most} on axis {axis} in mode {mode}, not {max(sides)}",
                "pad less, or in several steps",
            )


RULES: dict[str, Rule] = {"Pad": from_pad}

ATTRIBUTES = {"Pad": "mode pads value"}
"""The attributes that each rule reads, or may leave alone."""
