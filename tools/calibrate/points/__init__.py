"""What is synthesised: for every engine and part a file of settings to fit its cost to, and others to judge it.

Weights of more than 16 words lie in block RAM, except in the points of the memory itself: see `command` in run.py.
"""

from collections.abc import Iterator
from importlib import import_module
from pkgutil import iter_modules

from tools.calibrate.point import Point


def points() -> Iterator[Point]:
    """Every point of every file of this folder."""
    for found in iter_modules(__path__):
        yield from import_module(f"{__name__}.{found.name}").points()
