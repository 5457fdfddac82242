"""One network on more and more boards: python -m tools.bench.several_boards.

MobileNet-V1 at 224 x 224 in w8a8, with random weights, on one to four U250 without a shell. They are planned, not
simulated. The table goes into docs/clusters.md.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import click

from examples import networks
from tomato.compiler import compile_model, compile_on_boards
from tools.bench.cases import BUILD, ROOT
from tools.bench.measure import ALONE
from tools.bench.precision import fill

DOCUMENT: Final = ROOT / "docs" / "clusters.md"
BEGIN: Final = "<!-- made by python -m tools.bench.several_boards -->\n"
NETWORK, BOARD, CLOCK = "mobilenet_v1", "u250", 300.0
MOST: Final = 4
DIVIDED: Final = "layers that are larger than a region of a chip are divided: "


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
def main() -> None:
    """Plan it for one board, then for more, and write the table."""
    path = BUILD / "networks" / f"{NETWORK}.onnx"
    if not path.exists():
        networks.save(NETWORK, path)
    reports = []
    for count in range(1, MOST + 1):
        reports.append(planned(path, count))
        click.echo(f"{count}: {reports[-1]['interval_cycles']:,} cycles")
    DOCUMENT.write_text(fill(DOCUMENT.read_text(), BEGIN, table(reports)))


def planned(path: Path, count: int) -> Mapping[str, Any]:
    """What is predicted for so many boards."""
    if count == 1:
        return compile_model(path, BOARD, clock_mhz=CLOCK, **ALONE).report
    return compile_on_boards(path, ",".join([BOARD] * count), clock_mhz=CLOCK).report


def table(reports: list[Mapping[str, Any]]) -> str:
    """A line for each number of boards."""
    lines = [
        "| boards | cycles a frame | frames/s | times one board | no cuts beat | layers divided |",
        "|---" * 6 + "|",
    ]
    for count, report in enumerate(reports, start=1):
        times = reports[0]["interval_cycles"] / report["interval_cycles"]
        bound = f"{report['bound_cycles']:,}" if count > 1 else ""
        lines.append(
            f"| {count} | {report['interval_cycles']:,} | {report['fps']:,.0f} | {times:.2f} | {bound} | "
            f"{divided(report['notes']) if count > 1 else ''} |"
        )
    return "\n".join(lines) + "\n"


def divided(notes: list[str]) -> int:
    """How many layers a design has in parts."""
    return sum(len(note.removeprefix(DIVIDED).split(", ")) for note in notes if note.startswith(DIVIDED))


if __name__ == "__main__":
    main()
