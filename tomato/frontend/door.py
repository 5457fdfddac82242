"""The door: what a model file holds is checked once, before anything else looks at it.

onnx's own checker and schemas say what is well formed. Nodes that they refuse are named one by one, by index; what
concerns the whole graph is one error. What the checker complains of and real exporters write all the same is mended
first, see `mend`.
"""

from collections.abc import Iterable
from itertools import chain
from math import isinf, isnan
from pathlib import Path

import onnx
from onnx import AttributeProto, TensorProto, checker, inliner

from tomato.core.errors import TomatoError
from tomato.frontend import limits

STANDARD = frozenset({"", "ai.onnx"})
"""Names of ONNX's own domain."""
OLDEST_OPSET = 7
NEWEST_OPSET = 28
"""Operators that newer operator sets change are refused by name: what changed is not known."""
QONNX, MICROSOFT = "qonnx.custom_op.general", "com.microsoft"
QONNX_OPERATORS = frozenset({"Quant", "IntQuant", "BipolarQuant", "Trunc", "FloatQuant", "MultiThreshold"})
ELEMENTS = frozenset({1, 2, 3, 4, 5, 6, 7, 9, 10, 11, 12, 13, 16, 21, 22, 25, 26})
"""Element types of inputs and outputs: floating-point numbers of 16 bits and more, integers, bool."""
INFINITE = frozenset({"Clip", "Pad"})
"""Operators whose attributes may be infinite."""
VARIADIC = onnx.defs.OpSchema.FormalParameterOption.Variadic
SUBGRAPHS = (AttributeProto.GRAPH, AttributeProto.GRAPHS)
AGAIN = "export the model again"
UNKNOWN = "the operator is not supported; replace it in the network by supported ones"
TENSORS = frozenset(TensorProto.DataType.values()) - {TensorProto.UNDEFINED}


def is_standard(op_type: str) -> bool:
    """Whether ONNX itself has an operator of this name."""
    return bool(onnx.defs.has(op_type, ""))


def mend(model: onnx.ModelProto) -> None:
    """Mend, in place, what the checker refuses and is harmless.

    - The operator sets of other domains are not imported: Brevitas wrote QONNX so until 2023. They have one version.
    - QONNX's operators stand in ONNX's domain: a dialect of older exporters. ONNX has none of these names.
    - Before IR version 4 every initialiser is a graph input, too: quantisers that began with such a model add some
      that are not. All later versions allow it.
    - The graph has no name, or an output no type: both follow from the rest.
    """
    for node in model.graph.node:
        if node.domain in STANDARD:
            node.domain = QONNX if node.op_type in QONNX_OPERATORS else ""
    imported = {entry.domain for entry in model.opset_import}
    for domain in {node.domain for node in model.graph.node} - imported - STANDARD:
        model.opset_import.add(domain=domain, version=1)


def opset(model: onnx.ModelProto, path: Path) -> int:
    """The version of ONNX's operator set; TomatoError if it is not known."""
    version = next((entry.version for entry in model.opset_import if entry.domain in STANDARD), 0)
    known = onnx.defs.onnx_opset_version()
    if version < OLDEST_OPSET:
        raise TomatoError(
            f"operator set {version} is too old: {OLDEST_OPSET} is the oldest that is supported",
            where=str(path),
            hint="convert the model with onnx.version_converter.convert_version(model, 13)",
        )
    for name, given, most in (("operator set", version, known), ("IR version", model.ir_version, onnx.IR_VERSION)):
        if given > most:
            raise TomatoError(
                f"{name} {given} is too new: the installed onnx {onnx.__version__} knows {most}",
                where=str(path),
                hint="pip install --upgrade onnx, or export with an older operator set",
            )
    return version


