"""Tables for people. All that they show is data elsewhere: report.json, simulation.json, evaluation.json."""

import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import click
from rich.box import SIMPLE
from rich.console import Console
from rich.table import Table

from tomato.build.report import shares
from tomato.build.rows import KINDS, merged, unrolling
from tomato.build.simulation import Difference
from tomato.cluster.design import COPIES
from tomato.complete import LEAVES
from tomato.core.errors import TomatoError
from tomato.core.interface import HOST_RUNS, Ends
from tomato.frontend import NodeReport
from tomato.measure.agreement import Agreement, Saturation
from tomato.quantise.absorb import PROPERTIES, Proof
from tomato.quantise.integers import NO_CALIBRATION
from tomato.quantise.post_training import SWALLOWS
from tomato.targets import Target

WIDTH = 120
"""Columns where nobody says how wide the output is."""
FEW = 8
"""Names of a list that are said."""
WORST = 10
"""Layers shown by evaluate."""


def training(result: Mapping[str, Any], *, brief: bool = False) -> None:
    """What a training run came to: a row for every step, and what was written."""
    out, rows = console(), result["rows"]
    boards = any(row["fps"] is not None for row in rows)
    counts = ("weights", "non-zero", "MACs", "dense", "stored", "entropy", "smaller")
    columns = ("%", *counts, *(("frames/s", "LUT", "DSP") if boards else ()))
    made = table("step", *columns, right=("step", *columns))
    whole = rows[0]["sizes"]["weights"] * 32
    for row in rows[-1:] if brief else rows:
        size = row["sizes"]
        cells = [_short(size[k]) for k in ("weights", "nonzeros", "macs", "dense_bits", "stored_bits", "entropy_bits")]
        cells.append(f"{whole / max(1.0, size['entropy_bits']):.1f}x")
        if boards:
            cells.append("" if row["fps"] is None else f"{row['fps']:,.0f}")
            cells += [_short(row["resources"].get(k, 0)) if row["resources"] else "" for k in ("lut", "dsp")]
        made.add_row(row["step"], f"{100 * row['right']:.2f}", *cells)
    out.print(made)
    if not brief:
        sizes(result["sizes"])
    say(out, f"%: {result['measure']}, of {result['frames']} frames that nothing was chosen by")
    say(out, "dense, stored, entropy: bits of weights; smaller: than the float weights, in entropy bits")
    if result["codes"]:
        say(out, f"checked: {result['differing']} of {result['codes']:,} codes of the compiled network differ from the "
                 "trained network's")  # fmt: skip
    say(out, f"written: {', '.join(result['written'])}")


ALL = 0.999
"""Share of the cycles in which a memory counts as always busy."""


def search(result: Mapping[str, Any]) -> None:
    """What a search came to: the networks that were trained on, and what was written."""
    out = console()
    columns = ("% right", "weights", "frames/s", "cycles", "LUT", "DSP", "BRAM18", "latency")
    made = table("network", "stages", *columns, right=("network", *columns))
    for row in result["trained"]:
        used = (f"{row['resources'].get(kind, 0):,}" for kind in ("lut", "dsp", "bram18"))
        rate = f"{row['fps']:,.0f}"
        made.add_row(row["folder"], row["network"], f"{100 * row['accuracy']:.2f}", f"{row['weights']:,}", rate,
                     f"{row['interval']:,}", *used, f"{row['latency']:,}")  # fmt: skip
    out.print(made)
    say(out, f"% right: of the frames that nothing was chosen by, as the accelerator on {result['target']} computes it")
    say(out, f"{result['candidates']:,} networks priced by the scheduler, {result['fit']:,} fit and were tried, "
             f"{len(result['front'])} in the front")  # fmt: skip
    if slower := [row["folder"] for row in result["trained"] if row["fps"] < (result["fps"] or 0)]:
        say(out, f"slower than {result['fps']:,g} frames/s: {', '.join(slower)}; trained weights need other constants "
                 "than those that were priced, see docs/search.md")  # fmt: skip
    wrong, codes = (sum(row[key] for row in result["trained"]) for key in ("differing", "codes"))
    say(out, f"checked: {wrong} of {codes:,} codes of the compiled networks differ from the trained networks'")
    if simulated := sum(row["simulated"] for row in result["trained"]):
        say(out, f"bit-exact in simulation: {simulated} frames")
    say(out, f"written: {', '.join(result['written'])}")


