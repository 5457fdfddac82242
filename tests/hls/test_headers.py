"""ap_int.h and hls_stream.h against Python's integers: our stand-ins and, where installed, AMD's own.

Both compile the same checker.cpp, so where both pass, generated code computes the same with either.
"""

import os
import random
import re
import shlex
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import hls_headers
import pytest

CHECKER = Path(__file__).parent / "checker.cpp"
CXX = [*shlex.split(os.environ.get("CXX", "g++")), "-std=c++14"]
STRICT = ["-Wall", "-Wextra", "-Wconversion", "-Wpedantic", "-Werror"]
WIDTHS = [*range(1, 71), *range(127, 131), 512, 1000]
LONE = [1, 2, 8, 17, 31, 32, 33, 63, 64, 65, 129, 1000]
"""Widths of the operations on one integer; those on two use all WIDTHS."""


@dataclass(frozen=True)
class Type:
    """ap_int<width> or ap_uint<width>."""

    width: int
    signed: bool

    def __str__(self) -> str:
        return f"ap_{'' if self.signed else 'u'}int<{self.width}>"

    def wrap(self, value: int) -> int:
        value &= (1 << self.width) - 1
        return value - (1 << self.width) if self.signed and value >> (self.width - 1) else value

    def bits(self, value: int) -> int:
        return value & ((1 << self.width) - 1)

    def values(self, draw: random.Random) -> Iterator[int]:
        """The edges, then random numbers of random length."""
        yield from (self.wrap(v) for v in (0, 1, -1, 1 << (self.width - 1), (1 << (self.width - 1)) - 1))
        while True:
            yield self.wrap(draw.getrandbits(draw.randint(1, self.width)) * draw.choice((1, -1)))

    def show(self, value: int) -> str:
        return f"{self.width}:{self.wrap(value)}"


@dataclass(frozen=True)
class Input:
    """One line for the checker."""

    case: int
    a: int
    b: int
    count: int
    hi: int
    lo: int

    def __str__(self) -> str:
        return f"{self.case} {self.a:x} {self.b:x} {self.count} {self.hi} {self.lo}"


def integer(width: int, signed: bool, value: int) -> str:
    """An exact result: it must be a value of its type as it is."""
    kind = Type(width, signed)
    assert kind.wrap(value) == value
    return kind.show(value)


def common(a: Type, b: Type) -> Type:
    """The type that holds both, of UG1399's bitwise operators; sums have one bit more."""
    width = max(a.width + (b.signed and not a.signed), b.width + (a.signed and not b.signed))
    return Type(width, a.signed or b.signed)


def comparable(a: Type, b: Type, x: int, y: int) -> bool:
    """AMD's simulation compares by value, except where C's conversion of a negative number steps in."""
    if a.signed == b.signed:
        return True
    unsigned, signed, value = (b, a, x) if a.signed else (a, b, y)
    return value >= 0 or unsigned.width < 32 or unsigned.width < signed.width


def binary(a: Type, b: Type, x: int, y: int) -> dict[str, str]:
    """What checker.cpp's binary() prints."""
    both = common(a, b)
    joined = integer(a.width + b.width, False, a.bits(x) << b.width | b.bits(y))
    compared = {"eq": x == y, "ne": x != y, "lt": x < y, "gt": x > y, "le": x <= y, "ge": x >= y}
    product = a.wrap(x * y)
    return {
        "add": integer(both.width + 1, both.signed, x + y),
        "sub": integer(both.width + 1, True, x - y),
        "mul": integer(a.width + b.width, both.signed, x * y),
        "and": both.show(x & y),
        "or": both.show(x | y),
        "xor": both.show(x ^ y),
        "joined": joined,
        "concat": joined,
        **({name: str(int(value)) for name, value in compared.items()} if comparable(a, b, x, y) else {}),
        "converted": a.show(y),
        "+=": a.show(x + y),
        "-=": a.show(x),
        "*=": a.show(product),
        "&=": a.show(x & y),
        "|=": a.show(x | y),
        "^=": a.show(x ^ y),
    }


