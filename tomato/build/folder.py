"""The build folder: whose it is, who has it at the moment, and how what is written gets into place."""

import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import TypeVar

from tomato.core.errors import TomatoError
from tomato.core.files import LOCK, in_use, refusals
from tomato.host.ends import HOST

T = TypeVar("T")
MARKER = ".tomato"
"""File that marks a folder as written by us."""
BOARDS = "boards"
"""Folder of the boards' own folders, where a network is on several."""
CLUSTER = "cluster.json"
"""File of a build folder for several boards: which they are, and where the network is cut."""
FOLDERS = ("board", BOARDS, "golden", "hls", HOST, "mem", "rtl", "sim")
RESULTS = ("build.json", "evaluation.json", "exploration.json", "exploration.svg", "report.html", "simulation.json")
"""Files that a new compilation makes stale."""
FILES = (CLUSTER, "Makefile", "README.md", "plan.toml", "report.json", *RESULTS)
"""What a compilation puts into a build folder, or takes out of it."""
TARGET = Path("golden", "target.json")
UNWRITABLE = "cannot write the output folder"


@refusals(UNWRITABLE)
def check_writable(folder: Path) -> None:
    """Raise TomatoError unless `folder` is absent, empty, or one that we wrote, and can be written now."""
    with alone(folder):
        pass


@contextmanager
def alone(folder: Path) -> Iterator[None]:
    """Have a build folder alone, to write it; made if absent, and gone again if nothing is written."""
    with refusals(UNWRITABLE, where=folder):
        _check_ours(folder)
        made = [p for p in (folder, *folder.parents) if not p.exists()]
    try:
        with refusals(UNWRITABLE, where=folder):
            folder.mkdir(parents=True, exist_ok=True)
        with in_use(folder):
            yield
    finally:
        for empty in made:
            with suppress(OSError, ValueError):
                empty.rmdir()


def _check_ours(folder: Path) -> None:
    """Raise TomatoError unless `folder` is absent, or all that a compilation replaces in it is what one wrote."""
    if files := [p for p in (folder, *folder.parents) if (p.exists() or p.is_symlink()) and not p.is_dir()]:
        raise TomatoError("the output is a file, not a folder", where=str(files[0]), hint="choose another with -o")
    if not folder.exists():
        return
    if not (folder / MARKER).exists() and any(p.name != LOCK for p in folder.iterdir()):
        raise TomatoError(
            "the output folder is not empty and was not written by tomato: nothing was touched",
            where=str(folder),
            hint="choose another folder with -o, or remove it yourself",
        )
    for name in (*FOLDERS, *FILES):
        place, kind = folder / name, "folder" if name in FOLDERS else "file"
        if place.is_symlink() or (place.exists() and place.is_dir() != (name in FOLDERS)):
            raise TomatoError(
                f"{name} in the output folder is no {kind} that tomato wrote: nothing was touched",
                where=str(place),
                hint="choose another folder with -o, or move it away",
            )


def replace(folder: Path, fresh: Path) -> None:
    """Move what was written into place; files of the user's beside it stay."""
    for stale in (*RESULTS, "Makefile", CLUSTER, "plan.toml"):
        (folder / stale).unlink(missing_ok=True)
    for backend in ("board", BOARDS, "rtl", "mem", "hls", HOST):
        if (folder / backend).is_dir():
            shutil.rmtree(folder / backend)
    for entry in sorted(fresh.iterdir()):
        old = folder / entry.name
        if old.is_dir():
            shutil.rmtree(old)
        entry.replace(old)


@contextmanager
def held(folder: Path, load: Callable[[Path], T], *, several: bool = False) -> Iterator[T]:
    """What `load` finds in a build folder, which no other command has meanwhile. Raises TomatoError if it is none.

    several: it may be for several boards.
    """
    with refusals("cannot use the build folder", where=folder), ExitStack() as stack:
        check_build(folder, several=several)
        stack.enter_context(in_use(folder))
        found = load(folder)
        kept = stack.pop_all()
    with kept:
        yield found


def check_build(folder: Path, *, several: bool = False) -> None:
    """Raise TomatoError unless `folder` is one that we wrote, for one board; `several`: for any number of them."""
    if not folder.exists():
        raise TomatoError("the folder does not exist", where=str(folder), hint="compile a model first")
    if not (folder / MARKER).exists():
        raise TomatoError(
            "this is not a folder that tomato compile wrote", where=str(folder), hint="compile a model first"
        )
    if (folder / CLUSTER).exists() and not several:
        raise TomatoError(
            "this folder is of several boards, and the command is for one", where=str(folder),
            hint="tomato simulate, evaluate and report take it; what each board needs lies below boards/",
        )  # fmt: skip
