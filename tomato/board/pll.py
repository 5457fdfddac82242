"""The PLL of the ECP5 (EHXPLLL): its dividers for a clock."""

from collections.abc import Iterator
from dataclasses import dataclass

from tomato.core.errors import TomatoError

VCO_MHZ = (400.0, 800.0)
"""Range of the oscillator inside (FPGA-DS-02012, sysCLOCK PLL timing, speed grade 6 and faster)."""
COMPARED_MHZ = (3.125, 400.0)
"""Range of the frequency that the phase detector compares."""
MOST = 128
"""The largest divider."""


@dataclass(frozen=True, slots=True)
class Pll:
    """Dividers of the input, of the feedback, and of the oscillator; the clock that results, in MHz."""

    input_div: int
    feedback_div: int
    output_div: int
    mhz: float


def pll(source_mhz: float, wanted_mhz: float) -> Pll:
    """The PLL, fed back from its output, whose clock is nearest to the wanted one. Raises TomatoError if none is."""
    found = min(
        _all(source_mhz, wanted_mhz),
        key=lambda p: (abs(p.mhz - wanted_mhz), p.input_div, abs(p.mhz * p.output_div - sum(VCO_MHZ) / 2)),
        default=None,
    )
    if found is None or abs(found.mhz - wanted_mhz) > 0.05 * wanted_mhz:
        raise TomatoError(
            f"no PLL of the ECP5 makes {wanted_mhz:g} MHz from {source_mhz:g} MHz", hint="choose another --clock"
        )
    return found


def _all(source: float, wanted: float) -> Iterator[Pll]:
    for divider in range(1, MOST + 1):
        compared = source / divider
        if not COMPARED_MHZ[0] <= compared <= COMPARED_MHZ[1]:
            continue
        for feedback in {int(wanted / compared), int(wanted / compared) + 1}:
            mhz = compared * feedback
            for output in range(1, MOST + 1) if 1 <= feedback <= MOST else ():
                if VCO_MHZ[0] <= mhz * output <= VCO_MHZ[1]:
                    yield Pll(divider, feedback, output, mhz)
