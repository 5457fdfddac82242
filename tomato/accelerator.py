"""A compiled network: its golden model, its hardware, and what is known of it."""

import json
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from tomato import frontend, targets
from tomato.backend import project
from tomato.build import archive
from tomato.build.archive import Stored
from tomato.build.folder import MARKER, TARGET, UNWRITABLE, alone, check_build, replace
from tomato.build.report import report
from tomato.core.errors import TomatoError, check_number
from tomato.core.files import in_use, reading, refusals, write_text
from tomato.core.formats import Array
from tomato.core.interface import AS_IT_IS, Ends, Port, Reading, Slot
from tomato.core.interpret import BATCH, Player, Watch, in_batches
from tomato.core.ir import Graph, TensorType
from tomato.host import ports
from tomato.host.data import suit
from tomato.host.ends import Host
from tomato.lower import Lowered, lower
from tomato.ops.quantise import Quantise
from tomato.quantise.absorb import Proof
from tomato.quantise.precision import Precision
from tomato.schedule.plan import Plan, read_wishes
from tomato.schedule.scheduler import check_complete
from tomato.targets import Target

VECTOR_FRAMES = 8
"""Frames of golden vectors that a build folder carries."""
Progress = Callable[[str, int, int], None]
"""Called with what runs, how much is done, and of how much (0: unknown)."""


def silent(_what: str, _done: int, _total: int) -> None:
    """No progress shown."""


