"""Changes of a model's structure that no exporter makes: each takes the model and a generator, and edits in place."""

import random
from collections.abc import Callable
from typing import Any

import numpy as np
import onnx
from onnx import AttributeProto, TensorProto, helper, numpy_helper

from tomato.frontend.translate import FOREIGN, rules

INTEGERS = (-(2**63), -(2**31), -100, -3, -2, -1, 0, 1, 2, 3, 4, 5, 7, 8, 17, 255, 256, 1000, 50_000, 10**6, 2**31,
            4 * 10**8, 10**10, 2**40, 2**62, 2**63 - 1)  # fmt: skip
SMALL = (-2, -1, 0, 1, 2, 3, 4, 5, 6, 8)
REALS = (
    0.0,
    -0.0,
    1.0,
    -1.0,
    0.5,
    3.0,
    1e-30,
    1e-8,
    255.0,
    1e6,
    1e30,
    -1e38,
    float("inf"),
    float("-inf"),
    float("nan"),
)
NAMES = ("axis", "axes", "perm", "pads", "kernel_shape", "strides", "group", "mode", "alpha", "to", "blocksize", "foo")
TEXTS = ("", "x", "nearest", "linear", "SAME_UPPER", "CRD", "reflect", "\x00", "ä" * 300)
OTHERS = ("Loop", "If", "LSTM", "NonZero", "Tile", "Einsum", "Where", "TopK", "OneHot", "Range", "ConstantOfShape",
          "RandomNormalLike", "CumSum", "Mod", "Softmax", "Quant", "QuantizeLinear", "Shape", "Size")  # fmt: skip
INSERTED = ("Relu", "Neg", "Flatten", "Cast", "Sigmoid", "Transpose", "Squeeze", "Softmax", "Abs", "Identity")
TYPES = (np.float32, np.float64, np.float16, np.int64, np.int32, np.int8, np.uint8)
LETTERS = 5000


def integer(rng: random.Random) -> int:
    """Mostly a small one."""
    return rng.choice(SMALL if rng.random() < 0.6 else INTEGERS)


def _node(model: Any, rng: random.Random) -> Any:
    return rng.choice(model.graph.node)


def _names(model: Any) -> list[str]:
    graph = model.graph
    made = [o for n in graph.node for o in n.output]
    return [*(i.name for i in graph.input), *(t.name for t in graph.initializer), *made, "", "nothing"]


def change_attribute(model: Any, rng: random.Random) -> None:
    """Another number or text in an attribute."""
    attributes = [a for n in model.graph.node for a in n.attribute]
    if not attributes:
        return
    attribute = rng.choice(attributes)
    if attribute.type == AttributeProto.INT:
        attribute.i = integer(rng)
    elif attribute.type == AttributeProto.FLOAT:
        attribute.f = rng.choice(REALS)
    elif attribute.type == AttributeProto.STRING:
        attribute.s = rng.choice(TEXTS).encode()
    elif attribute.type == AttributeProto.INTS:
        _change_list(attribute.ints, lambda: integer(rng), rng)
    elif attribute.type == AttributeProto.FLOATS:
        _change_list(attribute.floats, lambda: rng.choice(REALS), rng)
    elif attribute.type == AttributeProto.TENSOR:
        _change_tensor(attribute.t, rng)


def _change_list(values: Any, draw: Callable[[], Any], rng: random.Random) -> None:
    kind = rng.randrange(4)
    if kind == 0 or not values:
        values.append(draw())
    elif kind == 1:
        values.pop()
    elif kind == 2 and len(values) > 1:
        a, b = rng.sample(range(len(values)), 2)
        values[a], values[b] = values[b], values[a]
    else:
        values[rng.randrange(len(values))] = draw()


def retype_attribute(model: Any, rng: random.Random) -> None:
    """An attribute of another type."""
    node = _node(model, rng)
    if node.attribute:
        attribute = rng.choice(node.attribute)
        name = attribute.name
        value = rng.choice([3, 2.5, "text", [1, 2], [0.5], ["a"], numpy_helper.from_array(np.ones(2, np.float32))])
        attribute.CopyFrom(helper.make_attribute(name, value))
        if rng.random() < 0.3:
            attribute.type = rng.choice(range(15))


def drop_attribute(model: Any, rng: random.Random) -> None:
    """One attribute less."""
    node = _node(model, rng)
    if node.attribute:
        del node.attribute[rng.randrange(len(node.attribute))]


