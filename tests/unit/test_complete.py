"""Models that come quantised, but not everywhere: calibration completes them, loudly, and codes equal the runtime's."""

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

import tomato
from tests.unit.frontend.tiny import op, randoms
from tests.whole.fuzz.corpus import QONNX
from tomato.accelerator import Accelerator
from tomato.core.errors import TomatoError
from tomato.core.formats import Array
from tomato.host.data import Data
from tomato.measure.evaluate import evaluate

pytest.importorskip("onnxruntime")
quantization = pytest.importorskip("onnxruntime.quantization")
FRAMES = 64
SHAPE = (4, 9, 8)


def save(folder: Path, nodes: list[Any], constants: dict[str, Any], outputs: tuple[str, ...] = ("y",)) -> Path:
    read = {name for node in nodes for name in node.input}
    graph = helper.make_graph(
        nodes, "open",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, *SHAPE])],
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, None) for name in outputs],
        [numpy_helper.from_array(np.asarray(v), n) for n, v in constants.items() if n in read],
    )  # fmt: skip
    opsets = [helper.make_opsetid("", 17)] + ([helper.make_opsetid(QONNX, 1)] if any(n.domain for n in nodes) else [])
    onnx.save(helper.make_model(graph, opset_imports=opsets, ir_version=9), folder / "open.onnx")
    return folder / "open.onnx"


def frames() -> Array:
    return np.random.default_rng(5).normal(size=(FRAMES, *SHAPE)).astype(np.float32)


CONSTANTS: dict[str, Any] = {
    "s": np.float32(0.03), "z": np.uint8(121), "t": np.float32(0.05), "u": np.float32(0.08),
    "wq": np.random.default_rng(1).integers(-90, 90, (6, 4, 3, 3)).astype(np.int8), "ws": np.float32(0.004),
    "vq": np.random.default_rng(2).integers(-90, 90, (5, 6, 1, 1)).astype(np.int8), "vs": np.float32(0.006),
    "zi": np.int8(0), "w": randoms(6, 4, 3, 3) / 4, "v": randoms(5, 6, 1, 1) / 2, "b": randoms(6, seed=9),
    "m": randoms(6, 10, seed=4),
}  # fmt: skip
ENTER = [op("QuantizeLinear", "x", "s", "z", to="xq"), op("DequantizeLinear", "xq", "s", "z", to="xr")]
FIRST = op("DequantizeLinear", "wq", "ws", "zi", to="wr")
SECOND = op("DequantizeLinear", "vq", "vs", "zi", to="vr")


def pair(name: str, to: str, step: str = "t") -> list[Any]:
    return [op("QuantizeLinear", name, step, "z", to=f"{to}q"), op("DequantizeLinear", f"{to}q", step, "z", to=to)]


CONV = [*ENTER, FIRST, op("Conv", "xr", "wr", to="c", name="first")]
ISLANDS: dict[str, tuple[list[Any], list[str]]] = {
    "elu in front of a pool": (
        [*CONV, *pair("c", "d"), op("Elu", "d", to="e"), op("GlobalAveragePool", "e", to="g"), *pair("g", "y", "u")],
        ["e"],
    ),
    "a residual sum in front of a convolution": (
        [*CONV, *pair("c", "d"), op("Relu", "d", to="r"), *pair("r", "q", "u"), op("Add", "d", "q", to="a"), SECOND,
         op("Conv", "a", "vr", to="h"), *pair("h", "y", "u")],
        ["a"],
    ),
    "a float first layer": (
        [op("Conv", "x", "w", "b", to="c", name="first"), op("Relu", "c", to="r"), *pair("r", "d"), SECOND,
         op("Conv", "d", "vr", to="h"), *pair("h", "y", "u")],
        ["x", "w"],
    ),
    "a float last layer": (
        [*CONV, *pair("c", "d"), op("GlobalAveragePool", "d", to="g"), *pair("g", "k", "s"), op("Flatten", "k", to="f"),
         op("MatMul", "f", "m", to="y")],
        ["m"],
    ),
    "a normalised input": (
        [op("Mul", "x", "s", to="n"), FIRST, op("Conv", "n", "wr", to="c"), *pair("c", "y", "s")],
        ["n"],
    ),
}  # fmt: skip


