"""What is claimed of a requantisation, and the names of what keeps a code from being the runtime's own."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

FLOAT_FALLBACK = "float fallback"
FLOAT_AVERAGE = "float average"
FLOAT_FUNCTION = "float function"
NORMALISED = "normalisation"
SOFTMAX = "softmax"
RECURRENT = "recurrent layer"
PIECEWISE = "piecewise linear"
HALF = "half precision"
SUM_OF_TIES = "sum of ties"
NEAREST = "nearest constants"
SAMPLED = "sample"
UNLIKE_SCALES = "unlike scales"

PROPERTIES: Mapping[str, str] = MappingProxyType(
    {
        FLOAT_FALLBACK: "the runtime adds products in float32, in its own order; next to a tie it may be off by 1",
        FLOAT_AVERAGE: "the runtime adds float32 numbers, in its own order; next to a tie it may be off by 1",
        FLOAT_FUNCTION: "its float32 functions are not repeated to the last bit; next to a tie it may be off by 1",
        NORMALISED: "its statistics are those of integers; next to a tie a code of 8 bits may be off by 1",
        SOFTMAX: "its exponentials are those of integers; next to a tie a code of 8 bits may be off by 1",
        RECURRENT: "its sums, gates and states are those of integers, step by step; a code of 8 bits may be off by 1",
        PIECEWISE: "it is lines on segments, as a table of so wide an input would be large; the proof says how far off",
        HALF: "the runtime computes in half precision, this in float32",
        SUM_OF_TIES: "many pairs lie at a tie, which float32 settles one by one and no factors can",
        SAMPLED: "the inputs are too many to compare all; those that were are equal",
        UNLIKE_SCALES: "the scales of its input's channels have no common step; next to a tie it may be off by 1",
        NEAREST: "no constants of this size equal it everywhere",
    }
)
"""Named properties, and what each means: docs/onnxruntime.md has more."""


@dataclass(frozen=True, slots=True)
class Proof:
    """How the operators of one requantisation compare with its reference.

    differing: inputs, over all channels, whose code differs, of `checked`. largest: the greatest difference of codes.
    how: "requant", "nudged requant", "thresholds", "table", "lines", "sum", "product" and the like. caveat: by which of
    `PROPERTIES` the codes may not be those of the model's runtime; "" claims that they are.
    """

    value: str
    how: str
    checked: int
    differing: int = 0
    largest: int = 0
    caveat: str = ""

    @property
    def proved(self) -> bool:
        """Whether the codes are those of the model's runtime, for every input."""
        return not (self.differing or self.caveat)

    def __str__(self) -> str:
        if self.differing:
            return f"{self.how}: {self.differing:,} of {self.checked:,} inputs differ, by at most {self.largest}"
        if self.caveat == SAMPLED:
            return f"{self.how}: equal for a sample of {self.checked:,} inputs"
        if self.caveat:
            return f"{self.how}: equal for all {self.checked:,} inputs, but for a {self.caveat}"
        return f"{self.how}: proved equal for all {self.checked:,} inputs"


def caveat(unlike: str, differing: int, inexact: str, *, sampled: bool) -> str:
    """Which property to tell: that by which the runtime is unlike its reference, else how what we compute is."""
    if unlike:
        return unlike
    if differing:
        return inexact
    return SAMPLED if sampled else ""
