"""python -m tomato_host DIR --input x.npz: the accelerator's answers, without tomato."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from .errors import HostError
from .session import DEVICES, Session


def main(arguments: Sequence[str] | None = None) -> int:
    """Run frames and keep the outputs; 1 where something is wrong."""
    parser = argparse.ArgumentParser(prog="python -m tomato_host", description="Run an accelerator on frames.")
    parser.add_argument("folder", type=Path, help="the build folder, or its folder host/")
    parser.add_argument("--input", type=Path, required=True, help="a .npz with an array per input, or the only .npy")
    parser.add_argument("--output", type=Path, default=Path("outputs.npz"), help="[default: outputs.npz]")
    parser.add_argument("--device", default="pynq", help=f"{DEVICES} [default: pynq]")
    parser.add_argument("--bitstream", type=Path, help="what to load, if not the only one in the folder")
    parser.add_argument("--codes", action="store_true", help="integers as the chip gives them")
    given = parser.parse_args(arguments)
    try:
        with Session(given.folder, given.device, bitstream=given.bitstream) as session:
            results = session.run(read(given.input, session.inputs), codes=given.codes)
            for line in said(results, session.counters()):
                print(line)  # noqa: T201 - what it is for
    except HostError as reason:
        print(reason, file=sys.stderr)  # noqa: T201
        return 1
    save(given.output, results)
    return 0


def read(path: Path, names: Sequence[str]) -> dict[str, np.ndarray]:
    """Arrays of a .npz by names of inputs, or x for the only one; or a .npy. Raises HostError."""
    try:
        stored = np.load(path, allow_pickle=False)
    except (OSError, ValueError) as reason:
        raise HostError(f"cannot read {path}: {reason}", hint="give a .npz or a .npy") from reason
    if isinstance(stored, np.ndarray):
        stored = {names[0]: stored}
    found = {n: stored[n] for n in names if n in stored}
    if len(names) == 1 and not found and "x" in stored:
        found = {names[0]: stored["x"]}
    missing = [n for n in names if n not in found]
    if missing:
        raise HostError(f"{path} has {', '.join(stored)}, but the inputs are {', '.join(names)}")
    return found


def save(path: Path, results: dict[str, np.ndarray]) -> None:
    """Outputs by name into a .npz."""
    store: Any = np.savez
    store(path, **results)


def said(results: dict[str, np.ndarray], counters: object) -> list[str]:
    """A line for each output, and the counters."""
    lines = [f"{name}: {values.shape} of {values.dtype}" for name, values in results.items()]
    known = dict(counters) if isinstance(counters, dict) else {}
    return [*lines, *([", ".join(f"{k} {v}" for k, v in known.items())] if known else [])]


if __name__ == "__main__":
    sys.exit(main())
