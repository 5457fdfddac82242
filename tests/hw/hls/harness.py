"""Compiles one engine of the HLS library with g++, through the printer, and compares it with the golden model."""

import hashlib
import subprocess
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path

import numpy as np

from tests.lock import locked
from tests.networks.cases import make_unit, random_frames
from tomato.backend import hls, vectors
from tomato.core.assets import asset
from tomato.core.ir import Op, TensorType
from tomato.engines.base import Knobs
from tomato.hardware.memory import LOAD_BITS, Source
from tomato.hardware.netlist import Instance, Netlist, load_beats, stream

ROOT = Path(__file__).parents[3]
PIPELINE = "#pragma HLS PIPELINE II = 1"
CLOCK = """#include <cstdio>
static struct tom_steps {
  unsigned long count = 0;
  ~tom_steps() { std::fprintf(stderr, "%lu", count); }
} steps;
"""


def one_engine(stem: str, op: Op, args: Sequence[TensorType], knobs: Knobs) -> Netlist:
    """An engine between the ports of its own netlist."""
    unit = make_unit(stem, op, args, knobs)
    in_lanes, out_lanes = unit.lanes
    ins = tuple(stream(f"x{i}", f"x{i}", k, n) for i, (k, n) in enumerate(zip(unit.views, in_lanes, strict=True)))
    if unit.fetched:
        ins += (stream("words", "words", unit.fetched.stream, unit.fetched.stream.channels),)
    out = stream("y", "y", unit.out, out_lanes)
    part = Instance(
        module=f"tom_{stem}",
        name="y",
        params=unit.params,
        inputs=ins,
        outputs=(out,),
        memories=unit.memories,
        comment=str(unit.site.node),
        loaded=any(store.source is Source.LOADER for store in unit.stores.values()),
    )
    return Netlist("engine", (part,), ins, (out,))


def check_engine(
    stem: str, op: Op, args: Sequence[TensorType], knobs: Knobs, *, frames: int = 3, seed: int = 1
) -> None:
    """An engine's HLS C++ computes what the operator means, in as many steps per frame as the engine says."""
    netlist = one_engine(stem, op, args, knobs)
    values, golden = random_frames(op, args, frames, seed)
    if fetched := make_unit(stem, op, args, knobs).fetched:
        values.append(np.repeat(fetched.codes, frames, axis=0))
    files = sources(netlist)
    key = hashlib.sha256(repr(sorted(files.items())).encode()).hexdigest()[:12]
    folder = ROOT / "build" / "hls" / f"tom_{stem}_{key}"
    with locked(folder):
        build(folder, files)
        for port, codes in zip((*netlist.inputs, *netlist.outputs), (*values, golden), strict=True):
            vectors.write(folder, port, codes, is_input=port in netlist.inputs)
        more = play(folder, frames) - play(folder, frames - 1)
    unit = make_unit(stem, op, args, knobs)
    predicted = unit.loop_cycles
    assert more == predicted or (more < predicted and not unit.exact), (
        f"a frame takes {more} steps, predicted {predicted}"
    )


def sources(netlist: Netlist) -> dict[str, str]:
    """The HLS project of one engine, with a counter of the steps of its pipeline, and what the loader plays."""
    files = hls.files(netlist, "a test")
    header = f"include/{netlist.instances[0].module}.hpp"
    assert files[header].count(PIPELINE) == 1, f"{header} must have one pipelined loop"
    files |= {header: CLOCK + files[header].replace(PIPELINE, "++steps.count;")}
    if netlist.loaded:
        files |= {vectors.LOADER: "".join(f"{beat:x}\n" for beat in load_beats(netlist.loaded, LOAD_BITS))}
    return files


FLAGS = ("-std=c++14", "-O1", "-Wall", "-Wextra", "-Wconversion", "-Werror", "-Wno-unknown-pragmas")


@cache
def precompiled() -> Path:
    """What every project includes of the stand-ins for AMD's headers, compiled once for all: a third of the time."""
    own = asset("sim", "hls")
    key = hashlib.sha256(repr(FLAGS).encode())
    for path in sorted(own.iterdir()):
        key.update(path.read_bytes())
    folder = ROOT / "build" / "hls" / f"precompiled_{key.hexdigest()[:12]}"
    header = folder / "headers.h"
    with locked(folder):
        if not header.exists():
            text = "".join(f'#include "{name}"\n' for name in ("ap_axi_sdata.h", "ap_int.h", "hls_stream.h", "string"))
            (folder / "text.h").write_text(text)
            command = ["g++", *FLAGS, f"-I{own}", "-x", "c++-header", "text.h", "-o", "headers.h.gch"]
            subprocess.run(command, cwd=folder, check=True)
            (folder / "text.h").rename(header)
    return header


def build(folder: Path, files: Mapping[str, str]) -> None:
    """Write a project and compile it to csim, without a warning."""
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    headers = ["-include", str(precompiled()), f"-I{asset('sim', 'hls')}", "-Iinclude"]
    (folder / "whole.cpp").write_text('#include "engine.cpp"\n#include "tb.cpp"\n')  # headers are compiled once
    command = ["g++", *FLAGS, *headers, "whole.cpp", "-o", "csim"]
    built = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert built.returncode == 0, f"{folder}\n{built.stderr[-6000:]}"


def play(folder: Path, frames: int) -> int:
    """Run the testbench on the first `frames` frames of the vectors; steps of the engine's pipeline."""
    result = subprocess.run(["./csim", str(frames), "."], cwd=folder, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stdout + result.stderr
    return int(result.stderr)
