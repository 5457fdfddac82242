"""Files, folders and modules that pages and comments name are there: what moves is named anew."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
TOP = ("tomato", "tests", "tools", "examples", "hw", "sim", "docs", "templates")
INSIDE = tuple(
    sorted({p.name for p in (ROOT / "tomato").iterdir() if p.is_dir()} - {"__pycache__", "board", "build", "host"})
)
"""Folders of the package, which pages also name without it: quantise/absorb/. Three are also what users have."""
PAGES = sorted(
    [
        ROOT / "README.md",
        *(ROOT / "docs").glob("*.md"),
        *(ROOT / "tools").glob("*/*.md"),
        *(ROOT / "examples").glob("*.md"),
    ]
)
SOURCES = sorted(p for end in ("sv", "svh", "hpp", "h", "cpp", "md") for p in (ROOT / "hw").rglob(f"*.{end}"))
CODE = sorted(p for top in ("tomato", "sim", "tools") for p in (ROOT / top).rglob("*.py"))
PATH = re.compile(rf"(?<![\w/.<>-])(?:{'|'.join((*TOP, *INSIDE))})/[\w./*<>{{}}-]*[\w/>}}]")
FILE = re.compile(r"(?<![\w/.*<>-])\w+\.(?:py|sv|svh|hpp)\b(?!\.)")
MODULE = re.compile(r"(?<![\w/.-])(?:tomato|tools|examples|tests)(?:\.\w+)+")
LINK = re.compile(r"\]\(([^)#:]+)(?:#[^)]*)?\)")
GIVEN = re.compile(r"^`[\w/.]+`\n\n```\w+\n.*?^```$", re.MULTILINE | re.DOTALL)
"""A file that a page gives, with its path above: tests/whole/test_adding.py makes it."""
ELSEWHERE = re.compile(
    r"sim/vectors|board/(README\.md|registers\.json|serial\.json|(rtl|vivado|vitis|quartus)\b.*)|core/.*\.(cc|h)"
)
"""What a build folder holds, and ONNX Runtime's own sources."""


def text_of(path: Path) -> str:
    """What prose a file has: a page but the files that it gives, of sources comments, of Python docstrings as well."""
    text = path.read_text(encoding="utf-8")
    if path.suffix == ".md":
        return GIVEN.sub("", text)
    if path.suffix == ".py":
        return "\n".join(re.findall(r'"""(?:.|\n)*?"""|#.*', text))
    return "\n".join(re.findall(r"//.*|/\*(?:.|\n)*?\*/", text))


def exists(mention: str) -> bool:
    """Whether a path, perhaps with a *, is one of the repository or of its package."""
    plain = re.sub(r"<\w+>|\{\w*\}", "*", mention.rstrip("/."))
    return any(any(base.glob(plain)) for base in (ROOT, ROOT / "tomato"))


def importable(name: str) -> bool:
    """Whether a dotted name is a module, or one inside which the last part is defined."""
    *folders, last = name.split(".")
    place = ROOT.joinpath(*folders)
    if (place / last).is_dir() or (place / f"{last}.py").is_file():
        return True
    inside = place.with_suffix(".py") if place.with_suffix(".py").is_file() else place / "__init__.py"
    return inside.is_file() and re.search(rf"\b{last}\b", inside.read_text(encoding="utf-8")) is not None


def stale(path: Path) -> Iterator[str]:
    """What a file names that is not there."""
    text = text_of(path)
    yield from (m for m in PATH.findall(text) if not exists(m) and not ELSEWHERE.fullmatch(m))
    yield from (m for m in MODULE.findall(text) if not importable(m))
    names = {p.name for top in TOP for p in (ROOT / top).rglob("*.*")}
    yield from (m for m in FILE.findall(text) if m not in names)
    if path.suffix == ".md":
        yield from (m for m in LINK.findall(text) if not (path.parent / m).exists())


@pytest.mark.parametrize("path", [*PAGES, *SOURCES, *CODE], ids=lambda p: str(p.relative_to(ROOT)))
def test_what_is_named_is_there(path: Path) -> None:
    assert not sorted(set(stale(path)))
