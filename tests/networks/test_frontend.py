"""Random networks as ONNX models, in any layout: ONNX Runtime, the description and what the frontend reads agree.

TOMATO_FUZZ=N takes N networks of each style, from seed TOMATO_FUZZ_FROM on; the test's id is the seed.
"""

import os
import random
import re
from pathlib import Path

import numpy as np
import onnx
import onnxruntime as ort
import pytest

from tests.networks.generator import HARDWARE, LAYOUT, TRAINED, network
from tests.networks.maker import Style
from tests.networks.model import Written, write
from tests.networks.onnx_writer import PICTURE
from tests.unit.frontend.tiny import TOLERANCE, run
from tomato.core.errors import TomatoError
from tomato.core.formats import Array
from tomato.core.interpret import interpret
from tomato.frontend import load

FIRST = int(os.environ.get("TOMATO_FUZZ_FROM", "0"))
NETWORKS = int(os.environ.get("TOMATO_FUZZ", "60"))
SEEDS = range(FIRST, FIRST + NETWORKS)
STYLES = {"layout": LAYOUT, "hardware": HARDWARE, "trained": TRAINED}
SCRAMBLED = re.compile(
    r"error: \d of \d+ nodes cannot be compiled:\n"
    r"(    [\w, ]+ \(\w+\): the order of its input is no transposition, no flip and no exchange of channels; .*\n)+"
    r"  --> .*\n  hint: .*"
)
"""What comes of a reshape across a transposition, transposed again: no single operator does that."""
SCRAMBLES = {"layout": (105, 242, 324), "hardware": (39, 116, 143, 149)}
REFUSED = frozenset((style, seed) for style, seeds in SCRAMBLES.items() for seed in seeds)
"""The networks up to seed 400 (hardware: 200) that are scrambled so."""

CASES = sorted(
    REFUSED
    | {("layout", seed) for seed in SEEDS}
    | {("hardware", seed) for seed in SEEDS[: len(SEEDS) // 2]}
    | {("trained", seed) for seed in SEEDS[:5]}
)


def made(style: Style, seed: int) -> tuple[Written, dict[str, Array], dict[str, Array]]:
    """A network as a model, a frame for it, and what its description makes of that."""
    graph, net = network(seed, style)
    frame = {name: x.astype(np.float32) for name, x in net.data(1).items()}
    written = write(graph, random.Random(seed))
    golden = interpret(graph, {name: x.astype(np.float64) for name, x in frame.items()})
    feed = {name: x.transpose(0, *(a + 1 for a in PICTURE)) for name, x in frame.items()}
    wanted = {f"y{i}": written.as_held(name, golden[name]) for i, name in enumerate(graph.outputs)}
    return written, feed, wanted


def near(got: Array, wanted: Array) -> None:
    """Equal but for float32; sums that cancel may leave nothing but that."""
    assert got.shape == wanted.shape
    np.testing.assert_allclose(got, wanted, rtol=0, atol=TOLERANCE * max(0.1, float(np.abs(wanted).max())))


def runtime(written: Written, feed: dict[str, Array]) -> list[Array]:
    """ONNX Runtime's outputs, without its optimiser: that fuses a Pad in front of a pool into one that it refuses."""
    options = ort.SessionOptions()
    options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_DISABLE_ALL
    given = written.model.SerializeToString()
    found: list[Array] = ort.InferenceSession(given, options, providers=["CPUExecutionProvider"]).run(None, feed)
    return found


@pytest.mark.parametrize(("style", "seed"), CASES)
def test_runtime_description_and_frontend_agree(style: str, seed: int, tmp_path: Path) -> None:
    written, feed, wanted = made(STYLES[style], seed)
    for got, y in zip(runtime(written, feed), wanted.values(), strict=True):
        near(got, y)
    path = tmp_path / "random.onnx"
    onnx.save(written.model, path)
    if (style, seed) in REFUSED:
        with pytest.raises(TomatoError) as refusal:
            load(path)
        assert SCRAMBLED.fullmatch(str(refusal.value))
        return
    imported = load(path)
    imported.graph.verify()
    for port, got in run(imported, feed).items():
        near(got, wanted[port])
