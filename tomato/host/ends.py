"""The host's part of a network, run by ONNX Runtime, or where that is not installed by onnx's reference evaluator."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from tomato import frontend
from tomato.core.formats import Array
from tomato.core.interface import Ends, Reading
from tomato.frontend import Network
from tomato.frontend.read import Source
from tomato.host.runtime import answer, ranked, runner

BEFORE, AFTER = "before.onnx", "after.onnx"
CANNOT = "the host's part cannot be run"

HOST = "host"
"""Its folder in a build folder."""


@dataclass(frozen=True)
class Host:
    """Both ends of a network around the chip; `reading` says where they begin."""

    model: Path | Source
    reading: Reading
    ends: Ends

    @cached_property
    def parts(self) -> tuple[bytes | None, bytes | None]:
        """What runs in front of the chip and behind it, as ONNX."""
        return frontend.ends(self.model, self.reading)

    @cached_property
    def _sessions(self) -> tuple[Any, Any]:
        before, after = (part and runner(part, CANNOT) for part in self.parts)
        return before, after

    def __getstate__(self) -> dict[str, Any]:
        """What is pickled has no sessions and needs no file: it may be used where there is neither."""
        return {"model": Path(str(self.model)), "reading": self.reading, "ends": self.ends, "parts": self.parts}

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


def around(model: Path | Source, settled: Network) -> Host | None:
    """What the host runs around the chip; None for nothing."""
    return Host(model, settled.reading, settled.ends) if settled.ends else None


def _each(session: Any, names: Sequence[str], values: Mapping[str, Array]) -> dict[str, Array]:
    """Outputs of a model of one frame for many, frame by frame."""
    wanted = {i.name: len(i.shape) for i in session.get_inputs()}
    rows = [
        answer(session, names, {n: ranked(values[n][i : i + 1], rank) for n, rank in wanted.items()}, CANNOT)
        for i in range(len(next(iter(values.values()))))
    ]
    return {name: np.stack([_frame(row[k]) for row in rows]) for k, name in enumerate(names)}


def _frame(value: Array) -> Array:
    """A result without the batch of one; one that has none is taken as it is."""
    return value[0] if value.ndim and value.shape[0] == 1 else value
