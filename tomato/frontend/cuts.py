"""What the host has to run: the ends of a network that the chip cannot, cut off as little as possible."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace
from math import prod
from pathlib import Path

from tomato.core.interface import AS_IT_IS, Ends, HostNode, Reading, Slot
from tomato.frontend import HostChoice, Network
from tomato.frontend.likely_states import reminded
from tomato.frontend.model import Model, OnnxNode
from tomato.frontend.read import Source, read, source
from tomato.frontend.translate import Outcome, finish, refuse, visit_all

SHARE = 0.5
"""The least part of all multiply-accumulates that the chip does unless the host may run "any"."""
ROUNDS = 16
"""Cuts after which a network counts as refused: each shows what hid behind the one before."""


def settle(
    path: Path | Source, reading: Reading = AS_IT_IS, host: HostChoice = "ends", forced: Collection[str] = ()
) -> Network:
    """The model without the ends that the chip cannot compute. Nothing is cut if it computes all.

    forced: labels of nodes that the chip is not to compute, for a reason that shows later.
    TomatoError if what is left is less than a stated share of the work, or nothing.
    """
    model = source(path)
    with reminded(model.checked.proto.graph, reading):
        return _settled(model, reading, host, forced)


def _settled(path: Source, reading: Reading, host: HostChoice, forced: Collection[str]) -> Network:
    whole = read(path, reading)
    first = outcome = visit_all(whole)
    first.refusals.update({n.index: "the host is to compute it" for n in whole.live if n.label in forced})
    found, model = reading, whole
    for _ in range(ROUNDS):
        if not outcome.refusals:
            break
        dynamic = any(model.nodes[i].op_type == "DynamicQuantizeLinear" for i in outcome.refusals)
        cut = None if model.invalid or dynamic or host == "none" else _propose(model, outcome)
        if cut is None:
            break
        found = replace(reading, inputs=cut[0], outputs=cut[1])
        model = read(path, found)
        outcome = visit_all(model)
    if found == reading:
        if outcome.refusals:
            refuse(whole, first.refusals)
        return replace(finish(whole, first), reading=reading)
    if outcome.refusals:
        refuse(whole, first.refusals)
    ends = _described(whole, model, outcome)
    if ends.share < SHARE and host != "any":
        refuse(whole, first.refusals, hint=f"--host any compiles the rest all the same: {ends}")
    return replace(finish(model, outcome), reading=found, ends=ends)


def _propose(model: Model, outcome: Outcome) -> tuple[tuple[str, ...], tuple[str, ...]] | None:
    """The values between which the most work is left when every refused node is in front of them or behind; or None.

    Layers whose states last from frame to frame stay between them: the host keeps none.
    """
    live = model.live
    kept = {n.index for n in live if not model.lasting.isdisjoint(n.outputs)}
    before, behind = _closures(model)
    bad = [n.index for n in live if n.index in outcome.refusals]
    work = {n.index: outcome.macs.get(n.index) or estimate(model, n) for n in live}
    best: tuple[tuple[int, int], tuple[tuple[str, ...], tuple[str, ...]]] | None = None
    for split in range(len(bad) + 1):
        front = set(bad[:split]).union(*(before[i] for i in bad[:split]))
        tail = set(bad[split:]).union(*(behind[i] for i in bad[split:]))
        core = _frames_only(model, [n for n in live if n.index not in front | tail])
        done = (sum(work[n.index] for n in core), len(core))
        ends = _ends(model, core)
        known = all(name in model.shapes for name in ends[1])
        whole = kept <= {n.index for n in core}
        if known and whole and not front & tail and done[0] and (best is None or done > best[0]):
            best = done, ends
    return best and best[1]


def _closures(model: Model) -> tuple[Mapping[int, set[int]], Mapping[int, set[int]]]:
    """The nodes in front of each node, and those behind it."""
    before: dict[int, set[int]] = {}
    behind: dict[int, set[int]] = {n.index: set() for n in model.live}
    for node in model.live:
        makers = [model.makers[i] for i in node.inputs if i in model.makers]
        before[node.index] = {m.index for m in makers}.union(*(before[m.index] for m in makers))
        for index in before[node.index]:
            behind[index].add(node.index)
    return before, behind


def _frames_only(model: Model, core: list[OnnxNode]) -> list[OnnxNode]:
    """The nodes without those, in front, that read something else of the host than frames of known shape."""
    kept: list[OnnxNode] = []
    inside: set[str] = set()
    for node in core:
        given = [i for i in node.inputs if i and i not in inside and i not in model.constants]
        if all(model.shapes.get(i, (0,))[:1] == (1,) for i in given):
            kept.append(node)
            inside.update(o for o in node.outputs if o)
    return kept


def _ends(model: Model, core: list[OnnxNode]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """What the nodes read and what others read of them."""
    made = dict.fromkeys(o for n in core for o in n.outputs if o)
    inside = {n.index for n in core}
    read = dict.fromkeys(i for n in core for i in n.inputs if i and i not in made and i not in model.constants)
    late = {i for n in model.live if n.index not in inside for i in n.inputs} | set(model.outputs)
    return tuple(read), tuple(o for o in made if o in late)


def _described(whole: Model, core: Model, outcome: Outcome) -> Ends:
    on_chip = {(n.op_type, n.outputs) for n in core.nodes}
    _, behind = _closures(whole)
    chip = {n.index for n in whole.live if (n.op_type, n.outputs) in on_chip}
    host = [n for n in whole.live if n.index not in chip]
    late = set().union(*(behind[i] for i in chip))
    nodes = {n.index: HostNode(n.label, n.op_type, estimate(whole, n)) for n in host}
    return Ends(
        inputs=_slots(whole, whole.inputs),
        outputs=_slots(whole, whole.outputs),
        before=tuple(nodes[n.index] for n in host if n.index not in late),
        after=tuple(nodes[n.index] for n in host if n.index in late),
        chip_macs=sum(outcome.macs.values()),
    )


def _slots(model: Model, names: Iterable[str]) -> tuple[Slot, ...]:
    return tuple(Slot(n, model.shapes.get(n, (1,))[1:], model.dtypes[n]) for n in names)


WEIGHTED = {"Conv": 1, "QLinearConv": 3, "ConvInteger": 1}
MATRICES = {"MatMul": 1, "Gemm": 1, "QLinearMatMul": 3, "MatMulInteger": 1, "QGemm": 3}
RECURRENT = frozenset({"LSTM", "GRU", "RNN"})


def estimate(model: Model, node: OnnxNode) -> int:
    """Multiply-accumulates of a node that the host runs, 0 where it has no weights or its shapes are unknown."""
    result = model.shapes.get(next(filter(None, node.outputs)), ())
    if node.op_type in WEIGHTED:
        weight = model.shapes.get(next(iter(node.inputs[WEIGHTED[node.op_type] :]), ""), ())
        return prod(weight) * prod(result[2:]) if weight and result else 0
    if node.op_type in MATRICES:
        left = model.shapes.get(node.inputs[0], ())
        return prod(result) * left[-1] if left and result else 0
    if node.op_type == "ConvTranspose":
        weight = model.shapes.get(next(iter(node.inputs[1:]), ""), (0,))
        return prod(weight) * prod(model.shapes.get(node.inputs[0], (0,))[2:])
    if node.op_type in RECURRENT:
        steps = model.shapes.get(node.inputs[0], (0,))[0]
        return steps * sum(prod(model.shapes.get(i, (0,))) for i in node.inputs[1:3])
    return 0
