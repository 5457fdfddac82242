"""Workers that are processes on this machine: each has a session and a folder for what is temporary."""

import os
import signal
import socket
import subprocess
import sys
import tempfile
from collections import Counter, deque
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from multiprocessing.connection import Connection, wait
from pathlib import Path
from typing import Self

from tomato.core.threads import ALONE
from tomato.work.calls import Outcome, key_of, loaded
from tomato.work.elsewhere import TRIES, Died, Elsewhere, Pending

START = "import sys; sys.path[:] = sys.argv[2:]; from tomato.work.process import main; main(int(sys.argv[1]))"
"""Finds modules where this process does; nothing else of it is inherited, least of all a copy of its memory."""
HINT = "where memory ran out, fewer workers need less"


class Worker:
    """A process, and the connection to it. What it starts ends with it, and it ends when this process does."""

    def __init__(self, folder: Path) -> None:
        ours, theirs = socket.socketpair()
        with theirs:
            command = [sys.executable, "-c", START, str(theirs.fileno()), *sys.path]
            surroundings = os.environ | ALONE | {"TMPDIR": str(folder)}
            self.process = subprocess.Popen(
                command, env=surroundings, stdin=subprocess.DEVNULL, pass_fds=[theirs.fileno()], start_new_session=True
            )
        self.connection = Connection(ours.detach())

    def end(self) -> str:
        """Ends the process, with all that it started; how it ended, in words."""
        if self.process.returncode is None:
            with suppress(ProcessLookupError):
                os.killpg(self.process.pid, signal.SIGKILL)
        code = self.process.wait()
        self.connection.close()
        return f"killed by {signal.Signals(-code).name}" if code < 0 else f"it ended with exit code {code}"


class Processes(Elsewhere):
    """At most `count` processes, started when there is work for them."""

    def __init__(self, count: int, folder: Path) -> None:
        self._count, self._folder = count, folder
        self._started: list[Worker] = []
        self._idle: list[Worker] = []

    @classmethod
    @contextmanager
    def started(cls, count: int) -> Iterator[Self]:
        """Processes for a while."""
        with tempfile.TemporaryDirectory(prefix="tomato-", ignore_cleanup_errors=True) as folder:
            processes = cls(count, Path(folder))
            try:
                yield processes
            finally:
                for worker in processes._started:
                    worker.end()

    @property
    def count(self) -> int:
        return self._count

    def _start(self) -> Worker:
        self._started.append(Worker(self._folder))
        return self._started[-1]

    def _outcomes(self, function: bytes, pending: Pending) -> Iterator[tuple[int, Outcome | Died]]:
        key = key_of(function)
        path = self._folder / f"{key}.pickle"
        path.write_bytes(function)
        busy: dict[Connection, tuple[Worker, int, bytes]] = {}
        again: deque[tuple[int, bytes]] = deque()
        deaths = Counter[int]()
        try:
            while True:
                while len(busy) < self._count and (given := again.popleft() if again else next(pending, None)):
                    worker = self._idle.pop() if self._idle else self._start()
                    busy[worker.connection] = (worker, *given)
                    with suppress(BrokenPipeError, ConnectionResetError):  # it died: that shows below
                        worker.connection.send((key, str(path)))
                        worker.connection.send_bytes(given[1])
                if not busy:
                    return
                for connection in wait(list(busy)):
                    assert isinstance(connection, Connection)
                    worker, place, task = busy[connection]
                    try:
                        data = connection.recv_bytes()
                    except (EOFError, ConnectionResetError):
                        del busy[connection]
                        how = worker.end()
                        deaths[place] += 1
                        if deaths[place] < TRIES:
                            again.append((place, task))
                        else:
                            yield place, Died(how, HINT)
                        continue
                    del busy[connection]
                    self._idle.append(worker)
                    yield place, loaded(data)
        finally:
            for worker, _, _ in busy.values():
                worker.end()
            path.unlink(missing_ok=True)
