"""Feature boosting and suppression: two gated convolutions in a row, and what reads the second."""

from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime as ort
import pytest

import tomato
from tests.unit.frontend.tiny import Tiny, op, randoms
from tomato.accelerator import Accelerator
from tomato.build.simulation import describe, simulate
from tomato.core.formats import Array
from tomato.core.interpret import interpret
from tomato.engines.gated_fold import GatedFold
from tomato.ops.exits import Exit, Sure
from tomato.ops.gated_conv2d import GatedConv2d
from tomato.schedule.plan import Early
from tomato.schedule.units import bind


def layer(x: str, name: str, into: int, out: int, groups: int, keep: int) -> tuple[list[Any], dict[str, Array]]:
    """relu(conv(x) + b) * g, g the largest of relu(dense(mean |x|)), each for neighbouring channels."""
    to = {
        key: f"{name}_{key}" for key in ("conv", "relu", "abs", "mean", "fc", "gate", "kept", "rows", "wide", "g", "y")
    }
    nodes = [
        op("Conv", x, f"{name}_w", f"{name}_b", to=to["conv"], name=name, pads=[1, 1, 1, 1]),
        op("Relu", to["conv"], to=to["relu"]),
        op("Abs", x, to=to["abs"]),
        op("GlobalAveragePool", to["abs"], to=to["mean"]),
        op("Conv", to["mean"], f"{name}_fw", f"{name}_fb", to=to["fc"]),
        op("Relu", to["fc"], to=to["gate"]),
        op("TopK", to["gate"], f"{name}_k", to=[f"{name}_values", f"{name}_places"], axis=1),
        op("ScatterElements", f"{name}_zeros", f"{name}_places", f"{name}_values", to=to["kept"], axis=1),
        op("Reshape", to["kept"], f"{name}_column", to=to["rows"]),
        op("Expand", to["rows"], f"{name}_shape", to=to["wide"]),
        op("Reshape", to["wide"], f"{name}_vector", to=to["g"]),
        op("Mul", to["relu"], to["g"], to=to["y"]),
    ]
    constants = {
        f"{name}_w": randoms(out, into, 3, 3) / np.sqrt(9 * into), f"{name}_b": randoms(out, seed=1) / 4,
        f"{name}_fw": randoms(groups, into, 1, 1, seed=2), f"{name}_fb": randoms(groups, seed=3) / 4,
        f"{name}_k": np.array([keep]), f"{name}_zeros": np.zeros((1, groups, 1, 1)),
        f"{name}_column": np.array([1, groups, 1]), f"{name}_shape": np.array([1, groups, out // groups]),
        f"{name}_vector": np.array([1, out, 1, 1]),
    }  # fmt: skip
    return nodes, constants


NARROW, WIDE = layer("x", "narrow", 3, 16, 8, 4), layer("pooled", "wide", 16, 32, 8, 2)
NETWORK = Tiny(
    [
        *NARROW[0],
        op("MaxPool", "narrow_y", to="pooled", kernel_shape=[2, 2], strides=[2, 2]),
        *WIDE[0],
        op("Conv", "wide_y", "w", to="behind", name="behind"),
        op("GlobalAveragePool", "behind"),
    ],
    {"x": (1, 3, 16, 16)},
    {**NARROW[1], **WIDE[1], "w": randoms(8, 32, 1, 1)},
    opset=17,
)
FRAMES = np.random.default_rng(0).normal(size=(24, 3, 16, 16)).astype(np.float32)
FPS = 48_000
"""2,083 cycles a frame: with all channels the layers would need eight times the multipliers, or less."""
FRAMES *= np.random.default_rng(1).uniform(0.1, 2, (24, 3, 1, 1)).astype(np.float32)


@pytest.fixture(scope="module")
def compiled(tmp_path_factory: pytest.TempPathFactory) -> tuple[Accelerator, Path]:
    path = NETWORK.save(tmp_path_factory.mktemp("gates"))
    return tomato.compile(path, "pynq-z2", calibration=FRAMES, fps=FPS), path


def test_every_layer_computes_what_is_kept(compiled: tuple[Accelerator, Path]) -> None:
    accelerator, path = compiled
    found = {n.origin[0]: (n.op.keep, n.op.keep_in) for n in accelerator.graph if isinstance(n.op, GatedConv2d)}
    assert found == {"narrow": (4, 0), "wide": (2, 4), "behind": (0, 2)}
    session = ort.InferenceSession(path, providers=["CPUExecutionProvider"])
    wanted = np.concatenate([session.run(None, {"x": x[None]})[0] for x in FRAMES])
    error = accelerator.golden(FRAMES) - wanted
    assert np.sqrt((error**2).mean()) < 0.2 * wanted.std(), "a gate may choose otherwise where two are nearly alike"


def test_a_layer_takes_the_share_that_is_kept(compiled: tuple[Accelerator, Path]) -> None:
    accelerator, _ = compiled
    for unit in bind(accelerator.graph, accelerator.plan.layers, accelerator.target).values():
        if isinstance(unit, GatedFold):
            share = np.prod(unit.kept) / np.prod(unit.groups)
            assert unit.kept[0] * unit.folds * unit.reads == unit.whole.pixel_cycles * share


@pytest.mark.rtl
def test_rtl_is_golden_as_fast_as_predicted(compiled: tuple[Accelerator, Path], tmp_path: Path) -> None:
    accelerator, _ = compiled
    accelerator.write(tmp_path / "build")
    accelerator.write_vectors(tmp_path / "build", FRAMES[:6])
    found = simulate(tmp_path / "build", frames=6, checked=True)
    assert found["bit_exact"], describe(found)
    assert found["interval_cycles"] == found["interval_cycles_predicted"], describe(found)


@pytest.mark.rtl
def test_gates_behind_an_exit_and_in_front(tmp_path: Path) -> None:
    """Frames that are sure leave between the two gated layers; the others' gates choose as ever."""
    heads = [
        op("GlobalAveragePool", "pooled", to="seen"), op("Flatten", "seen", to="seen_f"),
        op("Gemm", "seen_f", "w_early", to="early"),
        op("Conv", "wide_y", "w", to="behind", name="behind"), op("GlobalAveragePool", "behind", to="late_p"),
        op("Flatten", "late_p", to="late"),
    ]  # fmt: skip
    constants = {**NETWORK.constants, "w_early": randoms(16, 8)}
    network = Tiny([*NETWORK.nodes[:-2], *heads], NETWORK.inputs, constants, ("early", "late"), 17)
    made = tomato.compile(
        network.save(tmp_path), "pynq-z2", calibration=FRAMES, fps=FPS, early={"early": Early(1.5, 0.5)}
    )
    assert sum(isinstance(n.op, GatedConv2d) for n in made.graph) == 3
    assert sum(isinstance(n.op, Exit) for n in made.graph) == 1
    values: dict[str, Array] = {}
    interpret(made.graph, made.encode(FRAMES[:12]), watch=values.__setitem__)
    assert 0 < np.mean([values[n.name] for n in made.graph if isinstance(n.op, Sure)]) < 1
    made.write(tmp_path / "build")
    made.write_vectors(tmp_path / "build", FRAMES[:12])
    found = simulate(tmp_path / "build", frames=12, checked=True)
    assert found["bit_exact"], describe(found)
