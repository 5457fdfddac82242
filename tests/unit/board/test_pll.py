"""Dividers of the ECP5's PLL."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tomato.board.pll import COMPARED_MHZ, MOST, VCO_MHZ, pll
from tomato.core.errors import TomatoError


@pytest.mark.parametrize(("source", "wanted"), [(25.0, 25.0), (25.0, 50.0), (25.0, 62.5), (48.0, 48.0), (25.0, 75.0)])
def test_clocks_that_can_be_made_are_made_exactly(source: float, wanted: float) -> None:
    assert pll(source, wanted).mhz == wanted


@given(st.sampled_from([25.0, 48.0]), st.floats(10, 200))
def test_dividers_are_within_what_the_chip_can(source: float, wanted: float) -> None:
    try:
        made = pll(source, wanted)
    except TomatoError:
        return
    assert made.mhz == pytest.approx(source / made.input_div * made.feedback_div)
    assert VCO_MHZ[0] <= made.mhz * made.output_div <= VCO_MHZ[1]
    assert COMPARED_MHZ[0] <= source / made.input_div <= COMPARED_MHZ[1]
    assert all(1 <= n <= MOST for n in (made.input_div, made.feedback_div, made.output_div))
    assert abs(made.mhz - wanted) <= 0.05 * wanted


def test_a_clock_out_of_reach_is_refused() -> None:
    with pytest.raises(TomatoError) as caught:
        pll(25.0, 900.0)
    assert str(caught.value) == ("error: no PLL of the ECP5 makes 900 MHz from 25 MHz\n  hint: choose another --clock")
