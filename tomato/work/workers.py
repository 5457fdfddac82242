"""What all workers have in common, and the simplest: this process."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from typing import TypeVar

from tomato.core.progress import Progress, silent
from tomato.core.threads import one_thread

T = TypeVar("T")
R = TypeVar("R")


class Workers(ABC):
    """Who works on independent tasks.

    A function and its tasks may be pickled, and so may results: the function is one of a module, a method, or a
    partial of either, and does not depend on what was called before. It travels once, the tasks one by one: what they
    share belongs to the function. Linear algebra takes one thread in every task.
    """

    near = True
    """Whether tasks see the files of this machine."""

    @property
    @abstractmethod
    def count(self) -> int:
        """Tasks that are worked on at the same time."""

    @abstractmethod
    def run(
        self, function: Callable[[T], R], tasks: Sequence[T], *, what: str, name: Callable[[T], str] = str
    ) -> Iterator[tuple[int, R]]:
        """The place of each task and its result, as they come.

        what, name: what is done, and the words for one task, in errors. A task whose worker dies is given to another.
        Raises what a task raises, of several the first one's exception whoever works, and TomatoError for a task
        of which one worker after the other dies; what has not begun by then is not done.
        """

    def map(
        self, function: Callable[[T], R], tasks: Sequence[T], progress: Progress = silent, *, what: str,
        name: Callable[[T], str] = str,
    ) -> list[R]:  # fmt: skip
        """The results of all tasks, in the order of the tasks. Raises what `run` does."""
        found: dict[int, R] = {}
        progress(what, 0, len(tasks))
        for place, result in self.run(function, tasks, what=what, name=name):
            found[place] = result
            progress(what, len(found), len(tasks))
        return [found[place] for place in range(len(tasks))]

    def stream(
        self, function: Callable[[T], R], tasks: Sequence[T], *, what: str, name: Callable[[T], str] = str
    ) -> Iterator[R]:
        """The results in the order of the tasks, each as soon as those before it are there. Raises what `run` does."""
        waiting: dict[int, R] = {}
        given = 0
        for place, result in self.run(function, tasks, what=what, name=name):
            waiting[place] = result
            while given in waiting:
                yield waiting.pop(given)
                given += 1


class Here(Workers):
    """This process, one task after the other; nothing is pickled."""

    @property
    def count(self) -> int:
        return 1

    def run(
        self, function: Callable[[T], R], tasks: Sequence[T], *, what: str, name: Callable[[T], str] = str
    ) -> Iterator[tuple[int, R]]:
        for place, task in enumerate(tasks):
            with one_thread():
                result = function(task)
            yield place, result


HERE = Here()
