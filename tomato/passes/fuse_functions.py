"""One Function for everything between two quantised values that depends on one of them alone."""

from dataclasses import dataclass
from math import inf

import numpy as np

from tomato.core.ir import Builder, Graph, Node
from tomato.core.treatment import Treatment
from tomato.ops.real import Affine, Clip, Expression, Function, substitute
from tomato.passes.groups import join_origins, partition

LARGEST = 200
"""Leaves of an expression; beyond that a value counts as a new argument."""


@dataclass(frozen=True, slots=True)
class View:
    """A value as a function of another value, `root`, and the nodes between. `rich`: not just Affine and Clip."""

    root: str
    expression: Expression = "x"
    nodes: tuple[Node, ...] = ()
    rich: bool = False


def fuse_functions(graph: Graph) -> Graph:
    """Compose unary functions, and sums, products, maxima and choices of functions of the same value.

    1. f(g(x)), with any Clip and uniform Affine in between or behind.
    2. x * f(x), x + f(x), f(x) * g(x): SiLU, hard swish, Mish, GELU as exporters spell them.

    Affine and Clip that a requant absorbs anyway, behind arithmetic, stay there.
    """
    views = _views(graph)

    def rewrite(node: Node, build: Builder) -> str | None:
        view = views[node.name]
        alone = len(view.nodes) == 1 and isinstance(node.op, Function) and _limits(view.expression) is None
        if alone or not view.rich:
            return None
        made = _limits(view.expression) or Function(view.expression)
        return build.add(made, (view.root,), node.name, join_origins(*view.nodes))

    return graph.rebuild(rewrite).prune()


def _views(graph: Graph) -> dict[str, View]:
    heads = {n.name: g.head.name for g in partition(graph) if g.head.op.treatment is Treatment.EXACT for n in g.chain}
    views = {name: View(name) for name, _ in graph.inputs}
    for node in graph:
        head = heads.get(node.name)
        absorbed = head is not None and views[head].root == head
        view = None if absorbed else _view(node, [views[a] for a in node.args])
        small = view is not None and _leaves(view.expression) <= LARGEST
        views[node.name] = view if view and small else View(node.name)
    return views


def _view(node: Node, args: list[View]) -> View | None:
    """The node as a function of its arguments' root; None if it has no single root or is none."""
    first = args[0]
    rich = True
    match node.op:
        case Function(outer):
            expression = substitute(outer, first.expression)
        case Affine(scale, offset) if scale.shape == offset.shape == (1,):
            expression, rich = _affine(float(scale.values[0]), float(offset.values[0]), first.expression), first.rich
        case Clip(lo, hi):
            expression, rich = _clip(lo, hi, first.expression), first.rich
        case op if op.elementwise and all(view.root == first.root for view in args):
            expression = (op.elementwise, *(_settled(view.expression) for view in args))
        case _:
            return None
    nodes = dict.fromkeys(n for view in args for n in view.nodes)
    return View(first.root, expression, (*nodes, node), rich)


def _affine(scale: float, offset: float, x: Expression) -> Expression:
    if scale != 1.0:
        x = ("mul", scale, x)
    return ("add", x, offset) if offset else x


def _clip(lo: float, hi: float, x: Expression) -> Expression:
    if np.isfinite(hi):
        x = ("min", float(hi), x)
    return ("max", float(lo), x) if np.isfinite(lo) else x


def _settled(expression: Expression) -> Expression:
    """A number where both sides of a choice are that number."""
    match expression:
        case ("where", _, float() as a, float() as b) if a == b:
            return a
    return expression


def _limits(expression: Expression) -> Clip | None:
    """The Clip that a choice between x and a limit is, which a requantisation absorbs: a ReLU written as a Where."""
    match expression:
        case ("where", ("gt" | "ge", "x", float() as at), "x", float() as limit) if at == limit:
            return Clip(limit, inf)
        case ("where", ("gt" | "ge", "x", float() as at), float() as limit, "x") if at == limit:
            return Clip(-inf, limit)
        case ("where", ("gt" | "ge", float() as at, "x"), "x", float() as limit) if at == limit:
            return Clip(-inf, limit)
        case ("where", ("gt" | "ge", float() as at, "x"), float() as limit, "x") if at == limit:
            return Clip(limit, inf)
    return None


def _leaves(expression: Expression) -> int:
    return sum(map(_leaves, expression[1:])) if isinstance(expression, tuple) else 1
