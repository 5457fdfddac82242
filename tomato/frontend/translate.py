"""The walk over the nodes: one rule per operator, every refusal collected, ports at both ends."""

import importlib
import pkgutil
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cache
from types import ModuleType
from typing import NoReturn

import numpy as np

from tomato import frontend
from tomato.core.errors import TomatoError
from tomato.core.formats import Array, Tensor
from tomato.core.interface import Port, Said
from tomato.core.ir import Graph
from tomato.frontend import (
    Network,
    NodeReport,
    door,
    layout,
    reorder,
    rules_keep_largest,
    rules_normalise,
    rules_qonnx,
    rules_softmax,
)
from tomato.frontend.decomposed import Written, WrittenSoftmax, written
from tomato.frontend.model import BehindError, Model, OnnxNode, RefusedError
from tomato.frontend.names import identifier
from tomato.frontend.unsupported import why_not
from tomato.frontend.walk import Rule, Walk
from tomato.frontend.winners import Winners
from tomato.ops.move import Reshape

SHOWN = 3
"""Nodes named per problem; the rest is counted."""
SEVERAL_OUTPUTS = frozenset(
    {"Split", "SkipLayerNormalization", "SkipSimplifiedLayerNormalization", "LSTM", "GRU", "RNN"}
)
_QONNX = frozenset(rules_qonnx.RULES)
CONTRIB: Mapping[str, tuple[int, int]] = {
    "Attention": (2, 7),
    "BiasGelu": (2, 2),
    "DequantizeLinear": (2, 3),
    "FastGelu": (1, 2),
    "Gelu": (1, 1),
    "MultiHeadAttention": (1, 10),
    "QGemm": (6, 9),
    "QLinearAdd": (7, 8),
    "QLinearAveragePool": (5, 5),
    "QLinearConcat": (5, 1 << 16),
    "QLinearConv": (8, 9),
    "QLinearGlobalAveragePool": (5, 5),
    "QLinearLeakyRelu": (5, 5),
    "QLinearMul": (7, 8),
    "QLinearSigmoid": (5, 5),
    "QLinearSoftmax": (5, 5),
    "QuantizeLinear": (2, 3),
    "SkipLayerNormalization": (3, 5),
    "SkipSimplifiedLayerNormalization": (3, 4),
}
"""ONNX Runtime's own operators that some rule knows, and between what numbers of inputs they have.

A last zero point that its schemas let a model leave out ends its process: it is asked for.
"""
FOREIGN: Mapping[str, frozenset[str]] = {
    door.QONNX: _QONNX,
    "onnx.brevitas": _QONNX,
    "finn.custom_op.general": _QONNX,
    door.MICROSOFT: frozenset(CONTRIB),
}
"""Domains outside of ONNX: their operators that some rule knows."""


@cache
def rules() -> dict[str, Rule]:
    """Every rule, from the modules of this package named rules_*."""
    return {op_type: rule for module in _modules() for op_type, rule in getattr(module, "RULES", {}).items()}


@cache
def join_rules() -> dict[str, Rule]:
    """Those for a node of several activations, which go before the others: JOIN_RULES of the same modules."""
    return {op_type: rule for module in _modules() for op_type, rule in getattr(module, "JOIN_RULES", {}).items()}


@cache
def attributes() -> dict[str, frozenset[str]]:
    """The attributes that each rule knows."""
    declared = {op_type: text for module in _modules() for op_type, text in getattr(module, "ATTRIBUTES", {}).items()}
    return {op_type: frozenset(declared.get(op_type, "").split()) for op_type in rules() | join_rules()}


def _modules() -> list[ModuleType]:
    names = sorted(m.name for m in pkgutil.iter_modules(frontend.__path__) if m.name.startswith("rules_"))
    return [importlib.import_module(f"tomato.frontend.{name}") for name in names]


@dataclass(frozen=True, eq=False)
class Outcome:
    """A finished walk: why nodes were refused, and the multiply-accumulates of each node, by index."""

    walk: Walk
    refusals: dict[int, str]
    macs: dict[int, int]


def translate(model: Model) -> Network:
    """The model as a graph, or one TomatoError with all its problems."""
    outcome = visit_all(model)
    if outcome.refusals:
        refuse(model, outcome.refusals)
    return finish(model, outcome)


