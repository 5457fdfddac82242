"""Softmax inside models that come quantised, against ONNX Runtime: codes next to a tie may be off by one."""

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest

from tests.networks.runtime import golden, integers, runtime
from tests.unit.quantise.absorb.test_operators import IN, KINDS, model, op, steps
from tomato.core.formats import Array
from tomato.ops.softmax import Softmax
from tomato.quantise.absorb.proof import SOFTMAX

SHAPE = (1, 24, 6, 5)
RNG = np.random.default_rng(0)
FRAMES = (RNG.standard_normal((16, *SHAPE[1:])) * 3).astype(np.float32)
CUT = [op("Slice", "yq begin end rows", "cq"), op("DequantizeLinear", "cq ys yz", "y")]
"""The network goes on, so that the softmax is not the host's."""
FORMS: dict[str, list[Any]] = {
    "qdq": [*IN, op("Softmax", "xr", "r", axis=1), op("QuantizeLinear", "r ys yz", "yq"), *CUT],
    "qoperator": [
        IN[0],
        op("QLinearSoftmax", "xq xs xz ys yz", "yq", "com.microsoft", opset=13, axis=1),
        *CUT,
    ],
    "written out": [
        *IN,
        op("ReduceMax", "xr", "m", axes=[1]),
        op("Sub", "xr m", "d"),
        op("Exp", "d", "e"),
        op("ReduceSum", "e axes", "t"),
        op("Div", "e t", "r"),
        op("QuantizeLinear", "r ys yz", "yq"),
        *CUT,
    ],
    "scores": [
        *IN,
        op("DequantizeLinear", "w ws", "wr"),
        op("DequantizeLinear", "b bs", "br"),
        op("Conv", "xr wr br", "c"),
        op("Softmax", "c", "r", axis=1),
        op("QuantizeLinear", "r ys yz", "yq"),
        *CUT,
    ],
    "heads": [
        *IN,
        op("Reshape", "xr runs", "h"),
        op("Softmax", "h", "s", axis=2),
        op("Reshape", "s whole", "r"),
        op("QuantizeLinear", "r ys yz", "yq"),
        *CUT,
    ],
}


def codes(path: Path, scale: np.float32) -> tuple[Array, Array]:
    """The runtime's and ours, as whole numbers."""
    made = integers(path)
    assert any(isinstance(n.op, Softmax) for n in made.graph)
    assert [p.caveat for p in made.proofs if p.caveat] == [SOFTMAX]
    wanted, got = runtime(path, FRAMES)[0], golden(made, FRAMES)[0]
    return np.rint(wanted / scale), np.rint(got / scale)


@pytest.mark.parametrize(
    ("form", "kind"), [*((f, k) for f in FORMS for k in KINDS), ("qdq", np.uint16), ("heads", np.uint16)]
)
def test_codes_are_off_by_one_at_most(form: str, kind: type[np.integer], tmp_path: Path) -> None:
    wide = kind is np.uint16
    constants = steps(kind, x=12 / 65536 if wide else 0.05) | {
        "ys": np.float32(1 / (4096 if wide else 256)), "yz": kind(np.iinfo(kind).min),
        "axes": np.array([1]), "runs": np.array([1, 3, 8, 6, 5]), "whole": np.array(SHAPE),
        "w": RNG.integers(-127, 128, (24, 24, 1, 1)).astype(np.int8), "ws": np.float32(0.003),
        "b": RNG.integers(-900, 900, 24).astype(np.int32), "bs": np.float32(0.05 * 0.003),
        "begin": np.array([1]), "end": np.array([6]), "rows": np.array([2]),
    }  # fmt: skip
    if wide:
        constants["xz"] = kind(1 << 15)
    path = model(tmp_path, FORMS[form], constants, {"x": SHAPE})
    if wide:
        changed = onnx.load(path)
        changed.opset_import[0].version, changed.ir_version = 21, 10
        onnx.save(changed, path)
    wanted, got = codes(path, constants["ys"])
    apart = np.abs(wanted - got)
    assert np.ptp(wanted) > 100
    assert apart.max() <= 1
    assert np.count_nonzero(apart) <= (0.06 if wide else 0.01) * apart.size
