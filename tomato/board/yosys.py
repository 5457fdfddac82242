"""One run of Yosys in a process of its own: commands on standard input, one a line. Needs pyosys."""

import sys

from pyosys import libyosys


def main() -> None:
    """Run the commands on one design; Yosys ends the process when one fails."""
    design = libyosys.Design()
    for command in sys.stdin.read().splitlines():
        libyosys.run_pass(command, design)


if __name__ == "__main__":
    main()
