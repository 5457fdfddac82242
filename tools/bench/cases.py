"""The cases of the benchmark, and the figures that others have published, as their files say them."""

import os
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, Final

from tomato.core.errors import TomatoError

HERE: Final = Path(__file__).parent
ROOT: Final = HERE.parents[1]
CASES: Final = HERE / "cases.toml"
PUBLISHED: Final = HERE / "published.toml"
MODELS: Final = "TOMATO_MODELS"
BUILD: Final = Path("build/bench")


@dataclass(frozen=True, slots=True)
class Case:
    """One row of cases.toml: a network, a board, a precision and a clock (0: the board's default).

    overrides: the precision of layers by name. zero_words: the share of a generated network's words that are zero.
    at_most: cycles a frame that are the goal (0: none). frames: played by a simulation.
    """

    name: str
    target: str
    network: str = ""
    model: str = ""
    file: str = ""
    calibration: str = ""
    precision: str = "w8a8"
    overrides: Mapping[str, str] = field(default_factory=dict, hash=False)
    clock_mhz: float = 0.0
    zero_words: float = 0.0
    at_most: int = 0
    frames: int = 3
    refused: bool = False

    @property
    def source(self) -> str:
        """What is compiled, in the words of cases.toml."""
        return self.network or self.model or self.file

    @property
    def title(self) -> str:
        """The network, in short."""
        thinned = f", {self.zero_words:.0%} of words zero" if self.zero_words else ""
        return Path(self.source).stem.removesuffix("_float") + thinned

    @property
    def bits(self) -> str:
        """The precision, with its exceptions; `*` is none: it holds the ends of the network to the precision."""
        exceptions = (f"{layer} {bits}" for layer, bits in self.overrides.items() if layer != "*")
        return ", ".join([self.precision, *exceptions])

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


def read_cases(path: Path = CASES) -> tuple[Case, ...]:
    """Every case, in order. Raises TomatoError where the file is wrong."""
    rows = _rows(path, "case")
    for row in rows:
        _check(row, tuple(f.name for f in fields(Case)), ("name", "target"), path)
    found = tuple(Case(**row) for row in rows)
    for case in found:
        if sum(map(bool, (case.network, case.model, case.file))) != 1:
            raise TomatoError(f"case {case.name!r} needs exactly one of network, model, file", where=str(path))
    names = [case.name for case in found]
    if twice := [name for name in names if names.count(name) > 1]:
        raise TomatoError(f"two cases are called {twice[0]!r}", where=str(path))
    return found


def read_published(path: Path = PUBLISHED) -> tuple[Published, ...]:
    """Every published figure, in order. Raises TomatoError where the file is wrong."""
    rows = _rows(path, "figure")
    for row in rows:
        _check(
            row,
            tuple(f.name for f in fields(Published)),
            ("network", "project", "device", "precision", "source", "case"),
            path,
        )
    return tuple(Published(**row) for row in rows)


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
