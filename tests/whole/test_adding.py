"""docs/adding-an-engine.md: its files are those of the tree, and its text makes of a tree without them an operator."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "adding-an-engine.md").read_text(encoding="utf-8")
BLOCK = re.compile(r"^`(?P<path>[\w/.]+)`\n\n```\w+\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL)
FILES = {found["path"]: found["text"] for found in BLOCK.finditer(PAGE)}
COPIED = ("tomato", "hw", "templates", "sim", "tests", "pyproject.toml")
OTHERS = {"tomato/frontend/rules_conditions.py", "tomato/passes/ties.py"}
"""What is made of the operator (And and Or), and how its channels are pruned."""


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the tree with the files of the page in place of its own."""
    root = tmp_path_factory.mktemp("tree")
    for name in COPIED:
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, root / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(ROOT / name, root / name)
    for path, text in FILES.items():
        (root / path).unlink()
        (root / path).write_text(text, encoding="utf-8")
    return root


def python(tree: Path, *arguments: str) -> None:
    """Run a module of the copy."""
    done = subprocess.run(
        [sys.executable, "-m", *arguments],
        cwd=tree, env={**os.environ, "PYTHONPATH": str(tree)}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-4000:]


def test_the_page_says_how_many_files_it_takes() -> None:
    engine, operator, whole = (int(n) for n in re.findall(r"\btakes (\d+) (?:new files|more)\b", PAGE))
    assert len(FILES) == whole == engine + operator
    assert len([path for path in FILES if "_stream" in path]) == engine


@pytest.mark.parametrize("path", FILES)
def test_the_page_shows_the_files_of_the_tree(path: str) -> None:
    assert (ROOT / path).read_text(encoding="utf-8") == FILES[path]


def test_the_compiler_finds_the_operator_by_its_files() -> None:
    """Nothing else on the way from ONNX to hardware knows of it."""
    sources = (path for path in (ROOT / "tomato").rglob("*.py") if "tomato.ops.maximum" in path.read_text("utf-8"))
    assert {path.relative_to(ROOT).as_posix() for path in sources} - FILES.keys() == OTHERS


def test_networks_with_it_compile_and_are_right(tree: Path, tmp_path: Path) -> None:
    python(tree, "tests.whole.adding", str(tmp_path), "check")


@pytest.mark.rtl
@pytest.mark.parametrize("backend", ["verilog", "hls"])
def test_networks_with_it_are_bit_exact(tree: Path, tmp_path: Path, backend: str) -> None:
    python(tree, "tests.whole.adding", str(tmp_path), backend)
