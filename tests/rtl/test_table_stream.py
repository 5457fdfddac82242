"""tom_table_stream against the meaning of a table."""

import numpy as np
import pytest

from tests.cases import make_site
from tests.rtl.harness import check_engine
from tomato.engines import CATALOGUE
from tomato.formats import Codes, Tensor
from tomato.ir import TensorType
from tomato.ops.table import Table
from tomato.targets import load


def table(rows: int, fmt: Codes) -> Table:
    return Table(Tensor(np.random.default_rng(rows).integers(-9, 50, (rows, fmt.hi - fmt.lo + 1))), fmt.lo)


@pytest.mark.rtl
@pytest.mark.parametrize(
    ("rows", "fmt", "lanes"),
    [
        pytest.param(1, Codes(-128, 127), 4, id="signed"),
        pytest.param(1, Codes(3, 40), 5, id="partial"),
        pytest.param(5, Codes(-8, 5), 2, id="per_channel"),
        pytest.param(5, Codes(0, 15), 5, id="per_lane"),
        pytest.param(1, Codes(-700, 300), 1, id="block"),
    ],
)
def test_rtl_matches_golden(rows: int, fmt: Codes, lanes: int) -> None:
    check_engine("table_stream", table(rows, fmt), [TensorType((5, 6, 5), fmt)], {"lanes": lanes})


def test_refuses_wide_inputs() -> None:
    fmt = Codes(0, 1 << 16)
    site = make_site(table(1, fmt), [TensorType((1, 1, 3), fmt)])
    reason = CATALOGUE["table_stream"].refuses(site, load("u250"))
    assert reason == "inputs of 17 bits need a table of 2^17 entries; at most 16 bits"
