"""The tables of the page, as texts."""

from collections.abc import Sequence
from dataclasses import dataclass

from tomato.backend.quoting import one_line
from tomato.build.page.design import Design
from tomato.build.page.words import CROSS, accuracy, count, decibels, duration, percent, shape
from tomato.build.report import shares
from tomato.build.rows import KINDS, unrolling
from tomato.quantise.absorb import PROPERTIES, Proof


@dataclass(frozen=True, slots=True)
class LayerRow:
    """A layer in the table of layers. `busy`: its share of the interval, for a bar."""

    name: str
    onnx: str
    engine: str
    unrolling: str
    formats: str
    output: str
    cycles: str
    busy: float
    resources: tuple[str, ...]
    slowest: bool


@dataclass(frozen=True, slots=True)
class Meter:
    """What is used of a resource, of what a design may use and of the chip; `share` and `room` are of the chip."""

    kind: str
    used: str
    told: str
    share: float
    room: float
    over: bool


@dataclass(frozen=True, slots=True)
class ProofRow:
    """How one requantisation compares with the model's runtime."""

    value: str
    how: str
    checked: str
    result: str
    state: str


def layers(design: Design) -> tuple[LayerRow, ...]:
    """Every layer with its requantisation."""
    return tuple(
        LayerRow(
            name=row["shown"],
            onnx=one_line(", ".join(row["onnx"])),
            engine=row["engine"],
            unrolling=unrolling(row),
            formats=f" {CROSS} ".join(filter(None, (row["activation_format"], row["weight_format"]))),
            output=shape(row["output"]),
            cycles=f"{row['cycles']:,}",
            busy=min(1.0, row["cycles"] / design.interval),
            resources=tuple(f"{row['resources'][kind]:,}" for kind in columns(design)),
            slowest=row["name"] in design.marked,
        )
        for row in design.rows
    )


def columns(design: Design) -> tuple[str, ...]:
    """Kinds of resources that the table shows."""
    return tuple(kind for kind in KINDS if design.report["resources"][kind])


def meters(design: Design) -> tuple[Meter, ...]:
    """What is used of every resource that the chip has."""
    report, found = design.report, []
    for kind, share in shares(report["resources"], report["budget"]).items():
        used, most, chip = (report[of][kind] for of in ("resources", "budget", "chip"))
        told = f"{percent(share)} of {most:,} that a design may use, of {chip:,} on the chip"
        found.append(Meter(KINDS[kind], f"{used:,}", told, used / chip, most / chip, used > most))
    return tuple(found)


def proofs(design: Design) -> tuple[ProofRow, ...]:
    """Every requantisation of a model that came quantised; those that were not proved equal come first."""
    made = sorted((Proof(**p) for p in design.report["exactness"]), key=lambda p: p.proved)
    return tuple(ProofRow(one_line(p.value), p.how, f"{p.checked:,}", *_result(p)) for p in made)


def _result(proof: Proof) -> tuple[str, str]:
    if proof.differing:
        part = percent(proof.differing / max(proof.checked, 1))
        return f"{proof.differing:,} differ ({part}), by at most {proof.largest}", "bad"
    if proof.caveat:
        return f"equal, but for: {proof.caveat}", "note"
    return "proved equal", "good"


def properties(design: Design) -> tuple[tuple[str, str], ...]:
    """The named properties that occur, and what each means."""
    named = {p["caveat"] for p in design.report["exactness"]}
    return tuple((name, meaning) for name, meaning in PROPERTIES.items() if name in named)


def exactness(design: Design) -> str:
    """The outcome of all proofs in a sentence."""
    made = [Proof(**p) for p in design.report["exactness"]]
    if not made:
        return (
            "The scales were chosen from calibration data so that every requantisation is exact by construction; what "
            "quantisation costs against the float model, accuracy tells."
        )
    proved = [p for p in made if p.proved]
    return (
        f"{len(proved)} of {len(made)} requantisations are proved equal to the model's runtime, code for code, for "
        f"every reachable accumulator: {sum(p.checked for p in proved):,} inputs compared."
    )


def accuracies(design: Design) -> tuple[tuple[str, str], ...]:
    """What `tomato evaluate` measured."""
    found = design.evaluation
    if not found:
        return ()
    rows = [("frames", f"{found['frames']:,}")]
    if found["top1"]:
        rows += [("top-1, the model in ONNX Runtime", accuracy(found["top1"]["float"])),
                 ("top-1, accelerator", accuracy(found["top1"]["accelerator"]))]  # fmt: skip
    if found["agreement"] is not None:
        rows.append(("both name the same class", accuracy(found["agreement"])))
    if found["codes"]:
        codes = found["codes"]
        rows.append((f"output codes equal to {codes['reference']}", f"{codes['equal']:,} of {codes['total']:,}"))
    rows += [
        (f"output {one_line(o['name'])}", f"SQNR {decibels(o['sqnr_db'])}, largest error {o['max_error']:.3g}")
        for o in found["outputs"]
    ]
    return tuple(rows)


def guaranteed(value: float, design: Design) -> str:
    """What is met if no frame leaves early, behind an average; nothing where no frame does."""
    return "" if design.average is None else f" ({value:,.0f} guaranteed)"


COMPARED = ("design", "frames/s", "cycles a frame", "latency", "clock", "MACs/s", "fullest resource", "LUT", "DSP")


def comparison(designs: Sequence[Design]) -> tuple[tuple[str, ...], ...]:
    """The designs side by side."""
    rows = []
    for design in designs:
        report = design.report
        part = shares(report["resources"], report["budget"])
        kind = max(part, key=lambda k: part[k])
        rows.append(
            (
                design.label,
                f"{report['fps']:,.0f}" + guaranteed(report["guaranteed_fps"], design),
                f"{design.interval if design.average is None else round(design.average):,}"
                + guaranteed(design.interval, design),
                duration(report["latency_cycles"] / design.hertz),
                f"{report['clock_mhz']:g} MHz",
                count(report["macs"] * design.hertz / design.interval),
                f"{KINDS[kind]} {percent(part[kind])}",
                f"{report['resources']['lut']:,}",
                f"{report['resources']['dsp']:,}",
            )
        )
    return tuple(rows)
