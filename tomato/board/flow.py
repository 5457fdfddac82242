"""What a family's open tools are told, and what they give: the description that every flow fills in."""

import shlex
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from tomato.board.pll import Kind
from tomato.board.serial import Shell
from tomato.core.progress import Progress
from tomato.targets import Target


class Build(Protocol):
    """Makes a bitstream in a build folder: the top, its clock in MHz, where the bitstream goes.

    Returns the placed `resources` and the `clock_mhz` that routes allow. Raises TomatoError when a tool is missing or
    fails.
    """

    def __call__(
        self, folder: Path, target: Target, top: str, mhz: float, bitstream: Path, progress: Progress
    ) -> dict[str, Any]: ...


@dataclass(frozen=True, slots=True)
class OpenFlow:
    """A family's flow. `name` is its folder below board/, and begins its templates.

    `pins`: the file of constraints, `suffix` that of bitstreams. `counted`: the cells that the placer counts, by how
    much of a kind of resource each is. `synthesis`: Yosys' commands for a shell and its sources. `options`: of the
    placer, for a board, the top and its clock in MHz.
    """

    name: str
    pll: Kind
    pins: str
    suffix: str
    counted: Mapping[str, Mapping[str, int]]
    synthesis: Callable[[Shell, Sequence[str]], str]
    options: Callable[[Target, str, float], list[str]]
    build: Build

    @property
    def folder(self) -> Path:
        """Where its files lie in a build folder."""
        return Path("board", self.name)

    def placing(self, target: Target, top: str, mhz: float) -> tuple[str, ...]:
        """The options as a person writes them: each with its value."""
        _, *options = f" {shlex.join(self.options(target, top, mhz))}".split(" --")
        return tuple(f"--{option}" for option in options)

    def placed(self, used: Mapping[str, int]) -> dict[str, int]:
        """Resources, from how often the placer used what it counts."""
        return {kind: sum(n * used.get(cell, 0) for cell, n in cells.items()) for kind, cells in self.counted.items()}


def slowest(clocks: Mapping[str, Mapping[str, float]]) -> float:
    """The clock in MHz that counts, of those in a report of nextpnr: it misses what was asked by most."""
    asked = [clock for clock in clocks.values() if clock["constraint"]]
    return round(min(asked, key=lambda clock: clock["achieved"] / clock["constraint"])["achieved"], 2)
