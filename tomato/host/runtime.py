"""Who else runs ONNX models: ONNX Runtime, or where that is not installed onnx's reference evaluator."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np

from tomato import frontend
from tomato.core.errors import TomatoError
from tomato.core.formats import Array

CANNOT = "ONNX Runtime cannot run the model"


def open_session(model: str | bytes, *entries: tuple[str, str], what: str = CANNOT) -> Any:
    """An ONNX Runtime session on the CPU with entries of its configuration.

    ImportError where it is not installed; TomatoError, saying `what`, where it does not take the model.
    """
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
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
