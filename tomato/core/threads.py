"""How many threads linear algebra takes: one, where a result must not depend on the machine's cores."""

from collections.abc import Iterator
from contextlib import contextmanager

from threadpoolctl import threadpool_limits

ALONE = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}
"""The environment of a process in which no library is to start more threads than one."""


@contextmanager
def one_thread() -> Iterator[None]:
    """NumPy's and SciPy's linear algebra takes one thread within.

    An inverse or a factor that several threads compute is rounded otherwise than one thread's.
    """
    with threadpool_limits(limits=1):
        yield