def agreement(made: Accelerator) -> tuple[int, int]:
    codes = evaluate(made, Data(frames()))["codes"]
    return codes["equal"], codes["total"]


@pytest.mark.parametrize("name", ISLANDS)
def test_islands(name: str, tmp_path: Path) -> None:
    nodes, open_ = ISLANDS[name]
    path = save(tmp_path, nodes, CONSTANTS)
    with pytest.raises(TomatoError, match="not quantised") as error:
        tomato.compile(path, "kv260")
    assert error.value.hint.startswith("give --calibrate DATA")
    made = tomato.compile(path, "kv260", calibration=frames())
    assert list(made.reading.ranges) == open_
    assert made.report["notes"][0].startswith(f"THE MODEL LEAVES {len(open_)} VALUES UNQUANTISED; quantised by calib")
    equal, total = agreement(made)
    assert equal >= 0.995 * total
    again = tomato.load(made.write(tmp_path / "build"))
    assert np.array_equal(again.golden(frames()), made.golden(frames()))
    assert agreement(again) == (equal, total)
    assert evaluate(made, Data(frames()))["outputs"][0]["sqnr_db"] > 15


def test_weights_that_a_constant_node_holds(tmp_path: Path) -> None:
    nodes, open_ = ISLANDS["a float last layer"]
    held = helper.make_node("Constant", [], ["m"], value=numpy_helper.from_array(CONSTANTS["m"]))
    path = save(tmp_path, [held, *nodes], {k: v for k, v in CONSTANTS.items() if k != "m"})
    made = tomato.compile(path, "kv260", calibration=frames())
    assert list(made.reading.ranges) == open_
    assert agreement(made) == (FRAMES * 10,) * 2
    turned = [op("Identity", "k0", to="k1"), op("Transpose", "k1", to="m", perm=[1, 0])]
    others = {k: v for k, v in CONSTANTS.items() if k != "m"}
    path = save(tmp_path, [*turned, *nodes], others | {"k0": np.ascontiguousarray(CONSTANTS["m"].T)})
    with pytest.raises(TomatoError, match="its weights are not quantised") as error:
        tomato.compile(path, "kv260", calibration=frames())
    assert error.value.hint == "simplify the model first: they are computed"


def test_an_island_of_other_bits(tmp_path: Path) -> None:
    path = save(tmp_path, ISLANDS["a float first layer"][0], CONSTANTS)
    made = tomato.compile(path, "kv260", calibration=frames(), precision="w8a6")
    assert [r[2] for r in made.reading.ranges.values()] == [6, 8]


def _qonnx(*, quantised: bool) -> list[Any]:
    settings: dict[str, Any] = {"signed": 1, "narrow": 0, "rounding_mode": "ROUND"}
    numbers = ["zero", "bits"]
    return [
        *([op("Quant", "x", "qs", *numbers, to="xq", domain=QONNX, **settings)] if quantised else []),
        op("Quant", "w", "step", *numbers, to="wr", domain=QONNX, **settings),
        op("Conv", "xq" if quantised else "x", "wr", to="c"),
        op("Quant", "c", "step", *numbers, to="y", domain=QONNX, **(settings | {"signed": 1})),
    ]  # fmt: skip


NUMBERS = {"step": np.float32(0.0625), "zero": np.float32(0), "bits": np.float32(8), "w": CONSTANTS["w"]}


