"""What a compiled network computes, exactly: NumPy on codes, and the host's part around it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from tomato.core.formats import Array
from tomato.core.interpret import Player, Watch, batch_size, in_batches
from tomato.core.progress import Progress, silent
from tomato.host import codes as coding
from tomato.host.ends import Host
from tomato.host.samples import suited
from tomato.quantise.integers import Integers


@dataclass(frozen=True, eq=False, kw_only=True)
class Golden(Integers):
    """A network on codes, and the file of its model.

    `samples` are a few frames for the test vectors, as the chip takes them. `files` are texts, by name, for the build
    folder: what the search for a precision found.
    """

    model: Path
    samples: tuple[Array, ...]
    files: Mapping[str, str] = field(default_factory=dict)

    @cached_property
    def host(self) -> Host | None:
        """What the host runs in front of the chip and behind it; None if the chip computes the whole model."""
        return Host(self.model, self.reading, self.ends) if self.ends else None

    def golden(self, *x: Array, codes: bool = False, progress: Progress = silent) -> Any:
        """What the hardware computes, exactly, for a batch of inputs as the ONNX model takes them.

        Arrays have the inputs' own types, batch first, one per input (see `suit`); results have the outputs' (a tuple
        if there are several), steps of the host such as a final Softmax included. With `codes` the integer
        codes before any scaling.
        """
        given = self.suited(*x)
        results = self.chip(*self.enter(*given), codes=codes, progress=progress)
        results = results if codes else self.leave(given, results)
        return results[0] if len(results) == 1 else results

    def chip(self, *x: Array, codes: bool = False, progress: Progress = silent) -> tuple[Array, ...]:
        """What the chip gives, one array per output port, for what it takes (see `enter`); `codes` as in `golden`."""
        return coding.decode(self, self.run(self.encode(*x), progress), codes=codes)

    def suited(self, *x: Array) -> tuple[Array, ...]:
        """Arrays for the whole model's inputs, checked and in their types. Raises TomatoError."""
        return suited(self.takes, x)

    def enter(self, *x: Array) -> tuple[Array, ...]:
        """What the chip takes for frames of the whole model: what the host computes in front of it."""
        return self.host.enter(x) if self.host else x

    def leave(self, x: Sequence[Array], results: Sequence[Array]) -> tuple[Array, ...]:
        """The whole model's outputs, for its inputs and what the chip gives: what the host computes behind it."""
        return self.host.leave(x, results) if self.host else tuple(results)

    def encode(self, *x: Array) -> dict[str, Array]:
        """The integer codes of the graph's inputs, for frames as the chip takes them (see `enter`)."""
        return coding.encode(self, x)

    def run(
        self, codes: Mapping[str, Array], progress: Progress = silent, watch: Watch | None = None
    ) -> dict[str, Array]:
        """Codes of the graph's outputs for codes of its inputs, a sequence of frames, a few at a time."""
        count = len(next(iter(codes.values())))
        player, parts, size = Player(self.graph, watch), [], batch_size(self.graph)
        for i, batch in enumerate(in_batches(codes, size)):
            progress("Golden model", i * size, count)
            parts.append(player.play(batch))
        progress("Golden model", count, count)
        return {name: np.concatenate([p[name] for p in parts]) for name in self.graph.outputs}