def _short(count: float) -> str:
    """A count in thousands or millions where it is large."""
    for size, unit in ((1e6, " M"), (1e3, " k")):
        if count >= 10 * size:
            return f"{count / size:,.0f}{unit}"
    return f"{count:,.0f}"


def console() -> Console:
    """Standard output: as wide as its terminal or COLUMNS, else 120 columns; plain text unless a terminal."""
    wide = None if sys.stdout.isatty() or "COLUMNS" in os.environ else WIDTH
    return Console(width=wide, highlight=False, markup=False)


def say(out: Console, text: str, style: str = "") -> None:
    """A line of prose: never broken where nobody says how wide the output is."""
    out.print(text, style=style, soft_wrap=not out.is_terminal)


def table(*columns: str, right: Sequence[str] = (), **options: Any) -> Table:
    """An empty table; the columns named in `right` hold numbers and are never broken."""
    made = Table(box=SIMPLE, pad_edge=False, padding=(0, 1), header_style="bold", **options)
    for name in columns:
        made.add_column(name, justify="right" if name in right else "left", no_wrap=name in right, overflow="fold")
    return made


def warnings(report: Mapping[str, Any]) -> None:
    """What nobody may overlook, on stderr."""
    for loud in (NO_CALIBRATION, LEAVES, SWALLOWS, HOST_RUNS):
        found = [note for note in report["notes"] if loud in note]
        if found:
            more = f" (and {len(found) - 1} more such values, see report.json)" if len(found) > 1 else ""
            click.secho(f"warning: {found[0]}{more}", fg="yellow", bold=True, err=True)


def report(report: Mapping[str, Any]) -> None:
    """The layers, then what they take together and how fast they are."""
    out = console()
    kinds = [k for k in KINDS if k != "ff" and any(layer["resources"][k] for layer in report["layers"])]
    numbers = ["cycles", *(KINDS[k] for k in kinds)]
    wide = out.width >= WIDTH
    titles = ("layer", "engine", "weights", "in", "out", "unrolling") if wide else ("layer", "formats")
    rows = table(*titles, *numbers, right=numbers)
    for layer in merged(report["layers"]):
        formats = layer["weight_format"] or "", layer["activation_format"], layer["output"].split(":")[1].split("[")[0]
        words = [layer["name"], layer["engine"], *formats, unrolling(layer)]
        if not wide:
            words = [f"{layer['name']}\n  {layer['engine']}\n  {unrolling(layer)}", " ".join(f for f in formats if f)]
        rows.add_row(*words, f"{layer['cycles']:,}", *(f"{layer['resources'][k]:,}" for k in kinds))
    out.print(rows)
    between = ", ".join(f"{n:,} {KINDS[k]}" for k, n in report["between_layers"].items() if n)
    say(out, f"requantisation is counted with the layer in front; between the layers: {between or 'nothing'}")
    shell(out, report["shell"])
    summary(out, report)
    exactness(out, report["exactness"])
    for note in report["notes"]:
        if note != NO_CALIBRATION:
            say(out, f"note: {note}")


def shell(out: Console, shell: Mapping[str, Any]) -> None:
    """What stands around the design, beside which it fits."""
    if shell["kind"] != "none":
        name = {"axi": "AXI"}.get(shell["kind"], shell["kind"])
        taken = ", ".join(f"{n:,} {KINDS[k]}" for k, n in shell["resources"].items() if n)
        say(out, f"room is left for the {name} shell around it: {taken}")


def exactness(out: Console, proofs: Sequence[Mapping[str, Any]]) -> None:
    """How the requantisations of a model that came quantised compare with its runtime."""
    if not proofs:
        return
    made = [Proof(**p) for p in proofs]
    proved = [p for p in made if p.proved]
    say(out, f"requantisation: {len(proved)} of {len(made)} layers proved equal to the model's runtime "
             f"({sum(p.checked for p in proved):,} inputs)")  # fmt: skip
    for name, meaning in PROPERTIES.items():
        if named := [p.value for p in made if p.caveat == name]:
            say(out, f"  {name}: {meaning} ({', '.join(named)})")
    for p in made:
        if p.differing:
            say(out, f"  {p.value}: {p.differing:,} of {p.checked:,} inputs differ, by at most {p.largest}")


