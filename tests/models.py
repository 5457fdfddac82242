"""Real trained networks for tests: present on some machines, found through TOMATO_MODELS."""

import os
from pathlib import Path

import pytest

VARIABLE = "TOMATO_MODELS"


def model_path(name: str) -> Path:
    """The file of that name, or a skip that names it."""
    folder = os.environ.get(VARIABLE)
    if not folder:
        pytest.skip(f"{name}: {VARIABLE} is not set")
    path = Path(folder) / name
    if not path.exists():
        pytest.skip(f"{name}: not in {VARIABLE}")
    return path
