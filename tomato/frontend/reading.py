"""A model as it is read: sizes of its inputs fixed, open values quantised, its ends cut off for the host."""

from collections.abc import Collection, Iterable, Mapping
from pathlib import Path

import numpy as np
import onnx
from onnx import helper, numpy_helper

from tomato.core.errors import TomatoError
from tomato.core.formats import Array
from tomato.core.interface import Reading
from tomato.frontend import door
from tomato.frontend.batch import why_bound
from tomato.frontend.checked import Checked
from tomato.frontend.shapes import Resolver, survey

Sizes = Mapping[str, tuple[int, ...]]


def fix_inputs(checked: Checked, sizes: Sizes, states: Collection[str] = ()) -> tuple[str, ...]:
    """Fix the sizes of all inputs in place, the batch to one. Notes of what was chosen; TomatoError if one is open.

    states: inputs that carry states, whose first axis is no batch.
    """
    model, path = checked.proto, checked.path
    constants = {t.name for t in model.graph.initializer}
    inputs = [i for i in model.graph.input if i.name not in constants]
    left = dict(sizes)
    for value in inputs:
        if value.name in states:
            _one_frame(value, sizes)
        _name_sizes(value, path, left, sizes)
    if left:
        known = sorted(
            {d.dim_param for i in inputs for d in i.type.tensor_type.shape.dim if d.dim_param}
            | {i.name for i in inputs}
        )
        raise TomatoError(
            f"--shape {next(iter(left))}: there is no such axis or input",
            where=str(path),
            hint=f"choose from {', '.join(known)}",
        )
    inputs = [i for i in inputs if i.name not in states]
    batches = {i.type.tensor_type.shape.dim[0].dim_value for i in inputs if i.type.tensor_type.shape.dim}
    fixed = max(batches, default=0)
    if fixed > 1:
        _unbatch(checked, inputs, fixed)
    notes = [_fix_batch(i, fixed) for i in inputs]
    door.check_sizes(model.graph, path)
    return tuple(note for note in notes if note)


def _name_sizes(value: onnx.ValueInfoProto, path: Path, left: dict[str, tuple[int, ...]], sizes: Sizes) -> None:
    """Give an input the sizes that the user names; TomatoError where one stays open."""
    where = f"{path}: input {value.name!r}"
    if not value.type.HasField("tensor_type") or not value.type.tensor_type.HasField("shape"):
        if len(shape := sizes.get(value.name, ())) < 1:
            raise TomatoError(
                "the input has no shape", where=where, hint=f"give it: --shape {value.name}=1x3x224x224 or the like"
            )
        value.type.tensor_type.shape.dim.extend(onnx.TensorShapeProto.Dimension() for _ in shape)
    dims = value.type.tensor_type.shape.dim
    if value.name in sizes:
        left.pop(value.name, None)
        if len(sizes[value.name]) != len(dims):
            raise TomatoError(
                f"--shape gives {len(sizes[value.name])} sizes for {len(dims)} axes",
                where=where,
                hint="give one per axis",
            )
        for dim, size in zip(dims, sizes[value.name], strict=True):
            if dim.dim_value > 0 and dim.dim_value != size:
                raise TomatoError(f"--shape says {size} where the model says {dim.dim_value}", where=where,
                                  hint="only dynamic axes can be chosen")  # fmt: skip
            dim.dim_value = size
    for axis, dim in enumerate(dims):
        name = dim.dim_param
        if name in sizes and len(sizes[name]) == 1:
            left.pop(name, None)
            dim.dim_value = sizes[name][0]
        if axis and dim.dim_value <= 0:
            example = f"{name}=N" if name else f"{value.name}={'x'.join(str(max(1, d.dim_value)) for d in dims)}"
            raise TomatoError(
                f"axis {axis} ({name or '?'!r}) has a dynamic size, but hardware needs a fixed one",
                where=where,
                hint=f"fix it: --shape {example}" + ("" if name else ", with your own sizes"),
            )
    if not dims:
        raise TomatoError("the input is a single number", where=where, hint="make it a constant of the model")


def _one_frame(value: onnx.ValueInfoProto, sizes: Sizes) -> None:
    """Axes of a state that are open, and that the user does not name, are its batch."""
    for dim in value.type.tensor_type.shape.dim:
        if dim.dim_value <= 0 and value.name not in sizes and dim.dim_param not in sizes:
            dim.dim_value = 1


def _fix_batch(value: onnx.ValueInfoProto, fixed: int) -> str:
    """Fix the batch of an input to 1, in place. A note if that was a choice."""
    dim = value.type.tensor_type.shape.dim[0]
    batch, name = dim.dim_value, dim.dim_param
    dim.dim_value = 1
    if batch == 1:
        return ""
    if fixed > 1:
        return f"input {value.name!r}: the batch of {fixed} frames is one frame"
    return f"input {value.name!r}: the dynamic batch ({name or '?'}) is one frame"


