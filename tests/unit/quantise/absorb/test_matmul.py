"""Matrix products of two activations in models that come quantised: the codes of ONNX Runtime's integer kernel."""

from pathlib import Path

import numpy as np
import pytest

from tests.networks.runtime import golden, integers, runtime
from tests.unit.quantise.absorb.test_operators import model
from tests.unit.quantise.example import node
from tomato.core.formats import Array

FRAMES = 40
SCALES = {"xs": np.float32(0.031), "zs": np.float32(0.05), "ys": np.float32(0.083)}


def frames(path: Path) -> tuple[Array, Array]:
    """The runtime's codes, and ours, of random frames: z of so few codes that no processor's products saturate."""
    rng = np.random.default_rng(5)
    x, z = (rng.normal(0, 1.5, (FRAMES, 2, *shape)).clip(-3, 3).astype(np.float32) for shape in ((5, 12), (12, 7)))
    (wanted,), (got,) = runtime(path, x, z), golden(integers(path), x, z)
    step = SCALES["ys"]
    return np.rint(wanted.reshape(FRAMES, -1) / step), np.rint(got.reshape(FRAMES, -1) / step)


@pytest.mark.parametrize("form", ["qdq", "qoperator"])
@pytest.mark.parametrize(("x", "z"), [(np.uint8, np.uint8), (np.uint8, np.int8), (np.int8, np.int8)])
def test_codes_are_those_of_the_runtime(form: str, x: type[np.integer], z: type[np.integer], tmp_path: Path) -> None:
    zeros = {"xz": x(3 if x is np.int8 else 130), "zz": z(-2 if z is np.int8 else 121), "yz": x(9)}
    begin = [node("QuantizeLinear", "x xs xz", "xq"), node("QuantizeLinear", "z zs zz", "zq")]
    middle = (
        [node("DequantizeLinear", "xq xs xz", "xd"), node("DequantizeLinear", "zq zs zz", "zd"),
         node("MatMul", "xd zd", "m"), node("QuantizeLinear", "m ys yz", "yq")]
        if form == "qdq"
        else [node("QLinearMatMul", "xq xs xz zq zs zz ys yz", "yq")]
    )  # fmt: skip
    nodes = [*begin, *middle, node("DequantizeLinear", "yq ys yz", "y")]
    path = model(tmp_path, nodes, {**SCALES, **zeros}, {"x": (1, 2, 5, 12), "z": (1, 2, 12, 7)}, outputs=("y",))
    wanted, got = frames(path)
    assert len(np.unique(wanted)) > 100
    np.testing.assert_array_equal(got, wanted)


def test_a_function_of_the_product_is_near_the_runtime(tmp_path: Path) -> None:
    """Scores that are scaled in real numbers first: the runtime has float32, whose ties may fall elsewhere."""
    nodes = [
        node("QuantizeLinear", "x xs xz", "xq"), node("DequantizeLinear", "xq xs xz", "xd"),
        node("QuantizeLinear", "z zs zz", "zq"), node("DequantizeLinear", "zq zs zz", "zd"),
        node("MatMul", "xd zd", "m"), node("Mul", "m third", "n"),
        node("QuantizeLinear", "n ys yz", "yq"), node("DequantizeLinear", "yq ys yz", "y"),
    ]  # fmt: skip
    zeros = {"xz": np.uint8(130), "zz": np.uint8(121), "yz": np.uint8(9), "third": np.float32(1 / 3)}
    path = model(tmp_path, nodes, {**SCALES, **zeros}, {"x": (1, 2, 5, 12), "z": (1, 2, 12, 7)}, outputs=("y",))
    wanted, got = frames(path)
    assert np.abs(wanted - got).max() <= 1
    assert np.count_nonzero(wanted != got) <= wanted.size // 1000