def summary(out: Console, report: Mapping[str, Any]) -> None:
    """Totals against the budget, speed, and what limits it."""
    used = shares(report["resources"], report["budget"])
    totals = table("resource", "used", "budget", "share", right=("used", "budget", "share"))
    for kind, share in used.items():
        n, of = report["resources"][kind], report["budget"][kind]
        totals.add_row(KINDS[kind], f"{n:,}", f"{of:,}", f"{share:.1%}")
    out.print(totals)
    slowest = max(layer["cycles"] for layer in report["layers"])
    limit = report["bottleneck"] if slowest == report["interval_cycles"] else "the streams between the layers"
    beside = report["memory"]
    turns = {layer["name"] for group in report["shared"] for layer in group["layers"]}
    if slowest != report["interval_cycles"] and report["bottleneck"] in turns:
        limit = "the turns of layers that share an engine"
    elif (
        beside
        and slowest < report["interval_cycles"]
        and (beside["busy"] > ALL or report["bottleneck"] in beside["layers"])
    ):
        limit = "the memory beside the chip"
    if report["exits"]:
        leaving(out, report)
        return
    peers = sum(layer["cycles"] == slowest for layer in report["layers"]) - 1
    peers_text = f" and {peers} more" if peers and limit == report["bottleneck"] else ""
    say(out, f"{report['fps']:,.0f} frames/s at {report['clock_mhz']:g} MHz on {report['target']}", "bold")
    say(out, f"interval  {report['interval_cycles']:,} cycles a frame, set by {limit}{peers_text}")
    say(out, f"latency   {report['latency_cycles']:,} cycles, {report['latency_ms']:.6g} ms")
    wide = [layer for layer in report["layers"] if layer["columns"] > 1]
    if wide:
        most, names = max(layer["columns"] for layer in wide), _some([layer["name"] for layer in wide])
        say(out, f"columns   {len(wide)} layers have up to {most} columns side by side: {names}")
    for group in report["shared"]:
        names = _some([layer["name"] for layer in group["layers"]])
        say(out, f"shared    {len(group['layers'])} layers take turns on one engine: {names}")
    if beside:
        layers = _some([f"{n} {size:,}" for n, size in sorted(beside["layers"].items(), key=lambda one: -one[1])])
        ports = f"{beside['kind']}, {beside['channels']} x {beside['data_bits']} bits"
        say(out, f"memory    {ports}, busy in {beside['busy']:.1%} of the cycles; bytes of weights a frame: {layers}")
    for queue in report["queues"]:
        say(out, f"queue     {queue['name']} is in {queue['kind']}: {queue['bytes']:,} bytes, "
                 f"{queue['bytes_per_frame']:,} written and read a frame")  # fmt: skip


def _some(names: Sequence[str]) -> str:
    """The first ones of a long list, and how many more there are: report.json has them all."""
    more = len(names) - FEW
    return ", ".join(names[:FEW]) + (f" and {more} more" if more > 0 else "")


def cluster(report: Mapping[str, Any]) -> None:
    """The boards, the links between them, and how fast they are together."""
    out = console()
    kinds = [k for k in KINDS if k != "ff" and any(board["resources"][k] for board in report["boards"])]
    numbers = ["cycles", *(KINDS[k] for k in kinds)]
    rows = table("board", "layers", "from", "to", *numbers, right=("layers", *numbers))
    rows.columns[0].no_wrap = True
    for board in report["boards"]:
        used = (f"{board['used'][k]:,} ({board['used'][k] / max(1, board['budget'][k]):.0%})" for k in kinds)
        rows.add_row(board["name"], str(board["layers"]), board["first"], board["last"],
                     f"{board['interval_cycles']:,}", *used)  # fmt: skip
    out.print(rows)
    for i, link in enumerate(report["links"]):
        say(out, f"link      {i} to {i + 1}: {link['kind']}, {link['gbits_per_s']:g} Gbit/s, carries {link['value']}, "
                 f"busy in {link['busy']:.1%} of the cycles")  # fmt: skip
    say(out, f"{report['fps']:,.0f} frames/s at {report['clock_mhz']:g} MHz on {report['target']}", "bold")
    bound = f"; no cut makes it faster than {report['bound_cycles']:,}" if report["bound_cycles"] else ""
    say(out, f"interval  {report['interval_cycles']:,} cycles a frame, set by {report['limit']}{bound}")
    say(out, f"latency   {report['latency_cycles']:,} cycles, {report['latency_ms']:.6g} ms")
    for note in report["notes"]:
        if COPIES in note:
            say(out, f"note      {note}")