def test_qonnx_whose_input_is_not_quantised(tmp_path: Path) -> None:
    path = save(tmp_path, _qonnx(quantised=False), NUMBERS)
    with pytest.raises(TomatoError, match="it reads the input x, which is not quantised"):
        tomato.compile(path, "kv260")
    made = tomato.compile(path, "kv260", calibration=frames())
    assert list(made.reading.ranges) == ["x"]
    assert agreement(made) == (FRAMES * 6 * 7 * 6,) * 2
    scale = np.float32(np.abs(frames()).max() / 127)
    by_hand = tmp_path / "hand"
    by_hand.mkdir()
    same = tomato.compile(save(by_hand, _qonnx(quantised=True), NUMBERS | {"qs": scale}), "kv260")
    assert np.array_equal(same.golden(frames()), made.golden(frames()))


def _dynamic(folder: Path) -> Path:
    nodes = [
        op("Conv", "x", "w", "b", to="c", name="first"),
        op("Relu", "c", to="r"),
        op("Conv", "r", "v", to="h", name="second"),
        op("GlobalAveragePool", "h", to="g"),
        op("Flatten", "g", to="f"),
        op("MatMul", "f", "k", to="y", name="last"),
    ]
    source, target = save(folder, nodes, CONSTANTS | {"k": randoms(5, 10)}), folder / "dynamic.onnx"
    quantization.quantize_dynamic(source, target, op_types_to_quantize=["Conv", "MatMul"])
    assert sum(n.op_type == "DynamicQuantizeLinear" for n in onnx.load(target).graph.node) == 3
    return target


def test_dynamic_quantisation_becomes_static(tmp_path: Path) -> None:
    path = _dynamic(tmp_path)
    with pytest.raises(TomatoError) as error:
        tomato.compile(path, "kv260")
    assert "its scales depend on the data: DynamicQuantizeLinear of x, " in error.value.what
    assert error.value.hint == "give --calibrate DATA: the scales become constant, the weights stay as they are"
    made = tomato.compile(path, "kv260", calibration=frames())
    assert len(made.reading.ranges) >= 3
    equal, total = agreement(made)
    assert equal >= 0.99 * total
    result = evaluate(made, Data(frames()))
    assert result["outputs"][0]["sqnr_db"] > 20
    assert result["agreement"] > 0.9


def test_an_input_that_is_quantised_in_several_ways_is_taken_apart_by_the_host(tmp_path: Path) -> None:
    """A focus block as ONNX Runtime quantises it: every slice of the real input has a scale of its own."""
    nodes, constants, parts = [], dict[str, Any](CONSTANTS), []
    for i, (row, column) in enumerate([(0, 0), (1, 0), (0, 1), (1, 1)]):
        bounds = {f"b{i}": [row, column], f"e{i}": [8 + row, 8], "axes": [2, 3], "twos": [2, 2]}
        constants |= {k: np.array(v) for k, v in bounds.items()} | {f"s{i}": np.float32(0.03 + 0.004 * i)}
        nodes += [op("Slice", "x", *bounds, to=f"p{i}", name=f"slice{i}"), *pair(f"p{i}", f"d{i}", f"s{i}")]
        parts.append(f"d{i}")
    constants["vq"] = np.random.default_rng(3).integers(-90, 90, (5, 16, 1, 1)).astype(np.int8)
    joined = [op("Concat", *parts, to="j", axis=1), *pair("j", "k"), SECOND, op("Conv", "k", "vr", to="h")]
    path = save(tmp_path, [*nodes, *joined, *pair("h", "y", "u")], constants)
    made = tomato.compile(path, "kv260", calibration=frames())
    assert made.ends is not None
    assert [n.label for n in made.ends.before] == ["slice0", "slice1", "slice2", "slice3"]
    assert [p.name for p in made.inputs] == ["p0", "p1", "p2", "p3"]
    assert made.ends.share == 1
    assert agreement(made) == (FRAMES * 5 * 4 * 4,) * 2
    assert np.array_equal(tomato.load(made.write(tmp_path / "build")).golden(frames()), made.golden(frames()))
    with pytest.raises(TomatoError, match="the input x is quantised in several ways"):
        tomato.compile(path, "kv260", host="none")
