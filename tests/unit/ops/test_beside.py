"""Operators on columns side by side: the same results as on one column after the other."""

from collections.abc import Sequence

import pytest

from tests.networks.cases import CASES, make_site, random_frames
from tomato.core.formats import Codes
from tomato.core.ir import Op, TensorType
from tomato.engines.slice_stream import SliceStream
from tomato.ops.move import Slice

COLUMNS = 5
"""Of the width of every case."""
WIDE = {name: case for name, case in CASES.items() if case[0].beside(COLUMNS) is not None}


def test_what_works_place_by_place_has_columns_side_by_side() -> None:
    assert set(WIDE) >= {"requant", "nudged", "threshold", "table", "piecewise", "add", "multiply", "maximum"}


@pytest.mark.parametrize(("op", "args"), WIDE.values(), ids=WIDE)
def test_results_are_the_same(op: Op, args: Sequence[TensorType]) -> None:
    values, golden = random_frames(op, args, 3, 1)
    wide, kinds = op.beside(COLUMNS), [kind.beside(COLUMNS) for kind in args]
    assert wide is not None
    out = wide.infer(kinds)
    assert out == op.infer(args).beside(COLUMNS)
    made = wide.golden([x.reshape(-1, *kind.shape) for x, kind in zip(values, kinds, strict=True)])
    assert (made.reshape(golden.shape) == golden).all()


def test_a_slice_of_fewer_channels_than_lanes_has_one_column() -> None:
    """Lanes are of the input's channels."""
    site = make_site(Slice((0, 0, 0), (4, 4, 1)), [TensorType((4, 4, 4), Codes.of(8, signed=True))])
    found = {knobs["lanes"]: SliceStream(site, knobs).columns for knobs in SliceStream.choices(site)}
    assert set(found.values()) == {1}