def put_bits(value: int, hi: int, lo: int, source: int) -> int:
    mask = (1 << (hi - lo + 1)) - 1
    return value & ~(mask << lo) | (source & mask) << lo


def unary(a: Type, x: int, line: Input) -> dict[str, str]:
    """What checker.cpp's unary() prints."""
    count, hi, lo = line.count, line.hi, line.lo
    size, bits = hi - lo + 1, a.bits(x)
    part = bits >> lo & ((1 << size) - 1)
    room = a.width - size
    plain = Type(a.width, False)
    flipped = bits ^ (1 << lo)
    assigned = put_bits(flipped, hi, hi, flipped >> lo)
    top, bottom = assigned >> hi & 1, assigned >> lo & 1
    int_sum = common(a, Type(32, True)).width + 1
    left, right = a.show(x << count), a.show(x >> count)
    return {
        "value": a.show(x),
        "minus": integer(max(a.width, 1 + a.signed) + 1, True, -x),
        "not": a.show(~x),
        "zero": str(int(x == 0)),
        "after++": a.show(x),
        "++": a.show(x + 2),
        "after--": a.show(x + 2),
        "--": a.show(x),
        "<<": left,
        ">>": right,
        "<<ap": left,
        ">>ap": right,
        "<<=": left,
        ">>=": right,
        "+int": integer(int_sum, True, x + 77),
        "int-": integer(int_sum, True, -77 - x),
        "*unsigned": integer(a.width + 32, a.signed, x * 77),
        "+bool": integer(common(a, Type(1, False)).width + 1, a.signed, x + 1),
        "to_int": str(Type(32, True).wrap(x)),
        "to_uint": str(Type(32, False).wrap(x)),
        "to_int64": str(Type(64, True).wrap(x)),
        "to_uint64": str(Type(64, False).wrap(x)),
        "all": str(int(bits + 1 == 1 << a.width)),
        "any": str(int(bits != 0)),
        "odd": str(bits.bit_count() % 2),
        "hex": str(x),
        "string": str(x),
        "range": plain.show(part),
        "range()": Type(a.width, True).show(part),
        "size": str(size),
        "bits": str(Type(64, False).wrap(part)),
        "bits+": integer(common(plain, a).width + 1, a.signed, part + x),
        "bits==": "1",
        "bits<<": plain.show(part << count),
        "joined bits": plain.show(part << 1),
        "range=int": a.show(put_bits(bits, hi, lo, -5)),
        "range=wide": a.show(put_bits(bits, hi, lo, -5)),
        "moved down": a.show(put_bits(bits, size - 1, 0, part)),
        "moved up": a.show(put_bits(bits, room + size - 1, room, part)),
        "copied": a.show(put_bits(~bits, hi, lo, part)),
        "bit": str(bits >> hi & 1),
        "flipped": a.show(flipped),
        "bit=bit": a.show(assigned),
        "~bit": str(1 - top),
        "two bits": f"2:{2 * top + bottom}",
    }


def native(x: int) -> dict[str, str]:
    """What checker.cpp's native() prints; bit 63 of an ap_uint<64> is the sign of a long long."""
    return {"native": str(Type(64, True).wrap(x)), "bool": str(int(x != 0)), "to_bool": str(int(x != 0))}


STREAM = {
    "wrong": "0",
    "size": "400",
    "empty": "0",
    "full": "0",
    "item": "70:39999",
    "read_nb": "1",
    "last": "70:-1",
    "drained": "1",
    "read_nb again": "0",
    "write_nb": "1",
    "read": "70:7",
}


@dataclass(frozen=True)
class Plan:
    """What the checker calls, its input, and what it must print for each line and the stream."""

    calls: list[str]
    lines: list[Input]
    expected: list[dict[str, str]]

    def source(self) -> str:
        head = "void run(int index, const std::string& a, const std::string& b, int count, int hi, int lo)"
        cases = "".join(f"    case {i}: {call} break;\n" for i, call in enumerate(self.calls))
        return f"{head} {{\n  switch (index) {{\n{cases}  }}\n}}\n"

    def inputs(self) -> str:
        return "".join(f"{line}\n" for line in self.lines)


