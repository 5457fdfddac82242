"""`python -m tomato` is the command line."""

from tomato.cli import main

main(prog_name="tomato")
