"""What is sure, what an exit chooses, and which graphs have ways in and out that belong together."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tomato.core.formats import Codes
from tomato.core.ir import Builder, Graph, TensorType
from tomato.ops.exits import BIT, Exit, Leave, Sure, gates, margins
from tomato.ops.join import Add

SCORES = TensorType((1, 1, 4), Codes.of(8, signed=True))


@given(st.lists(st.integers(-128, 127), min_size=2, max_size=9), st.integers(0, 300))
def test_a_frame_is_sure_by_its_two_largest_scores(scores: list[int], margin: int) -> None:
    x = np.array(scores).reshape(1, 1, 1, -1)
    first, second = sorted(scores, reverse=True)[:2]
    assert margins(x).item() == first - second
    assert Sure(margin).golden([x]).item() == (first - second >= margin)


def test_an_exit_chooses_and_leave_changes_nothing() -> None:
    sure = np.array([1, 0, 1]).reshape(3, 1, 1, 1)
    early, late = np.arange(12).reshape(3, 1, 1, 4), -np.arange(12).reshape(3, 1, 1, 4)
    assert Exit().golden([sure, early, late])[:, 0, 0, 1].tolist() == [1, -5, 9]
    assert Leave().golden([sure, early]) is early


@pytest.mark.parametrize(
    ("op", "kinds", "why"),
    [
        (Sure(1), (TensorType((1, 2, 4), BIT),), "are not scores of several classes"),
        (Sure(-1), (SCORES,), "a margin of -1 is negative"),
        (Leave(), (SCORES, SCORES), "is not one bit"),
        (Exit(), (TensorType((1, 1, 1), BIT), SCORES, TensorType((1, 1, 3), BIT)), "differ"),
    ],
)
def test_types_that_do_not_suit(op: Sure | Leave | Exit, kinds: tuple[TensorType, ...], why: str) -> None:
    with pytest.raises(ValueError, match=why):
        op.infer(kinds)


def graph(*, mixed: bool = False, open_: bool = False) -> Graph:
    """Two exits, one behind the other; mixed: a sum of values of which one has not left; open_: without an Exit."""
    build = Builder([("x", SCORES)])
    first = build.add(Sure(9), ["x"], "first")
    a = build.add(Leave(0.5), [first, "x"], "a")
    second = build.add(Sure(20), [a], "second")
    b = build.add(Leave(0.25), [second, a], "b")
    late = build.add(Add(), [b, a if mixed else b], "late")
    inner = build.add(Exit(), [second, a, late], "inner")
    outer = inner if open_ else build.add(Exit(), [first, "x", inner], "outer")
    return Graph("g", (("x", SCORES),), tuple(build.nodes), (outer,))


def test_gates_are_regions_in_regions() -> None:
    found = gates(graph())
    assert found["x"] == found["outer"] == found["first"] == ()
    assert found["a"] == found["second"] == found["inner"] == ("first",)
    assert found["b"] == found["late"] == ("first", "second")


@pytest.mark.parametrize(("wrong", "why"), [("mixed", "meets frames that left"), ("open_", "leaves without an Exit")])
def test_a_region_without_a_gate_is_refused(wrong: str, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        gates(graph(**{wrong: True}))
