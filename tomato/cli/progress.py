"""What runs and how far it is, on stderr, when a person watches."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager

from tomato.core.progress import Progress, silent


@contextmanager
def progress(quiet: bool) -> Iterator[Progress]:
    """A progress callback that draws bars on a terminal, and does nothing elsewhere or when `quiet`."""
    if quiet or not sys.stderr.isatty():
        yield silent
        return
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        SpinnerColumn,
        TextColumn,
        TimeElapsedColumn,
        TimeRemainingColumn,
    )
    from rich.progress import Progress as Bars

    columns = (SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    times = (TimeElapsedColumn(), TimeRemainingColumn())
    bars = Bars(*columns, *times, console=Console(stderr=True), transient=True)
    tasks: dict[str, int] = {}

    def shown(what: str, done: int, total: int) -> None:
        if what not in tasks:
            for task in bars.task_ids:
                bars.stop_task(task)
            tasks[what] = bars.add_task(what, total=None)
        bars.update(bars.task_ids[tasks[what]], completed=done, total=total or None)

    with bars:
        yield shown
