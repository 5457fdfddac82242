"""A build folder belongs to one command at a time. Stands alone: needs nothing but the standard library."""

import contextlib
import fcntl
import os
from collections.abc import Iterator
from pathlib import Path

LOCK = ".lock"
"""File in a build folder that is locked while a command works there. It holds the number of the command's process."""


class InUseError(Exception):
    """Another command has the folder; the text says which."""


@contextlib.contextmanager
def in_use(folder: Path) -> Iterator[None]:
    """Have a folder alone. Raises InUseError where another process, or another thread of this one, has it.

    The system releases the lock when a process ends, however it ends.
    """
    path = folder / LOCK
    handle = _locked(path)
    try:
        os.truncate(handle, 0)
        os.write(handle, f"{os.getpid()}\n".encode())
        yield
    finally:
        with contextlib.suppress(FileNotFoundError):
            path.unlink()
        os.close(handle)


def _locked(path: Path) -> int:
    """The lock's file, open and locked: the one that is there now, not one that its last owner took away."""
    while True:
        handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if _is(path, handle):
                return handle
        except BlockingIOError as reason:
            owner = os.pread(handle, 32, 0).decode(errors="replace").strip()
            os.close(handle)
            of = f" (pid {owner})" if owner else ""
            raise InUseError(f"the folder is in use by another tomato command{of}") from reason
        except BaseException:
            os.close(handle)
            raise
        os.close(handle)


def _is(path: Path, handle: int) -> bool:
    """Whether an open file is the one at a path."""
    try:
        return os.path.samestat(path.stat(), os.fstat(handle))
    except FileNotFoundError:
        return False
