"""AXI4-Stream beats: ours serve AMD's ap_int.h too, whose package lacks ap_axi_sdata.h."""

import subprocess
from pathlib import Path

import pytest

from tests.hw.hls.cxx import build

PROGRAM = """#include "ap_axi_sdata.h"
#include "hls_stream.h"

typedef ap_axiu<20, 0, 3, 0> Beat;  // TID of 3 bits; no TUSER, no TDEST

int main() {
  Beat beat;
  beat.data = 1 << 19;
  beat.keep = -1;
  beat.strb = -1;
  beat.last = 1;
  beat.id = 13;
  hls::stream<Beat> port("port");
  port << beat;
  const Beat seen = port.read();
  ap_axis<20, 0, 0, 0> negative;
  negative.data = -1;
  const bool same = seen.data == 524288 && seen.keep == 7 && seen.strb == 7 && seen.last == 1 && seen.id == 5;
  return same && negative.data == -1 ? 0 : 1;
}
"""


@pytest.mark.slow
@pytest.mark.parametrize("headers", ["stand-ins", "AMD"], indirect=True)
def test_beats(headers: list[str], tmp_path: Path) -> None:
    source = tmp_path / "beats.cpp"
    source.write_text(PROGRAM)
    built = build(source, tmp_path / "beats", headers)
    assert built.returncode == 0, built.stderr
    assert subprocess.run([tmp_path / "beats"], check=False).returncode == 0
