"""What the modules of hw/rtl and their twins in hw/hls declare: parameters, their kinds, their comments, memories."""

import re
from dataclasses import dataclass

from tomato.backend import library

KINDS = {"int unsigned": "unsigned", "int signed": "int", "bit": "bool", "int": "int", "": "typename"}
"""Type of a template parameter by the one of the Verilog parameter; a vector of bits and a struct are types."""
SV = re.compile(r"^ *parameter\b *(?P<kind>[^=]*?) *\b(?P<name>\w+) *=")
HPP = re.compile(r"\b(?P<kind>unsigned|int|bool|typename)(?P<many>\.\.\.)? (?P<name>\w+)(?=,|$)")
GEOMETRY = re.compile(r"(Out)?(Kernel|Stride|Dilation|Pad|Height|Width)")
"""Names that explain themselves."""
MEMORY = re.compile(r"MemFile\d?")


@dataclass(frozen=True, slots=True)
class Parameter:
    """A parameter of a module: its type in C++, whether it is one in both languages, and whether a comment is near."""

    kind: str
    name: str
    commented: bool

    @property
    def documented(self) -> bool:
        """Whether a reader knows what it is."""
        return self.commented or bool(GEOMETRY.match(self.name))


def verilog(module: str) -> list[Parameter]:
    """Every parameter of a module of hw/rtl, in order."""
    path = library.file(library.RTL, module)
    text = path.read_text()
    for name, included in library.includes([path]).items():
        text = text.replace(f'`include "{name}"', included.read_text())
    lines = text.splitlines()
    found = {i: match for i, line in enumerate(lines) if (match := SV.match(line))}
    return [Parameter(_kind(match["kind"]), match["name"], _commented(lines, i)) for i, match in found.items()]


def template(module: str) -> list[Parameter]:
    """Every template parameter of the function or class of a module of hw/hls, in order; packs of types left out."""
    lines = _head(module).splitlines()
    return [
        Parameter(match["kind"], match["name"], _commented(lines, i))
        for i, line in enumerate(lines)
        for match in HPP.finditer(line.partition("//")[0].rstrip().removesuffix(">").rstrip())
        if not match["many"]
    ]


def memories(module: str) -> list[str]:
    """The memory arguments of a function of hw/hls, in order."""
    text = library.file(library.HLS, module).read_text()
    start = text.index(f"void {module}(")
    return re.findall(r"tom_piece \(&(\w+)\)", text[start : text.index("{", start)])


def argument(parameter: str) -> str:
    """What a function calls the memory that a parameter of the Verilog names: MemFile0, mem_file0."""
    return re.sub(r"(?<=[a-z])(?=[A-Z])", "_", parameter).lower()


def _head(module: str) -> str:
    text = library.file(library.HLS, module).read_text()
    found = re.search(rf"^(void|struct|class) {module}\b *[({{]", text, re.MULTILINE)
    assert found, f"{module}.hpp defines no {module}"
    head = text[: found.start()]
    return head[head.rindex("template <") + len("template <") :]


def _kind(words: str) -> str:
    plain = words.strip()
    return "typename" if "[" in plain or "::" in plain else KINDS[plain]


def _commented(lines: list[str], i: int) -> bool:
    """A comment on the line, or on that of a neighbour, as pairs share one."""
    return any("  //" in line for line in lines[max(0, i - 1) : i + 2])
