"""docs/tails.md: python -m tests.unit.quantise.absorb.tails_page writes it (minutes)."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from tests.unit.quantise.absorb.tails import QDQ, QONNX, QOPERATOR, SOURCES, TAILS, Case, Verdict, cases, verdicts
from tomato.quantise.absorb.proof import (
    FLOAT_AVERAGE,
    FLOAT_FALLBACK,
    FLOAT_FUNCTION,
    NEAREST,
    PIECEWISE,
    SAMPLED,
    SUM_OF_TIES,
)

MARKS: Mapping[str, str] = {
    FLOAT_FALLBACK: "F", FLOAT_AVERAGE: "A", FLOAT_FUNCTION: "X", SUM_OF_TIES: "T", NEAREST: "N", SAMPLED: "S",
    PIECEWISE: "L",
}  # fmt: skip
BEGIN = "<!-- table: python -m tests.unit.quantise.absorb.tails_page -->"
PAGE = Path(__file__).parents[4] / "docs" / "tails.md"


def cell(found: Mapping[Case, Verdict]) -> str:
    """What became of one source and tail: one mark for all, or one for every dialect."""
    assert all(v.kind != "failed" for v in found.values()), "mend what fails first"
    marks = {c: "R" if v.kind == "refused" else "+".join(MARKS[n] for n in v.text.split(", ") if n) or "="
             for c, v in found.items()}  # fmt: skip
    by_dialect: dict[str, str] = {}
    for dialect in (QDQ, QOPERATOR, QONNX):
        different = dict.fromkeys(m for c, m in sorted(marks.items(), key=str) if c.dialect == dialect)
        if different:
            by_dialect[dialect] = " or ".join(sorted(different))
    if len(set(by_dialect.values())) == 1:
        return next(iter(by_dialect.values()))
    return ", ".join(f"{dialect} {mark}" for dialect, mark in by_dialect.items())


def row(source: str, found: Mapping[Case, Verdict], *, wide: bool) -> str:
    """A row of the table of 8 bits, or (`wide`) of 16."""
    cells = [cell({c: v for c, v in found.items() if c.tail == tail and (c.kind == "int16") == wide}) for tail in TAILS]
    return f"| {source} | {' | '.join(cells)} |"


def table(rows: Sequence[str]) -> str:
    """Rows under their head."""
    return "\n".join([f"| | {' | '.join(TAILS)} |", f"|---{'|---' * len(TAILS)}|", *rows])


def main() -> None:
    """Write the tables into their page."""
    found = {source: verdicts(cases(source)) for source in SOURCES}
    head = PAGE.read_text().split(BEGIN, maxsplit=1)[0]
    narrow, wide = (table([row(s, v, wide=w) for s, v in found.items()]) for w in (False, True))
    PAGE.write_text(f"{head}{BEGIN}\n\n## 8 bits\n\n{narrow}\n\n## 16 bits\n\n{wide}\n")


if __name__ == "__main__":
    main()
