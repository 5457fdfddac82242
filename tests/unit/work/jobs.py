"""Functions for workers: they must be found where the workers are."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
from threadpoolctl import threadpool_info

from tomato import work
from tomato.core.errors import TomatoError


def rounded(factor: float, seed: int) -> float:
    """What several threads of linear algebra would round otherwise; some of it takes longer."""
    time.sleep(0.1 if seed % 3 == 0 else 0)
    numbers = np.random.default_rng(seed).normal(size=(200, 400))
    return float((np.linalg.inv(numbers @ numbers.T + np.eye(200)) * factor).sum())


def threads(_: int) -> tuple[int, str | None]:
    """The most that linear algebra takes, and what the environment says."""
    return max(library["num_threads"] for library in threadpool_info()), os.environ.get("OMP_NUM_THREADS")


def die_once(folder: Path, n: int) -> int:
    """The first who gets task 2 does not survive it."""
    with (folder / "done").open("a") as file:
        file.write(f"{n}\n")
    if n == 2 and not (folder / "died").exists():
        (folder / "died").touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return n * n


def die(folder: Path, n: int) -> int:
    """Nobody survives task 1."""
    if n == 1:
        with (folder / "deaths").open("a") as file:
            file.write(f"{os.getpid()}\n")
        os.kill(os.getpid(), signal.SIGKILL)
    return n


def refuse(n: int) -> int:
    """The first to be refused is not the first to say so."""
    if n >= 3:
        time.sleep(0.1 if n == 3 else 0)
        raise TomatoError(f"not {n}", where="here", hint="take another")
    return n


def fail(n: int) -> int:
    return 1 // n


class OddError(Exception):
    """Cannot be made again from what it says."""

    def __init__(self, what: str, why: str) -> None:
        super().__init__(f"{what}: {why}")


def fail_oddly(n: int) -> int:
    raise OddError("odd", "very")


def view(values: Any) -> Any:
    return values


def run_a_program(folder: Path, n: int) -> None:
    """For longer than anybody waits; says who runs, and who works."""
    with subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"]) as program:
        part = folder / f"{n}.part"
        part.write_text(f"{os.getpid()} {program.pid}")
        part.rename(folder / f"{n}.pids")


def end_first(folder: Path, n: int) -> None:
    """Task 0 ends as soon as the other has begun, which does not end."""
    if n:
        run_a_program(folder, n)
    while not (folder / "1.pids").exists():
        time.sleep(0.01)


def long_work(folder: Path) -> None:
    """Two workers who have much to do."""
    from functools import partial

    with work.opened(2) as workers:
        workers.map(partial(run_a_program, folder), [0, 1], what="long work")
