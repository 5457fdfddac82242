"""Products side by side in one multiplier: exact for every width and sign, by the arithmetic of tom_dot."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.networks.cases import make_site
from tomato.core.formats import Array, Codes, Tensor
from tomato.core.forms import Cell
from tomato.core.ir import Op, TensorType
from tomato.engines import CATALOGUE
from tomato.engines.parts import dot
from tomato.hardware.netlist import pack
from tomato.ops.conv2d import Conv2d
from tomato.ops.dense import Dense
from tomato.ops.window import Window
from tomato.targets import load


def unpacked(fields: Array, x: int, weight_bits: int, product_bits: int) -> list[int]:
    """What tom_dot makes of the packed fields of one input: the wide product, cut and repaired."""
    wide = sum((int(f) & ((1 << product_bits) - 1)) << (k * product_bits) for k, f in enumerate(fields[:-1]))
    wide += int(fields[-1]) << ((len(fields) - 1) * product_bits)
    result = wide * x
    products = []
    for k in range(len(fields)):
        field = result >> (k * product_bits) & ((1 << product_bits) - 1)
        borrow = result >> (k * product_bits - 1) & 1 if k else 0
        value = (field + borrow) & ((1 << product_bits) - 1)
        products.append(value - (1 << product_bits) if value >> (product_bits - 1) else value)
    return products


@given(st.data())
def test_products_of_a_shared_multiplier_are_exact(data: st.DataObject) -> None:
    x = Codes.of(data.draw(st.integers(1, 9), "activation bits"), signed=data.draw(st.booleans(), "signed"))
    bits = data.draw(st.integers(2, 9), "weight bits")
    least = -(1 << (bits - 1)) + data.draw(st.booleans(), "symmetric")
    values = st.sampled_from([least, -1, 0, (1 << (bits - 1)) - 1]) | st.integers(least, (1 << (bits - 1)) - 1)
    weights = np.array([*data.draw(st.lists(values, min_size=9, max_size=9)), least, -least - 1])
    tensor = Tensor(weights)
    code = data.draw(st.sampled_from([x.lo, x.hi, 0]) | st.integers(x.lo, x.hi), "input")
    for share in range(2, 1 + dot.most_packed(tensor, x)):
        outputs = min(share, 9)
        memory = dot.memory(
            weights[None, :outputs], outputs, tensor, {"cell": Cell.FIXED, "pack": share, "weight_ram": 0}
        )
        fields = memory.fields[0]
        width = dot.weight_bits(tensor, share)
        assert -(1 << (width - 1)) <= fields.min() <= fields.max() < 1 << (width - 1), "a field exceeds its width"
        assert pack(memory.fields, memory.bits)[0] >= 0
        assert unpacked(fields, code, width, dot.product_bits(tensor, x)) == [int(w) * code for w in weights[:outputs]]


@given(st.data())
def test_sums_of_a_row_are_exact(data: st.DataObject) -> None:
    """By the arithmetic of tom_chain: fields are summed side by side, and begin with half of their range."""
    x = Codes.of(data.draw(st.integers(1, 9), "activation bits"), signed=data.draw(st.booleans(), "signed"))
    bits, inputs = data.draw(st.integers(2, 9), "weight bits"), data.draw(st.integers(1, 9), "inputs")
    target, least = load(data.draw(st.sampled_from(["u250", "pynq-z2"]))), -(1 << (bits - 1))
    values = st.sampled_from([least, -1, 0, -least - 1]) | st.integers(least, -least - 1)
    codes = data.draw(
        st.lists(st.sampled_from([x.lo, x.hi]) | st.integers(x.lo, x.hi), min_size=inputs, max_size=inputs)
    )
    for share in range(1, 5):
        knobs = {"cell": Cell.FIXED, "pack": share, "weight_ram": 0}
        drawn = data.draw(st.lists(values, min_size=share * inputs, max_size=share * inputs))
        weights, tensor = np.array(drawn).reshape(share, inputs), Tensor(np.array([*drawn, least, -least - 1]))
        chain = dot.chain_of(inputs, tensor, x, knobs, target)
        if chain == 0:
            continue
        field, width = dot.sum_bits(tensor, x, chain), dot.weight_bits(tensor, share)
        assert width + (share - 1) * field <= target.dsp.a_bits
        assert share * field <= dot.WIDEST_SUM
        stored = (
            weights
            if share == 1
            else dot.memory(weights.reshape(1, -1), share, tensor, knobs).fields.reshape(share, inputs)
        )
        for begin in range(0, inputs, chain):
            total = sum(1 << (k * field + field - 1) for k in range(share - 1))
            for i in range(begin, min(begin + chain, inputs)):
                total += _packed([int(w) for w in stored[:, i]], field) * codes[i]
            for k in range(share):
                got = (total >> (k * field) & ((1 << field) - 1)) ^ (k < share - 1) << (field - 1)
                signed = got - (1 << field) * (got >> (field - 1))
                assert signed == int(weights[k, begin : begin + chain] @ codes[begin : begin + chain])


def _packed(fields: list[int], width: int) -> int:
    """Fields side by side: the topmost one has the sign."""
    low = sum((f & ((1 << width) - 1)) << (k * width) for k, f in enumerate(fields[:-1]))
    return low + (fields[-1] << ((len(fields) - 1) * width))


@pytest.mark.parametrize(
    ("board", "weight_bits", "activation_bits", "share"),
    [
        ("u250", 8, 8, 2),
        ("u250", 4, 8, 3),
        ("u250", 4, 4, 4),
        ("u250", 2, 2, 9),
        ("pynq-z2", 8, 8, 2),
        ("ulx3s", 4, 4, 3),
    ],
)
def test_as_many_products_share_a_block_as_its_ports_allow(
    board: str, weight_bits: int, activation_bits: int, share: int
) -> None:
    """1 + floor((27 - W) / (W + A - 1)) on a DSP48E2, with symmetric weights and signed activations."""
    limit = (1 << (weight_bits - 1)) - 1
    weight, x = Tensor(np.arange(-limit, limit + 1)), Codes.of(activation_bits, signed=True)
    target = load(board)
    found = [
        n
        for n in range(1, 1 + dot.most_packed(weight, x))
        if n and dot.cost(1, n, weight, x, Codes.of(20, signed=True), {"cell": Cell.FIXED, "pack": n}, target).dsp <= 1
    ]
    assert max(found) == max(dot.packs(weight, x, target)) == share


@pytest.mark.parametrize("board", ["u250", "ulx3s"])
@pytest.mark.parametrize("stem", ["dense_fold", "conv2d_window", "depthwise_window"])
def test_a_plan_for_another_board_can_be_built(stem: str, board: str) -> None:
    weight = np.arange(-8, 8)
    op: Op = Dense(Tensor(weight.reshape(4, 4)))
    if stem != "dense_fold":
        groups = 1 if stem == "conv2d_window" else 4
        op = Conv2d(Tensor(weight.reshape(1, 4 // groups, 4 // groups, -1)[..., :4]), Window((1, 4 // groups)), groups)
    args = [TensorType((4, 4, 4), Codes.of(4, signed=True))]
    here = make_site(op, args, board)
    engine, offered = CATALOGUE[stem], set()
    for other in ("u250", "pynq-z2", "ulx3s", "arria10-gx1150"):
        for unit in engine.units(make_site(op, args, other)):
            assert engine.refuses_knobs(here, unit.knobs) == ""
            offered.add(unit.knobs["pack"])
    assert offered == ({0, 1} if stem == "depthwise_window" else {0, 1, 2, 3})


def test_what_no_board_can_share_is_refused() -> None:
    site = make_site(Dense(Tensor(np.arange(-8, 8).reshape(4, 4))), [TensorType((4, 4, 4), Codes.of(4, signed=True))])
    knobs = {"lanes_in": 1, "lanes_out": 4, "cell": Cell.FIXED, "pack": 5, "weight_ram": 0}
    engine = CATALOGUE["dense_fold"]
    assert engine.refuses_knobs(site, knobs) == "pack = 5 (one of 0, 1, 2, 3)"
    beaten = "this combination is beaten by another of the same speed"
    assert engine.refuses_knobs(site, {**knobs, "pack": 2}) == beaten


@pytest.mark.parametrize("groups", [1, 2])
def test_products_hold_the_border(groups: int) -> None:
    """The border may be a code that the input's bits can carry and that the input never takes."""
    weight = Tensor(np.array([-1, 1] * 9 * (3 - groups)).reshape(3, 3, 3 - groups, 2))
    op = Conv2d(weight, Window((3, 3), pads=(1, 1, 1, 1)), groups, pad_value=-16)
    site = make_site(op, [TensorType((4, 4, 2), Codes(-12, 14))])
    engine = CATALOGUE["conv2d_window" if groups == 1 else "depthwise_window"]
    for unit in engine.units(site):
        most = 16 * max(1, unit.params["Chain"])  # -1 * -16 each
        assert unit.params["ProdBits"] == most.bit_length() + 1


