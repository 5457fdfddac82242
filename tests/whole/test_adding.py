"""docs/adding-an-engine.md, followed to the letter: its files in a copy of the tree are an operator with an engine."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.networks.test_frontend import REFUSED

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "adding-an-engine.md").read_text(encoding="utf-8")
BLOCK = re.compile(r"^`(?P<path>[\w/.]+)`\n\n```\w+\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL)
FILES = {found["path"]: found["text"] for found in BLOCK.finditer(PAGE)}
COPIED = ("tomato", "hw", "templates", "sim", "tests", "pyproject.toml")
CONTRACTS = (
    *("tests/unit/engines/test_contracts.py", "tests/hw/test_twins.py", "tests/networks/test_generator.py"),
    *("tests/unit/quantise/test_contract.py", "tests/unit/ops/test_lines.py", "tests/networks/test_frontend.py"),
)
"""Tests that every operator and every engine has to pass."""


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the tree with the files of the page."""
    root = tmp_path_factory.mktemp("tree")
    for name in COPIED:
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, root / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(ROOT / name, root / name)
    for path, text in FILES.items():
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


def test_no_file_that_exists_is_edited() -> None:
    assert not [path for path in FILES if (ROOT / path).exists()]
    assert not [path for path in FILES if not (ROOT / path).parent.is_dir()]


def test_its_python_is_in_our_style(tree: Path) -> None:
    paths = [path for path in FILES if path.endswith(".py")]
    python(tree, "ruff", "check", "--no-cache", *paths)
    python(tree, "ruff", "format", "--no-cache", "--check", *paths)


def test_it_passes_what_every_operator_and_engine_has_to(tree: Path) -> None:
    """But for the networks that are known to be scrambled: with one operator more, others are."""
    name = "tests/networks/test_frontend.py::test_runtime_description_and_frontend_agree"
    others = [f"--deselect={name}[{style}-{seed}]" for style, seed in REFUSED]
    quick = ("-m", "not rtl and not area and not slow")
    python(tree, "pytest", "-q", "-p", "no:cacheprovider", *CONTRACTS, *others, *quick)


def test_networks_with_it_compile_and_are_right(tree: Path, tmp_path: Path) -> None:
    python(tree, "tests.whole.adding", str(tmp_path), "check")


@pytest.mark.rtl
def test_its_own_test_passes(tree: Path) -> None:
    own = [path for path in FILES if path.startswith("tests/hw/rtl/")]
    python(tree, "pytest", "-q", "-p", "no:cacheprovider", *own)


@pytest.mark.rtl
@pytest.mark.parametrize("backend", ["verilog", "hls"])
def test_networks_with_it_are_bit_exact(tree: Path, tmp_path: Path, backend: str) -> None:
    python(tree, "tests.whole.adding", str(tmp_path), backend)
