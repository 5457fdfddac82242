"""States that a model takes and returns: they stay in its recurrent layers, from frame to frame."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from itertools import count

import numpy as np
import onnx
from onnx import helper, numpy_helper
from onnx.reference import ReferenceEvaluator

from tomato.core.errors import TomatoError
from tomato.core.formats import Array
from tomato.frontend.checked import Checked
from tomato.frontend.shapes import Resolver, survey

MOVES = frozenset(
    {"Identity", "Reshape", "Squeeze", "Unsqueeze", "Flatten", "Transpose", "Slice", "Gather", "Split", "Concat"}
)
"""Operators that give elements of their first inputs, in some order."""
STATES = {"LSTM": (5, 6), "GRU": (5,), "RNN": (5,)}
"""Inputs of the recurrent layers that are their states before the first step; what they are after the last one are the
outputs behind the first."""


def connect(checked: Checked, states: Mapping[str, str]) -> Checked:
    """The model in which the input of each pair is what its output was at the frame before, and at first 0.

    Both are gone from it: the states stay in the recurrent layers of which they are. Raises TomatoError where there is
    no such input or output, and where anything else reads or makes them.
    """
    if not states:
        return checked
    graph = checked.proto.graph
    _check_names(checked, states)
    found = _Trace(checked, survey(checked), dict(states))
    for node in graph.node:
        found.visit(node)
    lasting = found.layers()
    for name in states:
        value = next(i for i in graph.input if i.name == name)
        kind = helper.tensor_dtype_to_np_dtype(value.type.tensor_type.elem_type)
        shape = [d.dim_value for d in value.type.tensor_type.shape.dim]
        graph.initializer.append(numpy_helper.from_array(np.zeros(shape, kind), name))
        graph.input.remove(value)
    for name in states.values():
        graph.output.remove(next(o for o in graph.output if o.name == name))
    return replace(checked, lasting=lasting)


def _check_names(checked: Checked, states: Mapping[str, str]) -> None:
    graph = checked.proto.graph
    constants = {t.name for t in graph.initializer}
    sides = (("input", [i.name for i in graph.input if i.name not in constants], list(states)),
             ("output", [o.name for o in graph.output], list(states.values())))  # fmt: skip
    for side, known, given in sides:
        for name in given:
            if name not in known or given.count(name) > 1:
                wrong = f"there is no {side} {name!r}" if name not in known else f"the {side} {name!r} is named twice"
                raise TomatoError(f"--state: {wrong}", where=str(checked.path),
                                  hint=f"the {side}s are {', '.join(known)}")  # fmt: skip
        if len(given) == len(known):
            raise TomatoError(f"--state: no {side} is left", where=str(checked.path),
                              hint="name only those that carry a state")  # fmt: skip


@dataclass
class _Trace:
    """Where the elements of states go: every value that is made of them alone is known as their numbers.

    An element of a state input has a number, and so has what a layer's state is after its last step.
    """

    checked: Checked
    known: Resolver
    states: dict[str, str]
    numbers: "count[int]" = field(default_factory=lambda: count(1))
    values: dict[str, Array] = field(default_factory=dict)
    begins: dict[str, list[Array]] = field(default_factory=dict)
    ends: dict[str, list[Array]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for name in self.states:
            self.values[name] = self._fresh(self.known.shape(name) or ())

    def _fresh(self, shape: tuple[int, ...]) -> Array:
        size = int(np.prod(shape))
        return np.array([next(self.numbers) for _ in range(size)], dtype=np.int64).reshape(shape)

    def visit(self, node: onnx.NodeProto) -> None:
        """Follow the states through a node. TomatoError if it computes with them."""
        kind = "" if node.domain else node.op_type
        if kind in STATES:
            self._layer(node)
        read = [name for n, name in enumerate(node.input) if name in self.values and n not in STATES.get(kind, ())]
        if not read or (kind in MOVES and self._moved(node)):
            return
        given = np.concatenate([self.values[name].ravel() for name in self.states])
        if any(np.isin(self.values[name], given).any() for name in read):
            self._refuse(node.name or node.output[0], f"{node.op_type} computes with a state")

    def _moved(self, node: onnx.NodeProto) -> bool:
        """Give the results of a node that only moves; False if they are not made of states alone."""
        feed = {}
        for name in filter(None, node.input):
            value = self.values.get(name, self.known.constants.get(name))
            if value is None or (node.op_type == "Concat" and name not in self.values):
                return False
            feed[name] = value
        opsets = {entry.domain: entry.version for entry in self.checked.proto.opset_import}
        results = ReferenceEvaluator(node, opsets=opsets).run(None, feed)
        self.values.update(zip(node.output, map(np.asarray, results), strict=True))
        return True

    def _layer(self, node: onnx.NodeProto) -> None:
        """What a recurrent layer begins with, and what its states are at the end."""
        attributes = {a.name: helper.get_attribute_value(a) for a in node.attribute}
        first, given = bool(attributes.get("layout", 0)), STATES[node.op_type]
        shape = self.known.shape(node.input[2])
        if shape is None:
            return
        directions, hidden = shape[0], shape[2]
        key = next(filter(None, node.output))
        begins = [self.values.get(node.input[n]) if n < len(node.input) else None for n in given]
        if any(b is not None for b in begins):
            if any(b is None for b in begins):
                self._refuse(node.name or key, "only one of its states comes from an input")
            self.begins[key] = [_plain(b, first).reshape(directions, hidden) for b in begins if b is not None]
        self.ends[key] = [self._fresh((directions, hidden)) for _ in given]
        for name, ends in zip(node.output[1:], self.ends[key], strict=False):
            if name:
                self.values[name] = ends[np.newaxis] if first else ends[:, np.newaxis]
        if node.output[0] and attributes.get("direction", b"forward") != b"bidirectional":
            self._steps(node, directions, hidden, key, layout=first, back=attributes.get("direction") == b"reverse")

    def _steps(
        self, node: onnx.NodeProto, directions: int, hidden: int, key: str, *, layout: bool, back: bool
    ) -> None:  # fmt: skip
        """All results of a layer: those of its last step are its state."""
        x = self.known.shape(node.input[0])
        if x is None:
            return
        steps = x[1] if layout else x[0]
        every = np.zeros((steps, directions, hidden), dtype=np.int64)
        every[0 if back else -1] = self.ends[key][0]
        self.values[node.output[0]] = every[np.newaxis] if layout else every[:, :, np.newaxis]

    def layers(self) -> frozenset[str]:
        """The layers, by their first outputs, whose states last. TomatoError if a state returns as something else."""
        after = {int(n): (name, place) for name in self.states for place, n in enumerate(self.values[name].ravel())}
        returned = {name: self.values.get(output) for name, output in self.states.items()}
        for name, value in returned.items():
            if value is None or value.shape != self.values[name].shape:
                self._refuse(f"output {self.states[name]!r}", "it is not the state of a recurrent layer")
        used = set[int]()
        for key, begins in self.begins.items():
            for begin, end in zip(begins, self.ends[key], strict=True):
                for number, last in zip(begin.ravel(), end.ravel(), strict=True):
                    name, place = after.get(int(number), ("", 0))
                    value = returned.get(name)
                    if value is None or value.ravel()[place] != last:
                        self._refuse(key, "its state returns in another place than where it came from")
                    used.add(int(number))
        if left := [name for name in self.states if not set(self.values[name].ravel().tolist()) <= used]:
            self._refuse(f"input {left[0]!r}", "not all of it is the state of a recurrent layer")
        return frozenset(self.begins)

    def _refuse(self, where: str, what: str) -> None:
        raise TomatoError(f"--state: {what}", where=f"{self.checked.path}: {where}",
                          hint="only states of LSTM, GRU and RNN can stay on the chip")  # fmt: skip


def _plain(values: Array, layout: bool) -> Array:
    """States without their batch."""
    return values[0] if layout else values[:, 0]
