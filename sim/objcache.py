#!/usr/bin/env python3
"""Runs a compiler command, and spares the compiler what it would do for every design anew.

Verilator's make rules put `$(OBJCACHE)` in front of the compiler. Where ccache is not installed this takes its place:

- Of Verilator's runtime, which is the same for every design, it keeps the object files, in $XDG_CACHE_HOME/tomato,
  under a name made of the command, the compiler's version and the state of the source.
- Where TOM_PRECOMPILED names a folder, the runtime's headers, which take longer than a small design itself, are
  compiled once for all designs: 75 MB for every set of flags, for whoever builds hundreds of designs.
"""

import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

HEADERS = ("verilated.h", "verilated_dpi.h", "verilated_vpi.h", "memory", "string")
"""What every design and its main program include."""


def main(command: Sequence[str]) -> int:
    """Run `command`, or copy what it made before."""
    kept = _kept(command)
    if kept is None:
        return subprocess.run([*command, *_precompiled(command)], check=False).returncode
    output = command[command.index("-o") + 1]
    if kept.exists():
        shutil.copyfile(kept, output)
        return 0
    code = subprocess.run(command, check=False).returncode
    if code == 0:
        _keep(Path(output), kept)
    return code


def _include() -> Path:
    return Path(os.environ.get("VERILATOR_ROOT", ""), "include")


def _name(stem: str, command: Sequence[str], source: Path) -> str:
    """What another command, another compiler or another state of the source does not share."""
    state = source.stat()
    version = subprocess.run([command[0], "--version"], capture_output=True, check=False).stdout
    text = repr((list(command), str(_include()), state.st_size, state.st_mtime_ns, version))
    return f"{stem}_{hashlib.sha256(text.encode()).hexdigest()[:16]}"


def _kept(command: Sequence[str]) -> Path | None:
    """Where the object of the command is kept; None for what is no part of the runtime."""
    source = Path(command[-1])
    if source.parent != _include() or "-c" not in command or "-o" not in command:
        return None
    folder = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache", "tomato", "verilator")
    return folder / f"{_name(source.stem, command, source)}.o"


def _precompiled(command: Sequence[str]) -> list[str]:
    """Options that give the command the runtime's headers; none where it compiles nothing or brings its own.

    The compiler passes over a precompiled header of other flags and reads the text beside it: slower, never wrong.
    """
    folder = os.environ.get("TOM_PRECOMPILED")
    if not folder or not {"-c", "-o"} <= set(command) or {"-include", "-x"} & set(command):
        return []
    flags = [c for c in command[1:-1] if c.startswith(("-I/", "-D", "-O", "-f", "-m", "-std"))]
    header = Path(folder, f"{_name('verilated', [command[0], *flags], _include() / HEADERS[0])}.h")
    made = header.with_suffix(".h.gch")
    if not made.exists():
        header.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder) as own:
            text = Path(own, header.name)
            text.write_text("".join(f"#include <{name}>\n" for name in HEADERS))
            compiled = Path(own, made.name)
            make = [command[0], *flags, "-x", "c++-header", "-o", str(compiled), str(text)]
            if subprocess.run(make, check=False).returncode:
                return []
            text.replace(header)
            compiled.replace(made)
    return ["-include", str(header)]


def _keep(made: Path, kept: Path) -> None:
    """Whole or not at all: others may be looking."""
    try:
        kept.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=kept.parent, delete=False) as temporary:
            temporary.write(made.read_bytes())
        Path(temporary.name).replace(kept)
    except OSError:
        return  # without a place to keep it, it is made again


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
