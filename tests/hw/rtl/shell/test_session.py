"""Whole networks through the AXI shell in simulation: a session gives what the golden model gives, every code of it."""

import json
from pathlib import Path

import numpy as np
import pytest

import tomato
from tests.models import model_path
from tomato.runtime import Session

pytestmark = [pytest.mark.rtl, pytest.mark.models]
FRAMES = 2


@pytest.mark.parametrize("network", ["mnist8_qdq", "kws_qdq", "resnet8_qdq"])
def test_networks_are_bit_exact_through_the_shell(
    network: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    accelerator = tomato.compile(model_path(f"{network}.onnx"), "kv260")
    folder = accelerator.write(tmp_path / network)
    rng = np.random.default_rng(0)
    x = tuple(rng.uniform(-20, 255, (FRAMES, *slot.shape)).astype(slot.dtype) for slot in accelerator.takes)
    golden = accelerator.golden(*x)
    monkeypatch.chdir(tmp_path)
    with Session(network) as session:  # a relative path, as users type it
        (name,) = session.outputs
        assert np.array_equal(session.run(x)[name], golden)
        counters = session.counters()
    report = json.loads((folder / "report.json").read_text())
    assert counters["status"] == 2
    assert abs(counters["cycles_last"] - report["interval_cycles"]) <= 0.03 * report["interval_cycles"]
    assert abs(counters["latency"] - report["latency_cycles"]) <= 0.1 * report["latency_cycles"]