def plan() -> Plan:
    draw = random.Random(1)
    others = draw.sample(WIDTHS, len(WIDTHS))
    lone = [Type(w, signed) for w in LONE for signed in (False, True)]
    pairs = [
        (Type(v, draw.random() < 0.5), Type(w, draw.random() < 0.5)) for v, w in zip(WIDTHS, others, strict=True)
    ][::2]
    pairs += [(Type(32, False), Type(32, True)), (Type(64, True), Type(64, False)), (Type(65, False), Type(8, True))]
    calls: list[str] = []
    lines: list[Input] = []
    expected: list[dict[str, str]] = []
    for a in lone:
        values = a.values(draw)
        for _ in range(16):
            x, count = next(values), draw.randint(0, a.width)
            lo, hi = sorted(draw.choices(range(a.width), k=2))
            line = Input(len(calls), a.bits(x), 0, count, hi, lo)
            lines.append(line)
            expected.append(unary(a, x, line) | (native(x) if a.width <= 64 else {}))
        calls.append(f"unary<{a}>(a, count, hi, lo);" + (f" native<{a}>(a);" if a.width <= 64 else ""))
    for a, b in pairs:
        xs, ys = a.values(draw), b.values(draw)
        vectors = [(x, y) for x in (0, -1, a.wrap(1 << (a.width - 1))) for y in (b.wrap(-1), 0)]
        vectors += [(next(xs), next(ys)) for _ in range(20)]
        for x, y in vectors:
            x = a.wrap(x)
            lines.append(Input(len(calls), a.bits(x), b.bits(y), int(comparable(a, b, x, y)), 0, 0))
            expected.append(binary(a, b, x, y))
        calls.append(f"binary<{a}, {b}>(a, b, count != 0);")
    return Plan(calls, lines, [*expected, STREAM])


def compiled(folder: Path, source: Path, flags: list[str]) -> Path:
    program = folder / "program"
    done = subprocess.run(
        [*CXX, *flags, f"-I{folder}", str(source), "-o", str(program)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return program


@pytest.fixture
def headers(request: pytest.FixtureRequest) -> list[str]:
    """The compiler's flags for the headers that the test's id names."""
    if request.param == "stand-ins":
        return [*hls_headers.flags(None), *STRICT]
    if (folder := hls_headers.find()) is None:
        pytest.skip(f"AMD's headers are not installed (pip install hls4ml, or set {hls_headers.VARIABLE})")
    return hls_headers.flags(folder)


def parsed(line: str) -> dict[str, str]:
    """name=value by name; names may hold spaces, values do not. A repeated name is marked.

    Hexadecimal becomes decimal: AMD's differ in case and in leading zeros.
    """
    found: dict[str, str] = {}
    for name, value in re.findall(r" (\S.*?)=(-?[0-9a-fx:-]+)(?= |$)", line.lower()):
        plain = str(int(value, 16)) if "0x" in value else value
        found[f"{name} again" if name in found else name] = plain
    return found


@pytest.mark.parametrize("headers", ["stand-ins", "AMD"], indirect=True)
def test_arithmetic(headers: list[str], tmp_path: Path) -> None:
    wanted = plan()
    (tmp_path / "cases.inc").write_text(wanted.source())
    program = compiled(tmp_path, CHECKER, headers)
    done = subprocess.run([program], input=wanted.inputs(), capture_output=True, text=True, check=True)
    results = [parsed(line) for line in done.stdout.splitlines()]
    assert len(results) == len(wanted.expected)
    what = [*(f"{wanted.calls[line.case]} {line}" for line in wanted.lines), "stream"]
    wrong = [
        f"{name}: {key} is {got.get(key)}, not {expected.get(key)}"
        for name, got, expected in zip(what, results, wanted.expected, strict=True)
        for key in sorted(got.keys() | expected.keys())
        if got.get(key) != expected.get(key)
    ]
    assert not wrong, f"{len(wrong)} differ, such as\n" + "\n".join(wrong[:20])
