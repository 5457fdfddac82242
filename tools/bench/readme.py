"""The short table of the README, from tools/bench/results.json: python -m tools.bench.readme rewrites it."""

import json

from tools.bench.cases import HERE, ROOT, Case, Published, read_cases, read_published
from tools.bench.table import Results, table

README = ROOT / "README.md"
BEGIN, END = "<!-- benchmark: python -m tools.bench.readme -->\n", "<!-- end of benchmark -->\n"


def short(cases: tuple[Case, ...], results: Results, published: tuple[Published, ...]) -> str:
    """Networks that others have built too, and those with a goal: our speed, and theirs."""
    theirs: dict[str, list[str]] = {}
    for figure in published:
        cycles = f"{figure.interval_cycles:,} cycles" if figure.interval_cycles else ""
        speed = ", ".join(filter(None, (cycles, f"{figure.fps} frames/s" if figure.fps else "")))
        theirs.setdefault(figure.case, []).append(f"{figure.project}, {figure.device}, {figure.precision}: {speed}")
    chosen = [
        case
        for case in cases
        if (case.at_most or case.name in theirs) and results.get(case.name, {}).get("status") == "compiled"
    ]
    head = ("network", "board", "precision", "cycles a frame", "frames/s", "MHz", "others")
    return table(
        head,
        (
            (
                case.title,
                case.target,
                case.bits,
                f"{results[case.name]['interval_cycles']:,}",
                f"{results[case.name]['fps']:,.0f}",
                f"{results[case.name]['clock_mhz']:g}",
                "; ".join(theirs.get(case.name, [])),
            )
            for case in chosen
        ),
    )


def updated(readme: str, section: str) -> str:
    """The README with another table."""
    head, _, rest = readme.partition(BEGIN)
    _, _, tail = rest.partition(END)
    assert tail, f"README.md has no section between {BEGIN.strip()} and {END.strip()}"
    return f"{head}{BEGIN}{section}{END}{tail}"


def main() -> None:
    """Rewrite the table."""
    results = json.loads((HERE / "results.json").read_text(encoding="utf-8"))["results"]
    section = short(read_cases(), results, read_published())
    README.write_text(updated(README.read_text(encoding="utf-8"), section), encoding="utf-8")


if __name__ == "__main__":
    main()
