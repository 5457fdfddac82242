"""A compiled network: its golden model, its hardware, and what is known of it."""

import tempfile
from collections.abc import Sequence
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from tomato import board
from tomato.backend import project
from tomato.build import contents, page
from tomato.build.folder import UNWRITABLE, alone, held, replace
from tomato.build.report import report
from tomato.core.errors import check_number
from tomato.core.files import refusals
from tomato.core.formats import Array
from tomato.core.progress import Progress, silent
from tomato.host import codes as coding
from tomato.host import ports, written
from tomato.host.golden import Golden
from tomato.lower import Lowered, lower
from tomato.schedule.border import border
from tomato.schedule.fetching import image
from tomato.schedule.plan import Plan
from tomato.targets import Target


@dataclass(frozen=True, eq=False, kw_only=True)
class Accelerator(Golden):
    """A network on codes, and the plan that builds it for a target.

    `shell` stands around the Verilog, see `board.SHELLS`.
    """

    plan: Plan
    target: Target
    shell: str = board.SHELLS[0]

    @cached_property
    def lowered(self) -> Lowered:
        """The netlist and what its parts take."""
        return lower(self.graph, self.plan, self.target)

    @cached_property
    def report(self) -> dict[str, Any]:
        """The contents of report.json."""
        made = self.lowered
        seen = border(self.graph, made.units, made.routes, made.reader)
        around = board.around(self.shell, self.target)
        return report(
            self.graph, self.plan, self.target, made,
            model=self.model.name, notes=self.notes, proofs=self.proofs, ends=self.ends,
            ports=ports.described(self.graph, self.inputs, self.outputs),
            shell=around.name, around=around.cost(seen),
        )  # fmt: skip

    def write(
        self,
        folder: Path,
        progress: Progress = silent,
        *,
        backends: Sequence[str] = project.DEFAULT,
    ) -> Path:
        """Write the build folder; nothing is left half-written. Raises TomatoError if `folder` is not ours.

        backends: "verilog", "hls" or both.
        """
        folder = Path(folder)
        with alone(folder):
            self._write(folder, progress, backends)
            page.write(folder)
        return folder

    @refusals(UNWRITABLE)
    def _write(
        self,
        folder: Path,
        progress: Progress = silent,
        backends: Sequence[str] = project.DEFAULT,
    ) -> None:
        """Write the build folder, which nobody else has at the moment."""
        with tempfile.TemporaryDirectory(prefix=".tomato-", dir=folder.parent) as temporary:
            fresh, reader = Path(temporary), self.lowered.reader
            images = image(self.lowered.units, reader) if reader else ()
            project.write(fresh, self.lowered.netlist, self.report, self.plan.to_toml(), backends, images)
            if "verilog" in backends:
                board.write(fresh, self.lowered, self.target, self.report, self.shell)
            contents.save(fresh, self, self.model, self.target, host=self.host, samples=self.samples, files=self.files)
            written.write(fresh, self, self.lowered.netlist, self.model.name)
            self.write_vectors(fresh, *self.samples, progress=progress)
            replace(folder, fresh)

    def write_vectors(self, folder: Path, *x: Array, progress: Progress = silent) -> None:
        """Write golden vectors of these frames, as the chip takes them, into a build folder."""
        codes = self.encode(*x)
        project.write_vectors(folder, self.lowered.netlist, codes | self.run(codes, progress))

    def simulate(self, *x: Array, folder: Path | None = None, stall: float = 0.0, progress: Progress = silent) -> Any:
        """The same as `golden`, through RTL in Verilator. Raises TomatoError if a beat differs.

        Builds in `folder`, or in a temporary one.
        """
        from tomato.build import simulation

        check_number("stall", stall, 0, simulation.MOST_STALLS)
        with tempfile.TemporaryDirectory(prefix="tomato-") as temporary, ExitStack() as held:
            place = Path(folder) if folder else Path(temporary) / self.graph.name
            given = self.suited(*x)
            held.enter_context(alone(place))
            self._write(place)
            self.write_vectors(place, *self.enter(*given))
            streams = self.lowered.netlist.outputs
            values = simulation.outputs(place, streams, frames=len(x[0]), stall=stall, progress=progress)
        results = self.leave(given, coding.decode(self, values))
        return results[0] if len(results) == 1 else results


def opened(folder: Path) -> AbstractContextManager[Accelerator]:
    """The accelerator in a build folder, which no other command has meanwhile. Raises TomatoError if it is not one."""
    return held(folder, load)


@refusals("cannot read the build folder")
def load(folder: Path) -> Accelerator:
    """The accelerator in a build folder. Raises TomatoError if it is not one."""
    folder = Path(folder)
    network, plan, target, samples = contents.load(folder)
    return Accelerator(
        network.graph, network.inputs, network.outputs, reading=network.reading, ends=network.ends, plan=plan,
        target=target, model=folder / contents.MODEL, samples=samples,
        shell=board.SHELLS[0] if (folder / board.REGISTERS).exists() else "none",
    )  # fmt: skip
