"""The graph: what is computed, on which shapes, in which number formats. Frozen and typed."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from types import MappingProxyType
from typing import ClassVar, Self

import numpy as np

from tomato.core.errors import IllFormedError
from tomato.core.formats import Array, Codes, Format, Tensor
from tomato.core.treatment import Line, Treatment

Shape = tuple[int, int, int]
"""Height, width, channels: the order in which a stream carries a tensor. A vector is 1 x 1 x channels."""


@dataclass(frozen=True, slots=True)
class TensorType:
    """Shape (height, width, channels) and number format of a value."""

    shape: Shape
    fmt: Format

    @property
    def pixels(self) -> int:
        """Height times width."""
        return self.shape[0] * self.shape[1]

    @property
    def channels(self) -> int:
        """Number of channels."""
        return self.shape[2]

    @property
    def codes(self) -> Codes:
        """The format of a quantised value; asking it of a real one is a bug."""
        assert isinstance(self.fmt, Codes), "the value is not quantised"
        return self.fmt

    @property
    def is_codes(self) -> bool:
        """Whether the value is quantised."""
        return isinstance(self.fmt, Codes)

    def beside(self, columns: int) -> "TensorType":
        """The same stream with so many neighbouring columns as channels of one."""
        height, width, channels = self.shape
        assert width % columns == 0, f"{columns} columns do not divide {width}"
        return TensorType((height, width // columns, channels * columns), self.fmt)

    def __str__(self) -> str:
        return f"{'x'.join(map(str, self.shape))}:{self.fmt}"


@dataclass(frozen=True, slots=True)
class Op(ABC):
    """One operator with its attributes: a frozen dataclass per operator, see ops/.

    An operator means the same on reals and on codes unless its docstring says otherwise. How quantisation treats it
    it says itself: a class without a `treatment`, or that works on codes and does not tell their `line`, is none.
    """

    treatment: ClassVar[Treatment]
    by_order: ClassVar[bool] = False
    """Whether its results are arguments' values chosen by their order: only what never falls may go in front of it."""
    conditions: ClassVar[int] = 0
    """How many arguments, the first ones, are 0 or 1 and choose between the values of the others."""
    argument_bits: ClassVar[int] = 1
    argument_reach: ClassVar[float] = 0.0
    """Bits that codes of its arguments have at the least, and what they reach, where quantisation chooses them."""

    def __init_subclass__(cls) -> None:
        if not hasattr(cls, "treatment"):
            raise TypeError(f"{cls.__name__} does not say how quantisation treats it: its treatment")
        if cls.treatment in (Treatment.MOVES, Treatment.EXACT) and cls.line is Op.line:
            raise TypeError(f"{cls.__name__} works on codes, but does not say what those of its result stand for: line")

    @abstractmethod
    def infer(self, args: Sequence[TensorType]) -> TensorType:
        """Result type, or ValueError with a one-line reason."""

    @abstractmethod
    def golden(self, args: Sequence[Array]) -> Array:
        """The exact meaning, on arrays of shape (batch, height, width, channels).

        Every engine, RTL or HLS, must agree with this bit for bit.
        """

    def macs(self, args: Sequence[TensorType]) -> int:
        """Multiply-accumulates of one frame; 0 for operators that do not multiply."""
        return 0

    def line(self, args: Sequence[Line], types: Sequence[TensorType]) -> Line | str:
        """What codes of the result stand for, from what those of the arguments do; or a reason why no codes do.

        The operator on codes has the code of its `border` for one. types: of the arguments.
        """
        return f"{self.name} is no operator on codes"

    @property
    def elementwise(self) -> str:
        """The name in `FUNCTIONS` of ops/real.py of what it does to reals, place by place; "" where it is none."""
        return ""

    @property
    def border(self) -> float | None:
        """The number that it reads beside its arguments; None where it reads none."""
        return None

    def with_border(self, border: int) -> Self:
        """The same operator with another border, if it has one."""
        return self

    def on_codes(self, args: Sequence[Line], types: Sequence[TensorType]) -> Self:
        """The operator on codes that stand for `args`, if its attributes depend on that. types: of the codes."""
        return self

    def beside(self, columns: int) -> Self | None:
        """The same operator where the channels of so many columns are those of one; None where none does that."""
        return self if self.elementwise else None

    @property
    def constants(self) -> tuple[Tensor, ...]:
        """The constant tensors among the attributes."""
        return tuple(v for f in fields(self) if isinstance(v := getattr(self, f.name), Tensor))

    @property
    def weights(self) -> Mapping[str, Tensor]:
        """What inputs are multiplied by, by the names of the attributes; none where both factors are activations."""
        return {}

    @property
    def name(self) -> str:
        """Lower-case name of the operator."""
        return type(self).__name__.lower()

    def __str__(self) -> str:
        shown = (f"{f.name}={_text(getattr(self, f.name))}" for f in fields(self))
        return f"{self.name}<{', '.join(shown)}>"


