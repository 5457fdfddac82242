"""How far the resource model is off on ECP5: writes the table of docs/resources.md from the stored measurements.

Usage: python -m tools.calibrate.errors, after python -m tools.calibrate.run.
"""

from tools.calibrate.run import HERE, selected, summary

DOCUMENT = HERE.parents[1] / "docs" / "resources.md"
BEGIN, END = "<!-- python -m tools.calibrate.errors: begin -->\n", "<!-- end -->\n"
COLUMNS = 3
"""Groups side by side."""


def table() -> str:
    """The largest error of every group, on the points that judge ECP5."""
    cells = [f"| `{group}` | {row['lut_error_max']:.1%} " for group, row in summary(selected("ecp5"), "ecp5").items()]
    rows = (cells[i : i + COLUMNS] for i in range(0, len(cells), COLUMNS))
    return "| group | off " * COLUMNS + "|\n" + "|---|--:" * COLUMNS + "|\n" + "".join(f"{''.join(r)}|\n" for r in rows)


def document() -> str:
    """The document with the table of the data at hand."""
    before, rest = DOCUMENT.read_text().split(BEGIN)
    _, after = rest.split(END)
    return before + BEGIN + table() + END + after


def main() -> None:
    """Rewrite the table."""
    DOCUMENT.write_text(document())


if __name__ == "__main__":
    main()
