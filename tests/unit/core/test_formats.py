"""Number formats: what holds what."""

import pytest

from tomato.core.formats import Codes


@pytest.mark.parametrize(
    ("one", "other", "both"),
    [
        (Codes(-3, 4), Codes(0, 9), Codes(-3, 9)),
        (Codes(0, 9), Codes(-3, 4), Codes(-3, 9)),
        (Codes(-8, 7), Codes(1, 2), Codes(-8, 7)),
        (Codes(5, 6), Codes(-2, -1), Codes(-2, 6)),
    ],
)
def test_a_union_holds_both(one: Codes, other: Codes, both: Codes) -> None:
    assert one.union(other) == both


@pytest.mark.parametrize(
    ("codes", "bits", "text"),
    [
        (Codes(0, 255), 8, "u8"),
        (Codes(-128, 127), 8, "s8"),
        (Codes(-1, 127), 8, "s8[-1..127]"),
        (Codes(0, 128), 8, "u8[0..128]"),
        (Codes(-129, 0), 9, "s9[-129..0]"),
        (Codes(0, 0), 1, "u1[0..0]"),
        (Codes(3, 3), 2, "u2[3..3]"),
    ],
)
def test_bits_are_the_fewest_that_hold_both_ends(codes: Codes, bits: int, text: str) -> None:
    assert (codes.bits, str(codes)) == (bits, text)
