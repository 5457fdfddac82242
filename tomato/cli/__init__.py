"""The command line. `tomato --help` lists the commands; each is one function in commands.py."""

from tomato.cli.commands import main

__all__ = ["main"]
