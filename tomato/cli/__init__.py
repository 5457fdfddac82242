"""The command line. `tomato --help` lists the commands; each is one function in one of these files."""

from tomato.cli import commands, folder_commands, search_command
from tomato.cli.group import main

__all__ = ["commands", "folder_commands", "main", "search_command"]