def add_attribute(model: Any, rng: random.Random) -> None:
    """One attribute more, perhaps one that the operator does not have, or has already."""
    value = rng.choice(
        [integer(rng), rng.choice(REALS), rng.choice(TEXTS), [integer(rng) for _ in range(rng.randrange(1, 5))]]
    )
    _node(model, rng).attribute.append(helper.make_attribute(rng.choice(NAMES), value))


def change_operator(model: Any, rng: random.Random) -> None:
    """Another operator, or domain."""
    node = _node(model, rng)
    if rng.random() < 0.8:
        node.op_type = rng.choice((*rules(), *OTHERS))
    else:
        node.domain = rng.choice(["ai.onnx", "ai.onnx.ml", "nowhere", *FOREIGN])


def change_input(model: Any, rng: random.Random) -> None:
    """A node that reads another value, one more, one less, or in another order."""
    node = _node(model, rng)
    if node.input:
        _change_list(node.input, lambda: rng.choice(_names(model)), rng)


def change_output(model: Any, rng: random.Random) -> None:
    """A node with an output of another name, one more, or one less."""
    node = _node(model, rng)
    if node.output:
        _change_list(node.output, lambda: rng.choice([*_names(model), "fresh"]), rng)


def move_node(model: Any, rng: random.Random) -> None:
    """A node less, twice, or in another place."""
    nodes = list(model.graph.node)
    at = rng.randrange(len(nodes))
    kind = rng.randrange(3)
    if kind == 0 and len(nodes) > 1:
        nodes.pop(at)
    elif kind == 1:
        nodes.append(nodes[at])
    else:
        nodes.insert(rng.randrange(len(nodes)), nodes.pop(at))
    copies = [onnx.NodeProto.FromString(n.SerializeToString()) for n in nodes]
    del model.graph.node[:]
    model.graph.node.extend(copies)


def insert_node(model: Any, rng: random.Random) -> None:
    """A node between two."""
    node = _node(model, rng)
    if not node.input:
        return
    at = rng.randrange(len(node.input))
    kind = rng.choice(
        ["Relu", "Neg", "Flatten", "Cast", "Sigmoid", "Transpose", "Squeeze", "Softmax", "Abs", "Identity"]
    )
    attributes: dict[str, Any] = {"to": rng.randrange(1, 25)} if kind == "Cast" else {}
    made = helper.make_node(kind, [node.input[at]], ["inserted"], **attributes)
    index = list(model.graph.node).index(node)
    node.input[at] = "inserted"
    model.graph.node.insert(index, made)


def change_constant(model: Any, rng: random.Random) -> None:
    """A constant of another shape, type, or content."""
    if model.graph.initializer:
        _change_tensor(rng.choice(model.graph.initializer), rng)


def _change_tensor(tensor: Any, rng: random.Random) -> None:
    kind = rng.randrange(10)
    if kind == 0:
        _change_list(tensor.dims, lambda: integer(rng), rng)
    elif kind == 1:
        tensor.data_type = rng.randrange(30)
    elif kind == 2:
        tensor.raw_data = tensor.raw_data[: rng.randrange(len(tensor.raw_data) + 1)]
    elif kind == 3:
        tensor.data_location = TensorProto.EXTERNAL
        if rng.random() < 0.7:
            where = rng.choice(["", "x" * LETTERS, "/etc/hostname", "../x", ".", "a\x00b"])
            tensor.external_data.add(key="location", value=where)
    elif kind == 4:
        tensor.CopyFrom(numpy_helper.from_array(np.array(["a", "b"], dtype=object), tensor.name))
    else:
        _change_values(tensor, rng)


def _change_values(tensor: Any, rng: random.Random) -> None:
    """Other numbers, or the same in another shape or type that holds them."""
    try:
        array = np.array(numpy_helper.to_array(tensor))
    except Exception:  # damaged by an earlier mutation
        return
    kind = rng.randrange(4)
    if kind == 0 and array.dtype.kind in "iuf" and array.size:
        value = rng.choice(REALS) if array.dtype.kind == "f" else integer(rng)
        with np.errstate(all="ignore"):
            array.flat[rng.randrange(array.size)] = np.asarray(value).astype(array.dtype)
    elif kind == 1:
        array = array.reshape(rng.choice([(-1,), (1, *array.shape), (*array.shape, 1)]))
    elif kind == 2 and array.ndim:
        array = array[: rng.randrange(len(array) + 1)]
    elif array.dtype.kind in "iuf":
        with np.errstate(all="ignore"):
            array = array.astype(
                rng.choice([np.float32, np.float64, np.float16, np.int64, np.int32, np.int8, np.uint8])
            )
    tensor.CopyFrom(numpy_helper.from_array(array, tensor.name))


