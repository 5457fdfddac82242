"""The hand-written hardware below hw/: its text as tokens."""

import re
from functools import cache
from pathlib import Path

TOKEN = re.compile(r'//[^\n]*|/\*.*?\*/|("(?:\\.|[^"\\])*"|\w+|[^\w\s])', re.DOTALL)


def tokens(text: str) -> tuple[str, ...]:
    """The words and signs of SystemVerilog or C++, in order: without comments and white space."""
    return tuple(token for token in TOKEN.findall(text) if token)


@cache
def tokens_of(path: Path) -> tuple[str, ...]:
    """The tokens of a file."""
    return tokens(path.read_text())
