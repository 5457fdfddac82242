"""What a worker's process runs."""

import os
import signal
from multiprocessing.connection import Connection
from pathlib import Path
from queue import SimpleQueue
from threading import Thread
from typing import Any

from tomato.work.calls import call


def main(handle: int) -> None:
    """Do the tasks that come through a socket, until the process that sends them closes it or ends."""
    os.set_inheritable(handle, False)
    connection = Connection(handle)
    tasks = SimpleQueue[Any]()
    Thread(target=_receive, args=(connection, tasks), daemon=True).start()
    while True:
        key, path, task = tasks.get()
        connection.send_bytes(call(key, Path(path).read_bytes, task))


def _receive(connection: Connection, tasks: "SimpleQueue[Any]") -> None:
    """Queue what comes. When nothing can come any more, end this process and all that it started, busy or not."""
    try:
        while True:
            tasks.put((*connection.recv(), connection.recv_bytes()))
    except (EOFError, OSError):
        os.killpg(0, signal.SIGKILL)
