"""The host's part of a network, run by ONNX Runtime, or where that is not installed by onnx's reference evaluator."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from tomato import frontend
from tomato.errors import TomatoError
from tomato.folder import HOST
from tomato.formats import Array
from tomato.interface import Ends, Reading

BEFORE, AFTER = "before.onnx", "after.onnx"


def runner(model: bytes) -> Any:
    """Something with ONNX Runtime's `run` and `get_inputs` for a model. TomatoError if nothing runs it."""
    try:
        import onnxruntime
    except ImportError:
        return frontend.reference_session(model)
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    try:
        return onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    except Exception as reason:  # its errors have no base in common
        raise TomatoError(f"ONNX Runtime cannot run the host's part: {str(reason).splitlines()[0]}") from reason


@dataclass(frozen=True)
class Host:
    """Both ends of a network around the chip; `reading` says where they begin."""

    model: Path
    reading: Reading
    ends: Ends

    @cached_property
    def parts(self) -> tuple[bytes | None, bytes | None]:
        """What runs in front of the chip and behind it, as ONNX."""
        return frontend.ends(self.model, self.reading)

    @cached_property
    def _sessions(self) -> tuple[Any, Any]:
        before, after = (part and runner(part) for part in self.parts)
        return before, after

    def write(self, folder: Path) -> None:
        """Write before.onnx and after.onnx into a folder of a build folder."""
        (folder / HOST).mkdir()
        for name, part in zip((BEFORE, AFTER), self.parts, strict=True):
            if part is not None:
                (folder / HOST / name).write_bytes(part)

    def enter(self, frames: Sequence[Array]) -> tuple[Array, ...]:
        """What the chip reads, for frames of the whole model, batch first."""
        known: dict[str, Array] = dict(zip((s.name for s in self.ends.inputs), frames, strict=True))
        if self._sessions[0] is not None:
            names = [n for n in self.reading.inputs if n not in known]
            known |= _each(self._sessions[0], names, known)
        return tuple(known[name] for name in self.reading.inputs)

    def leave(self, frames: Sequence[Array], results: Sequence[Array]) -> tuple[Array, ...]:
        """The whole model's outputs, for its inputs and what the chip gives for them."""
        known = dict(zip((s.name for s in self.ends.inputs), frames, strict=True))
        known |= dict(zip(self.reading.outputs, results, strict=True))
        names = [slot.name for slot in self.ends.outputs if slot.name not in known]
        if names:
            known |= _each(self._sessions[1], names, known)
        return tuple(known[slot.name] for slot in self.ends.outputs)


def _each(session: Any, names: Sequence[str], values: Mapping[str, Array]) -> dict[str, Array]:
    """Outputs of a model of one frame for many, frame by frame."""
    wanted = {i.name: len(i.shape) for i in session.get_inputs()}
    rows = []
    for i in range(len(next(iter(values.values())))):
        feed = {n: _framed(values[n][i : i + 1], rank) for n, rank in wanted.items()}
        try:
            rows.append([np.asarray(y) for y in session.run(list(names), feed)])
        except Exception as reason:  # the errors of ONNX Runtime have no base in common
            raise TomatoError(f"the host's part cannot be run: {str(reason).splitlines()[0]}") from reason
    return {name: np.stack([_frame(row[k]) for row in rows]) for k, name in enumerate(names)}


def _framed(frame: Array, rank: int) -> Array:
    """A batch of one in the rank that the model declares: without it, if it has none."""
    return frame if frame.ndim == rank else frame.reshape(frame.shape[1:])


def _frame(value: Array) -> Array:
    """A result without the batch of one; one that has none is taken as it is."""
    return value[0] if value.ndim and value.shape[0] == 1 else value
