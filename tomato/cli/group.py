"""The group of all commands, and what it does with errors."""

import sys
from io import TextIOWrapper
from typing import Any

import click

from tomato.core.errors import TomatoError
from tomato.core.files import refusals
from tomato.version import __version__

INTERRUPTED = 130


class Commands(click.Group):
    """A group that turns the user's errors into a message and exit code 1; a bug of ours keeps its traceback."""

    def invoke(self, ctx: click.Context) -> Any:
        for stream in (sys.stdout, sys.stderr):
            if isinstance(stream, TextIOWrapper):
                stream.reconfigure(errors="backslashreplace")  # names may hold what the terminal has no character for
        try:
            with refusals():
                return super().invoke(ctx)
        except click.MissingParameter:
            raise
        except click.BadParameter as reason:
            click.echo(TomatoError(reason.format_message().removesuffix(".")), err=True)
            ctx.exit(1)
        except TomatoError as reason:
            click.echo(reason, err=True)
            ctx.exit(1)
        except KeyboardInterrupt:
            click.echo("interrupted", err=True)
            ctx.exit(INTERRUPTED)


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, prog_name="tomato", message="%(prog)s %(version)s")
def main() -> None:
    """Turn a trained network (ONNX) into a streaming, bit-exact FPGA accelerator."""
