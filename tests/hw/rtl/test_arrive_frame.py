"""tom_arrive_frame: late frames once they are whole, early ones that are sure in between, and each once."""

import numpy as np
import pytest

from tests.hw.rtl.harness import Measured, Port, check_engine, port, run
from tests.hw.rtl.test_leave_frame import PATTERNS
from tests.hw.stream_cases import CASES
from tests.networks.cases import make_unit, random_codes
from tomato.core.formats import Array
from tomato.core.ir import TensorType
from tomato.hardware.netlist import number_places, stream
from tomato.ops.exits import BIT, Exit, Number

LATE = [0] * 12
EARLY = [1] * 12


@pytest.mark.rtl
@pytest.mark.parametrize("name", CASES["arrive_frame"])
def test_rtl_matches_golden(name: str) -> None:
    case = CASES["arrive_frame"][name]
    check_engine("arrive_frame", case.op, case.args, case.knobs)


def play(name: str, pattern: list[int], *, ram: int = 0, wrong: bool = False) -> Measured:
    """Every frame with its number, and late ones of those only that are not sure; wrong: two have the same number."""
    case = CASES["arrive_frame"][name]
    assert isinstance(case.op, Exit)
    kinds = TensorType((1, 1, 1), BIT), *case.args[1:]
    unit = make_unit("arrive_frame", case.op, kinds, case.knobs)
    frames, bits = len(pattern), case.op.number
    sure, rng = np.array(pattern).reshape(frames, 1, 1, 1), np.random.default_rng(2)
    late_of = sure.reshape(-1) == 0

    def numbered(kind: TensorType) -> Array:
        codes = random_codes(rng, (frames, *kind.shape), kind.codes)
        digits = Number(bits, unit.out.codes.bits, unit.out.codes.signed).golden([sure])
        codes[..., -digits.shape[-1] :] = digits
        return codes

    early, late = (numbered(kind) for kind in kinds[1:])
    golden = case.op.golden([sure, early, late])
    if wrong:
        late[late_of] = late[late_of][[0, *range(late_of.sum() - 1)]]
    ins, out = unit.lanes
    values = sure, early, late[late_of]
    inputs = [port(v, kind, lanes) for v, kind, lanes in zip(values, kinds, ins, strict=True) if len(v)]
    if all(pattern):  # the testbench takes no port without beats: one that never has one
        inputs.append(Port(kinds[2].codes.bits * ins[2], []))
    made, where = port(golden, unit.out, out), number_places(stream("y", "y", unit.out, out), bits)
    number = {"bits": bits, "digit": unit.out.codes.bits, "places": where}
    params = {**unit.params, "Ram": ram}
    return run("tom_arrive_frame", params, inputs, [Port(made.width, made.beats, made.masks, number)], frames=frames)


@pytest.mark.rtl
@pytest.mark.parametrize(
    ("pattern", "name"),
    [
        *((pattern, name) for pattern in PATTERNS.values() for name in ("bytes", "one_beat")),
        (LATE, "bytes"),
        (EARLY, "bytes"),
    ],
    ids=str,
)
@pytest.mark.parametrize("ram", [0, 1])
def test_each_frame_leaves_once(name: str, pattern: list[int], ram: int) -> None:
    play(name, pattern, ram=ram)


@pytest.mark.rtl
@pytest.mark.parametrize(("name", "more"), [("bytes", 0), ("one_beat", 1)])
def test_a_late_frame_of_few_beats_leaves_a_cycle_later_from_block_ram(name: str, more: int) -> None:
    fast, slow = (play(name, LATE, ram=ram).latency for ram in (0, 1))
    assert slow - fast == more


@pytest.mark.rtl
def test_a_number_that_comes_twice_is_noticed() -> None:
    with pytest.raises(AssertionError, match="'number': "):
        play("bytes", PATTERNS["alternating"], wrong=True)
