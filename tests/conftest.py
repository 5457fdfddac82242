"""Fixtures and settings that every test shares."""

import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import settings

TESTS = Path(__file__).parent
GOLDEN = TESTS / "golden"

# Hundreds of designs include the same headers of Verilator: see sim/objcache.py.
os.environ.setdefault("TOM_PRECOMPILED", str(TESTS.parent / "build" / "precompiled"))

# Reproducible and free of timing: a slow machine must not fail a property.
settings.register_profile("tomato", deadline=None, derandomize=True)
settings.load_profile("tomato")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--update-golden", action="store_true", help="rewrite the texts in tests/golden")


STATES: list[tuple[np.random.Generator, Any]] = []
"""Generators that modules of tests share, and the state in which each test finds them."""


def pytest_collection_finish() -> None:
    modules = [m for name, m in list(sys.modules.items()) if name.startswith("tests.")]
    shared = {id(v): v for m in modules for v in vars(m).values() if isinstance(v, np.random.Generator)}
    STATES[:] = [(rng, rng.bit_generator.state) for rng in shared.values()]


@pytest.fixture(autouse=True)
def same_numbers() -> None:
    """Random numbers of a test do not depend on which tests ran before it."""
    for rng, state in STATES:
        rng.bit_generator.state = state


@pytest.fixture
def golden(request: pytest.FixtureRequest) -> Callable[[str], None]:
    """Compare a text with tests/golden/<path of test file>/<test name>.txt; --update-golden rewrites it."""
    path = GOLDEN / request.path.relative_to(TESTS).with_suffix("") / f"{request.node.name}.txt"

    def check(text: str) -> None:
        if request.config.getoption("--update-golden"):
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
        assert path.exists(), f"{path} is missing; run pytest --update-golden and review the diff"
        assert text == path.read_text(encoding="utf-8")

    return check