def finish(model: Model, outcome: Outcome) -> Network:
    """The graph of a walk on which no node was refused."""
    walk = outcome.walk
    for name in model.inputs:
        walk.settle(name)
    outputs = tuple(_output(walk, name) for name in model.outputs)
    inputs = tuple(_port(walk, name) for name in model.inputs)
    types = walk.build.types
    graph = Graph(
        name=identifier(model.name),
        inputs=tuple((port.value, types[port.value]) for port in inputs),
        nodes=tuple(walk.build.nodes),
        outputs=tuple(dict.fromkeys(port.value for port in outputs)),
    ).prune()
    graph.verify()
    said = Said({node.label: node.op_type for node in model.nodes}, walk.weights)
    return Network(graph, inputs, outputs, (*model.notes, *_host_notes(outputs)), said)


def report(model: Model) -> tuple[NodeReport, ...]:
    """What becomes of every node of the model."""
    outcome = visit_all(model)

    def shapes(names: tuple[str, ...]) -> tuple[tuple[int, ...], ...]:
        return tuple(model.shapes.get(n, ()) for n in names if n)

    return tuple(
        NodeReport(
            name=node.label,
            op_type=node.op_type,
            inputs=shapes(node.inputs),
            outputs=shapes(node.outputs),
            supported=node.index not in outcome.refusals,
            reason=outcome.refusals.get(node.index, ""),
            macs=outcome.macs.get(node.index, 0),
            parameters=_parameters(model, node),
        )
        for node in model.nodes
    )


def _parameters(model: Model, node: OnnxNode) -> int:
    values = [model.constants[i] for i in dict.fromkeys(node.inputs) if i in model.constants]
    return sum(v.size for v in values if np.issubdtype(v.dtype, np.floating)) if node in model.live else 0


def visit_all(model: Model) -> Outcome:
    """Walk over all nodes, refused ones too."""
    walk, macs = Walk(model), {}
    refusals = {index: model.problems[index] for index in model.invalid}
    last_use = {name: node.index for node in model.live for name in node.inputs}
    kept = {*model.inputs, *model.outputs}
    wholes = written(model)
    parts = frozenset[int]().union(*(whole.inside for whole in wholes.values()))
    for index, whole in wholes.items():
        last_use[whole.x] = max(index, last_use[whole.x])
    for node in model.live:
        if node.index in parts:
            continue
        walk.node = node
        before = len(walk.build.nodes)
        try:
            if node.index in wholes:
                _visit_whole(walk, node, wholes[node.index])
            else:
                visit(walk, node)
        except RefusedError as reason:
            refusals[node.index] = str(reason)
        except BehindError:
            pass
        for name in node.outputs:
            if name and name not in walk.env and name in model.shapes:
                walk.stand_in(name, model.shapes[name])
        for name in node.inputs:
            if last_use[name] == node.index and name not in kept:
                walk.env.pop(name, None)
        types = walk.build.types
        macs[node.index] = sum(n.op.macs([types[a] for a in n.args]) for n in walk.build.nodes[before:])
    layout.forget()
    return Outcome(walk, refusals, macs)


def _visit_whole(walk: Walk, node: OnnxNode, whole: Written | WrittenSoftmax | Winners) -> None:
    match whole:
        case WrittenSoftmax():
            rules_softmax.from_written(walk, node, whole)
        case Winners():
            rules_keep_largest.from_winners(walk, node, whole)
        case Written():
            rules_normalise.from_written(walk, node, whole)


def visit(walk: Walk, node: OnnxNode) -> None:
    """Translate one node; RefusedError if that cannot be done."""
    if node.index in walk.model.problems:
        raise RefusedError(*walk.model.problems[node.index].split("; ", 1))
    rule = _rule(walk.model, node)
    walk.ranges.visit(node)
    if _move_coded(walk, node):
        return
    if node.op_type not in SEVERAL_OUTPUTS and any(walk.model.reads(o) for o in node.outputs[1:]):
        raise RefusedError(
            f"expected only the first output of {node.op_type} to be used", "remove the other from the model"
        )
    if any(i and i not in walk.env and i not in walk.model.constants for i in node.inputs):
        return  # behind a refused node whose shape is unknown
    for name in node.inputs:
        if name in walk.model.constants and _holds_nan(walk.model.constants[name]):
            walk.finite(name, walk.model.constants[name])
    rule(walk, node)


