#!/usr/bin/env python3
"""Runs a compiler command; of Verilator's runtime, which is the same for every design, it keeps the object file.

Verilator's make rules put `$(OBJCACHE)` in front of the compiler. Where ccache is not installed this takes its place:
four files of the runtime are most of a small design's build. Objects lie in $XDG_CACHE_HOME/tomato, under a name made
of the command, the compiler's version and the state of the source.
"""

import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path


def main(command: Sequence[str]) -> int:
    """Run `command`, or copy what it made before."""
    cached = _place(command)
    if cached is None:
        return subprocess.run(command, check=False).returncode
    output = command[command.index("-o") + 1]
    if cached.exists():
        shutil.copyfile(cached, output)
        return 0
    code = subprocess.run(command, check=False).returncode
    if code == 0:
        _keep(Path(output), cached)
    return code


def _place(command: Sequence[str]) -> Path | None:
    """Where the object of the command is kept; None for what is no part of the runtime."""
    root = Path(os.environ.get("VERILATOR_ROOT", ""), "include")
    source = Path(command[-1])
    if source.parent != root or "-c" not in command or "-o" not in command:
        return None
    state = source.stat()
    version = subprocess.run([command[0], "--version"], capture_output=True, check=False).stdout
    text = repr((list(command), str(root), state.st_size, state.st_mtime_ns, version))
    folder = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache", "tomato", "verilator")
    return folder / f"{source.stem}_{hashlib.sha256(text.encode()).hexdigest()[:16]}.o"


def _keep(made: Path, cached: Path) -> None:
    """Whole or not at all: others may be looking."""
    try:
        cached.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=cached.parent, delete=False) as temporary:
            temporary.write(made.read_bytes())
        Path(temporary.name).replace(cached)
    except OSError:
        return  # without a place to keep it, it is made again


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