@pytest.mark.parametrize(
    ("weight_bits", "x", "board", "wanted"),
    [
        (8, Codes.of(8, signed=False), "u250", [0, 1, 2]),
        (4, Codes.of(4, signed=True), "u250", [0, 1, 2, 3, 4]),  # three to a block are summed in rows, four are not
        (2, Codes.of(2, signed=False), "u250", [0, 1, 2, 4, 6, 7, 8, 9]),  # rows of four, of two, of none
        (4, Codes.of(4, signed=True), "ulx3s", [0, 1, 2, 3]),  # a family without rows
    ],
)
def test_blocks_are_shared_by_fewer_where_more_sums_have_room(
    weight_bits: int, x: Codes, board: str, wanted: list[int]
) -> None:
    limit = (1 << (weight_bits - 1)) - 1
    assert dot.packs(Tensor(np.array([-limit, limit])), x, load(board)) == wanted


@pytest.mark.parametrize(
    ("weight_bits", "x", "factors", "waits"),
    [
        (8, Codes.of(8, signed=False), (8, 9), 1),  # the digits are the weight's: of nine bits there are more
        (8, Codes.of(4, signed=True), (4, 8), 0),
        (9, Codes.of(8, signed=True), (8, 9), 1),
        (16, Codes.of(16, signed=True), (16, 16), 3),
        (1, Codes.of(1, signed=False), (1, 2), 0),
    ],
)
def test_multipliers_in_luts_read_the_shorter_factor(
    weight_bits: int, x: Codes, factors: tuple[int, int], waits: int
) -> None:
    weight = Tensor(np.array([-1 << (weight_bits - 1), max(-1, (1 << (weight_bits - 1)) - 1)]))
    assert dot.rows(weight, x) == factors
    assert dot.waits(weight, x, {"cell": Cell.FIXED, "pack": 0}) == waits
    assert dot.waits(weight, x, {"cell": Cell.FIXED, "pack": 1}) == 0
    assert dot.waits(weight, x, {"cell": Cell.FIXED, "pack": 2}) == 1
    assert dot.waits(weight, x, {"cell": Cell.FIXED, "pack": 2}, chain=2) == 0