def _unbatch(checked: Checked, inputs: list[onnx.ValueInfoProto], batch: int) -> None:
    """Make a model of a fixed batch one of any, in place; TomatoError where more than batch axes carry it."""
    reason = why_bound(checked.proto, survey(checked), [i.name for i in inputs], batch)
    if reason:
        raise TomatoError(
            f"the batch (axis 0) is fixed to {batch}, but an accelerator takes one frame at a time, and {reason}",
            where=f"{checked.path}: input {inputs[0].name!r}",
            hint="export the model with a batch of 1 or with a dynamic batch",
        )


def changed(checked: Checked, reading: Reading) -> onnx.ModelProto:
    """A model of a batch of one, its open values quantised in place and its ends cut off.

    Nodes keep what they are called.
    """
    model = checked.proto
    for i, node in enumerate(model.graph.node):
        node.name = node.name or f"{node.op_type} #{i}"
    if reading.ranges:
        quantise_values(model, reading.ranges)
    if not reading.outputs:
        return model
    known = survey(checked)
    return _part(model, known, reading.inputs, reading.outputs)


def ends(checked: Checked, reading: Reading) -> tuple[onnx.ModelProto | None, onnx.ModelProto | None]:
    """What is left of a model of a batch of one in front of `reading.inputs`, and behind `reading.outputs`."""
    model = checked.proto
    graph = model.graph
    constants = {t.name for t in graph.initializer}
    inputs = [i.name for i in graph.input if i.name not in constants]
    known = survey(checked)
    wanted = [name for name in reading.inputs if name not in inputs]
    late = [o.name for o in graph.output if o.name not in reading.outputs]
    after = _part(model, known, [*reading.outputs, *inputs], late) if late else None
    before = _part(model, known, inputs, wanted) if wanted else None
    return before, after


def _part(model: onnx.ModelProto, known: Resolver, inputs: Iterable[str], outputs: Iterable[str]) -> onnx.ModelProto:
    """The nodes between values, as a model of its own; of `inputs` those that it reads."""
    graph, ends_, begins = model.graph, list(outputs), set(inputs)
    wanted, nodes = set(ends_), []
    for node in reversed(graph.node):
        if any(o in wanted and o not in begins for o in node.output if o):
            nodes.append(node)
            wanted.update(node.input)
    nodes.reverse()
    constants = {t.name for t in graph.initializer}
    read = [name for name in dict.fromkeys(inputs) if name in wanted and name not in constants]
    made = onnx.ModelProto()
    made.CopyFrom(model)
    del (
        made.graph.node[:],
        made.graph.input[:],
        made.graph.output[:],
        made.graph.initializer[:],
        made.graph.value_info[:],
    )
    made.graph.node.extend(nodes)
    made.graph.initializer.extend(t for t in graph.initializer if t.name in wanted)
    made.graph.input.extend(_described(name, known) for name in read)
    made.graph.output.extend(_described(name, known) for name in ends_)
    return made


def _described(name: str, known: Resolver) -> onnx.ValueInfoProto:
    """A value with its type, or as a result of unknown type."""
    return helper.make_value_info(name, known.types[name]) if name in known.types else onnx.ValueInfoProto(name=name)


def quantise_values(model: onnx.ModelProto, ranges: Mapping[str, tuple[float, float, int]]) -> None:
    """Quantise values in place: where they are quantised dynamically by constants, else by a pair of nodes.

    A model in QONNX gets a Quant instead of a pair. Constants become codes with a scale per output channel.
    """
    graph = model.graph
    dialect = any(node.domain == door.QONNX for node in graph.node)
    for name, (lo, hi, bits) in ranges.items():
        dynamic = [n for n in graph.node if n.op_type == "DynamicQuantizeLinear" and n.input[0] == name]
        for node in dynamic:
            _make_static(graph, node, *step(lo, hi, bits))
        if (holder := stored(graph, name)) is not None:
            _code(graph, _taken(graph, holder, name), bits)
        elif not dynamic:
            _insert(graph, name, lo, hi, bits, qonnx=dialect)
    if dialect and not any(entry.domain == door.QONNX for entry in model.opset_import):
        model.opset_import.add(domain=door.QONNX, version=1)


def stored(graph: onnx.GraphProto, name: str) -> onnx.TensorProto | onnx.NodeProto | None:
    """What holds the constant of that name: an initialiser or a Constant node; None if it is computed, or none."""
    tensors: list[onnx.TensorProto] = [t for t in graph.initializer if t.name == name]
    made = [n for n in graph.node if n.op_type == "Constant" and n.output[0] == name]
    nodes: list[onnx.NodeProto] = [n for n in made if n.attribute[0].name == "value"]
    holders: list[onnx.TensorProto | onnx.NodeProto] = [*tensors, *nodes]
    return holders[0] if holders else None


