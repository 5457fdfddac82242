"""A network on several boards: what it computes, how fast, and the folders of the boards."""

import json
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from tomato.backend import project, vectors
from tomato.build import archive, contents
from tomato.build.folder import BOARDS, CLUSTER, UNWRITABLE, alone, check_build, held
from tomato.build.folder import replace as put_in_place
from tomato.build.report import report
from tomato.cluster import bench, page
from tomato.cluster.boards import Board, choose, interval_of, joined
from tomato.cluster.cuts import Cut, cuts
from tomato.cluster.latency import latency_cycles
from tomato.core.errors import TomatoError
from tomato.core.files import reading, refusals, share, write_text
from tomato.core.formats import Array
from tomato.core.progress import Progress, silent
from tomato.host.golden import Golden
from tomato.passes.divide_layers import Division
from tomato.quantise.integers import Integers
from tomato.schedule.plan import Plan, read_wishes
from tomato.targets import Cluster, Resources
from tomato.targets.cluster import describe_cluster, restore_cluster

COPIES = "copies of the network"
"""Words of the note that several boards are better used otherwise."""


@dataclass(frozen=True, eq=False, kw_only=True)
class Clustered(Golden):
    """A network on codes, cut into runs of layers, each on a board of its own.

    bound: cycles a frame that no other choice of cuts beats; None where boards are not alike.
    """

    cluster: Cluster
    cuts: tuple[Cut, ...]
    boards: tuple[Board, ...]
    bound: int | None

    @property
    def interval(self) -> int:
        """Cycles a frame."""
        return interval_of(self.boards)

    @cached_property
    def report(self) -> dict[str, Any]:
        """The contents of report.json: plain data."""
        hertz, latency = self.cluster.clock_mhz * 1e6, latency_cycles(self.boards)
        return {
            "model": self.model.name,
            "target": self.cluster.name,
            "clock_mhz": self.cluster.clock_mhz,
            "interval_cycles": self.interval,
            "latency_cycles": latency,
            "fps": round(hertz / self.interval, 2),
            "latency_ms": round(latency / hertz * 1e3, 6),
            "bound_cycles": self.bound,
            "limit": _limit(self.boards),
            "boards": [_board(board, self.reports[board.number]) for board in self.boards],
            "links": [_link(board, self.interval) for board in self.boards if board.goes],
            "notes": list(self.notes),
        }

    @cached_property
    def reports(self) -> list[dict[str, Any]]:
        """The report of every board."""
        return [
            report(b.graph, b.plan, b.target, b.lowered, model=self.model.name, notes=(), around=b.ends)
            for b in self.boards
        ]

    def write(self, folder: Path, progress: Progress = silent) -> Path:
        """Write the build folder; nothing is left half-written. Raises TomatoError if `folder` is not ours."""
        folder = Path(folder)
        with alone(folder):
            self._write(folder, progress)
            page.write(folder)
        return folder

    @refusals(UNWRITABLE)
    def _write(self, folder: Path, progress: Progress) -> None:
        with tempfile.TemporaryDirectory(prefix=".tomato-", dir=folder.parent) as temporary:
            fresh = Path(temporary)
            values = self._values(self.samples, progress)
            for board in self.boards:
                place = fresh / BOARDS / board.name
                place.mkdir(parents=True)
                project.write(place, board.lowered.netlist, self.reports[board.number], board.plan.to_toml())
                project.write_vectors(place, board.lowered.netlist, values)
                for name, text in bench.ends(board).items():
                    write_text(place / "rtl" / name, text)
                write_text(place / "README.md", bench.readme(board, self.report))
            self._whole(fresh, values)
            put_in_place(folder, fresh)

    def _values(self, x: Sequence[Array], progress: Progress) -> dict[str, Array]:
        """The codes that come in, cross the cuts and go out, for frames as the first board takes them."""
        codes = self.encode(*x)
        parts: dict[str, list[Array]] = {cut.value: [] for cut in self.cuts}

        def watch(name: str, value: Array) -> None:
            if name in parts:
                parts[name].append(value)

        outputs = self.run(codes, progress, watch)
        return codes | {name: np.concatenate(found) for name, found in parts.items()} | outputs

    def write_vectors(self, folder: Path, *x: Array, progress: Progress = silent) -> None:
        """Write golden vectors of these frames, as the first board takes them, into a build folder."""
        bench.write_vectors(folder, self.boards, self._values(x, progress))

    def _whole(self, fresh: Path, values: Mapping[str, Array]) -> None:
        """What is of all boards: simulation, report, and the golden model."""
        for kind in ("rtl", "mem"):
            (fresh / kind).mkdir()
            for board in self.boards:
                for path in sorted((fresh / BOARDS / board.name).glob(f"{kind}/*")):
                    there = fresh / kind / path.name
                    if path.name != Path(vectors.LOADER).name and not there.exists():
                        share(path, there)
        bench.write(fresh, self.boards, self.report, values)
        write_text(fresh / "report.json", json.dumps(self.report, indent=1) + "\n")
        write_text(fresh / CLUSTER, json.dumps(self._described(), indent=1) + "\n")
        contents.keep(fresh, self, self.model, host=self.host, samples=self.samples, files=self.files)

    def _described(self) -> dict[str, Any]:
        return {
            "cluster": describe_cluster(self.cluster),
            "cuts": [cut.value for cut in self.cuts],
            "bound_cycles": self.bound,
            "boards": [board.name for board in self.boards],
        }