@dataclass(frozen=True, eq=False)
class Accelerator:
    """A quantised graph, the plan that builds it, and the ports of the ONNX model around it.

    `samples` are a few frames for the test vectors, as the chip takes them. `proofs` say how the
    requantisations of a model that came quantised compare with its runtime. `files` are texts, by name, for the build
    folder: what the search for a precision found. `reading` says what of the model in the file the chip computes,
    `ends` what the host computes; the ports are the chip's.
    """

    graph: Graph
    inputs: tuple[Port, ...]
    outputs: tuple[Port, ...]
    plan: Plan
    target: Target
    model: Path
    samples: tuple[Array, ...]
    notes: tuple[str, ...] = field(default=())
    proofs: tuple[Proof, ...] = field(default=())
    files: Mapping[str, str] = field(default_factory=dict)
    reading: Reading = AS_IT_IS
    ends: Ends | None = None

    @cached_property
    def host(self) -> Host | None:
        """What the host runs in front of the chip and behind it; None if the chip computes the whole model."""
        return Host(self.model, self.reading, self.ends) if self.ends else None

    @property
    def takes(self) -> tuple[Slot, ...]:
        """The whole model's inputs."""
        return self.ends.inputs if self.ends else tuple(Slot(p.name, p.shape, p.dtype) for p in self.inputs)

    @property
    def gives(self) -> tuple[Slot, ...]:
        """The whole model's outputs."""
        return self.ends.outputs if self.ends else tuple(Slot(p.name, p.shape, p.dtype) for p in self.outputs)

    @property
    def quantised(self) -> bool:
        """Whether the model came quantised: it says itself how its inputs become codes and its codes outputs."""
        return any(port.chain for port in self.inputs)

    @cached_property
    def lowered(self) -> Lowered:
        """The netlist and what its parts take."""
        return lower(self.graph, self.plan, self.target)

    @cached_property
    def report(self) -> dict[str, Any]:
        """The contents of report.json."""
        return report(
            self.graph, self.plan, self.target, self.lowered,
            model=self.model.name, notes=self.notes, proofs=self.proofs, ends=self.ends,
            ports=ports.described(self.graph, self.inputs, self.outputs),
        )  # fmt: skip

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
        values = self.run(self.encode(*x), progress)
        return tuple(self._finish(p, values[p.value], codes=codes) for p in self.outputs)

    def suited(self, *x: Array) -> tuple[Array, ...]:
        """Arrays for the whole model's inputs, checked and in their types. Raises TomatoError."""
        if len(x) != len(self.takes):
            names = ", ".join(p.name for p in self.takes)
            raise TomatoError(f"{len(x)} arrays given, but the model has {len(self.takes)} inputs: {names}")
        return tuple(
            suit(np.asarray(frames), slot.shape, slot.dtype, name=slot.name)
            for slot, frames in zip(self.takes, x, strict=True)
        )

    def enter(self, *x: Array) -> tuple[Array, ...]:
        """What the chip takes for frames of the whole model: what the host computes in front of it."""
        return self.host.enter(x) if self.host else x

    def leave(self, x: Sequence[Array], results: Sequence[Array]) -> tuple[Array, ...]:
        """The whole model's outputs, for its inputs and what the chip gives: what the host computes behind it."""
        return self.host.leave(x, results) if self.host else tuple(results)

    def _finish(self, port: Port, values: Array, *, codes: bool) -> Array:
        if codes:
            return port.from_graph(values)
        decoded = port.run(values) if self.quantised else self.graph.encodings[port.value].decode(values)
        return port.typed(port.finish(port.from_graph(decoded)))

    def encode(self, *x: Array) -> dict[str, Array]:
        """The integer codes of the graph's inputs, for frames as the chip takes them (see `enter`)."""
        if len(x) != len(self.inputs):
            names = ", ".join(p.name for p in self.inputs)
            raise TomatoError(f"{len(x)} arrays given, but the model has {len(self.inputs)} inputs: {names}")
        kinds, found = dict(self.graph.inputs), {}
        for port, frames in zip(self.inputs, x, strict=True):
            given = suit(np.asarray(frames), port.shape, port.dtype, name=port.name)
            found[port.value] = self._codes(port, given, kinds[port.value])
        return found

    def _codes(self, port: Port, frames: Array, kind: TensorType) -> Array:
        if _takes_codes(port):
            return np.clip(port.to_graph(frames, kind.shape), kind.codes.lo, kind.codes.hi).astype(np.int64)
        real = port.to_graph(port.real(frames), kind.shape)
        return port.run(real) if port.chain else self.graph.encodings[port.value].encode(real, kind.codes)

    def run(
        self, codes: Mapping[str, Array], progress: Progress = silent, watch: Watch | None = None
    ) -> dict[str, Array]:
        """Codes of the graph's outputs for codes of its inputs, a sequence of frames, a few at a time."""
        count = len(next(iter(codes.values())))
        player, parts = Player(self.graph, watch), []
        for i, batch in enumerate(in_batches(codes)):
            progress("Golden model", i * BATCH, count)
            parts.append(player.play(batch))
        progress("Golden model", count, count)
        return {name: np.concatenate([p[name] for p in parts]) for name in self.graph.outputs}

    def write(self, folder: Path, progress: Progress = silent, *, backends: Sequence[str] = project.DEFAULT) -> Path:
        """Write the build folder; nothing is left half-written. Raises TomatoError if `folder` is not ours.

        backends: "verilog", "hls" or both.
        """
        folder = Path(folder)
        with alone(folder):
            self._write(folder, progress, backends)
        return folder

    @refusals(UNWRITABLE)
    def _write(self, folder: Path, progress: Progress = silent, backends: Sequence[str] = project.DEFAULT) -> None:
        """Write the build folder, which nobody else has at the moment."""
        with tempfile.TemporaryDirectory(prefix=".tomato-", dir=folder.parent) as temporary:
            fresh = Path(temporary)
            project.write(fresh, self.lowered.netlist, self.report, self.plan.to_toml(), backends)
            (fresh / "golden").mkdir()
            archive.save(fresh / "golden", Stored(self.graph, self.inputs, self.outputs, self.reading, self.ends))
            if self.host:
                self.host.write(fresh)
            write_text(fresh / TARGET, json.dumps(targets.describe(self.target), indent=1) + "\n")
            frontend.copy(self.model, fresh / "golden" / "model.onnx")
            for name, text in self.files.items():
                write_text(fresh / name, text)
            self.write_vectors(fresh, *self.samples, progress=progress)
            np.savez_compressed(fresh / "golden" / "samples.npz", *self.samples)
            write_text(fresh / MARKER, "Written by tomato compile; a new compilation replaces what it wrote.\n")
            replace(folder, fresh)

    def write_vectors(self, folder: Path, *x: Array, progress: Progress = silent) -> None:
        """Write golden vectors of these frames, as the chip takes them, into a build folder."""
        codes = self.encode(*x)
        project.write_vectors(folder, self.lowered.netlist, codes | self.run(codes, progress))

    def simulate(self, *x: Array, folder: Path | None = None, stall: float = 0.0, progress: Progress = silent) -> Any:
        """The same as `golden`, through RTL in Verilator. Raises TomatoError if a beat differs.

        Builds in `folder`, or in a temporary one.
        """
        from tomato.build.simulation import MOST_STALLS, received, simulate

        check_number("stall", stall, 0, MOST_STALLS)
        with tempfile.TemporaryDirectory(prefix="tomato-") as temporary, ExitStack() as held:
            place = Path(folder) if folder else Path(temporary) / self.graph.name
            given = self.suited(*x)
            held.enter_context(alone(place))
            self._write(place)
            self.write_vectors(place, *self.enter(*given))
            summary = simulate(place, frames=len(x[0]), stall=stall, progress=progress)
            if not summary["bit_exact"]:
                raise TomatoError(f"the hardware differs from the golden model in {summary['mismatches']} beats")
            values = {s.value: received(place, s) for s in self.lowered.netlist.outputs}
        chip = tuple(self._finish(p, values[p.value], codes=False) for p in self.outputs)
        results = self.leave(given, chip)
        return results[0] if len(results) == 1 else results


