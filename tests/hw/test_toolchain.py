"""sim/toolchain.py: what make is told."""

import subprocess
import sys
from pathlib import Path

import toolchain


def test_makefiles_find_our_python(tmp_path: Path) -> None:
    """Debian has no `python` by that name, which Verilator's makefiles ask for."""
    (tmp_path / "Makefile").write_text("PYTHON3 = python\nCXX = none\nall:\n\t@echo $(PYTHON3) $(CXX)\n")
    with toolchain.environment():
        said = subprocess.run(["make", "-s"], cwd=tmp_path, capture_output=True, text=True, check=True).stdout.split()
    assert said == [sys.executable if toolchain.is_plain(Path(sys.executable)) else "python3", "g++"]
