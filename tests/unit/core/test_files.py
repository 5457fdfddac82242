"""The border to the file system: one clear error, and one command at a time in a build folder."""

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

import tomato
from tests import digits
from tomato import targets
from tomato.accelerator import opened
from tomato.core.assets import tool
from tomato.core.errors import TomatoError, check_number
from tomato.core.files import LOCK, in_use, reading, refusals, toml_string, write_text
from tomato.host.data import read

ROOT = Path(__file__).parents[3]
NUL, LONG, SURROGATE = "a\0b", "n" * 300, "\ud800"


def test_the_error_is_there_for_users_of_python() -> None:
    assert tomato.TomatoError is TomatoError


def test_import_loads_little() -> None:
    code = "import sys, tomato; tomato.TomatoError; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert not {"numpy", "onnx", "scipy", "rich", "jinja2", "click"} & set(done.stdout.split())


@pytest.mark.parametrize("name", [NUL, LONG, SURROGATE, f"{NUL}.toml", f"{LONG}.toml", f"{SURROGATE}.toml"])
def test_names_that_no_file_has(name: str, tmp_path: Path) -> None:
    """At every door of the Python interface."""
    frames = np.zeros((1, 1, 8, 8), np.float32)
    doors: list[Callable[[], object]] = [
        lambda: tomato.compile(name, "u250"),
        lambda: tomato.compile(digits.MODEL, name),
        lambda: tomato.compile(digits.MODEL, "u250", plan=Path(name)),
        lambda: tomato.load(Path(name)),
        lambda: targets.load(name),
        lambda: read(Path(name), (1, 8, 8)),
        lambda: digits.small().write(tmp_path / name),
        lambda: digits.small().simulate(frames, folder=tmp_path / name),
        lambda: opened(tmp_path / name).__enter__(),
    ]
    for door in doors:
        with pytest.raises(TomatoError):
            door()
    assert not list(tmp_path.iterdir())


def test_refusals_of_the_system() -> None:
    with pytest.raises(TomatoError) as error, refusals("cannot write"):
        Path("/proc/x/y").mkdir()
    assert str(error.value) == "error: cannot write: No such file or directory\n  --> /proc/x/y"
    with pytest.raises(TomatoError) as error, refusals("cannot write", where="there"):
        raise MemoryError
    assert str(error.value) == "error: cannot write: out of memory\n  --> there"
    with pytest.raises(ValueError, match="a bug"), refusals():
        raise ValueError("a bug")
    with pytest.raises(BrokenPipeError), refusals():
        raise BrokenPipeError


def test_whatever_a_reader_raises() -> None:
    for reason, says in ((KeyError("x"), "'x'"), (RuntimeError(), "RuntimeError"), (OSError(5, "broken"), "broken")):
        with pytest.raises(TomatoError) as error, reading("cannot read", where="f"):
            raise reason
        assert str(error.value) == f"error: cannot read: {says}\n  --> f"
    with pytest.raises(TomatoError) as error, reading("cannot read", where="f"):
        raise ValueError("long " * 999)
    assert len(error.value.what) < 250


def test_deleted_working_directory(tmp_path: Path) -> None:
    code = (
        "import os, pathlib; import tomato\n"
        "os.rmdir(os.getcwd())\n"
        "try: tomato.load('o')\n"
        "except tomato.TomatoError as reason: print(reason)\n"
        f"from tomato.cli import main; main(['compile', {str(digits.MODEL)!r}, '--target', 'u250'])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, env=os.environ | {"PYTHONPATH": str(ROOT)}, capture_output=True,
        text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 1
    assert done.stdout == "error: the folder does not exist\n  --> o\n  hint: compile a model first\n"
    assert done.stderr == (
        "error: cannot write the output folder: No such file or directory\n  --> build\n"
        "  hint: the working directory was deleted: change to another\n"
    )


def test_texts_with_halves_of_surrogate_pairs(tmp_path: Path) -> None:
    write_text(tmp_path / "t", "a\ud800b €")
    assert (tmp_path / "t").read_bytes() == b"a\\ud800b " + "€".encode()
    assert toml_string('a"\\\n\ud800€') == '"a\\"\\\\\\U0000000a?€"'


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -1, 1.5, 10**400, "1", True, None])
def test_numbers_out_of_bounds(value: object) -> None:
    with pytest.raises(TomatoError, match=r"^error: share must be a number from 0 to 1, not "):
        check_number("share", value, 0, 1)  # type: ignore[arg-type]  # what else users give


@pytest.mark.parametrize("option", ["fps", "clock_mhz", "allow_error", "requant_bits"])
@pytest.mark.parametrize("value", [float("nan"), float("inf"), -1])
def test_numbers_that_no_option_takes(option: str, value: float) -> None:
    with pytest.raises(TomatoError, match="must be a number"):
        tomato.compile("absent.onnx", "u250", **{option: value})  # type: ignore[arg-type]  # of each its own type


BUSY = (
    "error: the folder is in use by another tomato command (pid {})\n  --> {}\n  hint: wait until it ends, or stop it"
)


def test_a_folder_has_one_command_at_a_time(tmp_path: Path) -> None:
    folder = digits.small().write(tmp_path / "out")
    with in_use(folder):
        for door in (lambda: digits.small().write(folder), lambda: opened(folder).__enter__()):
            with pytest.raises(TomatoError) as error:
                door()
            assert str(error.value) == BUSY.format(os.getpid(), folder)
    assert not (folder / LOCK).exists()
    with opened(folder) as accelerator:
        assert accelerator.graph == digits.small().graph


def test_a_lock_ends_with_its_process(tmp_path: Path) -> None:
    """Killed, it leaves the file behind; nobody is kept out by it."""
    code = (
        "import sys, time; from pathlib import Path; from tomato.core.files import in_use\n"
        "with in_use(Path(sys.argv[1])): print('here', flush=True); time.sleep(60)"
    )
    with subprocess.Popen([sys.executable, "-c", code, str(tmp_path)], cwd=ROOT, stdout=subprocess.PIPE) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == b"here\n"
        with pytest.raises(TomatoError) as error, in_use(tmp_path):
            pass
        assert str(error.value) == BUSY.format(other.pid, tmp_path)
        other.send_signal(signal.SIGKILL)
    assert (tmp_path / LOCK).exists()
    with in_use(tmp_path):
        pass
    assert not (tmp_path / LOCK).exists()


def test_a_lock_is_on_the_file_that_is_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its last owner takes the file away between our opening and our locking it."""
    lock = tool("alone").fcntl.flock
    gone: list[int] = []

    def late(handle: int, how: int) -> None:
        if not gone:
            (tmp_path / LOCK).unlink()
            gone.append(handle)
        lock(handle, how)

    monkeypatch.setattr(tool("alone").fcntl, "flock", late)
    with in_use(tmp_path):
        assert (tmp_path / LOCK).exists()
    assert gone


def test_a_lock_is_never_two_peoples(tmp_path: Path) -> None:
    """Many threads that take it and take it away."""
    inside, worst, done = [0], [0], [0]

    def work() -> None:
        for _ in range(200):
            try:
                with in_use(tmp_path):
                    inside[0] += 1
                    worst[0] = max(worst[0], inside[0])
                    inside[0] -= 1
                    done[0] += 1
            except TomatoError:
                continue

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert worst[0] == 1
    assert done[0]
