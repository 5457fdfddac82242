"""Generated benchmark networks: published counts, shapes, and values that stay alive through the depth."""

import re
from pathlib import Path

import numpy as np
import onnx
import pytest

from examples.networks import NETWORKS, generate, save
from examples.networks.__main__ import main
from tomato import frontend
from tomato.passes import CLEAN, run

PUBLISHED = {
    "mobilenet_v1": (568_740_352, 4_231_976),
    "mobilenet_v2": (300_774_272, 3_504_872),
    "resnet18": (1_814_073_344, 11_689_512),
    "resnet50": (4_089_184_256, 25_557_032),
    "vgg16": (15_470_264_320, 138_357_544),
    "resnet20": (40_813_184, 272_474),
}
"""Multiply-accumulates, and parameters with two per channel for batch normalisation."""
SMALL = {"mobilenet_v1": 64, "mobilenet_v2": 64, "resnet18": 64, "resnet50": 64, "resnet20": 32}
"""Picture sizes that are quick to compute; VGG-16 has 138 million parameters at any size."""


def counts(model: onnx.ModelProto) -> tuple[int, int]:
    """Multiply-accumulates of a frame, and parameters with two per channel for batch normalisation."""
    shapes = {v.name: [d.dim_value for d in v.type.tensor_type.shape.dim] for v in model.graph.value_info}
    weights = {t.name: list(t.dims) for t in model.graph.initializer}
    normalised = not any(node.op_type == "Gemm" and node.name == "dense1" for node in model.graph.node)
    macs = parameters = 0
    for node in model.graph.node:
        if node.op_type not in {"Conv", "Gemm"}:
            continue
        kernel, (bias,) = weights[node.input[1]], weights[node.input[2]]
        positions = int(np.prod(shapes[node.output[0]][2:])) if node.op_type == "Conv" else 1
        macs += int(np.prod(kernel)) * positions
        parameters += int(np.prod(kernel)) + bias * (2 if node.op_type == "Conv" and normalised else 1)
    return macs, parameters


@pytest.mark.parametrize("name", [pytest.param(n, marks=pytest.mark.slow if n == "vgg16" else ()) for n in NETWORKS])
def test_counts_are_the_published_ones(name: str) -> None:
    assert counts(generate(name)) == PUBLISHED[name]


@pytest.mark.parametrize("name", [pytest.param(n, marks=pytest.mark.slow if n == "resnet50" else ()) for n in SMALL])
def test_shapes_are_those_that_onnx_infers(name: str) -> None:
    onnx.checker.check_model(generate(name, size=SMALL[name]), full_check=True)


@pytest.mark.slow
@pytest.mark.parametrize("name", SMALL)
def test_values_stay_alive_through_the_depth(name: str) -> None:
    runtime = pytest.importorskip("onnxruntime")
    model = generate(name, size=SMALL[name])
    layers = [n.output[0] for n in model.graph.node if n.op_type in {"Conv", "Add", "Relu", "Clip"}]
    model.graph.output.extend(onnx.helper.make_empty_tensor_value_info(layer) for layer in layers)
    session = runtime.InferenceSession(model.SerializeToString())
    noise = np.random.default_rng(1).standard_normal((1, 3, SMALL[name], SMALL[name])).astype(np.float32)
    for layer, y in zip(["classify", *layers], session.run(None, {"image": noise}), strict=True):
        assert np.all(np.isfinite(y)), layer
        assert 0.2 < np.sqrt(np.mean(y**2)) < 8, layer


@pytest.mark.slow
@pytest.mark.parametrize("name", SMALL)
def test_the_frontend_takes_it_whole(name: str, tmp_path: Path) -> None:
    save(name, tmp_path / "model.onnx", size=SMALL[name])
    graph = run(frontend.load(tmp_path / "model.onnx").graph, CLEAN)
    types = dict(graph.inputs) | {n.name: n.type for n in graph}
    macs = sum(n.op.macs([types[a] for a in n.args]) for n in graph)
    assert macs == counts(generate(name, size=SMALL[name]))[0]


def test_the_seed_decides_the_weights() -> None:
    first, same, other = (generate("resnet20", seed=s).SerializeToString() for s in (0, 0, 1))
    assert first == same
    assert first != other


@pytest.mark.parametrize(
    ("name", "size", "reason"),
    [
        pytest.param(
            "lenet", None,
            "there is no network 'lenet'; "
            "there are mobilenet_v1, mobilenet_v2, resnet18, resnet50, vgg16, resnet20",
            id="name",
        ),
        pytest.param("resnet20", 30, "resnet20 takes pictures whose size is a multiple of 4, not 30", id="size"),
        pytest.param("vgg16", 0, "vgg16 takes pictures whose size is a multiple of 32, not 0", id="nothing"),
    ],
)  # fmt: skip
def test_what_cannot_be_generated(name: str, size: int | None, reason: str) -> None:
    with pytest.raises(ValueError, match=f"^{re.escape(reason)}$"):
        generate(name, size=size)


def test_command_line_writes_a_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "new" / "net.onnx"
    main(["resnet20", "-o", str(path), "--size", "8"])
    assert capsys.readouterr().out == f"{path}: 1.1 MB\n"
    assert onnx.load(path).graph.input[0].type.tensor_type.shape.dim[3].dim_value == 8


def test_command_line_refuses_a_wrong_size(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["resnet20", "--size", "7"])
    assert capsys.readouterr().err.endswith("error: resnet20 takes pictures whose size is a multiple of 4, not 7\n")
