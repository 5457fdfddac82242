"""Every engine at random points: golden = RTL = HLS.

TOMATO_FUZZ=N takes N points per engine of the HLS and a quarter as many of the RTL, other ones in every run.
"""

import os

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from tests.hw.hls import harness as hls
from tests.hw.rtl import harness as rtl
from tests.networks.points import Point, points
from tomato.engines import CATALOGUE

FUZZ = int(os.environ.get("TOMATO_FUZZ", "0"))
SETTINGS = settings(
    derandomize=not FUZZ,
    database=None,
    print_blob=True,
    phases=[Phase.generate],  # a point takes seconds: shrinking would take minutes
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)


@pytest.mark.rtl
@pytest.mark.parametrize("stem", sorted(CATALOGUE))
@given(data=st.data())
@settings(SETTINGS, max_examples=FUZZ or 4)
def test_hls_equals_golden(stem: str, data: st.DataObject) -> None:
    at: Point = data.draw(points(CATALOGUE[stem]))
    hls.check_engine(stem, at.op, at.args, at.knobs, frames=at.frames, seed=at.seed)


@pytest.mark.rtl
@pytest.mark.parametrize("stem", sorted(CATALOGUE))
@given(data=st.data())
@settings(SETTINGS, max_examples=-(-FUZZ // 4) or 2)
def test_rtl_equals_hls_equals_golden(stem: str, data: st.DataObject) -> None:
    at: Point = data.draw(points(CATALOGUE[stem]))
    rtl.check_engine(stem, at.op, at.args, at.knobs, frames=at.frames, seed=at.seed)