def inline(model: onnx.ModelProto, path: Path) -> onnx.ModelProto:
    """The model with its local functions put where they are called; TomatoError if that does not end."""
    if not model.functions:
        return model
    found: dict[tuple[str, str], onnx.FunctionProto] = {(f.domain, f.name): f for f in model.functions}
    size: dict[tuple[str, str], int] = {}

    def nodes(calls: Iterable[onnx.NodeProto], above: tuple[tuple[str, str], ...]) -> int:
        total = 0
        for call in calls:
            key = (call.domain, call.op_type)
            if key in above:
                raise TomatoError(f"the local function {key[1]!r} calls itself", where=str(path), hint=AGAIN)
            if key in found and key not in size:
                size[key] = nodes(found[key].node, (*above, key))
            total = min(total + size.get(key, 1), limits.MOST_NODES + 1)
        return total

    if nodes(model.graph.node, ()) > limits.MOST_NODES:
        raise TomatoError(
            f"its local functions stand for more than {limits.MOST_NODES:,} nodes", where=str(path), hint=AGAIN
        )
    try:
        return inliner.inline_local_functions(model)
    except Exception as error:  # whatever the inliner makes of damaged functions
        raise TomatoError(
            f"its local functions are not valid ONNX ({_first_line(error)})", where=str(path), hint=AGAIN
        ) from error


def reasons(nodes: Iterable[onnx.NodeProto], model: onnx.ModelProto, version: int) -> dict[int, str]:
    """Why nodes are not valid ONNX, by index."""
    context = _context(model, version)
    found = ((i, _why_invalid(node, version, context)) for i, node in enumerate(nodes))
    return {index: reason for index, reason in found if reason}


def _context(model: onnx.ModelProto, version: int) -> checker.C.CheckerContext:
    context = checker.C.CheckerContext()
    context.ir_version = max(model.ir_version, 4)
    context.opset_imports = {entry.domain: entry.version for entry in model.opset_import} | {"": version}
    return context


def admit(model: onnx.ModelProto, path: Path, version: int) -> dict[int, str]:
    """Why nodes are not valid ONNX, by index. TomatoError where the graph itself is not well formed."""
    graph = model.graph
    if len(graph.node) > limits.MOST_NODES:
        raise TomatoError(
            f"{len(graph.node):,} nodes; {limits.MOST_NODES:,} are the most", where=str(path), hint="split the model"
        )
    if graph.sparse_initializer:
        raise TomatoError(
            "its weights are stored as sparse tensors",
            where=str(path),
            hint="store them dense: sparse ones are not read",
        )
    _check_tensors(graph, path, _context(model, version))
    invalid = reasons(graph.node, model, version)
    _check_names(graph, path)
    check_sizes(graph, path)
    return invalid


def _check_tensors(graph: onnx.GraphProto, path: Path, context: checker.C.CheckerContext) -> None:
    for tensor in graph.initializer:
        try:
            checker.check_tensor(tensor, context)
        except checker.ValidationError as error:
            raise TomatoError(
                f"the constant {tensor.name!r} is damaged ({_first_line(error)})",
                where=str(path),
                hint="copy, download or export the file again",
            ) from error


def _why_invalid(node: onnx.NodeProto, version: int, context: checker.C.CheckerContext) -> str:
    """Why a node is not valid; "" if it is."""
    if not node.domain:
        if not onnx.defs.has(node.op_type, ""):
            return UNKNOWN
        if not onnx.defs.has(node.op_type, version, ""):
            return f"operator set {version} has no {node.op_type}; export with another operator set"
        if (since := onnx.defs.get_schema(node.op_type, version, "").since_version) > NEWEST_OPSET:
            return f"its meaning since operator set {since} is not known; export with {NEWEST_OPSET}"
    if reason := _odd_attribute(node) or _complaint(node, context) or _odd_names(node):
        return f"the node is not valid ONNX ({reason}); {AGAIN}"
    return ""


def _complaint(node: onnx.NodeProto, context: checker.C.CheckerContext) -> str:
    try:
        checker.check_node(_without_subgraphs(node), context)
    except checker.ValidationError as error:
        return _first_line(error)
    return ""


def _odd_names(node: onnx.NodeProto) -> str:
    if not any(node.output):
        return "it has no output"
    schema = None if node.domain else onnx.defs.get_schema(node.op_type, "")
    if schema and schema.inputs and schema.inputs[-1].option == VARIADIC and "" in node.input[len(schema.inputs) - 1 :]:
        return "one of its inputs has no name"
    count = next((a.i for a in node.attribute if a.name == "num_outputs"), len(node.output))
    if node.op_type == "Split" and count != len(node.output):  # onnx's inference would abort the process
        return f"num_outputs={count} of {len(node.output)} outputs"
    return ""


