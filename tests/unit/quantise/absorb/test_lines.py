"""Functions of wide codes and of sums are lines: off by what the proof says, or exact where that is asked for."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.unit.quantise.absorb.test_operators import IN, OUT, op, steps
from tests.unit.quantise.absorb.test_special import EXACT, WEIGHT, WIDE, both, conv
from tomato.core.formats import Array
from tomato.ops.piecewise import Piecewise
from tomato.ops.requant import Requant
from tomato.ops.table import Table
from tomato.quantise.absorb import PROPERTIES, Proof

NAME = "piecewise linear"
BIAS = op("DequantizeLinear", "b bs bz", "br")
UNLIKE = {"b": np.arange(-4000, 4000, 1000).astype(np.int32), "bs": np.float32(0.001), "bz": np.int32(0)}
"""A bias for each channel."""
SILU = [op("Sigmoid", "c", "s"), op("Mul", "c s", "r")]


def played(folder: Path, nodes: list[Any], more: dict[str, Any], y: float = 0.00025) -> tuple[list[Any], Proof, Array]:
    """The operators behind the input, the proof of the last, and how many steps the codes are off the runtime's."""
    given = steps(np.int16, x=0.0003, y=y) | conv() | more
    made, got, wanted = both(folder, [*IN, *nodes, *OUT], given, WIDE)
    return [n.op for n in made.graph], made.proofs[-1], np.abs(got - wanted) / np.float32(y)


@pytest.mark.parametrize("function", ["Sigmoid", "HardSwish", "Gelu"])
def test_a_function_of_16_bits_is_off_by_a_step(function: str, tmp_path: Path) -> None:
    (line,), proof, apart = played(tmp_path, [op(function, "xr", "r")], {})
    assert isinstance(line, Piecewise)
    most = 3 if function == "HardSwish" else 1  # its kinks lie within segments
    assert (proof.how, proof.caveat, proof.largest) == ("lines", NAME, most)
    assert 0 < proof.differing < 0.05 * proof.checked
    assert str(proof).endswith(f"inputs differ, by at most {most}")
    assert apart.max() < most + 0.5
    assert np.count_nonzero(apart > 0.5) < 0.05 * apart.size
    assert NAME in PROPERTIES


@pytest.mark.parametrize(
    ("nodes", "bias"), [([op("Sigmoid", "c", "r")], {}), (SILU, UNLIKE)], ids=["sigmoid_alike", "silu_unlike"]
)
def test_sums_of_a_layer_are_lines_behind_a_requant(nodes: list[Any], bias: dict[str, Any], tmp_path: Path) -> None:
    """Of 16-bit codes they are too wide for lines of their own."""
    layer = op("Conv", "xr wr br" if bias else "xr wr", "c")
    ops, proof, apart = played(tmp_path, [WEIGHT, *([BIAS] if bias else []), layer, *nodes], bias)
    assert [type(o) for o in ops[1:]] == [Requant, Piecewise]
    assert (proof.how, proof.caveat, proof.largest) == ("requant and lines", NAME, 1)
    assert 0 < proof.differing < 0.1 * proof.checked
    assert apart.max() < 1.5
    assert np.count_nonzero(apart > 0.5) < 0.1 * apart.size


def test_without_any_error_it_is_a_table(tmp_path: Path) -> None:
    given = steps(np.int16, x=0.0003, y=0.00025)
    made, got, wanted = both(tmp_path, [*IN, op("Sigmoid", "xr", "r"), *OUT], given, WIDE, EXACT)
    (node,) = made.graph
    assert isinstance(node.op, Table)
    assert np.array_equal(got, wanted)
    assert made.proofs[-1].proved


def test_what_no_lines_come_near_to_is_a_table(tmp_path: Path) -> None:
    """The square root of a magnitude is too steep near 0."""
    (table,), proof, apart = played(tmp_path, [op("Abs", "xr", "a"), op("Sqrt", "a", "r")], {}, y=0.0002)
    assert isinstance(table, Table)
    assert proof.differing == 0
    assert not apart.any()
