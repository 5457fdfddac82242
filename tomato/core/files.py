"""The border to the file system: whatever it or a reader of somebody's file refuses becomes one clear error."""

import shutil
import tomllib
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from textwrap import shorten
from typing import Any

from tomato.core.assets import tool
from tomato.core.errors import TomatoError

LOCK = ".lock"
"""File in a build folder while a command works there."""


@contextmanager
def refusals(what: str = "the system refuses", *, where: object = "") -> Iterator[None]:
    """What the system refuses within becomes a TomatoError: files, names that no file can have, memory.

    `where` is named unless the refusal itself names a file. Also a decorator.
    """
    try:
        yield
    except BrokenPipeError:
        raise
    except OSError as reason:
        place, hint = _place(reason) or str(where), ""
        if isinstance(reason, FileNotFoundError) and not _stands():
            hint = "the working directory was deleted: change to another"
        raise TomatoError(f"{what}: {reason.strerror or reason}", where=place, hint=hint) from reason
    except MemoryError as reason:
        raise TomatoError(f"{what}: out of memory", where=str(where)) from reason
    except ValueError as reason:
        if isinstance(reason, UnicodeError) or "null byte" in str(reason):
            raise TomatoError(f"{what}: no file has such a name", where=repr(str(where)) if where else "") from reason
        raise


@contextmanager
def reading(what: str, *, where: object, hint: str = "") -> Iterator[None]:
    """Whatever a reader of a foreign file raises within becomes a TomatoError: `what`, and why.

    Readers of archives and pictures raise all kinds of exceptions at damaged bytes, and promise none.
    """
    try:
        yield
    except TomatoError:
        raise
    except Exception as reason:
        why = shorten(str(reason), 200, placeholder=" ...") or type(reason).__name__
        text = reason.strerror if isinstance(reason, OSError) and reason.strerror else why
        raise TomatoError(f"{what}: {text}", where=str(where), hint=hint) from reason


def _place(reason: OSError) -> str:
    """The files that an error of the system names, the last one first."""
    named = reason.filename2 or reason.filename
    return "" if named is None else str(named)


def _stands() -> bool:
    """Whether there is a working directory."""
    try:
        Path.cwd()
    except FileNotFoundError:
        return False
    return True


@contextmanager
def in_use(folder: Path) -> Iterator[None]:
    """Have a build folder alone. Raises TomatoError where another command has it."""
    keeper = tool("alone")
    with ExitStack() as held:
        try:
            held.enter_context(keeper.in_use(folder))
        except keeper.InUseError as reason:
            hint = "wait until it ends, or stop it"
            raise TomatoError(str(reason), where=str(folder), hint=hint) from reason
        yield


def read_toml(path: Path, what: str) -> dict[str, Any]:
    """The tables of a TOML file, with or without a byte-order mark. `what` it is, in errors: "the plan".

    Raises TomatoError when it cannot be read or is no TOML; FileNotFoundError passes.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        raise
    except (OSError, ValueError) as reason:
        why = reason.strerror if isinstance(reason, OSError) else reason
        raise TomatoError(f"cannot read {what}: {why}", where=str(path)) from reason
    try:
        return tomllib.loads(text)
    except (ValueError, RecursionError) as reason:
        raise TomatoError(f"{what} is not valid TOML: {reason}", where=str(path)) from reason


def toml_string(text: str) -> str:
    """A text as a TOML string."""
    return '"' + "".join(_toml_character(c) for c in text) + '"'


def _toml_character(c: str) -> str:
    if c in '"\\':
        return f"\\{c}"
    if c.isprintable():
        return c
    return "?" if "\ud800" <= c <= "\udfff" else f"\\U{ord(c):08x}"


def share(path: Path, name: Path) -> None:
    """Give a file, which may be large, another name; a copy where the file system knows no such names."""
    try:
        name.hardlink_to(path)
    except OSError:
        shutil.copyfile(path, name)


def write_text(path: Path, text: str) -> None:
    """Write a text as UTF-8; what is no character (half of a surrogate pair) as an escape."""
    path.write_text(text, encoding="utf-8", errors="backslashreplace")
