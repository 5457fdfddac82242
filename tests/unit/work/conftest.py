"""A test of workers ends, whatever they do."""

import signal
from collections.abc import Iterator
from types import FrameType

import pytest

PATIENCE = 120
"""Seconds after which a test that waits for workers has failed."""


@pytest.fixture(autouse=True)
def ends() -> Iterator[None]:
    def give_up(number: int, frame: FrameType | None) -> None:
        raise TimeoutError(f"the test waits for workers, or for what it started, for more than {PATIENCE} s")

    before = signal.signal(signal.SIGALRM, give_up)
    signal.alarm(PATIENCE)
    yield
    signal.alarm(0)
    signal.signal(signal.SIGALRM, before)
