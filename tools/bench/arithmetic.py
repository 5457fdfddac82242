"""How fast one network gets in each arithmetic on boards with few DSP blocks: python -m tools.bench.arithmetic.

Compiled, not simulated. The table goes into docs/arithmetic.md.
"""

from pathlib import Path
from typing import Any, Final

import numpy as np

import tomato
from tools.bench.cases import ROOT

MODEL: Final = ROOT / "examples" / "digits" / "digits.onnx"
CALIBRATION: Final = MODEL.parent / "digits_calibration.npz"
DOCUMENT: Final = ROOT / "docs" / "arithmetic.md"
BEGIN, END = "<!-- made by python -m tools.bench.arithmetic -->\n", "<!-- end of tools.bench.arithmetic -->\n"
BOARDS: Final = ("pynq-z2", "ulx3s")
FORMATS: Final = ("w8a8", "w4a8", "shift4a8", "ternarya8", "binarya8", "ternarya4")


def measure(board: str, formats: str) -> dict[str, Any]:
    """The report of the network with all its weights in one format."""
    with np.load(CALIBRATION) as stored:
        frames = stored["x"]
    accelerator = tomato.compile(MODEL, board, calibration=frames, precision=f"w8a8, *={formats}", compensate=False)
    return accelerator.report


def table(reports: dict[tuple[str, str], dict[str, Any]]) -> str:
    """One row per board and format."""
    lines = [
        "| board | all weights | cycles a frame | against w8a8 | LUT | DSP |",
        "|---|---|--:|--:|--:|--:|",
    ]
    for (board, formats), report in reports.items():
        gain = reports[board, FORMATS[0]]["interval_cycles"] / report["interval_cycles"]
        used = [f"{report['resources'][k]:,} of {report['budget'][k]:,}" for k in ("lut", "dsp")]
        lines.append(f"| {board} | {formats} | {report['interval_cycles']:,} | {gain:.1f} x | {' | '.join(used)} |")
    return "\n".join(lines) + "\n"


def main() -> None:
    """Compile everything and write the table."""
    reports = {(board, formats): measure(board, formats) for board in BOARDS for formats in FORMATS}
    text = Path(DOCUMENT).read_text()
    before, rest = text.split(BEGIN)
    DOCUMENT.write_text(before + BEGIN + table(reports) + END + rest.split(END, 1)[1])


if __name__ == "__main__":
    main()
