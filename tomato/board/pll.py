"""The PLLs of chips that open tools know: their dividers for a clock."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from tomato.core.errors import TomatoError


@dataclass(frozen=True, slots=True)
class Kind:
    """A PLL fed back from its output: ranges, in MHz, of the oscillator inside and of what its phase detector compares.

    `most`: the largest divider of the input and of the feedback; `outputs`: dividers of the oscillator.
    """

    chip: str
    vco_mhz: tuple[float, float]
    compared_mhz: tuple[float, float]
    most: int
    outputs: Sequence[int]


EHXPLLL = Kind("ECP5", (400.0, 800.0), (3.125, 400.0), 128, range(1, 129))
"""FPGA-DS-02012, sysCLOCK PLL timing, speed grade 6 and faster."""
RPLL = Kind("GW2A", (500.0, 1250.0), (3.0, 500.0), 64, (2, 4, 8, 16, 32, 48, 64, 80, 96, 112, 128))
"""DS102 and UG286, speed grade C8/I7; the same ranges are in gowin_pll of Project Apicula."""


@dataclass(frozen=True, slots=True)
class Pll:
    """Dividers of the input, of the feedback, and of the oscillator; the clock that results, in MHz."""

    input_div: int
    feedback_div: int
    output_div: int
    mhz: float


def pll(kind: Kind, source_mhz: float, wanted_mhz: float) -> Pll:
    """The PLL whose clock is nearest to the wanted one. Raises TomatoError if none is."""
    found = min(
        _all(kind, source_mhz, wanted_mhz),
        key=lambda p: (abs(p.mhz - wanted_mhz), p.input_div, abs(p.mhz * p.output_div - sum(kind.vco_mhz) / 2)),
        default=None,
    )
    if found is None or abs(found.mhz - wanted_mhz) > 0.05 * wanted_mhz:
        raise TomatoError(
            f"no PLL of the {kind.chip} makes {wanted_mhz:g} MHz from {source_mhz:g} MHz", hint="choose another --clock"
        )
    return found


def _all(kind: Kind, source: float, wanted: float) -> Iterator[Pll]:
    for divider in range(1, kind.most + 1):
        compared = source / divider
        if not kind.compared_mhz[0] <= compared <= kind.compared_mhz[1]:
            continue
        for feedback in {int(wanted / compared), int(wanted / compared) + 1}:
            mhz = compared * feedback
            for output in kind.outputs if 1 <= feedback <= kind.most else ():
                if kind.vco_mhz[0] <= mhz * output <= kind.vco_mhz[1]:
                    yield Pll(divider, feedback, output, mhz)
