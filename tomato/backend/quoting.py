"""Texts of the user as each generated language takes them: nothing in a name is ever run or ends what it stands in."""

import re
from collections.abc import Callable, Mapping
from types import MappingProxyType

TCL_WORD = re.compile(r"[\w.:/+@%=,][\w.:/+@%=,-]*", re.ASCII)
TCL_SPECIAL = frozenset('\\"$[]{};# ')
TOOL = re.compile(r"(verilator|synopsys|synthesis|pragma|cadence|xilinx|altera|quartus|vcs|lint)\b", re.IGNORECASE)
"""Comments that tools obey."""


def one_line(text: str) -> str:
    """What is not printable as an escape."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape", "surrogatepass").decode() for c in text)


def comment(text: str) -> str:
    """The rest of a line that is a comment, in any of the languages: it has no second line, and no tool obeys it."""
    line = one_line(text)
    line = f"'{line}" if TOOL.match(line.lstrip()) else line
    return f"{line}." if line.endswith(("\\", "??/")) else line


def tcl(text: str) -> str:
    """A word of Tcl, also within braces."""
    if TCL_WORD.fullmatch(text):
        return text
    return '"' + "".join(_tcl_character(c) for c in text) + '"'


def _tcl_character(c: str) -> str:
    if c in TCL_SPECIAL:
        return f"\\{c}"
    if c.isprintable():
        return c
    return f"\\U{ord(c):08x}" if ord(c) > 0xFFFF else f"\\u{ord(c):04x}"


def string(text: str) -> str:
    """A string of C++ or Verilog: bytes that need it as octal escapes, which both languages know."""
    return '"' + "".join(_octal(byte) for byte in text.encode("utf-8", "surrogatepass")) + '"'


def _octal(byte: int) -> str:
    plain = 0x20 <= byte < 0x7F and chr(byte) not in '"\\?'
    return chr(byte) if plain else f"\\{byte:03o}"


def markdown(text: str) -> str:
    """Prose of Markdown, also in a table: no markup, no new cell, no new line."""
    return re.sub(r"([|`<\[\]])", r"\\\1", one_line(text))


def code(text: str) -> str:
    """What stands between backticks in Markdown."""
    return one_line(text).replace("`", "'").replace("|", "/")


FILTERS: Mapping[str, Callable[[str], str]] = MappingProxyType(
    {"comment": comment, "tcl": tcl, "string": string, "md": markdown, "code": code}
)
"""By the name that templates call them."""
