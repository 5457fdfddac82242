"""The C++ compiler of the tests of generated C++: $CXX, or g++."""

import os
import shlex
import subprocess
from collections.abc import Sequence
from pathlib import Path

from tomato.backend import library

STRICT = ("-Wall", "-Wextra", "-Wconversion", "-Wpedantic", "-Werror")
"""The warnings that the stand-ins must not raise."""


LIBRARY = [f"-I{folder}" for folder in sorted({path.parent for path in library.files(library.HLS).values()})]
"""Where the headers of the library are."""


def build(source: Path, program: Path, flags: Sequence[str]) -> subprocess.CompletedProcess[str]:
    """Compile one file to a program; the caller judges the outcome."""
    compiler = shlex.split(os.environ.get("CXX", "g++"))
    command = [*compiler, "-std=c++14", *flags, str(source), "-o", str(program)]
    return subprocess.run(command, capture_output=True, text=True, check=False)