def _odd_attribute(node: onnx.NodeProto) -> str:
    names = [a.name for a in node.attribute]
    if len(set(names)) < len(names):
        return "it gives an attribute twice"
    for attribute in node.attribute:
        if attribute.ref_attr_name:
            return f"{attribute.name!r} refers to an attribute of a function"
        if attribute.type not in AttributeProto.AttributeType.values() or attribute.type == AttributeProto.UNDEFINED:
            return f"{attribute.name!r} has no known type"
        if attribute.type == AttributeProto.TENSOR and attribute.t.data_type not in TENSORS:
            return f"{attribute.name!r} is a tensor of no known type"
        numbers = [attribute.f, *attribute.floats]
        if any(map(isnan, numbers)) or (any(map(isinf, numbers)) and node.op_type not in INFINITE):
            return f"{attribute.name!r} is not a finite number"
    return ""


def _without_subgraphs(node: onnx.NodeProto) -> onnx.NodeProto:
    """The node, where it has subgraphs with an empty one instead: whoever reads these looks at their nodes himself."""
    if not any(a.type in SUBGRAPHS for a in node.attribute):
        return node
    bare = onnx.NodeProto()
    bare.CopyFrom(node)
    for attribute in bare.attribute:
        if attribute.type == AttributeProto.GRAPH:
            attribute.g.CopyFrom(onnx.GraphProto(name="left out"))
    return bare


def _check_names(graph: onnx.GraphProto, path: Path) -> None:
    """Refuse a graph that reads what nothing computes, or in which a name stands for two values."""
    hint = f"{AGAIN}: its graph is not well formed"
    inputs, constants = [i.name for i in graph.input], [t.name for t in graph.initializer]
    known = {""}
    for kind, names in (("input", inputs), ("constant", constants)):
        for name in names:
            if not name:
                raise TomatoError(f"an {kind} has no name".replace("an c", "a c"), where=str(path), hint=hint)
        if again := _repeated(names):
            raise TomatoError(f"there are two {kind}s {again!r}", where=str(path), hint=hint)
        known.update(names)
    for node in graph.node:
        label = f"{node.op_type} {(node.name or next(filter(None, node.output), '?'))!r}"
        if missing := [i for i in node.input if i not in known]:
            raise TomatoError(f"{label} reads {missing[0]!r}, which nothing computes", where=str(path), hint=hint)
        made = [o for o in node.output if o]
        if twice := [o for o in made if o in known] or [again for again in (_repeated(made),) if again]:
            raise TomatoError(f"{label} computes {twice[0]!r}, which is there already", where=str(path), hint=hint)
        known.update(made)
    outputs = [o.name for o in graph.output]
    if not outputs:
        raise TomatoError("the network has no output", where=str(path), hint=hint)
    if lost := [name for name in outputs if not name or name not in known]:
        raise TomatoError(f"nothing computes the output {lost[0]!r}", where=str(path), hint=hint)
    if again := _repeated(outputs):
        raise TomatoError(f"there are two outputs {again!r}", where=str(path), hint=hint)


def _repeated(names: Iterable[str]) -> str:
    seen: set[str] = set()
    for name in names:
        if name in seen:
            return name
        seen.add(name)
    return ""


def check_sizes(graph: onnx.GraphProto, path: Path) -> None:
    """Refuse inputs that claim too much, or whose elements are no numbers. Axes of unknown size count as one."""
    constants = {t.name for t in graph.initializer}
    for value in graph.input:
        shape = [max(1, d.dim_value) for d in value.type.tensor_type.shape.dim]
        if value.name in constants:
            continue
        kind = value.type.tensor_type.elem_type
        if kind and kind not in ELEMENTS:
            raise TomatoError(
                f"the input's type is {element(kind)}",
                where=f"{path}: input {value.name!r}",
                hint="export it with floating-point numbers or integers",
            )
        if reason := limits.too_large(shape):
            raise TomatoError(
                f"the input claims {reason}",
                where=f"{path}: input {value.name!r}",
                hint="make the frames smaller, or split them into tiles",
            )


def element(kind: int) -> str:
    """The name of an element type."""
    return TensorProto.DataType.Name(kind).lower() if kind in TensorProto.DataType.values() else str(kind)


def _first_line(error: Exception) -> str:
    lines = chain(str(error).strip().splitlines(), [type(error).__name__])
    return next(line for line in lines if line)[:200]
