"""tom_leave_frame: frames that are not sure as they are, and nothing of the others."""

import numpy as np
import pytest

from tests.hw.rtl.harness import check_engine, port, run
from tests.hw.stream_cases import CASES
from tests.networks.cases import make_unit, random_codes
from tomato.core.formats import Codes
from tomato.core.ir import TensorType
from tomato.ops.exits import BIT

FRAMES = 12
PATTERNS = {"first": [1] + [0] * 11, "last": [0] * 11 + [1], "alternating": [0, 1] * 6, "runs": [1, 1, 1, 0] * 3}


@pytest.mark.rtl
@pytest.mark.parametrize("name", CASES["leave_frame"])
def test_rtl_matches_golden(name: str) -> None:
    case = CASES["leave_frame"][name]
    check_engine("leave_frame", case.op, case.args, case.knobs)


@pytest.mark.rtl
@pytest.mark.parametrize(("pattern", "name"), list(zip(PATTERNS, [*CASES["leave_frame"]] * 2, strict=True)))
def test_frames_that_are_sure_end(name: str, pattern: str) -> None:
    case = CASES["leave_frame"][name]
    kinds = TensorType((1, 1, 1), BIT), case.args[1]
    unit = make_unit("leave_frame", case.op, kinds, case.knobs)
    sure = np.array(PATTERNS[pattern]).reshape(FRAMES, 1, 1, 1)
    x = random_codes(np.random.default_rng(1), (FRAMES, *kinds[1].shape), kinds[1].codes)
    (_, lanes), out = unit.lanes
    inputs = [port(sure, kinds[0], 1), port(x, kinds[1], lanes)]
    run("tom_leave_frame", unit.params, inputs, [port(x[sure.reshape(-1) == 0], unit.out, out)], frames=FRAMES)


def test_one_bit_is_told_from_others() -> None:
    case = CASES["leave_frame"]["ragged"]
    for wrong in (TensorType((1, 1, 1), Codes(0, 2)), TensorType((1, 1, 2), BIT)):
        with pytest.raises(ValueError, match="is not one bit"):
            case.op.infer([wrong, case.args[1]])
