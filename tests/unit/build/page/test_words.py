"""Numbers as people read them."""

import pytest

from tomato.build.page import words


@pytest.mark.parametrize(
    ("value", "text"), [(0, "0"), (7, "7"), (1500, "1.50 k"), (3_906_250, "3.91 M"), (2.5e12, "2.50 T"), (64e9, "64 G")]
)
def test_counts(value: float, text: str) -> None:
    assert words.count(value).replace("\xa0", " ") == text


def test_a_unit_stands_apart() -> None:
    assert words.count(5, "MAC") == "5\xa0MAC"
    assert words.count(5e9, "MAC") == "5\xa0GMAC"


@pytest.mark.parametrize(("seconds", "text"), [(1.5e-6, "1.50 µs"), (2e-3, "2 ms"), (1.25, "1.25 s"), (4e-9, "4 ns")])
def test_durations(seconds: float, text: str) -> None:
    assert words.duration(seconds).replace("\xa0", " ") == text


def test_shares() -> None:
    assert words.percent(0.3949) == "39.5\xa0%"
    assert words.percent(1.0) == "100\xa0%"
    assert words.accuracy(0.99666) == "99.67\xa0%"


def test_long_names_lose_their_middle() -> None:
    assert words.middle("short", 10) == "short"
    cut = words.middle("block2_body_body_2_body_2_0_Conv", 20)
    assert len(cut) == 20
    assert cut.startswith("block2")
    assert cut.endswith("_2_0_Conv")


def test_types_are_read_as_shapes() -> None:
    assert words.shape("8x8x16:s18[-111690..91545]") == words.CROSS.join("88") + f"{words.CROSS}16 s18"
