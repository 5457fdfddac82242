"""Who else runs ONNX models: ONNX Runtime, or where that is not installed onnx's reference evaluator."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from tomato import frontend
from tomato.core.errors import TomatoError
from tomato.core.formats import Array

CANNOT = "ONNX Runtime cannot run the model"


def open_session(model: str | bytes, *entries: tuple[str, str], what: str = CANNOT) -> Any:
    """An ONNX Runtime session on the CPU, of one thread, with entries of its configuration.

    ImportError where it is not installed; TomatoError, saying `what`, where it does not take the model.
    """
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    options.intra_op_num_threads = options.inter_op_num_threads = 1  # answers do not depend on the processor's cores
    for entry in entries:
        options.add_session_config_entry(*entry)
    with _told(what):
        return onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])


def runner(model: bytes, what: str = CANNOT) -> Any:
    """Something with a session's `run` and `get_inputs`, whatever is installed. TomatoError as in `open_session`."""
    try:
        return open_session(model, what=what)
    except ImportError:
        return frontend.reference_session(model)


@dataclass
class Sequel:
    """A session that keeps the states of a model: what outputs were goes into inputs with the next frame.

    It takes frames one at a time, in their order, from the beginning of a sequence on.
    """

    session: Any
    states: Mapping[str, str]
    kept: dict[str, Array] = field(default_factory=dict)

    def get_inputs(self) -> list[Any]:
        """Those that carry no state."""
        return [FrameOf(i.name, [1, *i.shape[1:]]) for i in self.session.get_inputs() if i.name not in self.states]

    def run(self, names: Sequence[str] | None, feed: Mapping[str, Array]) -> list[Array]:
        """Outputs by name, for the next frame."""
        names = [o.name for o in self.session.get_outputs()] if names is None else list(names)
        if not self.kept:
            sizes = {i.name: [n if isinstance(n, int) else 1 for n in i.shape] for i in self.session.get_inputs()}
            self.kept = {name: np.zeros(sizes[name], np.float32) for name in self.states}
        values = self.session.run([*names, *self.states.values()], {**feed, **self.kept})
        self.kept = dict(zip(self.states, values[len(names) :], strict=True))
        return list(values[: len(names)])


@dataclass(frozen=True)
class FrameOf:
    """An input: its name, and its sizes for one frame."""

    name: str
    shape: list[Any]


def answer(runtime: Any, names: Sequence[str] | None, feed: Mapping[str, Array], what: str = CANNOT) -> list[Array]:
    """What a session computes for one feed. Raises TomatoError, saying `what`, when it cannot."""
    with _told(what):
        return [np.asarray(values) for values in runtime.run(names, dict(feed))]


def ranked(frames: Array, rank: int) -> Array:
    """A batch in the rank that a model declares: without its batch of one, if the model has none."""
    return frames if frames.ndim == rank else frames.reshape(frames.shape[1:])


@contextmanager
def _told(what: str) -> Iterator[None]:
    """Errors of a runtime, whose kinds have no base in common, as TomatoError."""
    try:
        yield
    except Exception as reason:
        raise TomatoError(f"{what}: {str(reason).splitlines()[0]}") from reason
