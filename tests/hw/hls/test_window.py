"""A line buffer that holds more rows than its frames have: it fills up, waits, and loses nothing."""

import subprocess
from pathlib import Path

import pytest

from tests.hw.hls.cxx import LIBRARY, build

PROGRAM = """#include "tom_dense_fold.hpp"

static const tom_piece weights[8][1] = {{1}, {2}, {3}, {4}, {5}, {6}, {7}, {8}};

int main() {
  hls::stream<ap_uint<8> > in("in");
  hls::stream<ap_uint<16> > out("out");
  for (unsigned x = 0; x < 200; ++x) in.write(x);
  tom_dense_fold</*Lanes*/ 1, /*Outputs*/ 1, /*Beats*/ 1, /*Folds*/ 8, /*Pixels*/ 20, /*RingRam*/ 0, /*InBits*/ 8,
                 /*InSigned*/ false, /*Cell*/ 0, /*FieldBits*/ 5, /*WeightBits*/ 5, /*Constants*/ tom_bits<0>,
                 /*ProdBits*/ 14, /*AccBits*/ 16, /*Pack*/ 0, /*Chain*/ 0, /*WeightRam*/ 0, /*LoadBits*/ 1,
                 /*FrameBeats*/ 800>(
      2, weights, in, out);
  for (unsigned x = 0; x < 200; ++x) {
    for (unsigned w = 1; w <= 8; ++w) {
      if (out.empty() || out.read() != x * w) return 1;
    }
  }
  return out.empty() ? 0 : 1;
}
"""


@pytest.mark.slow
@pytest.mark.parametrize("headers", ["stand-ins", "AMD"], indirect=True)
def test_ring_of_more_rows_than_a_frame(headers: list[str], tmp_path: Path) -> None:
    source = tmp_path / "window.cpp"
    source.write_text(PROGRAM)
    flags = [*headers, *LIBRARY, "-Wno-unknown-pragmas", "-Wno-conversion", "-O1"]
    built = build(source, tmp_path / "window", flags)
    assert built.returncode == 0, built.stderr
    assert subprocess.run([tmp_path / "window"], check=False).returncode == 0
