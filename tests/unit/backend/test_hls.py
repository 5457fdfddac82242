"""How values are written in C++."""

import pytest

from tomato.backend.hls import literal


@pytest.mark.parametrize(
    ("kind", "value", "text"),
    [
        ("bool", 2, "true"),
        ("bool", 0, "false"),
        ("int", -7, "-7"),
        ("typename", 0, "tom_bits<0x0>"),
        ("typename", (1 << 64) - 1, "tom_bits<0xffffffffffffffff>"),
        ("typename", (3 << 128) + 5, "tom_bits<0x5, 0x0, 0x3>"),
    ],
)
def test_template_arguments(kind: str, value: int, text: str) -> None:
    assert literal(kind, value) == text
