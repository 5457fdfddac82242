"""The AXI shell between cocotbext-axi's memory and processor: every scenario of axi_scenarios.py, on whole networks."""

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import axi_run
import numpy as np
import onnx
import pytest

import tomato
from tests.digits import compiled
from tests.hw.rtl.scenarios import play_built
from tomato.accelerator import Accelerator
from tomato.board import REGISTERS
from tomato.core.formats import Array
from tomato.hardware.memory import Ram
from tomato.runtime.packing import Packing, checksum
from tomato.schedule.plan import Choice

HERE = Path(__file__).parent
FRAMES = 7
pytestmark = pytest.mark.rtl


def packed(accelerator: Accelerator, codes: Mapping[str, Array]) -> dict[str, Any]:
    """Bytes of the frames of every stream, by the name of its pointer."""
    netlist, found = accelerator.lowered.netlist, {}
    for side, streams in (("in", netlist.inputs), ("out", netlist.outputs)):
        for s in streams:
            found[f"{side}_{s.value}"] = Packing(s.shape, s.bits, s.signed, s.lanes).pack(codes[s.value])
    return found


def played(
    accelerator: Accelerator,
    folder: Path,
    x: tuple[Array, ...],
    only: str = "",
    *,
    scenarios: str = "axi_scenarios",
    **more: Any,
) -> None:
    """Build the accelerator behind its shell and play the scenarios, or some. AssertionError: which failed."""
    report, codes = accelerator.report, accelerator.encode(*x)
    bytes_of = packed(accelerator, codes | accelerator.run(codes))
    registers = json.loads((folder / REGISTERS).read_text())
    masters = {m["pointer"]: m for m in registers["masters"] if m["port"]}
    for name, data in bytes_of.items():
        (folder / name).write_bytes(data.tobytes())
        assert data.shape == (len(x[0]), masters[name]["frame_bytes"])
    job = {
        "registers": str(folder / REGISTERS), "data": str(folder), "host": str(folder / "host"),
        "frames": len(x[0]), "interval": report["interval_cycles"], "latency": report["latency_cycles"],
        "patience": 20_000 + 4 * report["latency_cycles"],
        "checksums": {n: checksum(d[:2], masters[n]["beat_bytes"]) for n, d in bytes_of.items()},
    } | more  # fmt: skip
    (folder / "job.json").write_text(json.dumps(job))
    build = axi_run.build(folder, checked=True)
    extra = {"TOM_JOB": str(folder / "job.json"), "COCOTB_TEST_FILTER": only}
    play_built(build, HERE / f"{scenarios}.py", folder, extra, {})


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Accelerator:
    """A sum and a product of two inputs: 3 channels on one way, 5 on the other."""
    folder = tmp_path_factory.mktemp("axi")
    h, rng = onnx.helper, np.random.default_rng(1)
    shape = [1, 3, 5, 4]
    weight = onnx.numpy_helper.from_array(rng.normal(size=(5, 3, 1, 1)).astype(np.float32), "w")
    nodes = [
        h.make_node("Add", ["left", "right"], ["sum"], "add"),
        h.make_node("Conv", ["left", "w"], ["mixed"], "mix"),
    ]
    ins = [h.make_tensor_value_info(n, onnx.TensorProto.FLOAT, shape) for n in ("left", "right")]
    outs = [h.make_tensor_value_info(n, onnx.TensorProto.FLOAT, [1, c, 5, 4]) for n, c in (("sum", 3), ("mixed", 5))]
    model = h.make_model(h.make_graph(nodes, "pair", ins, outs, [weight]), opset_imports=[h.make_opsetid("", 17)])
    onnx.save(model, folder / "pair.onnx")
    frames = [rng.normal(size=(8, *shape[1:])).astype(np.float32) for _ in ins]
    made: Accelerator = tomato.compile(folder / "pair.onnx", "kv260", calibration=frames)
    return made


def test_digits(tmp_path: Path) -> None:
    accelerator = compiled()
    x = np.random.default_rng(0).random((FRAMES, 1, 8, 8)).astype(np.float32)
    folder = accelerator.write(tmp_path / "digits")
    played(accelerator, folder, (x,), many=200, some=9, shifts=[1, 3, 4093, 4095 - 64])


PAIR: dict[str, Any] = {"many": 200, "some": 20, "shifts": [1, 2, 5, 4091]}


def pair_frames() -> tuple[Array, ...]:
    rng = np.random.default_rng(2)
    return tuple(rng.normal(size=(FRAMES, 3, 5, 4)).astype(np.float32) for _ in range(2))


def test_two_inputs_and_two_outputs(pair: Accelerator, tmp_path: Path) -> None:
    played(pair, pair.write(tmp_path / "pair"), pair_frames(), **PAIR)


def test_weights_from_memory(tmp_path: Path) -> None:
    """Memories in UltraRAM, which no bitstream fills: the shell reads their contents at the first start."""
    made = compiled(fps=20_000)
    layers = {
        n: Choice(c.engine, {**c.knobs, "weight_ram": Ram.ULTRA}) if "weight_ram" in c.knobs else c
        for n, c in made.plan.layers.items()
    }
    loaded = replace(made, plan=replace(made.plan, layers=layers))
    folder = loaded.write(tmp_path / "loaded")
    assert (folder / "host" / "loader.bin").exists()
    x = np.random.default_rng(0).random((3, 1, 8, 8)).astype(np.float32)
    played(loaded, folder, (x,), "one_frame|errors|reset|registers|sequence", many=2, some=2, shifts=[1])


FRAMES_REGISTER = '"name": "frames",\n   "offset": '
WRONG = {
    "a burst over 4 KB": ("board/rtl/tom_axi_bursts.sv", "border < PlaceBits'(Most)", "border == '0"),
    "a lost last": (
        "board/rtl/tom_axi_write.sv",
        "wlast_o  = sent_q == length",
        "wlast_o  = sent_q > length",
    ),
    "a lost tlast of an input": ("board/rtl/tom_axi_read.sv", "out_last_o  = last", "out_last_o  = 1'b0"),
    "a swapped byte lane": ("board/rtl/tom_gear.sv", "+:InBytes*8] = in_data_i", "+:InBytes*8] = {<<8{in_data_i}}"),
    "a wrong offset in the host": ("board/registers.json", f"{FRAMES_REGISTER}64", f"{FRAMES_REGISTER}68"),
    "a strobe too many": ("board/rtl/tom_axi_write.sv", "low_strb | carry_strb_q", "'1"),
}


@pytest.mark.parametrize("wrong", WRONG)
def test_one_wrong_thing_is_found(pair: Accelerator, wrong: str, tmp_path: Path) -> None:
    folder, (name, right, broken) = pair.write(tmp_path / "pair"), WRONG[wrong]
    text = (folder / name).read_text()
    assert text.count(right) == 1
    (folder / name).write_text(text.replace(right, broken))
    with pytest.raises(AssertionError, match=r"one_frame|buffers_at"):
        played(pair, folder, pair_frames(), "one_frame|buffers_at", **PAIR)
