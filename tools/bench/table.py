"""RESULTS.md: the measured cases as tables, next to what others have published."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from tools.bench.cases import Case, Naive, Published

Results = Mapping[str, Mapping[str, Any]]
HEADER = """# Benchmark results

Written by `make bench`; see [README.md](README.md) for what is measured and how. Speeds are what the compiler
predicts at the clock shown; "RTL" says whether a simulation of the generated hardware confirmed it, bit by bit.
"""
EFFORT = (("seconds", "s"), ("megabytes", "MB"))
KINDS = ("lut", "ff", "dsp", "bram18", "uram")


def document(
    cases: Sequence[Case], results: Results, published: Sequence[Published], naive: Sequence[Naive] = ()
) -> str:
    """The whole file."""
    chosen = [case for case in cases if case.name in results]
    compiled = [case for case in chosen if results[case.name]["status"] == "compiled"]
    others = [case for case in chosen if results[case.name]["status"] != "compiled"]
    parts = [HEADER, "## Speed\n", speed(compiled, results), "## Size and effort\n", size(compiled, results)]
    if missed := [case for case in compiled if "at_goal" in results[case.name]]:
        parts += ["## Goals that are missed\n", *(_missed(case, results[case.name]) for case in missed)]
    if others:
        parts += ["## Not compiled\n", _refusals(others, results)]
    if naive:
        parts += ["## FIFOs\n", _naive(naive, results)]
    parts += ["## Published figures of others\n", _published(published, results)]
    return "\n".join(parts)


def speed(cases: Sequence[Case], results: Results) -> str:
    """What every design does."""
    head = (
        "case",
        "MHz",
        "cycles a frame",
        "goal",
        "frames/s",
        "latency",
        "MACs used / possible",
        "multipliers",
        "busy",
        "slowest layer",
        "RTL",
    )
    return table(head, (_speed(case, results[case.name]) for case in cases))


def _speed(case: Case, result: Mapping[str, Any]) -> tuple[str, ...]:
    return (
        case.name,
        f"{result['clock_mhz']:g}",
        f"{result['interval_cycles']:,}",
        goal(case, result),
        f"{result['fps']:,.0f}",
        f"{result['latency_ms']:.3f} ms",
        f"{result['macs'] / 1e6:,.1f} M / {result['multipliers'] * result['interval_cycles'] / 1e6:,.1f} M",
        f"{result['multipliers']:,}",
        f"{result['multipliers_busy']:.0%}",
        result["bottleneck"],
        _simulated(result.get("simulation"), result["interval_cycles"]),
    )


def goal(case: Case, result: Mapping[str, Any]) -> str:
    """Whether the goal of a case is reached; "" if it has none."""
    if not case.at_most:
        return ""
    return f"{case.at_most:,} {'reached' if result['interval_cycles'] <= case.at_most else 'missed'}"


def _missed(case: Case, result: Mapping[str, Any]) -> str:
    """Why a goal is not reached: what the engines alone would take at that speed."""
    found = result["at_goal"]
    text = f"`{case.name}` needs {result['interval_cycles']:,} cycles a frame, not {case.at_most:,}: "
    if found["unreachable"]:
        return f"{text}no engine makes {', '.join(found['unreachable'])} that fast.\n"
    counts, parts = found["resources"], found["budget_shares"]
    full = ", ".join(f"{counts[kind]:,} {kind} ({share:.1%})" for kind, share in parts.items() if counts[kind])
    text += (
        f"of all choices of engines at most {case.at_most:,} cycles slow, the one that fills the scarcest resource "
        f"least takes {full} of what a design may use. "
    )
    if max(parts.values()) > 1:
        return f"{text}The bound of any choice is {found['bound']:.1%} of the scarcest.\n"
    between = ", ".join(f"{n:,} {kind}" for kind, n in result["between_layers"].items() if n)
    return f"{text}The parts between the engines, {between} at the speed reached, come on top and do not fit.\n"


def _simulated(simulation: Mapping[str, Any] | None, predicted: int) -> str:
    if simulation is None:
        return ""
    if "message" in simulation:
        return str(simulation["message"]).splitlines()[0]
    if not simulation["bit_exact"]:
        return "**differs**"
    error = simulation["interval_cycles"] / predicted - 1
    return f"bit-exact, {'as predicted' if not error else f'{error:+.2%}'}"


def size(cases: Sequence[Case], results: Results) -> str:
    """What every design takes, of what its board offers, and what compiling it takes."""
    head = ("case", "weights", "FIFOs", *KINDS, "compile", "of processor", "memory", "RTL", "RTL memory")
    return table(head, (_size(case, results[case.name]) for case in cases))


def _size(case: Case, result: Mapping[str, Any]) -> tuple[str, ...]:
    counts, parts = result["resources"], result["budget_shares"]
    used = (f"{counts[k]:,} ({parts[k]:.0%})" if k in parts else f"{counts[k]:,}" for k in KINDS)
    memory = f"{result['compile_megabytes']:,} MB"
    times = (f"{result[key]:g} s" for key in ("compile_seconds", "compile_cpu_seconds"))
    played = result.get("simulation", {})
    simulation = (f"{played[key]:,g} {unit}" if key in played else "" for key, unit in EFFORT)
    weights, held = f"{result['weight_bits'] / 1e6:,.1f} Mbit", fifos(result)
    return case.name, weights, held, *used, *times, memory, *simulation


def fifos(result: Mapping[str, Any]) -> str:
    """What the FIFOs between layers hold; "" of a result that does not say it."""
    return f"{result['fifo_bytes'] / 1e3:,.1f} kB" if "fifo_bytes" in result else ""


def _naive(naive: Sequence[Naive], results: Results) -> str:
    """FIFOs beside naive sizes of others."""
    head = ("network", "naive sizes of others", "here", "FIFOs")
    rows = ((n.network, f"{n.megabytes:g} MB", n.case, fifos(results.get(n.case, {}))) for n in naive)
    sources = dict.fromkeys(n.source for n in naive)
    return f"{table(head, rows)}\nNaive sizes: {'; '.join(sources)}.\n"


def _refusals(cases: Sequence[Case], results: Results) -> str:
    parts = []
    for case in cases:
        result = results[case.name]
        expected = ", as expected" if case.refused and result["status"] == "refused" else ""
        parts.append(f"`{case.name}` {result['status']}{expected}:\n\n```\n{result['message']}\n```\n")
    return "\n".join(parts)


def _published(published: Sequence[Published], results: Results) -> str:
    head = ("network", "by", "device", "numbers", "cycles a frame", "frames/s", "latency", "here", "cycles", "frames/s")
    rows, sources = [], []
    for i, figure in enumerate(published, 1):
        ours = results.get(figure.case, {})
        done = ours.get("status") == "compiled"
        rows.append((
            figure.network,
            f"{figure.project} [{i}]",
            figure.device,
            figure.precision,
            f"{figure.interval_cycles:,}" if figure.interval_cycles else "",
            figure.fps,
            f"{figure.latency_ms:g} ms" if figure.latency_ms else "",
            figure.case,
            f"{ours['interval_cycles']:,}" if done else ours.get("status", ""),
            f"{ours['fps']:,.0f}" if done else "",
        ))  # fmt: skip
        sources.append(f"{i}. {figure.source}")
    return table(head, rows) + "\n" + "\n".join(sources) + "\n"


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table of Markdown."""
    lines = [head, ["---"] * len(head), *rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)
