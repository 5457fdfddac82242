"""How many bits each layer gets when a real network is quantised."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from types import MappingProxyType
from typing import Self

from tomato.errors import TomatoError
from tomato.ir import Node

LEAST, MOST = 2, 16
"""Widths that post-training quantisation handles; binary networks come quantised."""


@dataclass(frozen=True, slots=True)
class Precision:
    """Bits of weights, of activations and of the network's outputs.

    overrides: (weight bits, activation bits) of the nodes whose name or ONNX name matches a pattern
    in the manner of file names (`conv*`); the first match counts.
    """

    weight_bits: int = 8
    activation_bits: int = 8
    output_bits: int = 16
    overrides: Mapping[str, tuple[int, int]] = field(default_factory=dict, hash=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "overrides", MappingProxyType(dict(self.overrides)))
        _check("weights", self.weight_bits)
        _check("activations", self.activation_bits)
        _check("outputs", self.output_bits)
        for weight, activation in self.overrides.values():
            _check("weights", weight)
            _check("activations", activation)

    @classmethod
    def parse(cls, text: str, overrides: Mapping[str, str] = MappingProxyType({})) -> Self:
        """From "w4a8" (weights 4 bits, activations 8 bits), and the same per name pattern."""
        weight, activation = _parse(text)
        return cls(weight, activation, overrides={name: _parse(bits) for name, bits in overrides.items()})

    def of(self, node: Node) -> tuple[int, int]:
        """(weight bits, activation bits) of a node."""
        return self.named(node.name, *filter(None, node.origin.split(",")))

    def named(self, *names: str) -> tuple[int, int]:
        """(weight bits, activation bits) of whatever goes by any of these names."""
        for pattern, bits in self.overrides.items():
            if any(fnmatchcase(name, pattern) for name in names):
                return bits
        return self.weight_bits, self.activation_bits

    def __str__(self) -> str:
        return f"w{self.weight_bits}a{self.activation_bits}"


def _parse(text: str) -> tuple[int, int]:
    match = re.fullmatch(r"w(\d+)a(\d+)", text.strip().lower())
    if not match:
        raise TomatoError(
            f"'{text}' is not a precision",
            hint="write the bits of weights and activations like w8a8 or w4a8",
        )
    return int(match[1]), int(match[2])


def _check(what: str, bits: int) -> None:
    if not LEAST <= bits <= MOST:
        raise TomatoError(
            f"{what} of {bits} bits cannot be made from a float model",
            hint=f"choose {LEAST} to {MOST} bits; narrower networks are trained quantised and come as QONNX",
        )
