"""The cases of the benchmark, and the figures that others have published, as their files say them."""

import os
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final, TypeVar

from tomato.core.errors import TomatoError
from tomato.schedule.sharing import Share

HERE: Final = Path(__file__).parent
ROOT: Final = HERE.parents[1]
CASES: Final = HERE / "cases.toml"
PUBLISHED: Final = HERE / "published.toml"
MODELS: Final = "TOMATO_MODELS"
BUILD: Final = Path("build/bench")


@dataclass(frozen=True, slots=True)
class Case:
    """One row of cases.toml: a network, a board, a precision and a clock (0: the board's default).

    library: a network of a library as `library/name`, see tools/bench/zoo.py. size: the side of its pictures.
    precision: "" of a model that comes quantised. overrides: the precision of layers by name. double_clock: layers may
    multiply at twice the clock. share: "auto" lets layers take turns on an engine. zero_words: the share of a generated
    network's words that are zero. at_most: cycles a frame that are the goal (0: none). frames: played by a simulation.
    """

    name: str
    target: str
    network: str = ""
    model: str = ""
    file: str = ""
    library: str = ""
    size: int = 0
    calibration: str = ""
    precision: str = "w8a8"
    overrides: Mapping[str, str] = field(default_factory=dict, hash=False)
    clock_mhz: float = 0.0
    double_clock: bool = False
    share: Share = "never"
    zero_words: float = 0.0
    at_most: int = 0
    frames: int = 3
    refused: bool = False

    @property
    def source(self) -> str:
        """What is compiled, in the words of cases.toml."""
        return self.network or self.model or self.file or self.library

    @property
    def title(self) -> str:
        """The network, in short."""
        thinned = f", {self.zero_words:.0%} of words zero" if self.zero_words else ""
        sized = f", {self.size} x {self.size}" if self.size else ""
        doubled = ", `--double-clock`" if self.double_clock else ""
        return Path(self.source).stem.removesuffix("_float") + sized + thinned + doubled

    @property
    def bits(self) -> str:
        """The precision, with its exceptions; `*` is none: it holds the ends of the network to the precision."""
        exceptions = (f"{layer} {bits}" for layer, bits in self.overrides.items() if layer != "*")
        return ", ".join([self.precision or "as it comes", *exceptions])

    def folder(self) -> Path | None:
        """Where `model` or `file`, and the calibration, are looked up; None if TOMATO_MODELS is not set."""
        if not self.model:
            return ROOT
        folder = os.environ.get(MODELS)
        return Path(folder) if folder else None

    def missing(self) -> str:
        """Why the case cannot be run here, or ""."""
        if self.network:
            return ""
        if self.library:
            needed = ("torch", self.library.partition("/")[0].replace("-", "_"))
            absent = [name for name in needed if not find_spec(name)]
            return f"{absent[0]} is not installed: pip install {' '.join(absent)}" if absent else ""
        folder = self.folder()
        if folder is None:
            return f"{MODELS} is not set"
        wanted = [self.source, *([self.calibration] if self.calibration else [])]
        absent = [name for name in wanted if not (folder / name).exists()]
        return f"{absent[0]} is not in {MODELS if self.model else 'the repository'}" if absent else ""


@dataclass(frozen=True, slots=True)
class Published:
    """A figure of somebody else's. Zero: not published. `case` is the case of ours beside it."""

    network: str
    project: str
    device: str
    precision: str
    source: str
    case: str
    fps: str = ""
    interval_cycles: int = 0
    latency_ms: float = 0.0


@dataclass(frozen=True, slots=True)
class Naive:
    """A naive size of the FIFOs of a network, in MB, of somebody else's; `case` is the case of ours beside it."""

    network: str
    megabytes: float
    source: str
    case: str


Row = TypeVar("Row", Case, Published, Naive)


def read_cases(path: Path = CASES) -> tuple[Case, ...]:
    """Every case, in order. Raises TomatoError where the file is wrong."""
    found = _read(Case, "case", ("name", "target"), path)
    for case in found:
        if sum(map(bool, (case.network, case.model, case.file, case.library))) != 1:
            raise TomatoError(f"case {case.name!r} needs exactly one of network, model, file, library", where=str(path))
        if bool(case.library) != bool(case.size):
            raise TomatoError(f"case {case.name!r}: library and size go together", where=str(path))
    names = [case.name for case in found]
    if twice := [name for name in names if names.count(name) > 1]:
        raise TomatoError(f"two cases are called {twice[0]!r}", where=str(path))
    return found


def read_published(path: Path = PUBLISHED) -> tuple[Published, ...]:
    """Every published figure, in order. Raises TomatoError where the file is wrong."""
    needed = ("network", "project", "device", "precision", "source", "case")
    return _read(Published, "figure", needed, path)


def read_naive(path: Path = PUBLISHED) -> tuple[Naive, ...]:
    """Sizes of queues that others have, in order. Raises TomatoError where the file is wrong."""
    return _read(Naive, "naive", tuple(f.name for f in fields(Naive)), path)


def _read(kind: type[Row], name: str, needed: tuple[str, ...], path: Path) -> tuple[Row, ...]:
    """The rows of a table, each a `kind`."""
    rows = _rows(path, name)
    for row in rows:
        _check(row, tuple(f.name for f in fields(kind)), needed, path)
    return tuple(kind(**row) for row in rows)


def _rows(path: Path, table: str) -> list[dict[str, Any]]:
    try:
        rows: list[dict[str, Any]] = tomllib.loads(path.read_text(encoding="utf-8")).get(table, [])
    except tomllib.TOMLDecodeError as reason:
        raise TomatoError(f"this is not TOML: {reason}", where=str(path)) from reason
    return rows


def _check(row: dict[str, Any], known: tuple[str, ...], needed: tuple[str, ...], path: Path) -> None:
    if unknown := [key for key in row if key not in known]:
        raise TomatoError(f"unknown key {unknown[0]!r}", where=str(path), hint=f"the keys are {', '.join(known)}")
    if missing := [key for key in needed if key not in row]:
        raise TomatoError(f"{missing[0]} is missing in {row}", where=str(path))
