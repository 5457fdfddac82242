"""The k largest of an axis as they are, all others 0: several nodes together, see winners.py."""

from tomato.frontend.model import OnnxNode, RefusedError
from tomato.frontend.rules_normalise import together
from tomato.frontend.walk import Walk
from tomato.frontend.winners import Winners
from tomato.ops.keep_largest import KeepLargest


def from_winners(walk: Walk, node: OnnxNode, whole: Winners) -> None:
    """The last node of those that keep the largest of an axis."""
    view = walk.settle(whole.x)
    size = view.shape[whole.axis]
    if not 1 <= whole.keep <= size:
        raise RefusedError(f"expected to keep 1 to {size}, not {whole.keep}", "check the exported model")
    if whole.keep < size:
        streamed = together(walk, view, (whole.axis,))
        view = type(view)(walk.emit(KeepLargest(whole.keep), [streamed.value]), streamed.order)
    walk.put(node.outputs[0], view.value, view.order)
