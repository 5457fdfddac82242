"""Compile one case in this process and write what was measured as JSON: python -m tools.bench.measure NAME RESULT."""

import json
import platform
import resource
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np

from examples import networks
from tomato.accelerator import Accelerator
from tomato.build.report import shares
from tomato.build.simulation import simulate
from tomato.compiler import compile_model
from tomato.core.errors import TomatoError
from tomato.quantise.precision import Precision
from tools.bench.bound import at_goal
from tools.bench.cases import BUILD, Case, read_cases

CALIBRATION_FRAMES = 64
ALONE = {"shell": "none"}
"""Others publish accelerators without what stands around them."""


def measure(case: Case, *, simulated: bool) -> dict[str, Any]:
    """Status and figures of a case; a refusal is a result like any other."""
    model = _model(case)
    began, busy = time.perf_counter(), time.process_time()
    try:
        accelerator = compile_model(
            model,
            case.target,
            calibration=_frames(case),
            precision=Precision.parse(case.precision, case.overrides) if case.precision else None,
            clock_mhz=case.clock_mhz or None,
            double_clock=case.double_clock,
            share=case.share,
            **ALONE,
        )
        folder = accelerator.write(BUILD / "designs" / case.name)
    except TomatoError as reason:
        return {"status": "refused", "message": str(reason), "compile_seconds": round(time.perf_counter() - began, 1)}
    effort = {
        "compile_seconds": round(time.perf_counter() - began, 1),
        "compile_cpu_seconds": round(time.process_time() - busy, 1),
        "compile_megabytes": peak_megabytes(resource.RUSAGE_SELF),
    }
    result = {"status": "compiled"} | figures(accelerator) | effort
    if case.at_most and result["interval_cycles"] > case.at_most:
        result["at_goal"] = at_goal(accelerator, case.at_most)
    return result | (_simulation(folder, case.frames) if simulated else {})


def figures(accelerator: Accelerator) -> dict[str, Any]:
    """What the compiler predicts of a design."""
    report = accelerator.report
    used = shares(report["resources"], report["budget"])
    kept = ("clock_mhz", "interval_cycles", "latency_cycles", "fps", "latency_ms", "macs", "weight_bits", "bottleneck")
    return {key: report[key] for key in (*kept, "fifo_bytes")} | {
        "regions": report["regions"],
        "between_layers": report["between_layers"],
        "multipliers": report["multipliers"],
        "multipliers_busy": report["multiplier_use"],
        "resources": report["resources"],
        "budget_shares": {kind: round(share, 4) for kind, share in used.items()},
    }


def peak_megabytes(who: int) -> int:
    """Peak resident memory of this process (RUSAGE_SELF) or of those it waited for (RUSAGE_CHILDREN)."""
    return resource.getrusage(who).ru_maxrss >> (20 if platform.system() == "Darwin" else 10)


def _model(case: Case) -> Path:
    """The file of the model, made first if it is generated or of a library."""
    if case.library:
        from tools.bench import zoo  # torch, which other cases do without

        path = BUILD / "networks" / f"{case.library.replace('/', '_')}_{case.size}.onnx"
        if not path.exists():
            zoo.save(case.library, path, size=case.size)
        return path
    if not case.network:
        return (case.folder() or Path()) / case.source
    thinned = f"_zero{case.zero_words:g}" if case.zero_words else ""
    path = BUILD / "networks" / f"{case.network}{thinned}.onnx"
    if not path.exists():
        networks.save(case.network, path, zero_words=case.zero_words)
    return path


def _frames(case: Case) -> np.ndarray[Any, Any] | None:
    if not case.calibration:
        return None
    with np.load((case.folder() or Path()) / case.calibration, allow_pickle=False) as stored:
        return np.asarray(stored["x"][:CALIBRATION_FRAMES])


def _simulation(folder: Path, frames: int) -> dict[str, Any]:
    began = time.perf_counter()
    try:
        summary = simulate(folder, frames=frames)
    except TomatoError as reason:
        return {"simulation": {"message": str(reason)}}
    kept = ("bit_exact", "frames", "interval_cycles", "latency_cycles", "mismatches")
    found = {key: summary[key] for key in kept}
    found |= {"seconds": round(time.perf_counter() - began, 1), "megabytes": peak_megabytes(resource.RUSAGE_CHILDREN)}
    return {"simulation": found}


def main(name: str, result: str, *options: str) -> None:
    """Measure the case of that name; --simulate plays frames through the RTL too."""
    (case,) = (c for c in read_cases() if c.name == name)
    found = measure(case, simulated="--simulate" in options)
    Path(result).write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main(*sys.argv[1:])
