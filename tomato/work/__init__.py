"""Independent pieces of work, done in this process, by several on this machine, or on many machines.

What comes out does not depend on who works, nor on how many: see docs/workers.md.
"""

from collections.abc import Iterator
from contextlib import contextmanager

from tomato.core.errors import TomatoError, check_number
from tomato.work.workers import HERE, Workers


@contextmanager
def opened(count: int = 1, scheduler: str | None = None) -> Iterator[Workers]:
    """Workers for a while: `count` processes on this machine (1: this process), or those of a Dask scheduler.

    At the end nothing that they started runs any more. Raises TomatoError for a count that is none, for both a count
    and a scheduler, without Dask's distributed, and where no scheduler with workers answers.
    """
    check_number("workers", count, 1)
    if count != int(count):
        raise TomatoError(f"workers must be a whole number, not {count}")
    if scheduler is not None:
        if count > 1:
            raise TomatoError(
                "--workers and --scheduler both say who works",
                hint="give --workers for processes on this machine, or --scheduler for those of a Dask scheduler",
            )
        from tomato.work.cluster import Cluster

        with Cluster.joined(scheduler) as cluster:
            yield cluster
    elif count > 1:
        from tomato.work.processes import Processes

        with Processes.started(int(count)) as processes:
            yield processes
    else:
        yield HERE


__all__ = ["HERE", "Workers", "opened"]
