"""Precisions as users write them."""

import pytest

from tests.networks.nets import Net
from tomato.core.errors import TomatoError
from tomato.core.ir import Graph
from tomato.ops.dense import Dense
from tomato.ops.join import Add
from tomato.quantise.precision import LayerFormat, Precision, end_layers


def test_parses_and_prints() -> None:
    assert Precision.parse("W4a8") == Precision(4, 8)
    assert str(Precision.parse("w12a16")) == "w12a16"


def test_overrides_match_values_and_onnx_names() -> None:
    net = Net(2, 2, 1)
    node = net.graph(net.dense("x", 2, name="fc1")).nodes[0]
    precision = Precision.parse("w8a8", {"conv*": "w2a2", "/fc?": "w4a6", "fc1": "w3a3"})
    assert precision.of(node) == LayerFormat(4, 6)
    assert precision.named("other") == LayerFormat(8, 8)


HINT = (
    "  hint: write weights and activations like w4a8: weights w1 to w16, shift2 to shift5, focused3 to focused5, "
    "codebook1 to codebook4, ternary, binary; activations a1 to a16 (a8 if left out)"
)


@pytest.mark.parametrize(
    "text",
    ["", "8", "a8w8", "w8a8x", "w-8a8", "w0a8", "w17a8", "w8a0", "w8a17", "shift6a8", "shift", "focused2",
     "codebook5a8", "ternary2", "fixed8a8", "w8a8, w4a4", "conv*=", "octal"],
)  # fmt: skip
def test_nonsense_is_refused(text: str) -> None:
    with pytest.raises(TomatoError) as error:
        Precision.parse(text)
    wrong = "" if text == "conv*=" else text
    assert str(error.value) == f"error: '{wrong}' is not a precision\n{HINT}"


@pytest.mark.parametrize(
    ("text", "form"),
    [
        ("w4", LayerFormat(4, 8)),
        ("w1a2", LayerFormat(1, 2, "binary")),
        ("ternary", LayerFormat(2, 8, "ternary")),
        ("ternarya4", LayerFormat(2, 4, "ternary")),
        ("binarya1", LayerFormat(1, 1, "binary")),
        ("Shift4a8", LayerFormat(4, 8, "shift")),
        ("focused5a16", LayerFormat(5, 16, "focused")),
        ("codebook4", LayerFormat(4, 8, "codebook")),
    ],
)
def test_formats(text: str, form: LayerFormat) -> None:
    assert LayerFormat.parse(text) == form
    assert LayerFormat.parse(str(form)) == form


def test_one_text_says_all() -> None:
    precision = Precision.parse("w4a8, conv*=ternary,/fc?=w6a4", {"conv*": "binary", "last": "shift4"})
    assert str(precision) == "w4a8, conv*=ternarya8, /fc?=w6a4, last=shift4a8"
    assert Precision.parse(str(precision)) == precision
    assert Precision.parse("conv=w4").default == LayerFormat()


def test_outputs_out_of_range_are_refused() -> None:
    with pytest.raises(TomatoError) as error:
        Precision(output_bits=0)
    assert str(error.value) == "error: outputs cannot have 0 bits\n  hint: choose 1 to 16"


def chain() -> Graph:
    """A branch in front, three layers, and a branch behind."""
    net = Net(4, 4, 2)
    front = net.add(Add(), net.dense("x", 3, name="left"), net.dense("x", 3, name="right"))
    middle = net.dense(net.relu(front), 3, name="middle")
    return net.graph(net.dense(middle, 2, name="first_out"), net.relu(net.dense(middle, 2, name="second_out")))


def test_ends_are_the_layers_without_others_before_or_behind() -> None:
    assert [n.name for n in end_layers(chain())] == ["left", "right", "first_out", "second_out"]


def test_ends_keep_eight_bits_unless_named() -> None:
    graph = chain()
    given = Precision.parse("w4a4, *out=ternary").with_ends(graph)
    forms = {n.name: str(given.of(n)) for n in graph if isinstance(n.op, Dense)}
    assert forms == {
        "left": "w8a4", "right": "w8a4", "middle": "w4a4", "first_out": "ternarya8", "second_out": "ternarya8",
    }  # fmt: skip
    assert given.named("x").activation_bits == 8
    assert Precision.parse("w4a4, x=w8a2").with_ends(graph).named("x").activation_bits == 2


@pytest.mark.parametrize("text", ["w8a8", "w16a16", "w8a12"])
def test_wide_formats_are_what_was_asked_for(text: str) -> None:
    assert Precision.parse(text).with_ends(chain()) == Precision.parse(text)


@pytest.mark.parametrize("name", ["mid*", "middle_q", "/middle", "x"])
def test_names_that_exist(name: str) -> None:
    graph, given = chain(), Precision.parse(f"{name}=w4")
    given.check(graph)
    asked = {n.name for n in graph if given.of(n) != given.default} | {n for n, _ in graph.inputs if name == n}
    assert asked == {"x" if name == "x" else "middle"}


def test_names_that_do_not_exist_are_refused() -> None:
    with pytest.raises(TomatoError) as error:
        Precision.parse("w8a8, conv*=w4").check(chain())
    assert str(error.value) == (
        "error: a precision is asked for conv*, but nothing is called so\n  --> net\n"
        "  hint: layers with weights are left, right, middle, first_out, second_out"
    )


@pytest.mark.parametrize("name", ["relu_q", "middle_q_q"])
def test_only_codes_that_there_are_have_names(name: str) -> None:
    with pytest.raises(TomatoError, match=f"^error: a precision is asked for {name}, but nothing is called so"):
        Precision.parse(f"{name}=w4").check(chain())
