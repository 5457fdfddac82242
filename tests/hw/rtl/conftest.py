"""Settings that the tests of RTL, and of C++ beside it, share."""

import pytest

from tomato.core.assets import asset


@pytest.fixture(autouse=True)
def quick_headers(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Stand-ins for AMD's headers, whose C++ takes much longer to compile, but where a test is marked to use those."""
    if request.node.get_closest_marker("amd_headers") is None:
        monkeypatch.setenv("TOMATO_HLS_INCLUDE", str(asset("sim", "hls")))
