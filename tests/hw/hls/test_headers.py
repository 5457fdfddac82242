"""ap_int.h and hls_stream.h against Python's integers: our stand-ins and, where installed, AMD's own.

Both compile the same checker.cpp, so where both pass, generated code computes the same with either.
"""

import random
import re
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.hw.hls.cxx import build
from tests.hw.hls.integers import STREAM, Input, Type, binary, comparable, native, unary

CHECKER = Path(__file__).parent / "checker.cpp"
WIDTHS = [*range(1, 71), *range(127, 131), 512, 1000]
LONE = [
    *(Type(w, False) for w in (1, 8, 31, 33, 64, 65, 129)),
    *(Type(w, True) for w in (1, 2, 17, 32, 63, 64, 65, 1000)),
]
"""Types of the operations on one integer; those on two draw from WIDTHS, and these."""
SIDE_BY_SIDE = [
    (Type(32, False), Type(32, True)),
    (Type(64, True), Type(64, False)),
    (Type(65, False), Type(8, True)),
]


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


def add_lone(plan: Plan, a: Type, draw: random.Random) -> None:
    values = a.values(draw)
    for _ in range(16):
        x, count = next(values), draw.randint(0, a.width)
        lo, hi = sorted(draw.choices(range(a.width), k=2))
        line = Input(len(plan.calls), a.bits(x), 0, count, hi, lo)
        plan.lines.append(line)
        plan.expected.append(unary(a, x, line) | (native(x) if a.width <= 64 else {}))
    plan.calls.append(f"unary<{a}>(a, count, hi, lo);" + (f" native<{a}>(a);" if a.width <= 64 else ""))


def add_pair(plan: Plan, a: Type, b: Type, draw: random.Random) -> None:
    xs, ys = a.values(draw), b.values(draw)
    vectors = [(x, y) for x in (0, a.wrap(-1), a.wrap(1 << (a.width - 1))) for y in (b.wrap(-1), 0)]
    vectors += [(next(xs), next(ys)) for _ in range(20)]
    for x, y in vectors:
        plan.lines.append(Input(len(plan.calls), a.bits(x), b.bits(y), int(comparable(a, b, x, y)), 0, 0))
        plan.expected.append(binary(a, b, x, y))
    plan.calls.append(f"binary<{a}, {b}>(a, b, count != 0);")


def make_plan() -> Plan:
    draw = random.Random(1)
    plan = Plan([], [], [])
    for a in LONE:
        add_lone(plan, a, draw)
    for width in WIDTHS[::3]:
        add_pair(plan, Type(width, draw.random() < 0.5), Type(draw.choice(WIDTHS), draw.random() < 0.5), draw)
    for a, b in SIDE_BY_SIDE:
        add_pair(plan, a, b, draw)
    plan.expected.append(STREAM)
    return plan


def parsed(line: str) -> dict[str, str]:
    """name=value by name; names may hold spaces, values do not. A repeated name is marked.

    Hexadecimal becomes decimal: AMD's differ in case and in leading zeros.
    """
    found: dict[str, str] = {}
    for name, value in re.findall(r" (\S.*?)=(-?[0-9a-fx:-]+)(?= |$)", line.lower()):
        plain = str(int(value, 16)) if "0x" in value else value
        found[f"{name} again" if name in found else name] = plain
    return found


@pytest.mark.rtl
@pytest.mark.parametrize("headers", ["stand-ins", "AMD"], indirect=True)
def test_arithmetic(headers: list[str], tmp_path: Path) -> None:
    wanted = make_plan()
    (tmp_path / "cases.inc").write_text(wanted.source())
    program = tmp_path / "checker"
    built = build(CHECKER, program, [*headers, f"-I{tmp_path}"])
    assert built.returncode == 0, built.stderr
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