def _counts(node: OnnxNode, least: int, most: int) -> bool:
    """Whether a node has so many inputs, and a triple of them for each value where it joins several."""
    return least <= len(node.inputs) <= most and (node.op_type != "QLinearConcat" or len(node.inputs) % 3 == 2)


def _holds_nan(constant: Array) -> bool:
    return constant.dtype.kind == "f" and bool(np.isnan(constant).any())


def _rule(model: Model, node: OnnxNode) -> Rule:
    """The rule of a node. RefusedError if there is none, or if it does not know an attribute."""
    known = node.op_type in FOREIGN.get(node.domain, ()) if node.domain else door.is_standard(node.op_type)
    activations = sum(bool(name) and name not in model.constants for name in node.inputs)
    rule = join_rules().get(node.op_type) if known and activations > 1 else None
    rule = rule or (rules().get(node.op_type) if known else None)
    if rule is None:
        raise why_not(node)
    if node.domain == door.MICROSOFT and not _counts(node, *CONTRIB[node.op_type]):
        raise RefusedError(f"it has {len(node.inputs)} inputs, some missing or too many", "export the model again")
    if unknown := sorted(node.attributes.keys() - attributes()[node.op_type]):
        raise RefusedError(f"the attribute {unknown[0]!r} is not supported", "export the model without it")
    return rule


def _move_coded(walk: Walk, node: OnnxNode) -> bool:
    """Rename where the values of a constant that comes as codes lie, if that is what the node does."""
    if node.op_type not in reorder.MAPS or node.inputs[0] not in walk.coded:
        return False
    walk.define(node.outputs[0], walk.coded[node.inputs[0]].moved(lambda order: reorder.moved(walk.model, node, order)))
    return True


def refuse(model: Model, refusals: Mapping[int, str], hint: str = "") -> NoReturn:
    """Raise the TomatoError that names the refused nodes."""
    raise TomatoError(
        _explain(model, refusals),
        where=model.path,
        hint=hint or "tomato inspect lists every node; change the network or export it differently",
    )


def _explain(model: Model, refusals: Mapping[int, str]) -> str:
    groups: dict[tuple[str, str], list[str]] = {}
    for node in model.nodes:
        if node.index in refusals:
            groups.setdefault((node.op_type, refusals[node.index]), []).append(node.label)
    count = len(refusals)
    lines = [f"{count} of {len(model.nodes)} nodes cannot be compiled:"]
    for (op_type, reason), labels in groups.items():
        more = f" and {len(labels) - SHOWN} more" if len(labels) > SHOWN else ""
        lines.append(f"    {', '.join(labels[:SHOWN])}{more} ({op_type}): {reason}")
    return "\n".join(lines)


def _output(walk: Walk, name: str) -> Port:
    if name in walk.model.constants:
        raise TomatoError(
            f"output {name!r} is a constant: it depends on no input",
            where=walk.model.path,
            hint="remove it from the model's outputs",
        )
    view = walk.env[name]
    if view.value in walk.unbound:
        walk.settle(name)
    view = walk.env[name]
    while (made := walk.defining(view.value)) and isinstance(made.op, Reshape) and walk.defining(made.args[0]):
        view = replace(view, value=made.args[0])  # the same stream, and a Reshape is no hardware
    walk.env[name] = view
    return _port(walk, name)


def _port(walk: Walk, name: str) -> Port:
    """The batch axis is dropped; a value that lost it is taken as a frame without it."""
    view, dtype = walk.env[name], walk.model.dtypes[name]
    if view.shape and view.shape[0] == 1:
        return Port(name, view.value, view.shape[1:], Tensor(view.order[0]), view.host, dtype=dtype)
    host = tuple(replace(step, axis=step.axis + 1) for step in view.host)
    return Port(name, view.value, view.shape, Tensor(view.order), host, dtype=dtype)


def _host_notes(outputs: tuple[Port, ...]) -> tuple[str, ...]:
    return tuple(f"output {p.name!r}: the host computes {', '.join(map(str, p.host))}" for p in outputs if p.host)
