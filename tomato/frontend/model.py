"""An ONNX model after reading: static shapes, folded constants, typed attributes. Knows nothing of the onnx package."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np

from tomato.core.formats import Array, Codes

Attribute = int | float | str | tuple[int, ...] | tuple[float, ...] | tuple[str, ...] | Array | None
"""A decoded attribute; None stands for the kinds that no supported operator has."""


def is_integer(kind: str | None) -> bool:
    """Whether a NumPy type of this name holds integers."""
    return kind is not None and bool(re.fullmatch(r"u?int\d+", kind))


def integer_range(dtype: Any) -> Codes:
    """The range of an integer NumPy type, the narrow ones that ONNX adds (int4, uint4, int2, uint2) included."""
    match = re.fullmatch(r"(u?)int(\d+)", np.dtype(dtype).name)
    assert match, f"{dtype} is no integer type"
    return Codes.of(int(match[2]), signed=not match[1])


class RefusedError(Exception):
    """A node that cannot be translated: what was expected, and what to do."""

    def __init__(self, expected: str, todo: str) -> None:
        super().__init__(f"{expected}; {todo}")


def one(value: Array, role: str) -> float:
    """The only number of a constant. RefusedError if it has none, or several."""
    if value.size != 1:
        raise RefusedError(f"expected one number as {role}, not {value.size}", "give one for all")
    return float(value.reshape(-1)[0])


class BehindError(Exception):
    """A node that cannot be judged because one in front of it is refused."""


@dataclass(frozen=True, eq=False)
class OnnxNode:
    """One node: `label` is its name, or `<op_type> #<index>`; an input that is left out is named ""."""

    index: int
    name: str
    op_type: str
    domain: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    attributes: Mapping[str, Attribute]

    @property
    def label(self) -> str:
        """What the user calls the node."""
        return self.name or f"{self.op_type} #{self.index}"

    @property
    def stem(self) -> str:
        """What its values are named after."""
        return self.name or next(filter(None, self.outputs))

    def _odd(self, name: str) -> RefusedError:
        return RefusedError(f"the attribute {name!r} has the wrong type", "export the model again")

    def has(self, index: int) -> bool:
        """Whether an optional input is given."""
        return index < len(self.inputs) and bool(self.inputs[index])

    def integer(self, name: str, default: int) -> int:
        """An integer attribute."""
        value = self.attributes.get(name, default)
        if not isinstance(value, int):
            raise self._odd(name)
        return value

    def flag(self, name: str, default: int) -> bool:
        """An integer attribute that is 0 or 1."""
        value = self.integer(name, default)
        if value not in (0, 1):
            raise RefusedError(f"expected {name} 0 or 1, not {value}", "export it so")
        return bool(value)

    def real(self, name: str, default: float) -> float:
        """A float attribute."""
        value = self.attributes.get(name, default)
        if not isinstance(value, (int, float)):
            raise self._odd(name)
        return float(value)

    def text(self, name: str, default: str) -> str:
        """A string attribute."""
        value = self.attributes.get(name, default)
        if not isinstance(value, str):
            raise self._odd(name)
        return value

    def choice(self, name: str, options: tuple[str, ...]) -> str:
        """A string attribute that is one of a few, the first unless it is given."""
        value = self.text(name, options[0])
        if value not in options:
            raise RefusedError(f"expected {name} {' or '.join(map(repr, options))}, not {value!r}", "export it so")
        return value

    def integers(self, name: str) -> tuple[int, ...] | None:
        """A list of integers, or None when it is absent."""
        value = self.attributes.get(name)
        if value is not None and not isinstance(value, tuple):
            raise self._odd(name)
        return None if value is None else tuple(int(v) for v in value)

    def reals(self, name: str) -> tuple[float, ...] | None:
        """A list of floats, or None when it is absent."""
        value = self.attributes.get(name)
        if value is not None and not isinstance(value, tuple):
            raise self._odd(name)
        return None if value is None else tuple(float(v) for v in value)

    def texts(self, name: str) -> tuple[str, ...] | None:
        """A list of strings, or None when it is absent."""
        value = self.attributes.get(name)
        if value is not None and not (isinstance(value, tuple) and all(isinstance(v, str) for v in value)):
            raise self._odd(name)
        return None if value is None else tuple(str(v) for v in value)


@dataclass(frozen=True, eq=False)
class Model:
    """Nodes in topological order. `constants` holds initializers and everything computed from them alone.

    `shapes` include the batch, which is 1; a value of unknown shape is absent. `live` are the nodes that an
    output depends on. `path` is the file as the user wrote it. `elements` are the ranges of integer inputs,
    `dtypes` NumPy's names of the types of inputs and outputs, `types` those of all values whose type is known.
    `problems` are reasons to refuse nodes, by index, that are known before any rule looks at them; those of `invalid`
    nodes count whether an output depends on them or not. `lasting` are the first outputs of layers whose states last
    from frame to frame.
    """

    path: str
    name: str
    opset: int
    nodes: tuple[OnnxNode, ...]
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    constants: Mapping[str, Array]
    shapes: Mapping[str, tuple[int, ...]]
    problems: Mapping[int, str]
    notes: tuple[str, ...]
    elements: Mapping[str, Codes] = field(default_factory=dict)
    dtypes: Mapping[str, str] = field(default_factory=dict)
    types: Mapping[str, str] = field(default_factory=dict)
    lasting: frozenset[str] = frozenset()
    invalid: frozenset[int] = frozenset()

    @cached_property
    def consumers(self) -> Mapping[str, tuple[OnnxNode, ...]]:
        """The live nodes that read each value."""
        found: dict[str, list[OnnxNode]] = {}
        for node in self.live:
            for name in dict.fromkeys(node.inputs):
                found.setdefault(name, []).append(node)
        return {name: tuple(nodes) for name, nodes in found.items()}

    def reads(self, name: str) -> bool:
        """Whether anything reads a value, or it is an output."""
        return bool(name) and (name in self.outputs or name in self.consumers)

    @cached_property
    def makers(self) -> Mapping[str, OnnxNode]:
        """The live node that makes each value."""
        return {name: node for node in self.live for name in node.outputs if name}

    def sound_maker(self, name: str) -> OnnxNode | None:
        """The live node that makes a value, if nothing is wrong with it."""
        node = self.makers.get(name)
        return None if node is None or node.index in self.problems else node

    def kept_axes(self, node: OnnxNode) -> tuple[int, ...] | None:
        """The axes of a reduction that names them, and keeps them with a length of 1."""
        rank = len(self.shapes.get(node.inputs[0], ()))
        given = self.constants.get(node.inputs[1]) if node.has(1) else node.attributes.get("axes")
        if not rank or given is None or node.attributes.get("keepdims", 1) != 1:
            return None
        return tuple(sorted({int(a) % rank for a in np.asarray(given).reshape(-1)})) or None

    @cached_property
    def live(self) -> tuple[OnnxNode, ...]:
        """The nodes that an output depends on and that are not constant."""
        wanted, kept = set(self.outputs), []
        for node in reversed(self.nodes):
            if wanted.intersection(node.outputs) and not all(o in self.constants for o in node.outputs if o):
                wanted.update(node.inputs)
                kept.append(node)
        return tuple(reversed(kept))

    def constant(self, node: OnnxNode, index: int) -> Array | None:
        """The constant behind an input of a node, or None if there is none or it is an activation."""
        return self.constants.get(node.inputs[index]) if node.has(index) else None

    def integers(self, node: OnnxNode, index: int, attribute: str) -> tuple[int, ...] | None:
        """Integers that newer operator sets pass as constant input `index` and older ones as an attribute."""
        if not node.has(index):
            return node.integers(attribute)
        value = self.constant(node, index)
        if value is None:
            raise RefusedError(f"expected a constant for {attribute!r}", "export the model with static shapes")
        return tuple(int(v) for v in np.asarray(value).reshape(-1))