def _board(board: Board, seen: Mapping[str, Any]) -> dict[str, Any]:
    kept = ("part", "interval_cycles", "bottleneck", "macs", "weight_bits", "multipliers", "resources", "budget",
            "regions", "shell")  # fmt: skip
    used = board.ends + Resources(**seen["resources"])
    return {
        "name": board.name,
        "target": board.target.name,
        "first": seen["layers"][0]["name"],
        "last": seen["layers"][-1]["name"],
        "layers": len(seen["layers"]),
        **{key: seen[key] for key in kept},
        "used": used.counts(),
    }


def _link(board: Board, interval: int) -> dict[str, Any]:
    goes = board.goes
    assert goes is not None
    return {
        "value": goes.value,
        "kind": goes.link.kind,
        "gbits_per_s": goes.link.gbits_per_s,
        "word_bits": goes.word_bits,
        "words_per_frame": goes.packing.words,
        "words_per_1000_cycles": goes.link.per_mille(goes.clock_mhz),
        "cycles": goes.carried,
        "latency_cycles": goes.link.latency(goes.clock_mhz),
        "room_words": goes.room,
        "busy": round(goes.carried / interval, 4),
    }


def _limit(boards: Sequence[Board]) -> str:
    """What the interval is due to: a board, or a link."""
    interval = interval_of(boards)
    for board in boards:
        if board.interval == interval:
            return f"board {board.name}"
    return next(f"the link behind board {b.name}" for b in boards if b.goes and b.goes.cycles == interval)


def clustered(
    integers: Integers, cluster: Cluster, *, model: Path, samples: tuple[Array, ...], fps: float | None, source: str,
    progress: Progress = silent,
) -> Clustered:  # fmt: skip
    """Cut a network on codes and plan every board. Raises TomatoError for what the user can mend."""
    found = choose(integers.graph, cluster, fps=fps, model=source, given=integers.quantised, progress=progress)
    notes = (
        *integers.notes,
        *([_divided(found.divided)] if found.divided else []),
        *([_copies(cluster, *found.copies)] if found.copies else []),
    )
    return Clustered(
        found.graph, integers.inputs, integers.outputs, notes, reading=integers.reading, ends=integers.ends,
        proofs=integers.proofs, model=model, samples=samples, cluster=cluster, cuts=found.cuts, boards=found.boards,
        bound=found.bound,
    )  # fmt: skip


def _divided(divided: Mapping[str, Division]) -> str:
    names = ", ".join(f"{name} in {division}" for name, division in divided.items())
    return f"layers that are larger than a region of a chip are divided: {names}"


def _copies(cluster: Cluster, number: int, cycles: int) -> str:
    each = len(cluster.boards) // number
    names = ",".join(board.name for board in cluster.boards[:each])
    rate = number * cluster.clock_mhz * 1e6 / cycles
    return f"{number} {COPIES} (--target {names}), which take frames in turn, would make about {rate:,.0f} frames/s"


def opened(folder: Path) -> AbstractContextManager[Clustered]:
    """The boards in a build folder, which no other command has meanwhile. Raises TomatoError if it is not one."""
    return held(folder, load, several=True)


def is_cluster(folder: Path) -> bool:
    """Whether a build folder is of several boards."""
    return (folder / CLUSTER).exists()


@refusals("cannot read the build folder")
def load(folder: Path) -> Clustered:
    """The network on several boards in a build folder. Raises TomatoError if it is not one."""
    check_build(folder, several=True)
    network = archive.load(folder / contents.GOLDEN)
    with reading(archive.DAMAGED, where=folder, hint="compile the model again"):
        table = json.loads((folder / CLUSTER).read_text())
        cluster = restore_cluster(table["cluster"], str(folder / CLUSTER))
        places = {cut.value: cut for cut in cuts(network.graph)}
        chosen = tuple(places[value] for value in table["cuts"])
        samples = tuple(archive.arrays(folder / contents.SAMPLES).values())
    plans = [_plan(folder / BOARDS / name / "plan.toml") for name in table["boards"]]
    return Clustered(
        network.graph, network.inputs, network.outputs, reading=network.reading, ends=network.ends,
        model=folder / contents.MODEL, samples=samples, cluster=cluster, cuts=chosen,
        boards=tuple(joined(network.graph, cluster, chosen, plans)), bound=table["bound_cycles"],
    )  # fmt: skip


def _plan(path: Path) -> Plan:
    wishes = read_wishes(path)
    if wishes.clock_mhz is None:
        raise TomatoError("the plan of a board names no clock", where=wishes.file, hint="compile again")
    return Plan(wishes.target, wishes.clock_mhz, wishes.layers, wishes.fifos, wishes.regions)
