"""The queue at the output of an engine with a line buffer: as deep as in its module, and what it costs."""

from typing import Any

import numpy as np
import pytest

from tests.hw.slang import constant
from tests.networks.cases import CASES, make_site
from tomato.core.formats import Codes, Tensor
from tomato.core.ir import TensorType
from tomato.engines import CATALOGUE
from tomato.hardware.plumbing import SHORT, output_cost, queue_cost
from tomato.ops.dense import Dense
from tomato.targets import load

WIDE = (Dense(Tensor(np.resize([-1, 1], (520, 2)))), (TensorType((1, 1, 520), Codes.of(1, signed=False)),))
USERS = [
    pytest.param(stem, case, id=f"{stem}-{name}")
    for stem in ("dense_fold", "conv2d_window", "depthwise_window", "pool_window")
    for name, case in {**CASES, "wide": WIDE}.items()
    if isinstance(case[0], CATALOGUE[stem].ops) and not CATALOGUE[stem].refuses(make_site(*case))
]


def places(unit: Any) -> int:
    """What the engine says."""
    return int(unit.places)


@pytest.mark.parametrize(("stem", "case"), USERS)
def test_places_are_those_of_the_module(stem: str, case: tuple[Any, Any]) -> None:
    """The localparam Depth of the module, of units from the fastest to the slowest."""
    every = list(CATALOGUE[stem].units(make_site(*case)))
    for unit in every[:: max(1, len(every) // 12)]:
        assert places(unit) == constant(f"tom_{stem}", "Depth", unit.params)


def test_more_than_256_inputs_take_a_longer_queue() -> None:
    site = make_site(*WIDE)
    found = {unit.params["Lanes"]: places(unit) for unit in CATALOGUE["dense_fold"].units(site)}
    assert found[520] == SHORT + 1
    assert max(depth for lanes, depth in found.items() if lanes <= 256) <= SHORT


@pytest.mark.parametrize("board", ["u250", "pynq-z2", "ulx3s", "arria10-gx1150"])
@pytest.mark.parametrize("depth", [17, 20, 40])
def test_places_beyond_a_level_cost_what_they_do_in_any_queue(board: str, depth: int) -> None:
    target = load(board)
    more = output_cost(48, depth, target) - output_cost(48, SHORT, target)
    assert more == queue_cost(48, depth, target) - queue_cost(48, SHORT, target)
    assert more.lut > 0
    assert output_cost(48, SHORT, target) == output_cost(48, 5, target)


def test_a_second_row_of_memory_is_counted() -> None:
    """16 words of LUT memory in a row on ECP5, 32 on UltraScale+."""
    narrow, wide = (load(board) for board in ("ulx3s", "u250"))
    assert output_cost(48, 17, narrow).lut - output_cost(48, 16, narrow).lut == 72 + 48 + 10
    assert output_cost(48, 17, wide).lut - output_cost(48, 16, wide).lut == 5
