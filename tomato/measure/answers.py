"""What the accelerator and its model's runtime answer to frames, by values alone: no file, wherever it is asked."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Self

import numpy as np

from tomato import frontend
from tomato.core.formats import Array
from tomato.core.interface import Port, Reading, Slot, graph_values
from tomato.core.interpret import BATCH, in_batches, interpret
from tomato.core.ir import Graph
from tomato.core.progress import Progress, silent
from tomato.core.state import Scope, Stateful
from tomato.host.ends import Host
from tomato.host.golden import Golden
from tomato.host.runtime import answer, ranked
from tomato.measure.agreement import Prepared, arithmetic, prepared, saturates
from tomato.work import Workers

FRAMES = 32
"""Frames of a task: always as many, so that nothing depends on how many workers there are."""


@dataclass(frozen=True, slots=True)
class Answers:
    """Values of the outputs.

    chip, exact: of the accelerator and of the runtime, as the chip gives them. results, whole: of both with what the
    host does behind. plain: of the runtime for the model as it is, where that may saturate.
    """

    chip: tuple[Array, ...]
    exact: tuple[Array, ...]
    results: tuple[Array, ...]
    whole: tuple[Array, ...]
    plain: tuple[Array, ...] | None

    @classmethod
    def joined(cls, parts: Sequence[Self]) -> Self:
        """Those of frames one after the other."""

        def join(columns: Sequence[tuple[Array, ...]]) -> tuple[Array, ...]:
            return tuple(np.concatenate(column) for column in zip(*columns, strict=True))

        return cls(
            join([p.chip for p in parts]), join([p.exact for p in parts]), join([p.results for p in parts]),
            join([p.whole for p in parts]),
            None if parts[0].plain is None else join([p.plain for p in parts if p.plain is not None]),
        )  # fmt: skip


@dataclass(frozen=True, slots=True, eq=False)
class Part:
    """Some of the frames, and the number of the first."""

    first: int
    frames: tuple[Array, ...]

    def __str__(self) -> str:
        return f"{self.first} to {self.first + len(self.frames[0]) - 1}"


@dataclass(frozen=True)
class Runtime:
    """A model in ONNX Runtime."""

    model: Prepared
    inputs: tuple[Slot | Port, ...]
    outputs: tuple[str, ...]

    @cached_property
    def _session(self) -> Any:
        return self.model.open()

    def __call__(self, frames: Sequence[Array], progress: Progress) -> tuple[Array, ...]:
        """The outputs, computed in batches if the model takes batches."""
        known = {i.name: i for i in self._session.get_inputs()}
        fixed = [i.shape[0] for i in known.values() if i.shape and isinstance(i.shape[0], int)]
        step = min([BATCH, *fixed])
        found: list[list[Array]] = [[] for _ in self.outputs]
        for start in range(0, len(frames[0]), step):
            progress("ONNX Runtime", start, len(frames[0]))
            feed = {p.name: _suit(known[p.name], f[start : start + step], step, bool(fixed))
                    for p, f in zip(self.inputs, frames, strict=True)}  # fmt: skip
            for column, values in zip(found, answer(self._session, self.outputs, feed), strict=True):
                column.append(values)
        progress("ONNX Runtime", len(frames[0]), len(frames[0]))
        return tuple(np.concatenate(column)[: len(frames[0])] for column in found)


@dataclass(frozen=True)
class Definition:
    """A QONNX model by its definition: its own operators, in float64."""

    graph: Graph
    inputs: tuple[Port, ...]
    outputs: tuple[Port, ...]

    def __call__(self, frames: Sequence[Array], progress: Progress) -> tuple[Array, ...]:
        """The outputs."""
        feed = graph_values(self.graph, self.inputs, frames)
        parts = [interpret(self.graph, batch) for batch in in_batches(feed)]
        values = [(p, np.concatenate([part[p.value] for part in parts])) for p in self.outputs]
        return tuple(port.typed(port.finish(port.from_graph(value))) for port, value in values)


@dataclass(frozen=True)
class Both:
    """The accelerator, the host's part around it, and its model in its runtime.

    reference: what the chip computes. whole: the model in the file, where the chip computes another one. plain: the
    model as it is, where the reference is a twin of it because the runtime saturates here.
    """

    accelerator: Golden
    host: Host | None
    reference: Runtime | Definition
    whole: Runtime | None = None
    plain: Runtime | None = None

    @classmethod
    def of(cls, accelerator: Golden) -> Self:
        """Raises TomatoError where the model cannot be read any more."""
        model, reading, whose = accelerator.model, accelerator.reading, arithmetic(accelerator)
        takes, gives = accelerator.inputs, tuple(p.name for p in accelerator.outputs)
        if whose == "qonnx":
            imported = frontend.load(model, reading)
            return cls(accelerator, accelerator.host, Definition(imported.graph, takes, imported.outputs))
        whole = plain = None
        if reading.changes:
            as_given = Reading(reading.sizes, states=reading.states)
            slots, names = tuple(accelerator.takes), tuple(s.name for s in accelerator.gives)
            whole = Runtime(prepared(model, as_given, exact=False), slots, names)
        if whose == "onnxruntime" and saturates() and frontend.twin(model, reading) is not None:
            plain = Runtime(prepared(model, reading, integers=True, exact=False), takes, gives)
        reference = Runtime(prepared(model, reading, integers=bool(whose)), takes, gives)
        return cls(accelerator, accelerator.host, reference, whole, plain)

    @property
    def ordered(self) -> bool:
        """Whether an answer depends on the frames before: there is one sequence of them then."""
        ops = (node.op for node in self.accelerator.graph)
        kept = any(isinstance(op, Stateful) and op.scope is Scope.SEQUENCE for op in ops)
        return kept or bool(self.accelerator.reading.states)

    def part(self, part: Part) -> Answers:
        """What both say to some frames."""
        return self.answers(part.frames)

    def answers(self, frames: tuple[Array, ...], progress: Progress = silent) -> Answers:
        """What both say to frames of the whole model."""
        given = self.host.enter(frames) if self.host else frames
        chip = self.accelerator.chip(*given, progress=progress)
        exact = _like(chip, self.reference(given, progress))
        results, whole = (self.host.leave(frames, x) if self.host else x for x in (chip, exact))
        if self.whole:
            whole = self.whole(frames, progress)
        plain = self.plain(given, progress) if self.plain else None
        return Answers(chip, exact, results, _like(results, whole), plain)


def ask(accelerator: Golden, frames: tuple[Array, ...], workers: Workers, progress: Progress) -> Answers:
    """What the accelerator and its model's runtime answer to frames, a few of them in every task.

    Frames that are one sequence are no tasks: this process goes through them. Raises TomatoError without ONNX Runtime.
    """
    both, count = Both.of(accelerator), len(frames[0])
    if both.ordered:
        return both.answers(frames, progress)
    tasks = [Part(i, tuple(f[i : i + FRAMES] for f in frames)) for i in range(0, count, FRAMES)]

    def told(what: str, done: int, _: int) -> None:
        progress(what, min(done * FRAMES, count), count)

    return Answers.joined(workers.map(both.part, tasks, told, what="Frames"))


def _like(wanted: Sequence[Array], found: Sequence[Array]) -> tuple[Array, ...]:
    return tuple(f.reshape(w.shape) for w, f in zip(wanted, found, strict=True))


def _suit(wanted: Any, frames: Array, step: int, fixed: bool) -> Array:
    """A batch in the rank that the model declares, filled up to a fixed batch."""
    short = step - len(frames) if fixed else 0
    filled = np.concatenate([frames, frames[-1:].repeat(short, axis=0)]) if short else frames
    return ranked(filled, len(wanted.shape))
