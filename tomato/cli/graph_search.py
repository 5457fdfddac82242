"""`tomato search` for networks on graphs: what its options mean there, and what it tells."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import click

from tomato.cli.show import console, say, table
from tomato.core.errors import TomatoError
from tomato.core.progress import Progress

BYTES = 8192.0
"""Bits of a KiB."""


def refuse_others(given: Sequence[str]) -> None:
    """Raise TomatoError for an option that says nothing of graphs."""
    hints = {
        "--valid": "the file of a graph has masks train, valid and test",
        "--hours": "--epochs, --candidates and --tune say how long a search on a graph takes",
        "--objective": "accuracy is weighed against the size of weights and bit operations",
        "--random": "choices are learned, not bred",
        "--weights": "no weights are shared there",
        "--workers": "it is one training",
        "--scheduler": "it is one training",
    }
    for name in given:
        if name in hints:
            raise TomatoError(f"{name} says nothing of a search on a graph", hint=hints[name])


def run(options: Mapping[str, Any], progress: Progress, told: Callable[[str], None]) -> dict[str, Any]:
    """Search with the options of the command, by their names there; None is what is not said."""
    from tomato.train.graphs.command import Asked, search_graph

    names = {"count": "rounds", "clock": "clock_mhz", "nodes": "part"}
    given = {names.get(name, name): value for name, value in options.items() if value is not None}
    return search_graph(Asked(**given), progress=progress, told=told)


def show(result: Mapping[str, Any]) -> None:
    """The networks that were compiled, the float network beside them, and what was written."""
    out = console()
    columns = ("% right", "KiB", "on the chip", "frames/s", "cycles", "LUT", "DSP", "BRAM18")
    made = table("network", "blocks", *columns, right=("network", *columns))
    base = result["baseline"]
    made.add_row("", f"{base['network']}, floats", f"{100 * base['test']:.2f}",
                 f"{base['counts']['bits'] / BYTES:,.1f}", *[""] * (len(columns) - 2))  # fmt: skip
    for row in result["trained"]:
        used = (f"{row['resources'].get(kind, 0):,}" for kind in ("lut", "dsp", "bram18"))
        made.add_row(row["folder"], row["network"], f"{100 * row['test']:.2f}", f"{row['bits'] / BYTES:,.1f}",
                     f"{100 * row['right']:.2f}", f"{row['fps']:,.0f}", f"{row['interval']:,}", *used)  # fmt: skip
    out.print(made)
    say(out, f"% right: of the test nodes of the whole graph; on the chip: of those of its {result['part']} nodes that "
             "were not trained on, with the edges between these")  # fmt: skip
    say(
        out,
        f"{result['candidates']} rounds over {result['networks']:,.0f} networks, {len(result['front'])} in the front",
    )
    wrong, codes = (sum(row[key] for row in result["trained"]) for key in ("differing", "codes"))
    say(out, f"checked: {wrong} of {codes:,} codes of the compiled networks differ from the trained networks'")
    if simulated := sum(row["simulated"] for row in result["trained"]):
        say(out, f"bit-exact in simulation: {simulated} frames")
    say(out, f"written: {', '.join(result['written'])}")


def said(context: click.Context) -> list[str]:
    """The options that the user gave, as written."""
    return [p.opts[0] for p in context.command.params
            if p.name and context.get_parameter_source(p.name) is click.core.ParameterSource.COMMANDLINE]  # fmt: skip
