"""tom_requant_stream against the meaning of requant."""

from dataclasses import replace

import numpy as np
import pytest

from tests.hw.rtl.harness import check_engine
from tomato.core.formats import Codes, Tensor
from tomato.core.ir import TensorType
from tomato.hardware.memory import Ram
from tomato.ops.requant import Requant


def requant(channels: int, mult: int, shift: int, lo: int, hi: int) -> Requant:
    """A requant whose shift brings about half the results into lo..hi."""
    rng = np.random.default_rng(channels)
    bias = (hi - lo) << shift
    return Requant(
        Tensor(rng.integers(-mult, mult, channels) if mult > 1 else np.ones(channels, dtype=np.int64)),
        Tensor(rng.integers(-bias // 4, bias // 4, channels)),
        shift,
        lo,
        hi,
    )


def nudged(op: Requant, fmt: Codes, count: int) -> Requant:
    """The same with `count` nudges per channel, as many used as the channel's index allows, all at the extremes.

    Those are the inputs that tests play most. Results are a few codes per input code, or nothing would be seen.
    """
    extremes = [(fmt.lo, 1), (fmt.hi, -1), (0, 1), (-1, 1)] if fmt.signed else [(fmt.lo, 1), (fmt.hi, -1), (7, -1)]
    channels = op.mult.shape[0]
    nudges = np.zeros((channels, count, 2), dtype=np.int64)
    for channel in range(channels):
        used = np.roll(extremes, channel, axis=0)[: min(channel, count)]
        nudges[channel, : len(used)] = used
    return replace(op, nudges=Tensor(nudges))


@pytest.mark.rtl
@pytest.mark.parametrize(
    ("op", "bits", "signed", "lanes"),
    [
        pytest.param(requant(5, 1 << 15, 24, -128, 127), 18, True, 2, id="signed"),
        pytest.param(requant(4, 1 << 15, 26, 0, 15), 16, False, 4, id="relu"),
        pytest.param(requant(4, 1 << 17, 36, -128, 127), 28, True, 2, id="two_products"),
        pytest.param(requant(5, 1 << 28, 48, -128, 127), 28, True, 1, id="four_products"),
        pytest.param(requant(3, 1, 15, 3, 9), 20, True, 1, id="unit"),
        pytest.param(requant(3, 1, 0, -7, 7), 4, True, 3, id="clamp_only"),
    ],
)
def test_rtl_matches_golden(op: Requant, bits: int, signed: bool, lanes: int) -> None:
    kind = TensorType((9, 8, op.mult.shape[0]), Codes.of(bits, signed=signed))
    check_engine("requant_stream", op, [kind], {"lanes": lanes, "constant_ram": Ram.LUT})


@pytest.mark.rtl
@pytest.mark.parametrize("nudges", [0, 3])
def test_constants_in_block_ram(nudges: int) -> None:
    fmt = Codes.of(14, signed=True)
    op = requant(7, 1 << 9, 6, -1 << 17, 1 << 17)
    kind = TensorType((9, 8, 7), fmt)
    knobs = {"lanes": 2, "constant_ram": Ram.BLOCK}
    check_engine("requant_stream", nudged(op, fmt, nudges) if nudges else op, [kind], knobs)


@pytest.mark.rtl
@pytest.mark.parametrize(
    ("mult", "shift", "fmt", "count", "lanes"),
    [
        pytest.param(1 << 9, 6, Codes.of(14, signed=True), 1, 2, id="one"),
        pytest.param(1 << 9, 6, Codes.of(14, signed=True), 3, 5, id="three_in_one_beat"),
        pytest.param(1 << 7, 5, Codes.of(12, signed=False), 2, 1, id="unsigned"),
        pytest.param(1 << 20, 18, Codes.of(24, signed=True), 2, 1, id="two_products"),
        pytest.param(1 << 27, 26, Codes.of(28, signed=True), 2, 2, id="four_products"),
        pytest.param(1, 0, Codes.of(9, signed=True), 4, 3, id="unit"),
    ],
)
def test_nudges(mult: int, shift: int, fmt: Codes, count: int, lanes: int) -> None:
    limit = 2 * mult * fmt.hi >> shift
    op = nudged(requant(5, mult, shift, -limit, limit), fmt, count)
    kind = TensorType((9, 8, 5), fmt)
    check_engine("requant_stream", op, [kind], {"lanes": lanes, "constant_ram": Ram.LUT})
