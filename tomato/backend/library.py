"""The hand-written hardware below hw/: what there is, what uses what, in which order it is read, its tokens.

A file has the name of what it defines. It uses what its tokens name: comments and layout do not count.
"""

import re
from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path

from tomato.core.assets import asset

RTL, HLS = "rtl", "hls"
"""The languages: folders of hw/."""
LEVELS = ("pkg", "memory", "plumbing", "parts", "engines")
"""Folders of a language, in the order in which tools read them: a file uses none of a later level."""
SHELL = "shell"
"""The level above them, of the RTL alone: what surrounds an accelerator on a board."""
TOKEN = re.compile(r'//[^\n]*|/\*.*?\*/|("(?:\\.|[^"\\])*"|\w+|[^\w\s])', re.DOTALL)


def tokens(text: str) -> tuple[str, ...]:
    """The words and signs of SystemVerilog or C++, in order: without comments and white space."""
    return tuple(token for token in TOKEN.findall(text) if token)


@cache
def tokens_of(path: Path) -> tuple[str, ...]:
    """The tokens of a file."""
    return tokens(path.read_text())


@cache
def files(language: str) -> Mapping[str, Path]:
    """Every module or header by its name, level by level."""
    return {path.stem: path for path in sorted(asset("hw", language).glob("*/tom_*"), key=_place)}


def file(language: str, name: str) -> Path:
    """The file of a module or header. Raises TomatoError when the installation lacks it."""
    return files(language).get(name) or asset("hw", language, name)


def uses(language: str, name: str) -> tuple[str, ...]:
    """What a file names of its own language: instances and packages, or the headers that it includes."""
    known = files(language)
    plain = (token.strip('"').removesuffix(".hpp") for token in tokens_of(file(language, name)))
    return tuple(dict.fromkeys(token for token in plain if token in known and token != name))


def sources(language: str, roots: Iterable[str]) -> dict[str, Path]:
    """Name to file for the roots and all that they use, level by level, used ones first."""
    found: dict[str, Path] = {}

    def visit(name: str) -> None:
        if name not in found:
            path = file(language, name)
            for used in uses(language, name):
                visit(used)
            found[name] = path

    for root in roots:
        visit(root)
    return dict(sorted(found.items(), key=lambda entry: level(entry[1])))


def sources_with_blocks(vendor: str, roots: Iterable[str]) -> dict[str, Path]:
    """As `sources` of the RTL, with a vendor's blocks in the place of modules that hw/rtl/vendor says as such.

    For tools that do not see that they are blocks; with a model of the blocks.
    """
    used = sources(RTL, roots)
    found = {path.stem: path for path in sorted(asset("hw", RTL, "vendor").glob(f"{vendor}/*.sv"))} if vendor else {}
    replaced = {name: path for name, path in found.items() if name in used}
    models = {name: path for name, path in found.items() if not name.startswith("tom_") and replaced}
    return used | replaced | models


def includes(paths: Iterable[Path]) -> dict[str, Path]:
    """Name to file for the pieces of hw/include that files of the RTL include."""
    named = (token.strip('"') for path in paths for token in tokens_of(path) if token.endswith('.svh"'))
    return {name: asset("hw", "include", name) for name in sorted(set(named))}


def level(path: Path) -> int:
    """The level of a file, counted from the lowest."""
    return (*LEVELS, SHELL).index(path.parent.name)


def _place(path: Path) -> tuple[int, str]:
    return level(path), path.name
