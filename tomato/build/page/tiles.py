"""The figures at the top of the page, each with where it comes from."""

from dataclasses import dataclass

from tomato.backend.quoting import one_line
from tomato.build.page.design import Design
from tomato.build.page.limits import fullest
from tomato.build.page.words import accuracy, count, digits, duration, percent, plural
from tomato.build.report import shares
from tomato.build.rows import KINDS


@dataclass(frozen=True, slots=True)
class Tile:
    """A figure. state: "good", "bad", "none" where nothing was measured, or "" where nothing is to be judged."""

    title: str
    value: str
    told: str
    state: str = ""


def tiles(design: Design) -> tuple[Tile, ...]:
    """What one wants to know first."""
    report, kind = design.report, fullest(design)
    others = [f"{KINDS[k]} {percent(s)}" for k, s in shares(report["resources"], report["budget"]).items()
              if k != kind[0] and report["resources"][k]]  # fmt: skip
    return (
        Tile("Frames a second", _rate(report["fps"]), _rate_told(design)),
        Tile("Latency", duration(report["latency_cycles"] / design.hertz), _latency_told(design)),
        Tile("Clock", _megahertz(report["clock_mhz"]),
             "asked of the router" if design.placed else "assumed, not placed and routed"),
        Tile("Fullest resource", f"{KINDS[kind[0]]} {percent(kind[1])}",
             f"estimated, of what a design may use; {', '.join(others) or 'nothing else'}",
             "bad" if kind[1] > 1 else ""),
        *_placed(design),
        _exact(design),
        _accurate(design),
    )  # fmt: skip


def _placed(design: Design) -> tuple[Tile, ...]:
    """The clock that the routes allow, and how full the chip is, where a bitstream was made."""
    if design.placed is None:
        return ()
    clock, used, chip = (design.placed[key] for key in ("clock_mhz", "placed", "chip"))
    full = ", ".join(f"{KINDS[kind]} {percent(n / chip[kind])}" for kind, n in used.items() if n)
    return (
        Tile("Placed and routed", _megahertz(clock["reached"]),
             f"{clock['asked']:g}\N{NO-BREAK SPACE}MHz asked; of the chip, with the shell: {full}",
             "good" if clock["reached"] >= clock["asked"] else "bad"),
    )  # fmt: skip


def _megahertz(clock: float) -> str:
    return f"{clock:g}\N{NO-BREAK SPACE}MHz"


def _rate(fps: float) -> str:
    return count(fps) if fps >= 1e6 else f"{fps:,.0f}" if fps >= 100 else digits(fps)


def _rate_told(design: Design) -> str:
    told = f"predicted: {design.interval:,} cycles a frame"
    if design.average is not None:
        told = f"predicted on average: {design.average:,.0f} cycles a frame; guaranteed, if no frame leaves early: "
        told += f"{_rate(design.report['guaranteed_fps'])}, {design.interval:,} cycles"
    return told + _measured(design, "interval_cycles")


def _latency_told(design: Design) -> str:
    told = f"predicted: {design.report['latency_cycles']:,} cycles"
    if exits := design.report["exits"]:
        told += " to the end, " + ", ".join(f"{e['latency_cycles']:,} to {one_line(e['name'])}" for e in exits)
    return told + _measured(design, "latency_cycles")


def _measured(design: Design, what: str) -> str:
    """What simulation measured, beside what is predicted for the frames that it played."""
    run = design.measured or {}
    if run.get(what) is None:
        return ""
    known, most = (run.get("played", {}).get(key) for key in (what, f"{what}_most"))
    told = f"{known:,.0f} are predicted" if known else f"up to {most:,.0f} are predicted" if most else ""
    return f"; {run[what]:,.0f} measured in simulation" + (f" of frames for which {told}" if told else "")


def _exact(design: Design) -> Tile:
    runs = [(where, run) for where, run in (("Verilog", design.simulation), ("C++", design.csim)) if run]
    if not runs:
        return Tile(
            "Hardware", "not simulated", "tomato simulate plays frames through it and compares every beat", "none"
        )
    if wrong := [(where, run) for where, run in runs if not run["bit_exact"]]:
        where, run = wrong[0]
        return Tile(
            "Hardware", "differs", f"{where}: {plural(run['mismatches'], 'beat')} unlike the golden model", "bad"
        )
    told = ", ".join(f"{where}: {plural(run['frames'], 'frame')}" for where, run in runs)
    return Tile("Hardware", "bit-exact", f"measured: every beat equals the golden model ({told})", "good")


def _accurate(design: Design) -> Tile:
    found = design.evaluation
    if not found:
        return Tile("Accuracy", "not evaluated", "tomato evaluate compares with the float model on your data", "none")
    frames = plural(found["frames"], "frame")
    if found["top1"]:
        return Tile("Accuracy", accuracy(found["top1"]["accelerator"]),
                    f"measured on {frames}; the model in ONNX Runtime: {accuracy(found['top1']['float'])}")  # fmt: skip
    if found["codes"]:
        equal, total = found["codes"]["equal"], found["codes"]["total"]
        return Tile("Equal codes", accuracy(equal / max(total, 1)), f"measured: {equal:,} of {total:,}, {frames}",
                    "good" if equal == total else "")  # fmt: skip
    if found["agreement"] is not None:
        return Tile("Same class", accuracy(found["agreement"]), f"as the float model, measured on {frames}")
    worst = min((o["sqnr_db"] for o in found["outputs"] if o["sqnr_db"] is not None), default=None)
    value = "exact" if worst is None else f"{worst:.1f}\N{NO-BREAK SPACE}dB"
    return Tile("Signal to noise", value, f"of the noisiest output, measured on {frames}")
