"""Which codes stand for which values."""

import numpy as np
import pytest

from tests.networks.nets import Net
from tomato.core.formats import Array, Codes
from tomato.core.ir import Encoding
from tomato.ops.move import Concat, Reshape
from tomato.passes.groups import partition
from tomato.quantise.calibrate import calibrate
from tomato.quantise.precision import Precision
from tomato.quantise.share_encodings import Coding, share_encodings


def codings(net: Net, *outputs: str, precision: str = "w8a8", x: Array | None = None) -> dict[str, Coding]:
    graph = net.graph(*outputs)
    ranges = calibrate(graph, [net.data() if x is None else {"x": x}])
    return share_encodings(graph, partition(graph), ranges, Precision.parse(precision))


@pytest.mark.parametrize("bits", [2, 4, 5, 8, 16])
def test_hidden_values_have_signed_codes_and_inputs_unsigned_ones(bits: int) -> None:
    net = Net(4, 4, 2)
    hidden = net.dense("x", 3, name="hidden")
    found = codings(net, net.dense(net.relu(hidden), 2), precision=f"w8a{bits}")
    half = 1 << (bits - 1)
    assert found["x"].codes == Codes(0, 2 * half - 1)
    assert found["relu"].codes == Codes(-half, half - 1)
    assert found["relu"].encoding.zero == -half, "after ReLU a real 0 is the lowest code"
    assert found["dense"].codes == Codes(-32768, 32767), "results have 16 bits"
    assert found["dense"].encoding.zero == 0, "signed results are symmetric"


def test_centred_codes_reach_both_ends_of_the_range() -> None:
    net = Net(1, 1, 1)
    both = net.affine(net.dense("x", 1, name="hidden"), "both", bias_only=True)
    graph = net.graph(net.dense(both, 1))
    ranges = calibrate(graph, [{"x": np.linspace(-1.0, 3.0, 32).reshape(32, 1, 1, 1)}])
    coding = share_encodings(graph, partition(graph), ranges, Precision())["both"]
    span, step = ranges["both"], coding.encoding.scale
    ends = coding.encoding.decode(np.array([coding.codes.lo, coding.codes.hi]))
    assert np.abs(ends - [min(span.lo, 0.0), max(span.hi, 0.0)]).max() <= 0.5 * step
    assert coding.encode(0.0) == coding.encoding.zero
    assert coding.encoding.decode(np.array(coding.encoding.zero)) == 0.0


def test_a_result_that_is_never_negative_is_centred_too() -> None:
    net = Net(4, 4, 2)
    found = codings(net, net.relu(net.dense("x", 2)))
    assert (found["relu"].codes, found["relu"].encoding.zero) == (Codes(-32768, 32767), -32768)


def test_a_value_that_is_always_zero_is_the_lowest_code() -> None:
    net = Net(4, 4, 2)
    found = codings(net, net.dense(net.relu(net.dense("x", 2), hi=0.0), 2, name="end"))
    assert found["relu"] == Coding(Encoding(1.0, -128), Codes(-128, 127))


def test_what_shares_codes_with_an_input_keeps_those_of_the_input() -> None:
    net = Net(4, 4, 1)
    pixels = net.rng.integers(0, 256, (8, 4, 4, 1)).astype(float)
    moved = net.add(Reshape((1, 1, 16)), "x")
    found = codings(net, net.dense(net.add(Concat(), moved, moved), 2), x=pixels)
    assert found["x"] == found["reshape"] == found["concat"] == Coding(Encoding(1.0), Codes(0, 255))
