"""Gates that keep the k largest, in all the ways that exporters write them: as ONNX Runtime computes them."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.networks.onnx_writer import FLOAT
from tests.unit.frontend.test_conditions import cast
from tests.unit.frontend.tiny import Tiny, agree, op
from tomato.core.errors import TomatoError
from tomato.frontend import load
from tomato.ops.keep_largest import KeepLargest

KEEP = 3
NUMBERS: Mapping[str, Any] = {
    "k": np.array([KEEP]),
    "none": np.zeros((1, 8), np.float32),
    "ones": np.ones((1, KEEP), np.float32),
    "zero": np.float32(0),
    "begin": np.array([-1]),
    "end": np.array([1 << 62]),
    "one": np.array([1]),
    "two": np.array(KEEP - 1),
}
TOP = op("TopK", "x", "k", to=("v", "i"), axis=1)
LAST = op("Slice", "v", "begin", "end", "one", to="l")
FORMS: Mapping[str, Sequence[Any]] = {
    "scattered": [op("ScatterElements", "none", "i", "v", axis=1)],
    "times_a_mask": [op("ScatterElements", "none", "i", "ones", to="m", axis=-1), op("Mul", "m", "x")],
    "at_least": [LAST, op("GreaterOrEqual", "x", "l", to="c"), cast("c", "m", FLOAT), op("Mul", "x", "m")],
    "chosen": [LAST, op("LessOrEqual", "l", "x", to="c"), op("Where", "c", "x", "zero")],
    "filled": [LAST, op("Less", "x", "l", to="c"), op("Where", "c", "zero", "x")],
    "not_less": [
        op("Gather", "v", "two", to="g", axis=1), op("Unsqueeze", "g", "one", to="l"),
        op("Greater", "l", "x", to="n"), op("Not", "n", to="c"), op("Where", "c", "x", "none"),
    ],
    "least": [op("ReduceMin", "v", to="l", axes=[1]), op("GreaterOrEqual", "x", "l", to="c"),
              op("Where", "c", "x", "zero")],
}  # fmt: skip
OTHERS: Mapping[str, Sequence[Any]] = {
    "not_the_last": [op("Slice", "v", "zeroth", "one", "one", to="l"), op("Less", "x", "l", to="c"),
                     op("Where", "c", "zero", "x")],
    "of_another": [op("Neg", "x", to="n"), LAST, op("Less", "n", "l", to="c"), op("Where", "c", "zero", "n")],
    "among_ones": [op("ScatterElements", "all", "i", "v", axis=1)],
    "values": [op("Relu", "v")],
}  # fmt: skip


def tiny(nodes: Sequence[Any], top: Any = TOP) -> Tiny:
    extra = {"zeroth": np.array([0]), "all": np.ones((1, 8), np.float32)}
    return Tiny([top, *nodes], {"x": (1, 8)}, {**NUMBERS, **extra})


@pytest.mark.parametrize("form", FORMS)
def test_every_way_is_one_operator(form: str, tmp_path: Path) -> None:
    network = agree(tiny(FORMS[form]).save(tmp_path))
    assert [node.op for node in network.graph] == [KeepLargest(KEEP)]


@pytest.mark.parametrize("form", OTHERS)
def test_anything_else_is_refused(form: str, tmp_path: Path) -> None:
    with pytest.raises(TomatoError, match=r"\(TopK\): what is chosen depends on the data; put the values"):
        load(tiny(OTHERS[form]).save(tmp_path))


def test_the_smallest_are_no_winners(tmp_path: Path) -> None:
    least = op("TopK", "x", "k", to=("v", "i"), axis=1, largest=0)
    with pytest.raises(TomatoError, match="what is chosen depends on the data"):
        load(tiny(FORMS["scattered"], least).save(tmp_path))