def _takes_codes(port: Port) -> bool:
    """Whether the values of an input are its codes: integers, of any size, that no float32 may round."""
    match port.chain:
        case (Quantise(scale, zero),):
            return np.dtype(port.dtype).kind in "iu" and bool(np.all(scale.values == 1) and np.all(zero.values == 0))
    return False


@contextmanager
def opened(folder: Path) -> Iterator[Accelerator]:
    """The accelerator in a build folder, which no other command has meanwhile. Raises TomatoError if it is not one."""
    with refusals("cannot use the build folder", where=folder), ExitStack() as held:
        check_build(folder)
        held.enter_context(in_use(folder))
        accelerator = load(folder)
        kept = held.pop_all()
    with kept:
        yield accelerator


@refusals("cannot read the build folder")
def load(folder: Path) -> Accelerator:
    """The accelerator in a build folder. Raises TomatoError if it is not one."""
    folder = Path(folder)
    check_build(folder)
    stored = archive.load(folder / "golden")
    wishes = read_wishes(folder / "plan.toml")
    if wishes.clock_mhz is None:
        raise TomatoError(
            "the plan of the build folder names no clock", where=wishes.file, hint="add clock_mhz, or compile again"
        )
    target = _target(folder, wishes.target)
    check_complete(stored.graph, target, wishes)
    with reading(archive.DAMAGED, where=folder, hint="compile the model again"):
        samples = tuple(archive.arrays(folder / "golden" / "samples.npz").values())
    plan = Plan(
        wishes.target, wishes.clock_mhz, wishes.layers, wishes.fifos, wishes.regions, wishes.precision or Precision()
    )
    return Accelerator(
        stored.graph, stored.inputs, stored.outputs, plan, target, folder / "golden" / "model.onnx", samples,
        reading=stored.reading, ends=stored.ends,
    )  # fmt: skip


def _target(folder: Path, name: str) -> Target:
    """The target that a build folder was compiled for; an old one knows but its name."""
    stored = folder / TARGET
    if not stored.exists():
        return targets.load(name)
    with reading(archive.DAMAGED, where=stored, hint="compile the model again"):
        return targets.restore(json.loads(stored.read_text()), str(stored))
