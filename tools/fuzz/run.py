"""Random networks through their C++ and their Verilog: python -m tools.fuzz.run COUNT [FIRST] [--workers N].

Each is what tests/hw/rtl/test_networks.py plays for its seed. A network that is not computed exactly, or not when it
was predicted, leaves a file in build/fuzz: the network, its plan, and what was wrong.
"""

import os
import traceback
from contextlib import redirect_stdout
from functools import partial
from io import StringIO
from pathlib import Path
from tempfile import TemporaryDirectory
from time import monotonic
from typing import Final

import click
import pytest

from tests.hw.rtl.test_networks import check, make
from tests.networks.gates import GATED
from tests.networks.generator import HARDWARE
from tomato import work
from tomato.cli.options import workers_options
from tomato.core.errors import TomatoError

ROOT: Final = Path(__file__).parents[2]
FAILURES: Final = ROOT / "build" / "fuzz"
STYLES: Final = {"hardware": HARDWARE, "gated": GATED}


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.argument("count", type=click.IntRange(min=1))
@click.argument("first", type=click.IntRange(min=0), default=0)
@click.option("--style", type=click.Choice(sorted(STYLES)), default="hardware", show_default=True, help="Of networks.")
@workers_options
def main(count: int, first: int, style: str, workers: int, scheduler: str | None) -> None:
    """Play COUNT random networks, from the seed FIRST on; the exit code is 1 if anything is wrong."""
    seeds, wrong, began = range(first, first + count), 0, monotonic()
    try:
        with work.opened(workers, scheduler) as crew:
            found = crew.run(partial(play, style), seeds, what="random networks", name=lambda seed: f"seed {seed}")
            for done, (place, said) in enumerate(found, 1):
                if said:
                    wrong += 1
                    click.echo(f"[{done}/{count}] seed {seeds[place]}: {kept(style, seeds[place], said)}")
    except TomatoError as reason:
        raise SystemExit(str(reason)) from reason
    click.echo(f"{count:,} networks in {monotonic() - began:.0f} s, {wrong:,} of them wrong")
    raise SystemExit(int(wrong > 0))


def play(style: str, seed: int) -> str:
    """What is wrong with the network of a seed, first in a line; "" if nothing is."""
    os.environ.setdefault("TOM_PRECOMPILED", str(ROOT / "build" / "precompiled"))
    printed = StringIO()
    with TemporaryDirectory(prefix="tomato-") as folder, redirect_stdout(printed):
        try:
            check(make(seed, STYLES[style]), seed, Path(folder))
        except (Exception, pytest.fail.Exception) as error:
            (first, *_) = traceback.format_exception_only(error)
            return "\n".join([first.splitlines()[0], printed.getvalue(), traceback.format_exc()])
    return ""


def kept(style: str, seed: int, said: str) -> str:
    """Its first line, and the file that has all of it."""
    FAILURES.mkdir(parents=True, exist_ok=True)
    path = FAILURES / f"{style}-{seed}.txt"
    path.write_text(said, encoding="utf-8")
    return f"{said.splitlines()[0]} ({path.relative_to(ROOT)})"


if __name__ == "__main__":
    from tools.fuzz.run import main as start  # workers look for functions in modules, not in programs

    start()
