"""A call on its way to a worker and back, as bytes."""

import io
import pickle
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from hashlib import sha256
from types import MappingProxyType
from typing import Any

from tomato.core.threads import one_thread


@dataclass(frozen=True, slots=True)
class Outcome:
    """The result of a task, or what it raised."""

    result: Any = None
    error: BaseException | None = None


class _Pickler(pickle.Pickler):
    """Knows views of mappings, too, which our values hold."""

    def reducer_override(self, value: Any) -> Any:
        return (_view, (dict(value),)) if isinstance(value, MappingProxyType) else NotImplemented


def _view(of: dict[Any, Any]) -> MappingProxyType[Any, Any]:
    return MappingProxyType(of)


def dumped(value: Any) -> bytes:
    """A value as bytes."""
    buffer = io.BytesIO()
    _Pickler(buffer, pickle.HIGHEST_PROTOCOL).dump(value)
    return buffer.getvalue()


def loaded(data: bytes) -> Any:
    """The value in bytes that a worker of ours wrote, or that were written for one."""
    return pickle.loads(data)  # noqa: S301 - from our own processes


def key_of(function: bytes) -> str:
    """Names a function with what it holds."""
    return sha256(function).hexdigest()


_kept: dict[str, Callable[[Any], Any]] = {}
"""The function that was called last, by its key, with what it keeps between tasks."""


def call(key: str, function: Callable[[], bytes], task: bytes) -> bytes:
    """The outcome of a task in this process, as bytes; `function` is read where it is not the last one."""
    try:
        if (known := _kept.get(key)) is None:
            known = loaded(function())
            _kept.clear()
            _kept[key] = known
        with one_thread():
            return dumped(Outcome(known(loaded(task))))
    except Exception as error:
        return _raised(error)


def _raised(error: Exception) -> bytes:
    """An exception as an outcome, with where it came from; what cannot be pickled as a RuntimeError of its text."""
    error.add_note("".join(traceback.format_exception(error)).rstrip())
    try:
        data = dumped(Outcome(error=error))
        loaded(data)
    except Exception:
        told = RuntimeError(f"{type(error).__name__}: {error}")
        told.add_note("\n".join(getattr(error, "__notes__", ())))
        return dumped(Outcome(error=told))
    return data
