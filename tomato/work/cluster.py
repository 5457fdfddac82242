"""Workers of a Dask scheduler, on however many machines."""

import asyncio
import logging
import warnings
from collections import deque
from collections.abc import Iterator
from concurrent.futures import CancelledError
from contextlib import contextmanager
from itertools import count
from queue import Empty, SimpleQueue
from time import monotonic
from types import ModuleType
from typing import Any, Self
from uuid import uuid4

from tomato.core.errors import TomatoError
from tomato.version import __version__
from tomato.work.calls import Outcome, call, key_of, loaded
from tomato.work.elsewhere import Died, Elsewhere, Pending

PATIENCE = 10.0
"""Seconds for a scheduler to answer, and for workers to be there."""
ALOOF = 60.0
"""Seconds without any worker after which the work is given up: time for those that died to be started again."""
AHEAD = 2
"""Tasks on their way for each that is worked on: the next is there when one ends."""
START = "start one with: dask scheduler, and "
JOIN = "on every machine: dask worker {address} --nworkers N --nthreads 1"
HINT = "the log of the worker may say why; where memory ran out, fewer workers a machine need less"


class Cluster(Elsewhere):
    """All workers that a scheduler has at any time; those that come later join in, those that leave are missed."""

    near = False

    def __init__(self, address: str, client: Any, distributed: ModuleType) -> None:
        self._address, self._client, self._distributed = address, client, distributed
        self._numbers, self._name = count(), uuid4().hex
        self._threads, self._asked = 0, 0.0

    @classmethod
    @contextmanager
    def joined(cls, address: str) -> Iterator[Self]:
        """The workers that the scheduler at an address has. Raises TomatoError where there are none of this version."""
        try:
            import distributed
        except ImportError as reason:
            raise TomatoError(
                "--scheduler needs Dask's distributed, which is not installed", hint="pip install 'tomato[cluster]'"
            ) from reason
        for name in ("distributed", "distributed.client"):
            logging.getLogger(name).setLevel(logging.CRITICAL)  # what goes wrong is told as an error
        try:
            client = distributed.Client(address, timeout=PATIENCE, set_as_default=False)
        except (Exception, asyncio.CancelledError) as reason:  # what it is depends on how far Dask got
            hint = START + JOIN.format(address=address)
            raise TomatoError("no Dask scheduler answers", where=address, hint=hint) from reason
        try:
            cluster = cls(address, client, distributed)
            cluster._check()
            yield cluster
        finally:
            client.close(timeout=PATIENCE)

    @property
    def count(self) -> int:
        return max(1, self._room())

    def _check(self) -> None:
        """Raise TomatoError unless there are workers, with this version of Tomato."""
        try:
            self._client.wait_for_workers(1, timeout=PATIENCE)
        except TimeoutError as reason:
            hint = f"start them {JOIN.format(address=self._address)}"
            raise TomatoError("the Dask scheduler has no workers", where=self._address, hint=hint) from reason
        for worker, found in self._client.run(_version, on_error="return").items():
            if found != __version__:
                has = f"has Tomato {found}" if isinstance(found, str) else f"cannot load Tomato: {found}"
                raise TomatoError(
                    f"a worker {has}, this is {__version__}", where=worker, hint="install the same on every machine"
                )

    def _outcomes(self, function: bytes, pending: Pending) -> Iterator[tuple[int, Outcome | Died]]:
        key = key_of(function)
        ended = SimpleQueue[Any]()
        running: dict[Any, tuple[int, bytes]] = {}
        suspects = deque[tuple[int, bytes]]()
        alone = False
        with _large():
            sent = self._client.submit(bytes, function, key=self._fresh("function"))  # made again where it is lost

        def begin(place: int, task: bytes) -> None:
            with _large():
                future = self._client.submit(_there, key, sent, task, key=self._fresh("task"))
            running[future] = place, task
            future.add_done_callback(ended.put)

        try:
            while True:
                while not suspects and not alone and len(running) < AHEAD * self.count:
                    if (given := next(pending, None)) is None:
                        break
                    begin(*given)
                if suspects and not running:
                    begin(*suspects.popleft())
                    alone = True
                if not running:
                    return
                future = self._next(ended)
                place, task = running.pop(future)
                outcome = self._outcome(future)
                if isinstance(outcome, Died) and not alone:
                    suspects.append((place, task))  # Dask blames all that a worker had, not only what it died of
                    continue
                alone = False
                yield place, outcome
        finally:
            self._client.cancel([*running, sent])

    def _next(self, ended: "SimpleQueue[Any]") -> Any:
        """The next future that has ended. Raises TomatoError where nobody is left to end one."""
        since = monotonic()
        while True:
            try:
                return ended.get(timeout=1.0)
            except Empty:
                since = self._still(since)

    def _outcome(self, future: Any) -> Outcome | Died:
        """What became of a task that has ended: it may begin again, as a result is lost with its worker.

        Raises TomatoError where it never got to a worker of ours.
        """
        since = monotonic()
        while True:
            try:
                return _outcome_of(future.result(timeout=ALOOF))
            except TimeoutError:
                since = self._still(since)
            except CancelledError:
                raise TomatoError("the connection to the Dask scheduler broke", where=self._address) from None
            except self._distributed.KilledWorker:
                return Died("Dask has given it up", HINT)
            except Exception as error:  # of Dask: those of tasks are outcomes
                return Outcome(error=error)

    def _still(self, since: float) -> float:
        """Since when there are no workers: now, if there are. Raises TomatoError where that is too long ago."""
        if self._room():
            return monotonic()
        if monotonic() - since >= ALOOF:
            raise TomatoError("the Dask scheduler has no workers any more", where=self._address)
        return since

    def _fresh(self, what: str) -> str:
        return f"tomato-{what}-{self._name}-{next(self._numbers)}"

    def _room(self) -> int:
        """Tasks that all workers do at the same time, known since a second at most."""
        if self._client.status != "running":
            return 0
        if monotonic() - self._asked > 1.0:
            self._threads = sum(self._client.nthreads().values())
            self._asked = monotonic()
        return self._threads


def _version() -> str:
    return __version__


def _there(key: str, function: bytes, task: bytes) -> bytes:
    """A task, in a worker of the cluster."""
    return call(key, lambda: function, task)


def _outcome_of(data: bytes) -> Outcome:
    found = loaded(data)
    assert isinstance(found, Outcome)
    return found


@contextmanager
def _large() -> Iterator[None]:
    """Without Dask's warning that what is sent is large: the scheduler keeps it, so that it outlives any worker."""
    with warnings.catch_warnings(action="ignore", category=UserWarning):
        yield