def _text(value: object) -> str:
    if isinstance(value, tuple):
        return "x".join(map(_text, value)) if all(isinstance(v, int) for v in value) else str(value)
    return f"{value:g}" if isinstance(value, float) else str(value)


@dataclass(frozen=True, slots=True)
class Node:
    """One operator applied to named values, defining the value `name`.

    `origin` is the user's names of it: the ONNX nodes that it comes from, in order.
    """

    name: str
    op: Op
    args: tuple[str, ...]
    type: TensorType
    origin: tuple[str, ...] = field(default=(), compare=False)

    @property
    def label(self) -> str:
        """What a message calls it: the user's names, or its own."""
        return ", ".join(self.origin) or self.name

    def __str__(self) -> str:
        return f"%{self.name} = {self.op}({', '.join('%' + a for a in self.args)}) : {self.type}"


@dataclass(frozen=True, slots=True)
class Encoding:
    """What codes mean: real = (code - zero) * scale."""

    scale: float
    zero: int = 0

    def encode(self, real: Array, fmt: Codes) -> Array:
        """Nearest code, ties to even, saturated. For inputs and constants; hardware never rounds this way."""
        scaled = np.rint(np.asarray(real, dtype=np.float64) / self.scale) + self.zero
        return np.asarray(np.clip(scaled, fmt.lo, fmt.hi).astype(np.int64))

    def decode(self, codes: Array) -> Array:
        """Real values of codes."""
        return (codes.astype(np.float64) - self.zero) * self.scale

    def line(self, channels: int) -> Line:
        """The same channel by channel."""
        return Line.of(self.scale, self.zero, channels)

    def __str__(self) -> str:
        return f"{self.scale:.6g}" + (f", zero {self.zero}" if self.zero else "")