def _taken(graph: onnx.GraphProto, holder: onnx.TensorProto | onnx.NodeProto, name: str) -> onnx.TensorProto:
    """The constant of that name, out of the graph."""
    found = onnx.TensorProto()
    if isinstance(holder, onnx.NodeProto):
        found.CopyFrom(holder.attribute[0].t)
        graph.node.remove(holder)
    else:
        found.CopyFrom(holder)
        graph.initializer.remove(holder)
    found.name = name
    return found


def _code(graph: onnx.GraphProto, tensor: onnx.TensorProto, bits: int) -> None:
    """Have a layer's weights be symmetric codes, of one scale per output channel."""
    name, values = tensor.name, numpy_helper.to_array(tensor).astype(np.float64)
    reader = next(node for node in graph.node if name in node.input)
    turned = any(a.name == "transB" and a.i for a in reader.attribute)
    axis = 0 if reader.op_type == "Conv" or turned else values.ndim - 1
    others = tuple(a for a in range(values.ndim) if a != axis)
    most = (1 << (bits - 1)) - 1
    scale = np.abs(values).max(axis=others) / most
    scale = np.where(scale > 0, scale, 1.0).astype(np.float32)
    shape = [-1 if a == axis else 1 for a in range(values.ndim)]
    codes = np.clip(np.rint(values / scale.reshape(shape)), -most, most).astype(np.int8)
    parts = {f"{name} codes": codes, f"{name} scales": scale}
    graph.initializer.extend(numpy_helper.from_array(value, key) for key, value in parts.items())
    node = helper.make_node("DequantizeLinear", list(parts), [name], name=f"{name} of codes", axis=axis)
    graph.node.insert(0, node)


def step(lo: float, hi: float, bits: int) -> tuple[np.float32, int]:
    """Scale and zero point of unsigned codes for values from lo to hi, as DynamicQuantizeLinear chooses them."""
    low, high, most = min(lo, 0.0), max(hi, 0.0), (1 << bits) - 1
    scale = np.float32((high - low) / most) if high > low else np.float32(1)
    return scale, int(np.clip(np.rint(-low / scale), 0, most))


def _make_static(graph: onnx.GraphProto, node: onnx.NodeProto, scale: np.float32, zero: int) -> None:
    codes = node.output[0]
    given = (*node.output[1:], "", "")
    names = [given[0] or f"{codes} scale", given[1] or f"{codes} zero point"]
    graph.initializer.append(numpy_helper.from_array(np.asarray(scale), names[0]))
    graph.initializer.append(numpy_helper.from_array(np.asarray(zero, np.uint8), names[1]))
    node.CopyFrom(helper.make_node("QuantizeLinear", [node.input[0], *names], [codes], name=node.name))


def _insert(graph: onnx.GraphProto, name: str, lo: float, hi: float, bits: int, *, qonnx: bool) -> None:
    """Have all readers of a value, and an output that it is, read it quantised."""
    at = next((i for i, node in enumerate(graph.node) if name in node.output), None)
    real, coded = (name, f"{name} quantised") if at is None else (f"{name} real", name)
    if at is None:
        for node in graph.node:
            node.input[:] = [coded if read == name else read for read in node.input]
    else:
        maker = graph.node[at]
        maker.output[:] = [real if made == name else made for made in maker.output]
    nodes, constants = (_quant if qonnx else _pair)(real, coded, lo, hi, bits)
    for node in reversed(nodes):
        graph.node.insert(0 if at is None else at + 1, node)
    graph.initializer.extend(numpy_helper.from_array(value, key) for key, value in constants.items())


def _pair(name: str, to: str, lo: float, hi: float, bits: int) -> tuple[list[onnx.NodeProto], dict[str, Array]]:
    scale, zero = step(lo, hi, bits)
    numbers: dict[str, Array] = {f"{to} scale": np.asarray(scale), f"{to} zero point": np.asarray(zero, np.uint8)}
    first = helper.make_node("QuantizeLinear", [name, *numbers], [f"{to} codes"], name=f"{name} to codes")
    second = helper.make_node("DequantizeLinear", [f"{to} codes", *numbers], [to], name=f"{name} of codes")
    return [first, second], numbers


def _quant(name: str, to: str, lo: float, hi: float, bits: int) -> tuple[list[onnx.NodeProto], dict[str, Array]]:
    signed = lo < 0
    most = (1 << (bits - signed)) - 1
    scale = max(abs(lo), abs(hi)) / most or 1.0
    numbers: dict[str, Array] = {f"{to} {key}": np.asarray(value, np.float32)
               for key, value in (("scale", scale), ("zero point", 0), ("bits", bits))}  # fmt: skip
    node = helper.make_node(
        "Quant", [name, *numbers], [to], domain=door.QONNX, name=f"{name} to codes", signed=int(signed), narrow=0,
        rounding_mode="ROUND",
    )  # fmt: skip
    return [node], numbers
