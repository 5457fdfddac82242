"""Functions for workers: they must be found where the workers are."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np

from tomato.core.errors import TomatoError


def square(n: int) -> int:
    return n * n


def total(factor: float, numbers: np.ndarray) -> float:
    """A sum whose rounding depends on the order of its terms, and a product that linear algebra computes."""
    return float((np.linalg.inv(numbers @ numbers.T + np.eye(len(numbers))) * factor).sum())


def die_once(folder: Path, n: int) -> int:
    """The first who gets task 2 does not survive it."""
    if n == 2:
        try:
            (folder / "died").touch(exist_ok=False)
        except FileExistsError:
            return square(n)
        os.kill(os.getpid(), signal.SIGKILL)
    return square(n)


def die(folder: Path, n: int) -> int:
    """Nobody survives task 1."""
    if n == 1:
        with (folder / "deaths").open("a") as file:
            file.write(f"{os.getpid()}\n")
        os.kill(os.getpid(), signal.SIGKILL)
    return n


def refuse(n: int) -> int:
    if n >= 3:
        raise TomatoError(f"not {n}", where="here", hint="take another")
    return n


def fail(n: int) -> int:
    return 1 // n


def sleep(folder: Path, n: int) -> None:
    """A task that runs another program, for longer than anybody waits."""
    with subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"]) as program:
        (folder / f"{n}.part").write_text(f"{os.getpid()} {program.pid}")
        (folder / f"{n}.part").rename(folder / f"{n}.pids")
