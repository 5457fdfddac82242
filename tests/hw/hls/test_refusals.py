"""What the stand-ins refuse, so that generated code cannot rely on it, and what they know at compile time."""

import subprocess
from pathlib import Path

import hls_headers
import pytest

from tests.hw.hls.cxx import STRICT, build

PROGRAM = """#include "ap_axi_sdata.h"
#include "ap_int.h"
#include "hls_stream.h"
int main() {{
  ap_uint<8> u = 200, v = 3;
  ap_int<8> s = -5;
  ap_uint<70> wide = 1;
  hls::stream<ap_uint<8>> queue("pixels");
  const ap_uint<8> constant = 1;
  (void)constant, (void)u, (void)v, (void)s, (void)wide;
  {}
}}
"""


REFUSED = {
    "u / v;": "use of deleted function",
    "u % 3;": "use of deleted function",
    "if (wide) return 1;": "could not convert",
    "long long native = wide;": "cannot convert",
    "u = 1.5;": "no match for",
    "~u.range(3, 0);": "use of deleted function",
    "-u.range(3, 0);": "use of deleted function",
    "s.range(3, 0) + 1;": "convert a range of an ap_int to ap_uint before computing with it",
    "u.range(3, 0).or_reduce();": "has no member named",
    "s.xor_reduce();": "AMD's simulation counts the sign extension too: convert to ap_uint first",
    "(u, v) = 7;": "discards qualifiers",
    "constant[0] = 1;": "lvalue required",
    "constant.range(3, 0) = 1;": "discards qualifiers",
    "u <<= wide;": "a shift count has at most 64 bits",
    "hls::stream<ap_uint<8>> other(queue);": "use of deleted function",
    "ap_uint<0> none;": "an integer has 1 to 16384 bits",
}
"""Statements, and what the compiler says of them."""


def compiled(folder: Path, code: str, *flags: str) -> subprocess.CompletedProcess[str]:
    source = folder / "main.cpp"
    source.write_text(PROGRAM.format(code))
    return build(source, folder / "main", [*STRICT, *flags, *hls_headers.flags(None)])


@pytest.mark.slow
def test_refused_when_compiled(tmp_path: Path) -> None:
    assert compiled(tmp_path, "", "-fsyntax-only").returncode == 0
    said = compiled(tmp_path, "\n".join(REFUSED), "-fsyntax-only").stderr
    first = PROGRAM[: PROGRAM.index("  {}")].count("\n") + 1
    for line, (statement, reason) in enumerate(REFUSED.items(), first):
        assert f"main.cpp:{line}:" in said, statement
        assert reason in said, statement


@pytest.mark.slow
def test_known_when_compiled(tmp_path: Path) -> None:
    """Constant tables need no start-up code, and integers no more room than native ones."""
    checks = [
        "constexpr ap_int<5> table[] = {-16, 15, 7};",
        'static_assert(table[0] * table[1] == -240 && (table[2] << 1) == 14, "");',
        'static_assert(decltype(table[0] * table[1])::width == 10, "");',
        'constexpr ap_uint<100> mask("fffffffffffffffffffffffff", 16);',
        'static_assert(mask.and_reduce() && mask.range(99, 36) == ~0ULL, "");',
        'static_assert(sizeof(ap_int<8>) == 1 && sizeof(ap_uint<17>) == 4 && sizeof(ap_uint<65>) == 16, "");',
        'static_assert(sizeof(ap_axiu<64, 0, 0, 0>) <= 16, "");',
    ]
    done = compiled(tmp_path, "\n  ".join(checks))
    assert done.returncode == 0, done.stderr


@pytest.mark.slow
@pytest.mark.parametrize(
    ("statement", "message"),
    [
        ("queue.write(1); queue.read(); queue.read();", "error: hls::stream 'pixels' is read while empty\n"),
        ("return wide > -1;", "a negative number is compared with an unsigned one that is not narrower"),
        ("u.range(0, 3) = 1;", "a range inside the integer, the high end first"),
        ("u.range(8, 3) = 1;", "a range inside the integer, the high end first"),
        ("u[8] = 1;", "bits inside the integer"),
        ("u <<= s;", "a shift count is not negative"),
        ('u = ap_uint<8>("1g", 16);', "a digit of the radix"),
    ],
)
def test_stops_when_run(tmp_path: Path, statement: str, message: str) -> None:
    assert compiled(tmp_path, statement).returncode == 0
    done = subprocess.run([tmp_path / "main"], capture_output=True, text=True, check=False)
    assert done.returncode != 0
    assert message in done.stderr


@pytest.mark.slow
def test_depth_does_not_matter_to_a_reference(tmp_path: Path) -> None:
    code = """hls::stream<ap_uint<8>, 4> deep;
  hls::stream<ap_uint<8>>& any = deep;
  any << u;
  return deep.read() == u ? 0 : 1;"""
    assert compiled(tmp_path, code).returncode == 0
    assert subprocess.run([tmp_path / "main"], check=False).returncode == 0
