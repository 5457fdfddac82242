"""Precisions as users write them."""

import pytest

from tests.passes.nets import Net
from tomato.errors import TomatoError
from tomato.passes.precision import LayerFormat, Precision


def test_parses_and_prints() -> None:
    assert Precision.parse("W4a8") == Precision(4, 8)
    assert str(Precision.parse("w12a16")) == "w12a16"


def test_overrides_match_values_and_onnx_names() -> None:
    net = Net(2, 2, 1)
    node = net.graph(net.dense("x", 2, name="fc1")).nodes[0]
    precision = Precision.parse("w8a8", {"conv*": "w2a2", "/fc?": "w4a6", "fc1": "w3a3"})
    assert precision.of(node) == LayerFormat(4, 6)
    assert precision.named("other") == LayerFormat(8, 8)


@pytest.mark.parametrize("text", ["", "8", "w8", "a8w8", "w8a8x", "w-8a8"])
def test_nonsense_is_refused(text: str) -> None:
    with pytest.raises(TomatoError) as error:
        Precision.parse(text)
    assert str(error.value) == (
        f"error: '{text}' is not a precision\n  hint: write the bits of weights and activations like w8a8 or w4a8"
    )


def test_widths_out_of_range_are_refused() -> None:
    with pytest.raises(TomatoError) as error:
        Precision.parse("w1a8")
    assert str(error.value) == (
        "error: weights of 1 bits cannot be made from a float model\n"
        "  hint: choose 2 to 16 bits; narrower networks are trained quantised and come as QONNX"
    )
    with pytest.raises(TomatoError, match="activations of 17 bits"):
        Precision.parse("w8a8", {"x": "w8a17"})
