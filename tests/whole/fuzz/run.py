"""Mutants through the importer, each in a process that may die: python -m tests.whole.fuzz.run COUNT [FIRST]."""

import faulthandler
import multiprocessing
import os
import resource
import sys
import time
import traceback
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from tests.whole.fuzz.judge import CUT, EQUAL, INFINITE, NEAR, REFUSED, UNKNOWN, judge
from tests.whole.fuzz.mutate import mutant

MOST_SECONDS, MOST_BYTES = 10, 2 << 30
PATIENCE = 60
"""Seconds after which a process is killed."""
LARGE = "LARGE"
FINE = frozenset({REFUSED, EQUAL, NEAR, INFINITE, UNKNOWN, CUT})
CHUNK = 50
PROCESSES = len(os.sched_getaffinity(0))


@dataclass(frozen=True)
class Outcome:
    """What became of a mutant: a kind, and what there is to say."""

    seed: int
    kind: str
    said: str = ""

    @property
    def fine(self) -> bool:
        """Whether that may happen."""
        return self.kind in FINE


def outcomes(models: list[Any], seeds: range, processes: int = PROCESSES) -> Iterator[Outcome]:
    """The outcomes of all seeds, in any order."""
    left = [seeds[i : i + CHUNK] for i in range(0, len(seeds), CHUNK)][::-1]
    running: list[_Worker] = []
    while left or running:
        while left and len(running) < processes:
            running.append(_Worker(models, left.pop()))
        for worker in list(running):
            yield from worker.poll()
            if worker.done:
                running.remove(worker)
                if worker.rest:
                    left.append(worker.rest)


class _Worker:
    """A process that goes through some seeds; `rest` are those behind one that it did not survive."""

    def __init__(self, models: list[Any], seeds: range) -> None:
        self.rest, self.done, self.since = seeds, False, time.monotonic()
        context = multiprocessing.get_context("fork")
        self.pipe, theirs = context.Pipe(duplex=False)
        self.process = context.Process(target=_work, args=(models, seeds, theirs))
        self.process.start()
        theirs.close()

    def poll(self) -> Iterator[Outcome]:
        """What is new, waiting a little for it."""
        try:
            if self.pipe.poll(0.05):
                outcome = self.pipe.recv()
                self.since = time.monotonic()
                self.rest = self.rest[1:]
                yield outcome
            elif time.monotonic() - self.since > PATIENCE:
                self.process.kill()
        except EOFError:
            self.process.join()
            self.done = True
            if self.rest and self.process.exitcode:
                yield Outcome(self.rest[0], "DIED", f"exit code {self.process.exitcode}")
                self.rest = self.rest[1:]


def _work(models: list[Any], seeds: range, pipe: Connection) -> None:
    faulthandler.disable()  # what dies is told as an outcome
    resource.setrlimit(resource.RLIMIT_AS, (3 * MOST_BYTES, 3 * MOST_BYTES))
    with Path(os.devnull).open("w") as nowhere:
        os.dup2(nowhere.fileno(), 2)
    for seed in seeds:
        outcome = one(models, seed)
        pipe.send(outcome)
        if outcome.kind == LARGE:
            break  # the peak would count against all behind it


def one(models: list[Any], seed: int) -> Outcome:
    """One mutant, in this process."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / "mutant.onnx"
        path.write_bytes(mutant(models, seed).SerializeToString())
        start = time.process_time()
        try:
            kind, _, said = judge(path, seed).partition(": ")
        except BaseException as error:
            frame = traceback.extract_tb(error.__traceback__)[-1]
            ours = [f for f in traceback.extract_tb(error.__traceback__) if "/tomato/" in f.filename] or [frame]
            place = f"{Path(ours[-1].filename).name}:{ours[-1].lineno}"
            return Outcome(seed, "RAISED", f"{type(error).__name__} {str(error)[:150]!r} at {place}")
        took = time.process_time() - start
    if took > MOST_SECONDS:
        return Outcome(seed, "SLOW", f"{took:.0f} s; {kind}: {said}")
    if (peak := resource.getrusage(resource.RUSAGE_SELF).ru_maxrss << 10) > MOST_BYTES:
        return Outcome(seed, LARGE, f"{peak >> 20} MiB; {kind}: {said}")
    return Outcome(seed, kind, said)


def main() -> int:
    """Run, print what is not fine and a table; 1 if anything is not."""
    from tests.whole.fuzz.corpus import models

    count, first = int(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 0
    seeds, known = models(), Counter[str]()
    start = time.monotonic()
    for number, outcome in enumerate(outcomes(seeds, range(first, first + count)), start=1):
        known[outcome.kind] += 1
        if not outcome.fine:
            print(f"{outcome.seed}: {outcome.kind}: {outcome.said}", flush=True)
        if number % 1000 == 0:
            print(f"... {number:,} in {time.monotonic() - start:.0f} s", flush=True)
    print(f"{count:,} mutants of {len(seeds)} models in {time.monotonic() - start:.0f} s")
    for kind, number in known.most_common():
        print(f"{kind:>14} {number:6,}")
    return int(any(kind not in FINE for kind in known))


if __name__ == "__main__":
    sys.exit(main())
