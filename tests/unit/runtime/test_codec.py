"""What the host computes at both ends equals the golden model's ends, bit for bit, on networks of all kinds."""

import json
from pathlib import Path

import numpy as np
import onnx
import pytest

import tomato
from tests.digits import compiled, frames
from tests.models import model_path
from tomato.accelerator import Accelerator
from tomato.host import written
from tomato.host.codes import decode
from tomato.runtime import HostError, Session
from tomato.runtime.codec import Codec, arrival

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


def test_an_input_that_nothing_reads_is_still_one_of_the_model(tmp_path: Path) -> None:
    h = onnx.helper
    ports = [h.make_tensor_value_info(n, onnx.TensorProto.FLOAT, [1, 2, 3, 3]) for n in ("read", "ignored", "y")]
    weight = onnx.numpy_helper.from_array(np.eye(2, dtype=np.float32).reshape(2, 2, 1, 1), "w")
    graph = h.make_graph([h.make_node("Conv", ["read", "w"], ["y"])], "half", ports[:2], ports[2:], [weight])
    onnx.save(h.make_model(graph, opset_imports=[h.make_opsetid("", 17)]), tmp_path / "half.onnx")
    frames = [np.random.default_rng(i).normal(size=(4, 2, 3, 3)).astype(np.float32) for i in range(2)]
    made = tomato.compile(tmp_path / "half.onnx", "kv260", calibration=frames)
    ports_of, _ = written.described(made, made.lowered.netlist)
    assert [p["name"] for p in ports_of["inputs"]] == ["read"]
    assert Session(made.write(tmp_path / "build")).inputs == ("read", "ignored")


@pytest.mark.parametrize("first", [0, 65_530])
@pytest.mark.parametrize("count", [1, 40, 70_000])
def test_frames_that_overtake_each_other_are_put_in_order(count: int, first: int) -> None:
    """Numbers of 16 bits, of more frames than there are numbers, whatever the first frame's is."""
    came = np.argsort(np.arange(count) + np.random.default_rng(0).uniform(0, 900, count))
    assert np.array_equal(came[arrival((first + came) % (1 << 16), 1 << 16)], np.arange(count))


@pytest.mark.parametrize("numbers", [[0, 1, 1, 3], [0, 2, 3], [5, 6, 8, 9]])
def test_a_missing_frame_is_told(numbers: list[int]) -> None:
    with pytest.raises(HostError, match="some are missing, or come twice"):
        arrival(np.array(numbers), 1 << 16)
