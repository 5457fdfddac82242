"""Dividers of PLLs."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tomato.board.pll import EHXPLLL, RPLL, Kind, pll
from tomato.core.errors import TomatoError

SOURCES = {EHXPLLL.chip: [25.0, 48.0], RPLL.chip: [27.0]}


@pytest.mark.parametrize(
    ("kind", "source", "wanted"),
    [
        (EHXPLLL, 25.0, 25.0),
        (EHXPLLL, 25.0, 50.0),
        (EHXPLLL, 25.0, 62.5),
        (EHXPLLL, 48.0, 48.0),
        (EHXPLLL, 25.0, 75.0),
        (RPLL, 27.0, 27.0),
        (RPLL, 27.0, 40.5),
        (RPLL, 27.0, 54.0),
    ],
)
def test_clocks_that_can_be_made_are_made_exactly(kind: Kind, source: float, wanted: float) -> None:
    assert pll(kind, source, wanted).mhz == wanted


@given(st.sampled_from([EHXPLLL, RPLL]), st.data(), st.floats(10, 200))
def test_dividers_are_within_what_the_chip_can(kind: Kind, data: st.DataObject, wanted: float) -> None:
    source = data.draw(st.sampled_from(SOURCES[kind.chip]))
    try:
        made = pll(kind, source, wanted)
    except TomatoError:
        return
    assert made.mhz == pytest.approx(source / made.input_div * made.feedback_div)
    assert kind.vco_mhz[0] <= made.mhz * made.output_div <= kind.vco_mhz[1]
    assert kind.compared_mhz[0] <= source / made.input_div <= kind.compared_mhz[1]
    assert all(1 <= n <= kind.most for n in (made.input_div, made.feedback_div))
    assert made.output_div in kind.outputs
    assert abs(made.mhz - wanted) <= 0.05 * wanted


@pytest.mark.parametrize("kind", [EHXPLLL, RPLL])
def test_a_clock_out_of_reach_is_refused(kind: Kind) -> None:
    with pytest.raises(TomatoError) as caught:
        pll(kind, 25.0, 1900.0)
    assert str(caught.value) == (
        f"error: no PLL of the {kind.chip} makes 1900 MHz from 25 MHz\n  hint: choose another --clock"
    )
