"""What is to come in a number of frames: no more and no less, and no product that outgrows 32 bits."""

import subprocess
from pathlib import Path

import pytest

from tests.hw.hls.cxx import LIBRARY, build

PROGRAM = """#include "tom_countdown.hpp"

template <unsigned PerFrame>
bool steps(unsigned frames) {
  unsigned count = 0;
  for (tom_countdown<PerFrame> left(frames); left.any(); left.step()) ++count;
  return count == frames * PerFrame;
}

int main() {
  bool right = true;
  for (unsigned frames = 0; frames < 4; ++frames) right &= steps<1>(frames) && steps<2>(frames) && steps<5>(frames);

  tom_countdown<1u << 12> many(1u << 20);  // 2^32 in all
  for (unsigned step = 0; step < 1u << 13; ++step) many.step();
  return right && many.any() ? 0 : 1;
}
"""


@pytest.mark.slow
@pytest.mark.parametrize("headers", ["stand-ins", "AMD"], indirect=True)
def test_countdown(headers: list[str], tmp_path: Path) -> None:
    source = tmp_path / "countdown.cpp"
    source.write_text(PROGRAM)
    built = build(source, tmp_path / "countdown", [*headers, *LIBRARY, "-Wno-unknown-pragmas"])
    assert built.returncode == 0, built.stderr
    assert subprocess.run([tmp_path / "countdown"], check=False).returncode == 0
