"""Which arithmetic, and how many bits, each layer gets when a real network is quantised."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from fnmatch import fnmatchcase
from glob import escape
from itertools import chain
from types import MappingProxyType
from typing import Self

from tomato.core.errors import TomatoError
from tomato.core.ir import Graph, Node
from tomato.ops.weighted import Weighted
from tomato.passes.groups import code_name
from tomato.quantise.weights.fixed import CLIP_SEARCH_BITS
from tomato.quantise.weights.kinds import KINDS

MOST_BITS = 16
"""Of weights, activations and outputs."""
END_BITS = 8
"""The first and the last layer keep as many: they are small, and errors there cost the most."""
SINGLE = {kind: only.bits[0] for kind, only in KINDS.items() if len(only.bits) == 1}
"""Kinds of one width, which users need not write."""
QUOTES = '"', "'"
PART = re.compile(r"""\s*(?:(["'])(?P<quoted>.*?)\1\s*=|(?P<plain>[^,]*)=)?(?P<form>[^,=]*)(?:,|$)""", re.DOTALL)
"""One of the formats in a list: whether its pattern is in quotes, and the format itself."""
NAMES = {"w" if kind == "fixed" else kind: kind for kind in KINDS}
"""Kinds, by what users write."""


@dataclass(frozen=True, slots=True)
class LayerFormat:
    """Kind and bits of a layer's weights, bits of the activations it gives.

    Raises TomatoError for what does not exist. Fixed weights of 1 bit are binary.
    """

    weight_bits: int = 8
    activation_bits: int = 8
    kind: str = "fixed"

    def __post_init__(self) -> None:
        if (self.kind, self.weight_bits) == ("fixed", 1):
            object.__setattr__(self, "kind", "binary")
        if self.weight_bits not in KINDS[self.kind].bits or not 1 <= self.activation_bits <= MOST_BITS:
            raise _unknown(str(self))

    @classmethod
    def parse(cls, text: str) -> Self:
        """From "w4a8", "shift4a8", "ternary": weights, then activations (8 bits if left out)."""
        match = re.fullmatch(r"([a-z]+?)(\d+)?(?:a(\d+))?", text.strip().lower())
        kind = NAMES.get(match[1]) if match else None
        if not match or not kind or (match[2] is None) != (kind in SINGLE):
            raise _unknown(text)
        try:
            return cls(int(match[2] or SINGLE[kind]), int(match[3] or 8), kind)
        except TomatoError as reason:
            raise _unknown(text) from reason

    @property
    def corrects(self) -> bool:
        """Whether rounding these weights needs care: the error of 8 bits is lost in that of the activations."""
        return self.kind != "fixed" or self.weight_bits < CLIP_SEARCH_BITS

    def __str__(self) -> str:
        name = "w" if self.kind == "fixed" else self.kind
        return f"{name}{'' if self.kind in SINGLE else self.weight_bits}a{self.activation_bits}"


@dataclass(frozen=True, slots=True)
class Precision:
    """Formats of the layers, and bits of the network's outputs.

    overrides: the format of the nodes whose name or ONNX name is a text, or matches it as a pattern in the manner of
    file names (`conv*`); the first match counts.
    """

    weight_bits: int = 8
    activation_bits: int = 8
    output_bits: int = 16
    overrides: Mapping[str, LayerFormat] = field(default_factory=dict, hash=False)
    kind: str = "fixed"

    def __post_init__(self) -> None:
        object.__setattr__(self, "overrides", MappingProxyType(dict(self.overrides)))
        object.__setattr__(self, "kind", self.default.kind)
        if not 1 <= self.output_bits <= MOST_BITS:
            raise TomatoError(f"outputs cannot have {self.output_bits} bits", hint=f"choose 1 to {MOST_BITS}")

    @classmethod
    def parse(cls, text: str, overrides: Mapping[str, str] = MappingProxyType({})) -> Self:
        """From "w4a8" or "w4a8, conv*=ternary": the default and, after it, formats of layers by name pattern.

        The default may be left out: w8a8. A pattern in quotes, "a, b"=w4a8, may hold commas and have spaces at its
        ends. `overrides` are more of the latter, and come last.
        """
        default, named = LayerFormat(), dict[str, LayerFormat]()
        for i, (pattern, form) in enumerate(_parts(text)):
            if pattern is not None:
                named.setdefault(pattern, LayerFormat.parse(form))
            elif i == 0:
                default = LayerFormat.parse(form)
            else:
                raise _unknown(text)
        for pattern, form in overrides.items():
            named.setdefault(pattern, LayerFormat.parse(form))
        return cls(default.weight_bits, default.activation_bits, overrides=named, kind=default.kind)

    @property
    def default(self) -> LayerFormat:
        """Of layers that nothing else is said about."""
        return LayerFormat(self.weight_bits, self.activation_bits, self.kind)

    def of(self, node: Node) -> LayerFormat:
        """The format of a node."""
        return self.named(*names_of(node))

    def named(self, *names: str) -> LayerFormat:
        """The format of whatever goes by any of these names."""
        for pattern, form in self.overrides.items():
            if any(_fits(name, pattern) for name in names):
                return form
        return self.default

    def with_ends(self, graph: Graph) -> Self:
        """With the inputs, and the weights of the first and the last layers, at `END_BITS` bits or more.

        Names that an override matches keep what it says.
        """
        wide = replace(self.default, activation_bits=max(END_BITS, self.activation_bits))
        ends = {name: wide for name, _ in graph.inputs} if wide != self.default else {}
        if self.default.corrects:
            precise = LayerFormat(END_BITS, self.activation_bits)
            ends |= {node.name: precise for node in end_layers(graph)}
        known = dict(self.overrides)
        return replace(self, overrides=known | {escape(n): f for n, f in ends.items() if escape(n) not in known})

    def check(self, graph: Graph) -> None:
        """Raise TomatoError if a pattern fits nothing in the graph."""
        names = {n for n, _ in graph.inputs}.union(*(names_of(node) for node in graph))
        for pattern in self.overrides:
            if not any(_fits(name, pattern) for name in names):
                layers = ", ".join(n.name for n in graph if n.op.weights)
                raise TomatoError(
                    f"a precision is asked for {pattern}, but nothing is called so",
                    where=graph.name,
                    hint=f"layers with weights are {layers}" if layers else "no layer has weights",
                )

    def __str__(self) -> str:
        return ", ".join(
            [str(self.default), *(f"{_quoted(pattern)}={form}" for pattern, form in self.overrides.items())]
        )


def _parts(text: str) -> Iterator[tuple[str | None, str]]:
    """Pattern and format of what commas part; without a pattern None."""
    at, more = 0, True
    while more:
        part = PART.match(text, at)
        assert part is not None, "some end is always found"
        plain = part["plain"]
        yield plain.strip() if plain is not None else part["quoted"], part["form"]
        at, more = part.end(), part[0].endswith(",")


def _fits(name: str, pattern: str) -> bool:
    return name == pattern or fnmatchcase(name, pattern)


def _quoted(pattern: str) -> str:
    """A pattern as `Precision.parse` takes it."""
    if "," not in pattern and pattern == pattern.strip() and pattern[:1] not in QUOTES:
        return pattern
    quote = next((q for q in QUOTES if q not in pattern), QUOTES[0])
    return f"{quote}{pattern}{quote}"


def names_of(node: Node) -> tuple[str, ...]:
    """What users may call a node: its name, that of its codes in plans, and its ONNX names."""
    return (node.name, code_name(node), *node.origin)


def end_layers(graph: Graph) -> tuple[Node, ...]:
    """The layers with weights that have no other such layer before them, or none behind them, in graph order."""
    after: set[str] = set()  # values that depend on weights
    first = set()
    for node in graph:
        weighted = isinstance(node.op, Weighted)
        if weighted and after.isdisjoint(node.args):
            first.add(node.name)
        if weighted or not after.isdisjoint(node.args):
            after.add(node.name)
    before: set[str] = set()  # values that weights follow
    last = set()
    for node in reversed(graph.nodes):
        weighted = isinstance(node.op, Weighted)
        if weighted and node.name not in before:
            last.add(node.name)
        if weighted or node.name in before:
            before.update(node.args)
    return tuple(node for node in graph if node.name in first | last)


def _unknown(text: str) -> TomatoError:
    return TomatoError(f"'{text}' is not a precision", hint=f"write weights and activations like w4a8: {_possible()}")


def _possible() -> str:
    """Every format there is, in words."""

    def span(name: str, bits: range) -> Iterator[str]:
        yield name if len(bits) == 1 else f"{name}{bits[0]} to {name}{bits[-1]}"

    others = chain.from_iterable(span(kind, only.bits) for kind, only in KINDS.items() if kind != "fixed")
    weights = ", ".join([f"w1 to w{MOST_BITS}", *others])
    return f"weights {weights}; activations a1 to a{MOST_BITS} (a8 if left out)"
