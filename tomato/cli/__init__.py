"""The command line. `tomato --help` lists the commands; each is one function in commands.py or folder_commands.py."""

from tomato.cli import commands, folder_commands
from tomato.cli.group import main

__all__ = ["commands", "folder_commands", "main"]
