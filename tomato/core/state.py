"""Operators with a state: they go through frames step by step, and a step sees what those before it left."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from enum import Enum
from typing import ClassVar

import numpy as np

from tomato.core.formats import Array
from tomato.core.ir import Op, Shape

State = tuple[Array, ...]
"""What is kept from a step to the next: arrays with an axis in front, one entry per frame that is played."""


class Scope(Enum):
    """How long a state lasts."""

    FRAME = "frame"
    """Every frame starts from the initial state: the frames of a batch are independent."""
    SEQUENCE = "sequence"
    """A frame starts from the state that the frame before left, the first of a sequence from the initial one."""


class Stateful(ABC):
    """What an operator that has a state is besides an `Op`: it stands first among the bases of its class.

    The golden meaning follows from `initial` and `step`.

    The state is the node's own: no value of the graph carries it, and the graph stays acyclic. In hardware a
    sequence begins at a reset.
    """

    __slots__ = ()

    restarts: ClassVar[bool] = True
    """Whether results differ when a sequence does not begin with a reset; a count of frames goes on as it is."""

    @property
    @abstractmethod
    def scope(self) -> Scope:
        """How long the state lasts."""

    @property
    @abstractmethod
    def axis(self) -> int | None:
        """Along which axis of a frame the steps go, 0 rows, 1 columns, 2 channels; None: a step is a whole frame."""

    @abstractmethod
    def initial(self, args: Sequence[Shape]) -> State:
        """The state before the first step, of one frame, without an axis for frames; `args` are shapes of a frame."""

    @abstractmethod
    def step(self, state: State, args: Sequence[Array]) -> tuple[State, Array]:
        """The state and the result after one step.

        Arrays have the shape (frames, height, width, channels), with length 1 along `axis`; the frames are
        independent of each other.
        """

    def golden(self, args: Sequence[Array]) -> Array:
        """Every frame from the initial state, or all of them, in their order, as one sequence from its start."""
        return self.play(self.start(args), args)[1]

    def start(self, args: Sequence[Array]) -> State:
        """The initial state, for a batch of frames: one for each, or one for the sequence that they are."""
        count = len(args[0]) if self.scope is Scope.FRAME else 1
        return tuple(np.broadcast_to(part, (count, *part.shape)) for part in self.initial([x.shape[1:] for x in args]))

    def play(self, state: State, args: Sequence[Array]) -> tuple[State, Array]:
        """The state and the results after a batch of frames: side by side, or one after the other in a sequence."""
        if self.scope is Scope.FRAME:
            return self._frames(state, args)
        results = []
        for i in range(len(args[0])):
            state, result = self._frames(state, [x[i : i + 1] for x in args])
            results.append(result)
        return state, np.concatenate(results)

    def _frames(self, state: State, args: Sequence[Array]) -> tuple[State, Array]:
        """All steps of frames that are independent of each other."""
        if self.axis is None:
            return self.step(state, args)
        along, results = self.axis + 1, []
        for i in range(args[0].shape[along]):
            state, result = self.step(state, [x.take([i], along) for x in args])
            results.append(result)
        return state, np.concatenate(results, along)


def lasting(op: Op) -> bool:
    """Whether what an operator makes of a frame depends on the frames before it: their order matters."""
    return isinstance(op, Stateful) and op.scope is Scope.SEQUENCE and op.restarts