def leaving(out: Console, report: Mapping[str, Any]) -> None:
    """Speed where frames leave early: on average, and if none does."""
    say(out, f"{report['fps']:,.0f} frames/s on average at {report['clock_mhz']:g} MHz on {report['target']}, "
             f"{report['guaranteed_fps']:,.0f} guaranteed", "bold")  # fmt: skip
    say(out, f"interval  {report['expected_interval_cycles']:,.0f} cycles a frame on average, "
             f"{report['interval_cycles']:,} if none leaves early")  # fmt: skip
    for early in report["exits"]:
        say(out, f"exit      {early['name']}: margin {early['margin']:.4g}, {early['share']:.1%} go on; "
                 f"{early['latency_cycles']:,} cycles to it")  # fmt: skip
    if report["exit_order"] == "arrival":
        say(out, "order     results leave as they come, each with its frame's number behind the scores")
    say(out, f"latency   {report['latency_cycles']:,} cycles to the end, {report['latency_ms']:.6g} ms")


def played(lines: Sequence[str], summary: Mapping[str, Any]) -> None:
    """The outcome of a simulation."""
    out = console()
    for line in lines:
        say(out, line, "bold" if line is lines[0] else "")
    say(out, f"wall      {summary['wall_seconds']:.1f} s, of which build {summary['build_seconds']:.1f} s")


def cells(summary: Mapping[str, Any]) -> None:
    """What synthesis made of an accelerator."""
    kinds = ", ".join(f"{n:,} {kind}" for kind, n in summary["cells"].items())
    say(
        console(),
        f"cells     {sum(summary['cells'].values()):,}, by Yosys in {summary['synthesis_seconds']:.1f} s: {kinds}",
    )


def simulation(lines: Sequence[str], summary: Mapping[str, Any], found: Difference | None, *, bisected: bool) -> None:
    """The outcome, and where it first goes wrong."""
    played(lines, summary)
    out = console()
    if found:
        say(out, str(found), "bold")
    elif bisected:
        say(out, "every stream between the layers agrees with the golden model")
    elif not summary["bit_exact"]:
        say(out, "no stream between the layers differs: the error lies behind the last layer")


def built(result: Mapping[str, Any], folder: Path) -> None:
    """What a bitstream takes beside what was predicted, and its clock."""
    out = console()
    if result["flow"] != "open":
        say(out, f"built: {folder / result['folder']}")
        return
    rows = table("resource", "predicted", "placed", "off", "chip", right=("predicted", "placed", "off", "chip"))
    for kind, placed in result["placed"].items():
        expected = result["predicted"][kind]
        off = f"{(expected - placed) / placed:+.1%}" if placed and expected != placed else ""
        rows.add_row(KINDS[kind], f"{expected:,}", f"{placed:,}", off, f"{result['chip'][kind]:,}")
    out.print(rows)
    asked, reached = result["clock_mhz"]["asked"], result["clock_mhz"]["reached"]
    say(out, f"clock: {asked:g} MHz asked, {reached:g} MHz reached", "" if reached >= asked else "bold yellow")
    if reached < asked:
        say(out, f"too slow: compile again with --clock {int(reached)} or less")
    say(out, f"written: {folder / result['bitstream']}; {folder / 'board' / 'README.md'} says how to load it")


def evaluation(result: Mapping[str, Any], *, brief: bool) -> None:
    """Accuracy side by side; the layers that lose most."""
    out = console()
    rows = table("", "top-1", right=("top-1",))
    for who, title in (("float", "float (ONNX Runtime)"), ("accelerator", "accelerator (golden model)")):
        if result["top1"] is not None:
            rows.add_row(title, f"{result['top1'][who]:.2%}")
    if result["agreement"] is not None:
        rows.add_row("same class", f"{result['agreement']:.2%}")
    say(out, f"{result['frames']:,} frames", "bold")
    if rows.row_count:
        out.print(rows)
    if result["saturation"]:
        say(out, str(Saturation(**result["saturation"])))
    if result["codes"]:
        say(out, str(Agreement(**result["codes"])))
    for output in result["outputs"]:
        say(out, f"output {output['name']}: SQNR {_db(output['sqnr_db'])}, "
                  f"largest error {output['max_error']:.4g}")  # fmt: skip
    if brief or result["codes"]:
        return
    if not result["layers"]:
        say(out, "no layer has a value of the float model to be compared with")
        return
    worst = table("layer", "ONNX node", "SQNR", right=("SQNR",), title=f"noisiest layers on "
                  f"{result['layer_frames']} frames", title_justify="left")  # fmt: skip
    for layer in sorted(result["layers"], key=lambda r: _number(r["sqnr_db"]))[:WORST]:
        worst.add_row(layer["name"], layer["onnx"], _db(layer["sqnr_db"]))
    out.print(worst)


