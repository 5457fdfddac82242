"""How values are written in C++."""

import re

import pytest

from tests.networks.codenets import Codenet
from tomato.backend.hls import files, literal
from tomato.lower import lower
from tomato.schedule import schedule
from tomato.targets import load


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


def test_an_input_that_is_an_output_too_has_a_type_for_each() -> None:
    """Their streams may be as wide as they like."""
    net, target = Codenet(6, 8, 4), load("zcu104")
    graph = net.graph("x", net.conv("x", 3, "conv"))
    text = files(lower(graph, schedule(graph, target), target).netlist, "a title")["net.hpp"]
    names = re.findall(r"^typedef \S+ (\w+_beat);", text, re.MULTILINE)
    assert names == ["s_axis_x_beat", "m_axis_x_beat", "m_axis_conv_q_beat"]
