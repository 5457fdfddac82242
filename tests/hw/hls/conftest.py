"""Runs a test of generated C++ with our stand-ins and with AMD's headers."""

import hls_headers
import pytest

from tests.hw.hls.cxx import STRICT


@pytest.fixture
def headers(request: pytest.FixtureRequest) -> list[str]:
    """The compiler's flags for the headers that the test's id names."""
    if request.param == "stand-ins":
        return [*hls_headers.flags(None), *STRICT]
    if (folder := hls_headers.find()) is None:
        pytest.skip(f"AMD's headers are not installed (pip install hls4ml, or set {hls_headers.VARIABLE})")
    return hls_headers.flags(folder)
