"""Geometry of sliding windows: what is refused."""

import re
from typing import Any

import pytest

from tomato.ops.window import Window


@pytest.mark.parametrize("wrong", [{"kernel": (0, 3)}, {"stride": (1, 0)}, {"dilation": (0, 1)}, {"dilation": (1, -2)}])
def test_steps_are_positive(wrong: dict[str, Any]) -> None:
    given: dict[str, Any] = {"kernel": (3, 3), "stride": (1, 1), "dilation": (1, 1)} | wrong
    message = "kernel {kernel}, stride {stride} and dilation {dilation} of a window must be positive".format(**given)
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        Window(**given)


@pytest.mark.parametrize(
    ("window", "message"),
    [
        (Window((3, 3), pads=(1, 1, -1, 1)), "negative padding (1, 1, -1, 1)"),
        (Window((3, 2), pads=(1, 2, 1, 1)), "padding (1, 2, 1, 1) is not smaller than the kernel's extent (3, 2)"),
        (Window((3, 3), dilation=(3, 1)), "kernel extent (7, 3) exceeds the padded input of 6x6"),
    ],
)
def test_windows_that_do_not_fit_an_image(window: Window, message: str) -> None:
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        window.output((6, 6, 1))