def rename_constant(model: Any, rng: random.Random) -> None:
    """A constant of another name, gone, twice, or huge and computed."""
    constants = model.graph.initializer
    if not constants:
        return
    at = rng.randrange(len(constants))
    kind = rng.randrange(4)
    if kind == 0:
        constants[at].name = rng.choice(_names(model))
    elif kind == 1:
        constants.add().CopyFrom(constants[at])
    elif kind == 2:
        del constants[at]
    else:
        name = constants[at].name
        sizes = [abs(integer(rng)) % 2**63 for _ in range(rng.randrange(1, 5))]
        constants[at].CopyFrom(numpy_helper.from_array(np.array(sizes, np.int64), "sizes"))
        model.graph.node.insert(0, helper.make_node("ConstantOfShape", ["sizes"], [name]))


def change_input_type(model: Any, rng: random.Random) -> None:
    """An input of another shape or element type, or without one."""
    if not model.graph.input:
        return
    kind = rng.choice(model.graph.input).type.tensor_type
    dims = kind.shape.dim
    choice = rng.randrange(6)
    if choice == 0 and dims:
        rng.choice(dims).dim_value = integer(rng)
    elif choice == 1 and dims:
        rng.choice(dims).dim_param = "n"
    elif choice == 2 and dims:
        dims.pop()
    elif choice == 3:
        dims.add().dim_value = integer(rng)
    elif choice == 4:
        kind.elem_type = rng.randrange(25)
    else:
        kind.ClearField("shape")


def change_port(model: Any, rng: random.Random) -> None:
    """An input or output of another name, gone, or twice."""
    ports = rng.choice([model.graph.input, model.graph.output])
    if not ports:
        return
    at = rng.randrange(len(ports))
    kind = rng.randrange(4)
    if kind == 0:
        ports[at].name = rng.choice([*_names(model), "é/..$(x)"])
    elif kind == 1:
        del ports[at]
    elif kind == 2:
        ports.add().CopyFrom(ports[at])
    else:
        ports.add().CopyFrom(helper.make_tensor_value_info(rng.choice(_names(model)), rng.randrange(1, 20), [1, 4]))


def change_version(model: Any, rng: random.Random) -> None:
    """Another operator set or IR."""
    if rng.random() < 0.8 and model.opset_import:
        model.opset_import[0].version = rng.choice([*range(6, 30), *(i for i in INTEGERS if i >= 0)])
    elif rng.random() < 0.5:
        model.ir_version = integer(rng)
    else:
        del model.opset_import[:]


def change_function(model: Any, rng: random.Random) -> None:
    """A local function that calls itself, doubles, or whose body is another."""
    if not model.functions:
        return
    function = model.functions[0]
    kind = rng.randrange(3)
    if kind == 0:
        rng.choice(function.node).CopyFrom(helper.make_node("F", ["a"], ["r"], domain="local"))
    elif kind == 1:
        for i in range(40):
            calls = [helper.make_node(f"G{i}", [a], [b], domain="local") for a, b in (("a", "r"), ("r", "b"))]
            inner = helper.make_function("local", f"G{i + 1}", ["a"], ["b"], calls, list(function.opset_import))
            model.functions.append(inner)
        first = onnx.FunctionProto.FromString(function.SerializeToString())
        first.name = "G0"
        model.functions.append(first)
        model.graph.node[0].op_type = "G40"
    else:
        _change_list(rng.choice([function.input, function.output]), lambda: rng.choice(["a", "b", "r", "", "q"]), rng)


MUTATIONS = (
    change_attribute, change_attribute, change_attribute, retype_attribute, drop_attribute, add_attribute,
    change_operator, change_operator, change_input, change_input, change_output, move_node, insert_node, insert_node,
    change_constant, change_constant, change_constant, rename_constant, change_input_type, change_input_type,
    change_port, change_version, change_function,
)  # fmt: skip


def mutant(models: list[Any], seed: int) -> Any:
    """One of the models with one to three changes; the same for the same seed."""
    rng = random.Random(seed)
    made = onnx.ModelProto.FromString(rng.choice(models).SerializeToString())
    for _ in range(rng.choice([1, 1, 1, 2, 3, 4])):
        if made.graph.node:
            try:
                rng.choice(MUTATIONS)(made, rng)
            except (TypeError, ValueError):
                continue  # a number that the field cannot hold
    return made
