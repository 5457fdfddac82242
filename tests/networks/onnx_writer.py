"""ONNX models under construction: values in any layout.

A value is held in ONNX by any order of its axes, those of one pixel perhaps left out. With a `draw` the writer chooses
orders, and among several spellings of an operator; without, values are pictures (batch, channels, height, width).
"""

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import permutations
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from onnx import helper, numpy_helper

from tomato.core.formats import Tensor
from tomato.core.ir import Graph, Node, Op, Shape

BOOL, FLOAT = 9, 1
"""ONNX's numbers of types."""
PICTURE = (2, 0, 1)
LAST = (0, 1, 2)

Axes = tuple[int, ...]
"""Which of height, width and channels (0, 1, 2) the axes behind the batch are; those of one pixel may be missing."""


@dataclass(frozen=True)
class Held:
    """A value in ONNX: the tensor's name and the order of its axes."""

    tensor: str
    axes: Axes


@dataclass
class Writer:
    """A model under construction."""

    graph: Graph
    draw: random.Random | None = None
    nodes: list[Any] = field(default_factory=list)
    constants: list[Any] = field(default_factory=list)
    held: dict[str, Held] = field(default_factory=dict)
    merged: set[str] = field(default_factory=set)
    outputs: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.types, self.uses, self.makers = self.graph.types, self.graph.uses, self.graph.producers

    def chance(self, share: float) -> bool:
        """Whether to take the rarer spelling; never without a draw."""
        return self.draw is not None and self.draw.random() < share

    def constant(self, value: ArrayLike) -> str:
        """Add a constant: float32 unless it is of integers."""
        array = np.asarray(value)
        name = f"constant{len(self.constants)}"
        whole = np.issubdtype(array.dtype, np.integer)
        self.constants.append(numpy_helper.from_array(array if whole else array.astype(np.float32), name))
        return name

    def emit(self, kind: str, *inputs: str, **attributes: Any) -> str:
        """Add a node; its output."""
        name = f"{kind.lower()}{len(self.nodes)}"
        self.nodes.append(helper.make_node(kind, inputs, [f"{name}_out"], name=name, **attributes))
        return f"{name}_out"

    def size(self, shape: Shape, axes: Axes) -> tuple[int, ...]:
        """The frame's sizes as held."""
        return tuple(shape[a] for a in axes)

    def read(self, value: str, axes: Axes) -> str:
        """The tensor that holds a value by these axes."""
        found = self.held[value]
        shape, tensor = self.types[value].shape, found.tensor
        if found.axes == axes:
            return tensor
        if len(found.axes) < 3:
            full = (*found.axes, *(a for a in LAST if a not in found.axes))
            tensor = self.reshape(tensor, self.size(shape, full))
            found = Held(tensor, full)
        full = (*axes, *(a for a in LAST if a not in axes))
        if found.axes != full:
            tensor = self.emit("Transpose", tensor, perm=[0, *(found.axes.index(a) + 1 for a in full)])
        return tensor if full == axes else self.reshape(tensor, self.size(shape, axes))

    def reshape(self, tensor: str, sizes: Sequence[int]) -> str:
        return self.emit("Reshape", tensor, self.constant(np.array([1, *sizes])))

    def order(self, value: str, fixed: Axes = PICTURE, *, last: bool = False) -> Axes:
        """Axes to read a value by where an operator takes any: as it is held, as usual, or any; channels `last`."""
        if self.draw is None:
            return fixed
        if not self.chance(0.4):
            found = self.held[value].axes
            return found if 2 in found and not (last and found[-1] != 2) else LAST
        axes = self.draw.choice([p for p in permutations(LAST) if not last or p[-1] == 2])
        return tuple(a for a in axes if a == 2 or self.types[value].shape[a] > 1 or not self.chance(0.5))

    def spread(self, constant: Tensor, axes: Axes) -> str:
        """A constant per channel, shaped to suit a value held by these axes."""
        if constant.shape == (1,):
            return self.constant(constant.values.reshape(()) if self.chance(0.5) else constant.values)
        return self.constant(constant.values.reshape([-1 if a == 2 else 1 for a in axes[axes.index(2) :]]))

    def reader(self, name: str) -> Node | None:
        """The only node that reads a value, unless that is an output."""
        readers = self.uses[name]
        return readers[0] if len(readers) == 1 and name not in self.graph.outputs else None

    def merge(self, name: str, suits: Callable[[Op], bool]) -> Node | None:
        """The only reader of a value if it `suits`: its part in the model is then written with this one."""
        reader = self.reader(name)
        if reader is None or not suits(reader.op) or self.chance(0.3):
            return None
        self.merged.add(reader.name)
        return reader

    def put(self, node: Node, tensor: str, axes: Axes, *merged: Node | None) -> None:
        """The tensor holds what the node, or the last of the nodes `merged` with it, makes."""
        names = [node.name, *(m.name for m in merged if m)]
        for name in names:
            self.held[name] = Held(tensor, axes)

    def give(self, value: str) -> None:
        """Make a value the next output: its node writes it there, unless that is an input or an output already."""
        tensor, name = self.held[value].tensor, f"y{len(self.outputs)}"
        makers = [node for node in self.nodes if tensor in node.output]
        if not makers or tensor in self.outputs:
            self.nodes.append(helper.make_node("Identity", [tensor], [name], name=f"same_{name}"))
        for node in self.nodes if makers and tensor not in self.outputs else ():
            for names in (node.input, node.output):
                names[:] = [name if found == tensor else found for found in names]
        moved = {v: Held(name, h.axes) for v, h in self.held.items() if makers and h.tensor == tensor}
        self.held |= moved if tensor not in self.outputs else {}
        self.outputs.append(name)
