"""Workers outside of this process: what travels, and what becomes of errors."""

from abc import abstractmethod
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from tomato.core.errors import TomatoError
from tomato.work.calls import Outcome, dumped
from tomato.work.workers import R, T, Workers

TRIES = 3
"""Workers that may die of a task before it is given up."""
Pending = Iterator[tuple[int, bytes]]
"""Tasks that are still to be begun: the place of each, and its pickle."""


@dataclass(frozen=True, slots=True)
class Died:
    """A task that was given up, as one worker after the other died of it: how, in words, and what may help."""

    how: str
    hint: str

    def error(self, where: str) -> TomatoError:
        """What the user is told."""
        return TomatoError(f"one worker after the other died at the same task: {self.how}", where=where, hint=self.hint)


class Elsewhere(Workers):
    """Workers that get pickles and give pickles."""

    def run(
        self, function: Callable[[T], R], tasks: Sequence[T], *, what: str, name: Callable[[T], str] = str
    ) -> Iterator[tuple[int, R]]:
        failed: dict[int, BaseException] = {}
        left = set(range(len(tasks)))

        def pending() -> Pending:
            for place, task in enumerate(tasks):
                if failed:
                    return
                yield place, dumped(task)

        for place, outcome in self._outcomes(dumped(function), pending()):
            left.discard(place)
            if isinstance(outcome, Died):
                failed[place] = outcome.error(f"{what}: {name(tasks[place])}")
            elif outcome.error is not None:
                failed[place] = outcome.error
            elif not failed:
                yield place, outcome.result
            if failed and min(failed) < min(left, default=len(tasks)):
                raise failed[min(failed)]

    @abstractmethod
    def _outcomes(self, function: bytes, pending: Pending) -> Iterator[tuple[int, Outcome | Died]]:
        """What became of every task, as it comes; from `pending` it takes the next when there is room."""
