"""What every search keeps: a line for each network, whose search it is, and which of a front are trained on."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypeVar

import numpy as np

from tomato.core.errors import TomatoError
from tomato.core.files import reading

T = TypeVar("T")


def read_lines(path: Path, of: Callable[[str], T]) -> list[T]:
    """What `of` makes of the lines of an interrupted search; a last one that was cut off is taken out of the file.

    Raises TomatoError where the file is another one.
    """
    if not path.exists():
        return []
    text = path.read_text(encoding="utf-8")
    whole = text[: text.rfind("\n") + 1]
    with reading("this is no list of candidates", where=path, hint="remove it to search anew"):
        found = [of(line) for line in whole.splitlines()]
    if whole != text:
        path.write_text(whole, encoding="utf-8")
    return found


def check_same(kept: object, digest: str, folder: Path) -> None:
    """Raise TomatoError where a folder holds a search of another digest."""
    if kept != digest:
        raise TomatoError(
            "the folder holds another search: its space, target, data or options differ", where=str(folder),
            hint="remove it to search anew, or give another output",
        )  # fmt: skip


def evenly(members: Sequence[T], count: int) -> list[T]:
    """So many of a front that is not empty: its first and the others evenly among the rest."""
    places = np.linspace(0, len(members) - 1, min(count, len(members)))
    return [members[round(float(i))] for i in places]
