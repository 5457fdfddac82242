"""ONNX's own tests of the operators that Tomato reads: compiled and right, or refused with a reason; never wrong."""

import pytest

from tests.unit.frontend.node_tests import PAGE, REFUSED, RIGHT, WRONG, cases, judge, page

QUICK = 12


def test_one_in_a_dozen() -> None:
    found = [judge(case) for case in cases()[::QUICK]]
    assert [v for v in found if v.kind == WRONG] == []
    assert all(v.reason for v in found if v.kind == REFUSED)
    assert sum(v.kind == RIGHT for v in found) > len(found) / 3


@pytest.mark.slow
def test_all_of_them_and_the_page_that_says_so() -> None:
    found = [judge(case) for case in cases()]
    assert [v for v in found if v.kind == WRONG] == []
    assert page(found) == PAGE.read_text(), "python -m tests.unit.frontend.node_tests writes it anew"