def _number(decibels: float | None) -> float:
    return float("inf") if decibels is None else decibels


def _db(decibels: float | None) -> str:
    return "exact" if decibels is None else f"{decibels:.1f} dB"


def nodes(reports: Sequence[NodeReport]) -> None:
    """Every node; the reasons of those that are not supported."""
    numbers = ("MACs", "parameters")
    rows = table("node", "operator", "output", *numbers, "supported", right=numbers)
    for r in reports:
        shapes = " ".join("x".join(map(str, s)) for s in r.outputs) or "unknown"
        rows.add_row(r.name, r.op_type, shapes, f"{r.macs:,}", f"{r.parameters:,}",
                     "yes" if r.supported else f"no: {r.reason}")  # fmt: skip
    out = console()
    out.print(rows)
    refused = sum(not r.supported for r in reports)
    macs, parameters = sum(r.macs for r in reports), sum(r.parameters for r in reports)
    verdict = f"{refused} are not supported" if refused else "all supported"
    say(out, f"{len(reports)} nodes, {verdict}; {macs:,} multiply-accumulates, {parameters:,} parameters")


def sizes(sizes: Mapping[str, Any]) -> None:
    """The layers in every measure, and how many times smaller than in float32 they are together.

    sizes: what `Sizes.data` gives. Work is left out where there is no room for it.
    """
    measures = {"dense_bits": "dense bits", "stored_bits": "stored bits", "entropy_bits": "entropy bits"}
    if sizes["target"] is None:
        del measures["stored_bits"]  # the dense ones again
    out = console()
    work = {"macs": "MACs", "effective_macs": "effective"} if out.width >= WIDTH else {}
    numbers = ("weights", "non-zero", *measures.values(), *work.values())
    rows = table("layer", *numbers, right=numbers)
    for layer in [*sizes["layers"], {**sizes, "name": "together"}]:
        left = layer["nonzeros"] / max(layer["weights"], 1)
        shown = (f"{layer[key]:,.0f}" for key in (*measures, *work))
        rows.add_row(layer["name"], f"{layer['weights']:,}", f"{left:.1%}", *shown)
    out.print(rows)
    ratios = ", ".join(
        f"{name} {'-' if ratio is None else f'{ratio:.1f}x'}"
        for name, ratio in sizes["ratios"].items()
        if f"{name}_bits" in measures
    )
    say(out, f"smaller than {sizes['reference']:,} weights in float32: {ratios}", "bold")
    if sizes["target"] is not None:
        say(out, f"stored: in the memories on {sizes['target']}, lanes without a weight included")


def refusal(target: str, reason: TomatoError) -> None:
    """Why a supported model cannot be built for a board."""
    say(console(), f"{target}: {reason.what}", "bold")
    way_out(reason)


def way_out(reason: TomatoError) -> None:
    """What to do about a model that cannot be compiled."""
    if reason.hint:
        say(console(), f"hint: {reason.hint}")


def host(ends: Ends) -> None:
    """What the host computes at the ends of a network."""
    say(console(), str(ends), "bold")


def fits(report: Mapping[str, Any]) -> None:
    """That it fits, and roughly how well: sizes and speed do not depend on the ranges by much."""
    out = console()
    say(out, f"fits {report['target']}; rough, because the ranges are synthetic:", "bold")
    summary(out, report)


def targets(boards: Sequence[Target]) -> None:
    """The boards and what a design may use of them."""
    numbers = ("MHz", *KINDS.values())
    rows = table("target", "board", "part", *numbers, right=numbers)
    for board in boards:
        counts = (f"{n:,}" for n in board.usable.counts().values())
        rows.add_row(board.name, board.title, board.part, f"{board.clock_mhz:g}", *counts)
    out = console()
    out.print(rows)
    say(out, "What a design may use: (chip - shell of the board) x fill. The source of every number is a comment in")
    say(out, "the board's file in tomato/targets/boards; docs/targets.md explains them and how to add a board.")
