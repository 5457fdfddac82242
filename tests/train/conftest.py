"""Tests that import what is not installed everywhere are skipped, by its name."""

from collections.abc import Iterable
from pathlib import Path

import pytest

EXTRAS = {"torch": "train", "brevitas": "brevitas"}
"""Packages that `make test` installs and `make check` does without, and the extra of each."""


class OptionalModule(pytest.Module):
    """A module of tests that says which package it lacks; whatever else fails in its imports is an error."""

    def collect(self) -> Iterable[pytest.Item | pytest.Collector]:
        try:
            return super().collect()
        except self.CollectError as error:
            lacking = error.__cause__.name if isinstance(error.__cause__, ModuleNotFoundError) else None
            if lacking not in EXTRAS:
                raise
            pytest.skip(f"{lacking}: not installed; pip install 'tomato[{EXTRAS[lacking]}]'", allow_module_level=True)


def pytest_pycollect_makemodule(module_path: Path, parent: pytest.Collector) -> pytest.Module:
    return OptionalModule.from_parent(parent, path=module_path)
