"""tom_exit_frame: the early frame of those that are sure, and the next late one of the others."""

import numpy as np
import pytest

from tests.hw.rtl.harness import check_engine, port, run
from tests.hw.rtl.test_leave_frame import FRAMES, PATTERNS
from tests.hw.stream_cases import CASES
from tests.networks.cases import make_unit, random_codes
from tomato.core.ir import TensorType
from tomato.ops.exits import BIT


@pytest.mark.rtl
@pytest.mark.parametrize("name", CASES["exit_frame"])
def test_rtl_matches_golden(name: str) -> None:
    case = CASES["exit_frame"][name]
    check_engine("exit_frame", case.op, case.args, case.knobs)


@pytest.mark.rtl
@pytest.mark.parametrize(("pattern", "name"), list(zip(PATTERNS, ["ragged", *CASES["exit_frame"]], strict=True)))
def test_late_frames_come_for_the_others_only(name: str, pattern: str) -> None:
    case = CASES["exit_frame"][name]
    kinds = TensorType((1, 1, 1), BIT), *case.args[1:]
    unit = make_unit("exit_frame", case.op, kinds, case.knobs)
    sure, rng = np.array(PATTERNS[pattern]).reshape(FRAMES, 1, 1, 1), np.random.default_rng(2)
    early, late = (random_codes(rng, (FRAMES, *kind.shape), kind.codes) for kind in kinds[1:])
    golden = case.op.golden([sure, early, late])
    ins, out = unit.lanes
    values = sure, early, late[sure.reshape(-1) == 0]
    inputs = [port(v, kind, lanes) for v, kind, lanes in zip(values, kinds, ins, strict=True)]
    run("tom_exit_frame", unit.params, inputs, [port(golden, unit.out, out)], frames=FRAMES)
