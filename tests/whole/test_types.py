"""The model's own types, in and out: golden, evaluate, the command line, and hardware."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from click.testing import CliRunner
from onnx import helper, numpy_helper

import tomato
from tomato.accelerator import Accelerator
from tomato.cli import main
from tomato.core.errors import TomatoError
from tomato.core.formats import Array, Tensor
from tomato.core.interface import Port
from tomato.host import data
from tomato.host.data import Data
from tomato.measure.evaluate import evaluate

pytest.importorskip("onnxruntime")
RNG = np.random.default_rng(0)
SHAPE = (4, 6, 5)
FRAMES = 8
WIDE = 21
"""The first operator set with codes of 16 bits."""


@dataclass(frozen=True)
class Case:
    """Nodes as `operator inputs -> outputs`, constants, and the element types of inputs and outputs."""

    nodes: tuple[str, ...]
    constants: dict[str, Any]
    inputs: dict[str, str]
    outputs: dict[str, str]

    def save(self, folder: Path, shape: tuple[int, ...] = SHAPE) -> Path:
        """The model in a file."""
        kinds = {name: helper.np_dtype_to_tensor_dtype(np.dtype(k)) for name, k in (self.inputs | self.outputs).items()}
        graph = helper.make_graph(
            [node(text) for text in self.nodes],
            "typed",
            [helper.make_tensor_value_info(n, kinds[n], [1, *shape]) for n in self.inputs],
            [helper.make_tensor_value_info(n, kinds[n], None) for n in self.outputs],
            [numpy_helper.from_array(np.asarray(v), n) for n, v in self.constants.items()],
        )
        opsets = [helper.make_opsetid("", WIDE)]
        onnx.save(helper.make_model(graph, opset_imports=opsets, ir_version=10), folder / "typed.onnx")
        return folder / "typed.onnx"

    def frames(self) -> tuple[Array, ...]:
        """Frames of every input, integers of their whole type."""
        return tuple(frames(np.dtype(kind)) for kind in self.inputs.values())


def node(text: str) -> Any:
    """`Conv x w -> y`; `Cast[to=1] x -> y` with an attribute."""
    left, right = text.split(" -> ")
    operator, *inputs = left.split()
    kind, _, attribute = operator.rstrip("]").partition("[")
    name, _, value = attribute.partition("=")
    attributes: dict[str, Any] = {name: int(value)} if name else {}
    return helper.make_node(kind, inputs, right.split(), name=f"{kind}_{right}", **attributes)


def frames(kind: np.dtype) -> Array:
    if kind.kind == "f":
        return (RNG.standard_normal((FRAMES, *SHAPE)) * 3).astype(kind)
    info = np.iinfo(kind)
    return RNG.integers(info.min, info.max, (FRAMES, *SHAPE), endpoint=True, dtype=kind)


def codes(kind: str, x: float = 0.05, y: float = 0.3) -> dict[str, Any]:
    """Scales, zero points and int8 weights around codes of a type."""
    zero = np.dtype(kind).type(3)
    return {
        "xs": np.float32(x), "xz": zero, "ys": np.float32(y), "yz": zero, "ws": np.float32(0.01), "wz": np.int8(0),
        "w": RNG.integers(-128, 127, (8, 4, 3, 3)).astype(np.int8),
    }  # fmt: skip


ENTER = ("DequantizeLinear x xs xz -> xr",)
CONV = ("DequantizeLinear w ws wz -> wr", "Conv xr wr -> r")
LEAVE = ("QuantizeLinear r ys yz -> y",)
COME = ("QuantizeLinear xf xs xz -> xq", "DequantizeLinear xq xs xz -> xr")
GO = ("QuantizeLinear r ys yz -> yq", "DequantizeLinear yq ys yz -> yf")
TABLE = RNG.integers(-128, 127, (5, 7)).astype(np.int8)
REAL = RNG.standard_normal((8, 4, 3, 3)).astype(np.float32)

EQUAL: dict[str, Case] = {
    **{kind: Case((*ENTER, *CONV, *LEAVE), codes(kind), {"x": kind}, {"y": kind}) for kind in ("uint8", "int8")},
    **{kind: Case((*ENTER, "GlobalAveragePool xr -> r", *LEAVE), codes(kind, y=0.011), {"x": kind}, {"y": kind})
       for kind in ("uint16", "int16")},
    "int32 codes": Case((*ENTER, "Relu xr -> r", *LEAVE),
                        codes("int8", 1e-8, 0.2) | {"xz": np.int32(0)}, {"x": "int32"}, {"y": "int8"}),
    "int64 cast": Case(("Cast[to=1] x -> xf", *COME, "Relu xr -> r", *LEAVE), codes("uint8", 2.0**57, 2.0**58),
                       {"x": "int64"}, {"y": "uint8"}),
    "float64": Case(("Cast[to=1] x -> xf", *COME, "Sigmoid xr -> r", *GO, "Cast[to=11] yf -> y"),
                    codes("uint8", y=1 / 256), {"x": "float64"}, {"y": "float64"}),
    "sums": Case(("MatMulInteger x w xz -> y",), {"w": TABLE, "xz": np.uint8(3)}, {"x": "uint8"}, {"y": "int32"}),
    "two inputs": Case(("DequantizeLinear a xs xz -> ar", "QuantizeLinear b ys yz -> bq",
                        "DequantizeLinear bq ys yz -> br", "Mul ar br -> r", *LEAVE),
                       codes("int8", 0.0513, 0.0717), {"a": "int8", "b": "float32"}, {"y": "int8"}),
    "three outputs": Case(("Identity x -> xf", *COME, "DequantizeLinear w ws wz -> wr", "MatMul xr wr -> r", *GO,
                           "ArgMax[axis=3] yf -> class"),
                          codes("uint8") | {"w": TABLE},
                          {"x": "float32"}, {"yq": "uint8", "yf": "float32", "class": "int64"}),
}  # fmt: skip


@pytest.mark.parametrize("name", EQUAL)
def test_a_quantised_model_equals_its_runtime_in_its_own_types(name: str, tmp_path: Path) -> None:
    case = EQUAL[name]
    accelerator, x = tomato.compile(case.save(tmp_path), "u250"), case.frames()
    assert [p.dtype for p in accelerator.inputs] == list(case.inputs.values())
    assert [s.dtype.name for s in accelerator.samples] == list(case.inputs.values())
    got = outputs(accelerator, x)
    assert [y.dtype.name for y in got] == list(case.outputs.values())
    result = evaluate(accelerator, [Data(f) for f in x])
    assert result["codes"]["equal"] == result["codes"]["total"] == sum(y.size for y in got)
    assert all(o["sqnr_db"] is None and o["max_error"] == 0 for o in result["outputs"])
    back = tomato.load(accelerator.write(tmp_path / "build"))
    assert all(np.array_equal(a, b) for a, b in zip(outputs(back, x), got, strict=True))


def outputs(accelerator: Accelerator, x: tuple[Array, ...]) -> tuple[Array, ...]:
    got = accelerator.golden(*x)
    return got if isinstance(got, tuple) else (got,)


FLOAT: dict[str, Case] = {
    "uint8": Case(("Cast[to=1] x -> xf", "Conv xf w -> y"), {"w": REAL}, {"x": "uint8"}, {"y": "float32"}),
    "int32": Case(("Cast[to=1] x -> xf", "Conv xf w -> y"), {"w": REAL}, {"x": "int32"}, {"y": "float32"}),
    "float16": Case(("Conv x w -> c", "Relu c -> y"), {"w": REAL.astype(np.float16)}, {"x": "float16"},
                    {"y": "float16"}),
    "float64": Case(("MatMul x w -> y",), {"w": TABLE / 64}, {"x": "float64"}, {"y": "float64"}),
    "class": Case(("Flatten x -> f", "MatMul f w -> s", "ArgMax[axis=1] s -> y"),
                  {"w": RNG.standard_normal((120, 7)).astype(np.float32)}, {"x": "float32"}, {"y": "int64"}),
}  # fmt: skip


@pytest.mark.parametrize("name", FLOAT)
@pytest.mark.parametrize("calibrated", [True, False])
def test_a_float_model_has_its_own_types(name: str, calibrated: bool, tmp_path: Path) -> None:
    case = FLOAT[name]
    x = case.frames()
    accelerator = tomato.compile(case.save(tmp_path), "u250", calibration=x if calibrated else None)
    assert [s.dtype.name for s in accelerator.samples] == list(case.inputs.values())
    assert [y.dtype.name for y in outputs(accelerator, x)] == list(case.outputs.values())
    result = evaluate(accelerator, [Data(f) for f in x])
    if calibrated and name != "class":
        assert all(o["sqnr_db"] > 30 for o in result["outputs"])
    if calibrated and name == "class":
        assert result["agreement"] >= 0.75


def test_what_onnx_runtime_cannot_run(tmp_path: Path) -> None:
    case = Case(("Conv x w -> y",), {"w": REAL.astype(np.float64)}, {"x": "float64"}, {"y": "float64"})
    accelerator = tomato.compile(case.save(tmp_path), "u250")
    with pytest.raises(TomatoError) as error:
        evaluate(accelerator, Data(case.frames()[0]))
    assert error.value.what.startswith("ONNX Runtime cannot run the model: ")
    assert "NOT_IMPLEMENTED" in error.value.what


@pytest.mark.parametrize(
    ("value", "shown"), [(2.5, "2.5"), (256, "256"), (-1, "-1"), (np.float32(255.5), "255.5")], ids=str
)
def test_what_an_integer_input_does_not_have(value: Any, shown: str, tmp_path: Path) -> None:
    accelerator = tomato.compile(EQUAL["uint8"].save(tmp_path), "u250")
    wrong = np.zeros((2, *SHAPE), np.asarray(value).dtype)
    wrong[1, 2, 3, 4] = value
    for use in (accelerator.golden, accelerator.encode, lambda x: evaluate(accelerator, Data(x))):
        with pytest.raises(TomatoError) as error:
            use(wrong)
        assert str(error.value) == (
            f"error: input 'x' takes uint8, whole numbers from 0 to 255, but the data has {shown}\n"
            "  --> input x\n  hint: give the numbers that the model takes: nothing is scaled or rounded for it"
        )


def test_whole_numbers_in_any_type_suit(tmp_path: Path) -> None:
    accelerator, (x,) = tomato.compile(EQUAL["uint8"].save(tmp_path), "u250"), EQUAL["uint8"].frames()
    for kind in (np.float32, np.float64, np.int16, np.int64):
        assert np.array_equal(accelerator.golden(x.astype(kind)), accelerator.golden(x))


@pytest.mark.parametrize("kind", ["int32", "int64", "uint32", "uint64"])
def test_large_integers_are_kept(kind: str, tmp_path: Path) -> None:
    x = np.array([[np.iinfo(kind).max - 1, (1 << 24) + 1, np.iinfo(kind).min]], kind)
    np.save(tmp_path / "x.npy", x)
    found = data.read(tmp_path / "x.npy", (3,), kind).frames
    assert found.dtype == np.dtype(kind)
    assert found.tolist() == x.tolist()


def test_large_codes_enter_as_they_are(tmp_path: Path) -> None:
    accelerator = tomato.compile(EQUAL["int32 codes"].save(tmp_path), "u250")
    x = np.full((1, *SHAPE), (1 << 24) + 1, np.int32)
    (entered,) = accelerator.encode(x).values()
    assert np.all(entered == (1 << 24) + 1)


def test_half_that_does_not_fit() -> None:
    with pytest.raises(TomatoError) as error:
        data.suit(np.full((1, 3), 1e6), (3,), "float16", name="x")
    assert str(error.value) == "error: the data has values that float16 does not hold\n  --> input x"


def test_pictures_for_integers_with_channels_last(tmp_path: Path) -> None:
    image = pytest.importorskip("PIL.Image")
    pixels = RNG.integers(0, 255, (8, 6, 3)).astype(np.uint8)
    image.fromarray(pixels).save(tmp_path / "a.png")
    for shape, wanted in (((8, 6, 3), pixels), ((3, 8, 6), pixels.transpose(2, 0, 1))):
        found = data.read(tmp_path, shape, "uint8", name="x").frames
        assert found.dtype == np.uint8
        assert np.array_equal(found, wanted[None])


def test_codes_from_outside_may_be_moved_before_they_are_used(tmp_path: Path) -> None:
    nodes = ("Transpose x -> t", "QLinearConv t xs xz w ws wz ys yz -> y")
    case = Case(nodes, codes("uint8"), {"x": "uint8"}, {"y": "uint8"})
    model = onnx.load(case.save(tmp_path, (6, 5, 4)))
    model.graph.node[0].attribute.append(helper.make_attribute("perm", [0, 3, 1, 2]))
    onnx.save(model, tmp_path / "typed.onnx")
    x = np.ascontiguousarray(case.frames()[0].transpose(0, 2, 3, 1))
    found = evaluate(tomato.compile(tmp_path / "typed.onnx", "u250"), Data(x))["codes"]
    assert found["equal"] == found["total"] == FRAMES * 8 * 4 * 3


def test_the_command_line(tmp_path: Path) -> None:
    case = EQUAL["uint8"]
    np.save(tmp_path / "x.npy", case.frames()[0])
    np.save(tmp_path / "wrong.npy", case.frames()[0] / 255)
    model, build = str(case.save(tmp_path)), str(tmp_path / "build")
    runner = CliRunner()
    assert runner.invoke(main, ["compile", model, "--target", "u250", "-o", build]).exit_code == 0
    result = runner.invoke(main, ["evaluate", build, "--data", str(tmp_path / "x.npy")])
    assert "768 of 768 output codes equal ONNX Runtime's integer kernels" in result.output
    refused = runner.invoke(main, ["evaluate", build, "--data", str(tmp_path / "wrong.npy")])
    assert refused.exit_code == 1
    assert "input 'x' takes uint8, whole numbers from 0 to 255, but the data has 0." in refused.output


@pytest.mark.rtl
def test_the_hardware(tmp_path: Path) -> None:
    accelerator, x = tomato.compile(EQUAL["uint8"].save(tmp_path), "u250"), EQUAL["uint8"].frames()
    got = accelerator.simulate(*x)
    assert got.dtype == np.uint8
    assert np.array_equal(got, accelerator.golden(*x))
    np.save(tmp_path / "x.npy", x[0])
    folder = accelerator.write(tmp_path / "build")
    result = CliRunner().invoke(main, ["simulate", str(folder), "--input", str(tmp_path / "x.npy")])
    assert result.exit_code == 0, result.output
    assert "bit-exact: 8 frames" in result.output


def port(dtype: str) -> Port:
    return Port("x", "x", (1,), Tensor(np.zeros(1, dtype=np.int64)), dtype=dtype)


@pytest.mark.parametrize(
    ("dtype", "real", "whole"),
    [
        ("int8", [200.0, -1e9, 2.5, 3.5], [127, -128, 2, 4]),
        ("bool", [3.0, -1.0], [True, False]),
        ("int64", [1e30, -1e30], [(1 << 63) - 1024, -(1 << 63)]),
        ("uint64", [1e30, -1.0], [(1 << 64) - 2048, 0]),
        ("int32", [1e30], [(1 << 31) - 1]),
    ],
)
def test_results_stay_within_their_type(dtype: str, real: list[float], whole: list[int]) -> None:
    """The greatest number of 64 bits is no float64: the nearest below it is taken."""
    assert port(dtype).typed(np.array(real)).tolist() == whole


@pytest.mark.parametrize("dtype", ["int32", "int64", "uint32", "float64"])
def test_frames_keep_all_their_digits(dtype: str) -> None:
    odd = (1 << 24) + 1
    assert port(dtype).real(np.array([odd], dtype)).tolist() == [odd]
    assert port("float32").real(np.zeros(1, np.float32)).dtype == np.float32
