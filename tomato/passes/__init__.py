"""Passes: functions from graph to graph. The order of a list of passes is the compiler."""

from collections.abc import Callable
from typing import Final

from tomato.core.errors import IllFormedError
from tomato.core.ir import Graph
from tomato.passes.drop_identities import drop_identities
from tomato.passes.fold_affine_backward import fold_affine_backward
from tomato.passes.fold_affine_forward import fold_affine_forward
from tomato.passes.fold_pads import fold_pads
from tomato.passes.fuse_functions import fuse_functions
from tomato.passes.hoist_functions import hoist_functions
from tomato.passes.hoist_quantise import hoist_quantise
from tomato.passes.merge_lines import merge_lines
from tomato.passes.quantise_conditions import quantise_conditions
from tomato.passes.repeat_channels import repeat_channels
from tomato.passes.separate_heads import separate_heads
from tomato.passes.simplify_windows import simplify_windows

Pass = Callable[[Graph], Graph]
Watch = Callable[[str, Graph], None]

CLEAN: Final[tuple[Pass, ...]] = (
    drop_identities,  # so that neighbours become visible to all that follows
    repeat_channels,  # while it is clear who picks and who multiplies
    fold_pads,  # windows with their final padding, before they are judged by it
    simplify_windows,  # may leave an Affine, so ahead of the passes on Affine
    hoist_functions,  # next to the arithmetic that they belong to
    merge_lines,  # one Affine between two operators
    fold_affine_backward,  # first choice: behind arithmetic the offset is free
    fold_affine_forward,  # second choice; leaves an offset behind the arithmetic
    merge_lines,  # that offset and the bias
    fuse_functions,  # knows by now which Affine a requant absorbs
    hoist_functions,  # what became one function, such as x * sigmoid(x), may go ahead of movement now
    fuse_functions,  # and meet another one there
    drop_identities,  # Affine by 1 plus 0, left by folding
    separate_heads,  # when it is known what lies between their products
)
"""Exact on reals: the form of a network that quantisation expects, with the fewest places to round."""

QUANTISED: Final[tuple[Pass, ...]] = (
    drop_identities,
    repeat_channels,
    fold_pads,  # windows with their final padding
    simplify_windows,
    hoist_functions,
    fuse_functions,  # one function between two quantised values
    quantise_conditions,  # when it is known what choices are left
    hoist_quantise,  # when nothing more moves
    separate_heads,
)
"""The same for a network that comes quantised: nothing that would change its weights."""


def run(graph: Graph, passes: tuple[Pass, ...], *, watch: Watch | None = None) -> Graph:
    """Apply passes in order, verifying before the first and after each.

    `watch(name of the pass, its result)` sees every step. IllFormedError names the pass to blame.
    """
    graph.verify()
    for step in passes:
        graph = step(graph)
        name = pass_name(step)
        try:
            graph.verify()
        except IllFormedError as reason:
            raise IllFormedError(f"after {name}: {reason}") from reason
        if watch:
            watch(name, graph)
    return graph


def pass_name(step: Pass) -> str:
    """A function's name, or the class of a pass with options."""
    return str(getattr(step, "__name__", type(step).__name__))
