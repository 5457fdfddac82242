"""Options that several commands have, what the texts in them say, and the line that several end with."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import click

from tomato.core.errors import TomatoError

if TYPE_CHECKING:
    from tomato.schedule.plan import Early

MODEL = click.Path(path_type=Path)
FOLDER = click.Path(path_type=Path)
DATA = click.Path(path_type=Path)
LONGEST_SIZE = 18
"""Digits of a size."""
MOST_WORKERS = 1024
"""No machine has use for more."""


def shape_option(command: Callable[..., None]) -> Callable[..., None]:
    """The option that fixes dynamic sizes."""
    option = click.option("--shape", "shapes", multiple=True, metavar="NAME=N", help="Size of a dynamic axis by its "
                          "name, such as height=224, or the shape of an input, such as x=1x3x224x224. May be "
                          "repeated.")  # fmt: skip
    return option(command)


def state_option(command: Callable[..., None]) -> Callable[..., None]:
    """The option that connects states."""
    return click.option("--state", "states", multiple=True, metavar="INPUT=OUTPUT", help="An input that is what that "
                        "output was at the frame before: the state stays on the chip, and is 0 after a reset. May be "
                        "repeated.")(command)  # fmt: skip


def exit_options(command: Callable[..., None]) -> Callable[..., None]:
    """The options of early exits."""
    options = (
        click.option("--exit", "exits", multiple=True, metavar="OUTPUT[=MARGIN]", help="An output at which frames "
                     "leave whose first score is MARGIN ahead; without a number calibration chooses it. May be "
                     "repeated."),
        click.option("--exit-share", "exit_shares", multiple=True, metavar="OUTPUT=SHARE", help="The share of the "
                     "frames at that exit which go on.  [default: as in the calibration frames]"),
        click.option("--exit-loss", type=click.FloatRange(min=0), metavar="POINTS", help="Percentage points of "
                     "accuracy that chosen margins may cost.  [default: 0.5]"),
        click.option("--exit-order", type=click.Choice(["frames", "arrival"]), help="Results leave in the order of the "
                     "frames, or as they come, with the frame's number behind the scores.  [default: the plan's, or "
                     "frames]"),
    )  # fmt: skip
    for option in reversed(options):
        command = option(command)
    return command


def host_option(command: Callable[..., None]) -> Callable[..., None]:
    """The option that says what the host may compute."""
    return click.option("--host", type=click.Choice(["none", "ends", "any"]), default="ends", show_default=True,
                        help="What the host may run in front of the chip and behind it where the chip cannot: nothing, "
                        "up to half of the multiply-accumulates, or anything.")(command)  # fmt: skip


def quiet_option(command: Callable[..., None]) -> Callable[..., None]:
    """The option that every long command has."""
    return click.option("--quiet", "-q", is_flag=True, help="Print results and errors only.")(command)


def workers_options(command: Callable[..., None]) -> Callable[..., None]:
    """The options that say who works, for `tomato.work.opened`."""
    options = (
        click.option("--workers", type=click.IntRange(1, MOST_WORKERS), default=1, metavar="N", help="Processes on "
                     "this machine that share the work; the results stay the same.  [default: 1, this process]"),
        click.option("--scheduler", metavar="ADDRESS", help="Instead: share it among the workers of a Dask scheduler, "
                     "such as tcp://10.0.0.1:8786; see docs/workers.md."),
    )  # fmt: skip
    for option in reversed(options):
        command = option(command)
    return command


def read_backends(text: str) -> tuple[str, ...]:
    """The backends in a list with commas, each once."""
    from tomato.backend.project import BACKENDS

    names = tuple(dict.fromkeys(name.strip() for name in text.split(",")))
    if unknown := [name for name in names if name not in BACKENDS]:
        raise TomatoError(
            f"--backend: there is no {unknown[0]!r}", hint=f"choose from {', '.join(BACKENDS)}, or both with a comma"
        )
    return names


def read_shapes(given: tuple[str, ...]) -> dict[str, tuple[int, ...]]:
    """The sizes in texts such as height=224 or x=1x3x224x224."""
    found: dict[str, tuple[int, ...]] = {}
    for text in given:
        name, _, sizes = text.rpartition("=")
        numbers = sizes.lower().split("x")
        if not name or not all(n.isascii() and n.isdigit() and 0 < len(n) <= LONGEST_SIZE and int(n) for n in numbers):
            raise TomatoError(f"--shape {text}: expected NAME=N or NAME=NxNx...", hint="such as --shape height=224")
        found[name] = tuple(map(int, numbers))
    return found


def read_states(given: tuple[str, ...]) -> dict[str, str]:
    """The inputs and their outputs in texts such as h_in=h_out."""
    found: dict[str, str] = {}
    for text in given:
        name, _, output = text.partition("=")
        if not name or not output or name in found:
            twice = f"the input {name!r} is named twice" if name in found else "expected INPUT=OUTPUT"
            raise TomatoError(f"--state {text}: {twice}", hint="such as --state h_in=h_out")
        found[name] = output
    return found


def read_exits(given: tuple[str, ...], shares: tuple[str, ...]) -> "dict[str, Early]":
    """The exits in texts such as early or early=2.5, and what goes on at them in texts such as early=0.3."""
    from tomato.schedule.plan import Early

    found: dict[str, Early] = {}
    for text in given:
        name, equals, number = text.partition("=")
        if not name or name in found:
            raise TomatoError(f"--exit {text}: {'the output is named twice' if name else 'expected OUTPUT=MARGIN'}")
        found[name] = Early(read_number(number, f"--exit {text}") if equals else None)
    for text in shares:
        name, _, number = text.partition("=")
        if name not in found or found[name].share is not None:
            raise TomatoError(f"--exit-share {text}: there is no --exit {name}, or it has a share already")
        found[name] = Early(found[name].margin, read_number(number, f"--exit-share {text}"))
    return found


def read_number(text: str, where: str) -> float:
    """A number in an option."""
    try:
        return float(text)
    except ValueError as reason:
        raise TomatoError(f"{where}: {text!r:.40} is not a number") from reason


def echo_page(folder: Path) -> None:
    """Name the page that shows the design."""
    from tomato.build.page import PAGE

    click.echo(f"report: {folder / PAGE}")


def refuse_alone(asked: Mapping[str, object], hint: str = "leave it out, or choose one board for --target") -> None:
    """Raise TomatoError for options, by their names, that are for one board alone, as far as they are asked for."""
    if wrong := [name for name, value in asked.items() if value]:
        raise TomatoError(f"{wrong[0]} is for one board alone", hint=hint)
