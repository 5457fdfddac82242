"""The arithmetics that weights can have, by the name that users write."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from tomato.core.formats import Array
from tomato.quantise.weights.alphabet import Alphabet
from tomato.quantise.weights.codebook import codebook
from tomato.quantise.weights.few import binary, ternary
from tomato.quantise.weights.fixed import fixed
from tomato.quantise.weights.focused import focused
from tomato.quantise.weights.shift import shift


@dataclass(frozen=True, slots=True)
class Kind:
    """How to choose an alphabet for weights of shape (weights per channel, channels), and at which widths.

    `bits` is what a weight takes in storage.
    """

    choose: Callable[[Array, int], Alphabet]
    bits: range


KINDS: Final[Mapping[str, Kind]] = MappingProxyType(
    {
        "fixed": Kind(fixed, range(2, 17)),
        "shift": Kind(shift, range(2, 6)),
        "focused": Kind(focused, range(3, 6)),
        "codebook": Kind(codebook, range(1, 5)),
        "ternary": Kind(ternary, range(2, 3)),
        "binary": Kind(binary, range(1, 2)),
    }
)