@dataclass(frozen=True, slots=True)
class Graph:
    """Nodes in topological order. `inputs` name the free values, `outputs` the results.

    `encodings` annotate quantised values; nothing the hardware does depends on them. `orders` name the values whose
    channels were put into another order than the model's: for each of theirs, which one of the model's it is.
    """

    name: str
    inputs: tuple[tuple[str, TensorType], ...]
    nodes: tuple[Node, ...]
    outputs: tuple[str, ...]
    encodings: Mapping[str, Encoding] = field(default_factory=dict, compare=False)
    orders: Mapping[str, Tensor] = field(default_factory=dict, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "encodings", MappingProxyType(dict(self.encodings)))
        object.__setattr__(self, "orders", MappingProxyType(dict(self.orders)))

    def __iter__(self) -> Iterator[Node]:
        return iter(self.nodes)

    @property
    def types(self) -> dict[str, TensorType]:
        """Type of every value."""
        return dict(self.inputs) | {n.name: n.type for n in self.nodes}

    @property
    def producers(self) -> dict[str, Node]:
        """The node that defines each value; graph inputs are absent."""
        return {n.name: n for n in self.nodes}

    @property
    def uses(self) -> dict[str, list[Node]]:
        """The nodes that read each value, once per argument position, in order."""
        found: dict[str, list[Node]] = {name: [] for name in self.types}
        for node in self.nodes:
            for arg in node.args:
                found[arg].append(node)
        return found

    def args_of(self, node: Node) -> tuple[TensorType, ...]:
        """Argument types of a node of this graph."""
        types = self.types
        return tuple(types[a] for a in node.args)

    def rebuild(self, rewrite: Callable[[Node, "Builder"], str | None]) -> Self:
        """A new graph, node by node: `rewrite` adds what replaces a node and returns its value's name.

        None keeps the node. Arguments are already renamed to the values that replaced them.
        """
        build = Builder(self.inputs)
        alias: dict[str, str] = {name: name for name, _ in self.inputs}
        for node in self.nodes:
            node = replace(node, args=tuple(alias[a] for a in node.args))
            new = rewrite(node, build)
            alias[node.name] = build.add(node.op, node.args, node.name, node.origin) if new is None else new
        outputs = tuple(alias[o] for o in self.outputs)
        return replace(self, nodes=tuple(build.nodes), outputs=outputs)

    def in_order(self, name: str, values: Array) -> Array:
        """Values (.., channels) of that name with their channels in the model's order."""
        order = self.orders.get(name)
        return values if order is None else values[..., np.argsort(order.values)]

    def prune(self) -> Self:
        """Without the nodes that no output depends on."""
        live, kept = set(self.outputs), []
        for node in reversed(self.nodes):
            if node.name in live:
                live.update(node.args)
                kept.append(node)
        return replace(self, nodes=tuple(reversed(kept)))

    def verify(self) -> None:
        """Raise IllFormedError unless names are unique, defined before use and well typed."""
        types = dict(self.inputs)
        for node in self.nodes:
            if node.name in types:
                raise IllFormedError(f"{self.name}: value %{node.name} is defined twice")
            if missing := [a for a in node.args if a not in types]:
                raise IllFormedError(f"{self.name}: %{missing[0]} is used by %{node.name} before it is defined")
            try:
                inferred = node.op.infer([types[a] for a in node.args])
            except ValueError as reason:
                raise IllFormedError(f"{self.name}: %{node.name}: {reason}") from reason
            if inferred != node.type:
                raise IllFormedError(f"{self.name}: %{node.name} has type {node.type}, but {node.op} gives {inferred}")
            types[node.name] = node.type
        if missing := [o for o in self.outputs if o not in types]:
            raise IllFormedError(f"{self.name}: output %{missing[0]} is not defined")

    def __str__(self) -> str:
        def note(name: str) -> str:
            return f"  # scale {e}" if (e := self.encodings.get(name)) else ""

        lines = [f"graph {self.name}:"]
        lines += [f"  input %{name} : {kind}{note(name)}" for name, kind in self.inputs]
        lines += [f"  {node}{note(node.name)}" for node in self.nodes]
        return "\n".join([*lines, f"  return {', '.join('%' + o for o in self.outputs)}"])


class Builder:
    """Appends nodes one by one, inferring their types and keeping their names unique."""

    def __init__(self, inputs: Sequence[tuple[str, TensorType]]) -> None:
        self.types: dict[str, TensorType] = dict(inputs)
        self.nodes: list[Node] = []

    def add(self, op: Op, args: Sequence[str], name: str, origin: tuple[str, ...] = ()) -> str:
        """Append a node and return its name: `name`, with a number behind it if that is taken.

        Raises ValueError, from `op.infer`, when the arguments do not suit the operator.
        """
        kind = op.infer([self.types[a] for a in args])
        unique, count = name, 1
        while unique in self.types:
            count += 1
            unique = f"{name}_{count}"
        self.types[unique] = kind
        self.nodes.append(Node(unique, op, tuple(args), kind, origin))
        return unique
