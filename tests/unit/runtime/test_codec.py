"""What the host computes at both ends equals the golden model's ends, bit for bit, on networks of all kinds."""

import json

import numpy as np
import pytest

import tomato
from tests.digits import compiled, frames
from tests.models import model_path
from tomato.accelerator import Accelerator
from tomato.host import written
from tomato.host.codes import decode
from tomato.runtime.codec import Codec

MODELS = (
    "mnist8_qdq",
    "kws_qdq",
    "resnet8_qdq",
    "autoencoder_qdq",
    "tfc_1w1a_qonnx",
    "tfc_1w2a_qonnx",
    "tfc_2w2a_qonnx",
)


def check(accelerator: Accelerator, x: tuple[np.ndarray, ...]) -> None:
    """The bytes hold the codes of the golden model; codes of any values become what it answers."""
    ports, orders = written.described(accelerator, accelerator.lowered.netlist)
    stored = json.loads(json.dumps(ports))
    ins, outs = ([Codec.of(p, orders) for p in stored[side]] for side in ("inputs", "outputs"))
    codes = accelerator.encode(*x)
    for codec, port, given in zip(ins, accelerator.inputs, x, strict=True):
        assert np.array_equal(codec.packing.unpack(codec.encode(given)), codes[port.value]), port.name
    rng, types = np.random.default_rng(1), accelerator.graph.types
    values = {
        n: rng.integers(types[n].codes.lo, types[n].codes.hi, (5, *types[n].shape), endpoint=True)
        for n in accelerator.graph.outputs
    }
    for exact in (False, True):
        wanted = decode(accelerator, values, codes=exact)
        for codec, port, right in zip(outs, accelerator.outputs, wanted, strict=True):
            got = codec.decode(codec.packing.pack(values[port.value]), codes=exact)
            assert (got.dtype, got.shape) == (right.dtype, right.shape)
            assert np.array_equal(got, right, equal_nan=right.dtype.kind == "f"), port.name


def test_digits() -> None:
    check(compiled(), (frames()[0][:20],))


@pytest.mark.models
@pytest.mark.parametrize("name", MODELS)
def test_models_that_come_quantised(name: str) -> None:
    accelerator = tomato.compile(model_path(f"{name}.onnx"), "u250", fps=1.0)
    rng = np.random.default_rng(0)
    x = [rng.normal(0, 60, (4, *p.shape)).astype(p.dtype) for p in accelerator.takes]
    check(accelerator, accelerator.enter(*x))
